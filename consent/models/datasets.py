"""Data sets, their frozen versions, and who is in the pictures."""

from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from consent.models.choices import code_field, codes_field
from consent.models.people import Project
from consent.models.subjects import Subject
from consent.uses import LegalBasis, Use, Worded
from ledger.fields import DigestField, SealedField
from ledger.models import Recorded, SealedFile


class Dataset(Recorded):
    """A collection of pictures that grows in versions."""

    project = models.ForeignKey(Project, models.PROTECT, related_name="datasets")
    code = models.SlugField(
        max_length=50, help_text="Letters, digits, hyphens; never a person's name."
    )

    class Meta:
        verbose_name = "data set"
        constraints = [
            models.UniqueConstraint(fields=["project", "code"], name="dataset_code_once")
        ]

    def __str__(self) -> str:
        return self.code


class DatasetVersion(Recorded):
    """A data set as it was at one moment, fixed for good.

    ``digest`` is the root over ``commitments``, one for each item that was admitted. The
    commitments stay when an item is erased: counts and digest stand, and nothing leads back.
    """

    dataset = models.ForeignKey(Dataset, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    digest = DigestField()
    commitments = ArrayField(DigestField(), help_text="Sorted; one for each item admitted.")
    uses = codes_field(Use, help_text="What consent was asked for when it was frozen.")
    profile = models.CharField(max_length=40, help_text="The rules that admitted the items.")
    source = DigestField(help_text="Blind index of what it was frozen from.")
    frozen_at = models.DateTimeField()

    class Meta:
        verbose_name = "data set version"
        ordering = ["dataset", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["dataset", "number"], name="version_number_once"),
            models.UniqueConstraint(fields=["dataset", "source"], name="version_source_once"),
        ]

    def __str__(self) -> str:
        return f"{self.dataset} v{self.number}"

    @property
    def project_id(self) -> UUID:
        """Return the project whose team may see this version."""
        return self.dataset.project_id


class Description(Recorded):
    """The unchanged bytes that a version was described by. They may name anyone in it, so they
    are sealed under everybody's keys together: the first erasure ends them."""

    version = models.OneToOneField(DatasetVersion, models.PROTECT, related_name="description")
    file = models.ForeignKey(SealedFile, models.PROTECT, related_name="+")
    scopes = ArrayField(models.UUIDField())

    class Meta:
        indexes = [GinIndex(fields=["scopes"], name="description_scopes")]

    def __str__(self) -> str:
        return f"description of {self.version_id}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return tuple(self.scopes)


class MediaType(Worded):
    """The picture formats that we take."""

    PNG = "image/png"
    JPEG = "image/jpeg"
    WEBP = "image/webp"


class Item(Recorded):
    """One picture of a version: its file and the opening of its commitment, both sealed.

    They are sealed under the keys of all people depicted together, or the house's where there
    are none. ``fingerprint`` is a blind index of the file's digest.
    """

    version = models.ForeignKey(DatasetVersion, models.PROTECT, related_name="items")
    commitment = DigestField()
    opening = SealedField()
    fingerprint = DigestField(db_index=True)
    file = models.ForeignKey(SealedFile, models.PROTECT, related_name="+")
    scopes = ArrayField(models.UUIDField())
    licence = models.CharField(max_length=40, help_text="SPDX identifier.")
    legal_basis = code_field(LegalBasis)
    media_type = code_field(MediaType)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()

    class Meta:
        indexes = [GinIndex(fields=["scopes"], name="item_scopes")]
        constraints = [models.UniqueConstraint(fields=["version", "fingerprint"], name="item_once")]

    def __str__(self) -> str:
        return f"item {str(self.id)[:8]}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return tuple(self.scopes)


class Depiction(Recorded):
    """That one person is in one picture."""

    item = models.ForeignKey(Item, models.PROTECT, related_name="depictions")
    subject = models.ForeignKey(Subject, models.PROTECT, related_name="depictions")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "subject"], name="depiction_once")]

    def __str__(self) -> str:
        return f"{self.subject_id} in {self.item_id}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return self.item.scope_ids()


class Quarantined(Recorded):
    """A file that was described or found, and not admitted.

    Only its place in the description and the reason are kept: its name may be somebody's.
    """

    version = models.ForeignKey(DatasetVersion, models.PROTECT, related_name="quarantined")
    ordinal = models.PositiveIntegerField(help_text="Place in the description, from 1.")
    reason = models.CharField(max_length=40)

    class Meta:
        verbose_name_plural = "quarantined"

    def __str__(self) -> str:
        return f"{self.ordinal}: {self.reason}"
