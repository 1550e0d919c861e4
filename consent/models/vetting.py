"""Looking at a draft before it is frozen: each look, what it found, and what became of that."""

from uuid import UUID, uuid4

from django.db import models
from django.db.models import Q

from consent.models.choices import code_field, one_of
from consent.models.datasets import DatasetVersion, Item
from consent.models.errands import WorkErrand
from consent.models.people import Account
from consent.uses import Masking
from consent.vetting.gate import Code, Severity, Verdict
from ledger.fields import DigestField, SealedField
from ledger.models import Recorded


class VettingState(models.TextChoices):
    """A vetting is ordered by a person and done by the worker."""

    ORDERED = "ordered", "being looked at"
    DONE = "done", "done"
    FAILED = "failed", "given up"


class Vetting(Recorded):
    """One look at all that is in a draft: with which programs, at how much, and the verdict then.

    ``seen_count`` and ``seen_mark`` tell whether something has come in since: how many items had
    come into the draft, and a sum over their random ids.
    """

    version = models.ForeignKey(DatasetVersion, models.PROTECT, related_name="vettings")
    ordered_by = models.ForeignKey(
        Account, models.PROTECT, related_name="+", null=True, editable=False
    )
    state = models.CharField(max_length=10, choices=VettingState, default=VettingState.ORDERED)
    ordered_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    detector = models.CharField(max_length=60, help_text="What looks for faces, and its version.")
    hasher = models.CharField(max_length=20, help_text="What pictures are compared by.")
    near = models.PositiveSmallIntegerField(help_text="Bits in which near-duplicates may differ.")
    members = models.PositiveIntegerField(null=True, help_text="Items that were members.")
    looked = models.PositiveIntegerField(null=True, help_text="Pictures opened to seek faces.")
    compared = models.PositiveIntegerField(null=True, help_text="Pictures compared by hash.")
    seen_count = models.PositiveIntegerField(null=True)
    seen_mark = models.BigIntegerField(null=True)
    verdict = code_field(Verdict, blank=True, help_text="What the gate said when it was done.")

    class Meta:
        ordering = ["-ordered_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["version"], condition=Q(state="ordered"), name="vetting_one_at_a_time"
            ),
            models.CheckConstraint(
                condition=~Q(state="done")
                | Q(
                    done_at__isnull=False,
                    members__isnull=False,
                    looked__isnull=False,
                    compared__isnull=False,
                    seen_count__isnull=False,
                    seen_mark__isnull=False,
                )
                & ~Q(verdict=""),
                name="vetting_done_with_counts",
            ),
        ]

    def __str__(self) -> str:
        return f"vetting of {self.version}"

    @property
    def project_id(self) -> UUID:
        """Return the project whose team may see this."""
        return self.version.project_id


class VettingWaiver(Recorded):
    """That a draft may be frozen as it is though nobody vetted it: by whom, and why.

    It holds for what had come in by then, as ``Vetting`` does, and for nothing that comes later.
    """

    version = models.ForeignKey(DatasetVersion, models.PROTECT, related_name="waivers")
    reason = SealedField()
    waived_by = models.ForeignKey(
        Account, models.PROTECT, related_name="+", null=True, editable=False
    )
    waived_at = models.DateTimeField()
    seen_count = models.PositiveIntegerField()
    seen_mark = models.BigIntegerField()

    class Meta:
        ordering = ["-waived_at", "pk"]

    def __str__(self) -> str:
        return f"waiver for {self.version_id}"

    @property
    def project_id(self) -> UUID:
        """Return the project whose team may see this."""
        return self.version.project_id


class VettingErrand(WorkErrand):
    """That a worker should look at a draft, and how far it is: a queue, not on the record."""

    vetting = models.OneToOneField(Vetting, models.CASCADE, primary_key=True, related_name="errand")
    seen = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"errand for {self.vetting_id}"


class FindingState(models.TextChoices):
    """What became of a finding: somebody took it as it is, or its pictures are gone or changed."""

    OPEN = "open", "open"
    ACCEPTED = "accepted", "accepted"
    SETTLED = "settled", "settled"


class VettingFinding(Recorded):
    """One sort of thing that a vetting found.

    ``detail`` is JSON: numbers by licence, flag or group. ``mark`` is a blind index of what it is
    about: a later vetting that finds just the same keeps what was decided.
    """

    vetting = models.ForeignKey(Vetting, models.PROTECT, related_name="findings")
    code = models.CharField(max_length=40, choices=[(one.value, one.value) for one in Code])
    severity = code_field(Severity)
    count = models.PositiveIntegerField()
    detail = SealedField()
    mark = DigestField()
    state = models.CharField(max_length=10, choices=FindingState, default=FindingState.OPEN)
    decided_by = models.ForeignKey(
        Account, models.PROTECT, related_name="+", null=True, editable=False
    )
    decided_at = models.DateTimeField(null=True)
    reason = SealedField(null=True)

    class Meta:
        ordering = ["vetting", "code"]
        constraints = [
            one_of("vettingfinding", "code", Code),
            one_of("vettingfinding", "severity", Severity),
            models.UniqueConstraint(fields=["vetting", "code"], name="finding_once"),
            models.CheckConstraint(
                condition=~Q(state="accepted")
                | Q(decided_at__isnull=False, reason__isnull=False, severity="asks"),
                name="finding_accepted_with_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code}: {self.count}"


class Flagged(models.Model):
    """One item that a finding is about: a list to work off, as ``Quarantined``, not on the record.

    ``cluster`` numbers pictures that are nearly the same, ``place`` counts within one; the one at
    0 would be kept. ``detail`` is JSON: the boxes of faces, sealed under the item's scopes.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    vetting = models.ForeignKey(Vetting, models.PROTECT, related_name="flagged", db_index=False)
    code = models.CharField(max_length=40, choices=[(one.value, one.value) for one in Code])
    item = models.ForeignKey(Item, models.PROTECT, related_name="flagged")
    cluster = models.PositiveIntegerField(null=True)
    place = models.PositiveIntegerField(default=0)
    detail = SealedField(null=True)

    class Meta:
        ordering = ["vetting", "code", "cluster", "place", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["vetting", "code", "item"], name="flagged_once")
        ]

    def __str__(self) -> str:
        return f"{self.code} of {self.item_id}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return self.item.scope_ids()


class Anonymisation(Recorded):
    """That a picture was replaced by one in which nobody is to be recognised, and how.

    It is the only way from the new picture back, and goes with whoever was in the old one.
    """

    original = models.OneToOneField(Item, models.PROTECT, related_name="anonymised")
    result = models.OneToOneField(Item, models.PROTECT, related_name="made_from")
    method = code_field(Masking)
    tool = models.CharField(max_length=60, help_text="What changed the picture, and its version.")
    detector = models.CharField(max_length=60, help_text="What looked for faces, and its version.")
    margin = models.PositiveSmallIntegerField(help_text="Beyond each face, in percent of it.")
    regions = models.PositiveSmallIntegerField(help_text="How many were changed.")
    faces = models.PositiveSmallIntegerField(help_text="Found before; none was found after.")
    done_at = models.DateTimeField()

    class Meta:
        constraints = [one_of("anonymisation", "method", Masking)]

    def __str__(self) -> str:
        return f"{self.method} of {self.original_id}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return self.original.scope_ids()


class GroupDeclaration(Recorded):
    """Whom a version shows, as somebody declared it; the newest counts. Nothing is inferred.

    ``groups`` is JSON: aspect, name, number of pictures and the share wanted, in thousandths.
    """

    version = models.ForeignKey(DatasetVersion, models.PROTECT, related_name="declarations")
    groups = SealedField()
    declared_by = models.ForeignKey(
        Account, models.PROTECT, related_name="+", null=True, editable=False
    )
    declared_at = models.DateTimeField()

    class Meta:
        ordering = ["version", "-declared_at"]

    def __str__(self) -> str:
        return f"groups of {self.version_id}"
