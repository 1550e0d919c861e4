"""Data sets, their frozen versions, and who is in the pictures."""

from uuid import UUID

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Coalesce

from consent.models.choices import code_field, codes_field
from consent.models.people import Project
from consent.models.subjects import Subject
from consent.uses import Aside, Descent, LegalBasis, Use, Worded
from ledger.fields import BytesField, DigestField, SealedField
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


class VersionState(models.TextChoices):
    """Where a version stands. Items come in while it is a draft; what is frozen never changes."""

    DRAFT = "draft", "being put together"
    FROZEN = "frozen", "frozen"
    ABANDONED = "abandoned", "given up"


class DatasetVersionQuerySet(models.QuerySet["DatasetVersion"]):
    """Reads over versions."""

    def counted(self) -> "DatasetVersionQuerySet":
        """Add ``held`` and ``quarantined_count``: members that are there, items kept for repair."""
        # Each by a query of its own: a join of both would count every pair.
        quarantined = apps.get_model("consent", "Quarantined").objects
        return self.annotate(
            held=_count(Item.objects.filter(aside=""), "version"),
            quarantined_count=_count(quarantined.all(), "intake__version"),
        )


def _count(rows: models.QuerySet, version: str) -> Coalesce:
    mine = rows.filter(**{version: models.OuterRef("pk")}).order_by().values(version)
    counted = mine.annotate(number=models.Count("pk")).values("number")
    return Coalesce(models.Subquery(counted), 0)


class DatasetVersion(Recorded):
    """A data set as it was at one moment: put together from imports, then fixed for good.

    ``digest`` is the root over the commitments of its ``items`` members, in ``pages``. They stay
    when an item is erased: counts and digest stand, and nothing leads back. Of members in which
    nobody is shown, ``house_root`` and ``house_count`` say the same apart: those are bound by it
    and not one by one, so that a million fit into one record; ``house_places`` binds what their
    commitments do not open to.
    """

    dataset = models.ForeignKey(Dataset, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=VersionState, default=VersionState.DRAFT)
    uses = codes_field(Use, help_text="What consent is asked for when it is frozen.")
    profile = models.CharField(max_length=40, help_text="The rules that admit the items.")
    opened_at = models.DateTimeField()
    digest = DigestField(null=True)
    member_count = models.PositiveIntegerField(default=0, help_text="Items committed to.")
    house_root = DigestField(null=True)
    house_places = DigestField(null=True)
    house_count = models.PositiveIntegerField(default=0, help_text="Of them, with nobody in them.")
    frozen_at = models.DateTimeField(null=True, blank=True)
    vetted = models.BooleanField(
        null=True, help_text="Whether it was frozen after vetting; if not, somebody waived that."
    )
    weighed_at = models.DateTimeField(
        null=True, help_text="Until when what was seen at sources was asked about its items again."
    )

    objects = DatasetVersionQuerySet.as_manager()

    class Meta:
        verbose_name = "data set version"
        ordering = ["dataset", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["dataset", "number"], name="version_number_once"),
            models.CheckConstraint(
                condition=models.Q(
                    state=VersionState.FROZEN,
                    digest__isnull=False,
                    frozen_at__isnull=False,
                    vetted__isnull=False,
                )
                | ~models.Q(state=VersionState.FROZEN)
                & models.Q(
                    digest=None,
                    house_root=None,
                    house_places=None,
                    frozen_at=None,
                    member_count=0,
                    vetted=None,
                ),
                name="version_frozen_with_digest",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.dataset} v{self.number}"

    @property
    def project_id(self) -> UUID:
        """Return the project whose team may see this version."""
        return self.dataset.project_id


class VersionPage(models.Model):
    """Commitments of a frozen version, 32 bytes each, sorted over all its pages.

    All pages but the last hold ``members.PAGE``; ``root`` is the RFC 9162 root over those of this
    page, so that one item is proved from one page and the roots of the others.
    """

    version = models.ForeignKey(DatasetVersion, models.PROTECT, related_name="pages")
    ordinal = models.PositiveIntegerField()
    commitments = BytesField()
    root = DigestField()

    class Meta:
        ordering = ["version", "ordinal"]
        constraints = [
            models.UniqueConstraint(fields=["version", "ordinal"], name="version_page_once")
        ]

    def __str__(self) -> str:
        return f"page {self.ordinal} of {self.version_id}"


class Derivation(Recorded):
    """That a version was made from another, of the same data set or not."""

    version = models.ForeignKey(DatasetVersion, models.PROTECT, related_name="origins")
    origin = models.ForeignKey(DatasetVersion, models.PROTECT, related_name="derived")
    descent = code_field(Descent)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "origin"], name="derivation_once"),
            models.CheckConstraint(
                condition=~models.Q(version=models.F("origin")), name="derivation_of_another"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version_id} from {self.origin_id}"


class MediaType(Worded):
    """The picture formats that we take."""

    PNG = "image/png"
    JPEG = "image/jpeg"
    WEBP = "image/webp"


class Item(Recorded):
    """One picture of a version: what is committed to of it, and its file where we hold it.

    ``opening`` is that of the commitment. It and the file are sealed under the keys of all people
    depicted together, or the house's where there are none. ``fingerprint`` is a blind index of
    the file's digest, empty where nobody stated one. Once the version is frozen, those without
    people are bound by the version's ``house_root``, those with people by a record each.
    """

    bound_otherwise = "people = 0"

    # That both are there is checked once for all rows of a statement (0003_guards.MEMBERSHIP).
    version = models.ForeignKey(
        DatasetVersion,
        models.PROTECT,
        related_name="items",
        db_constraint=False,
        db_index=False,
    )
    intake = models.ForeignKey(
        "consent.Intake",
        models.PROTECT,
        related_name="items",
        db_constraint=False,
        db_index=False,
    )
    ordinal = models.PositiveIntegerField(help_text="Place in what it was imported from, from 1.")
    commitment = DigestField()
    opening = SealedField()
    fingerprint = DigestField(null=True)
    file = models.ForeignKey(
        SealedFile, models.PROTECT, related_name="+", null=True, blank=True, db_index=False
    )
    scopes = ArrayField(models.UUIDField())
    people = models.PositiveSmallIntegerField(help_text="How many people are depicted.")
    licence = models.CharField(max_length=40, help_text="SPDX identifier.")
    legal_basis = code_field(LegalBasis)
    media_type = code_field(MediaType, blank=True)
    width = models.PositiveIntegerField(null=True)
    height = models.PositiveIntegerField(null=True)
    aside = code_field(Aside, blank=True, help_text="Why it is no member; empty for members.")

    class Meta:
        indexes = [
            # Most items of large sets show nobody: an index over all would be of one entry.
            GinIndex(fields=["scopes"], name="item_scopes", condition=models.Q(people__gt=0)),
            models.Index(fields=["version"], name="item_people", condition=models.Q(people__gt=0)),
            # Whoever deletes a file has to know that nothing points at it.
            models.Index(fields=["file"], name="item_file", condition=models.Q(file__isnull=False)),
        ]
        # The version first: what comes into one touches a part of the index only.
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
