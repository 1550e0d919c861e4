"""Searches that open what everybody is known by: what was sought, how far, and who is similar."""

from uuid import UUID

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q

from consent.identity import IdentifierKind
from consent.models.choices import code_field, codes_field, one_of, only_codes
from consent.models.errands import WorkErrand
from consent.models.people import Account
from consent.models.subjects import Subject
from ledger.fields import SealedField
from ledger.models import Recorded, Scope
from ledger.record_kinds import DisclosureReason


class ScanState(models.TextChoices):
    """A search of everybody is ordered by a person and done by the worker."""

    ORDERED = "ordered"
    DONE = "done"


class Scan(Recorded):
    """One search of everybody, and its answer: how many people and identifiers were compared.

    What was sought and why lie sealed under a key of the search's own. Both are emptied when
    somebody whom it found is erased: they were most likely about them.
    """

    scope = models.OneToOneField(Scope, models.PROTECT, editable=False, related_name="+")
    ordered_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    reason = models.CharField(
        max_length=20,
        choices=[(one.value, one.value.replace("_", " ")) for one in DisclosureReason],
    )
    why = SealedField(null=True)
    terms = SealedField(null=True)
    kinds = codes_field(IdentifierKind, help_text="What was compared.")
    least = models.PositiveSmallIntegerField(help_text="How similar, in percent, at least.")
    state = models.CharField(
        max_length=10, choices=ScanState, default=ScanState.ORDERED, editable=False
    )
    ordered_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, editable=False)
    people = models.PositiveIntegerField(null=True, help_text="How many people were compared.")
    identifiers = models.PositiveIntegerField(null=True, help_text="How many values were opened.")
    unreadable = models.PositiveIntegerField(
        null=True, help_text="How many people were being erased and could not be read."
    )
    matched = models.PositiveIntegerField(null=True, help_text="How many people are similar.")

    class Meta:
        verbose_name = "search of everybody"
        verbose_name_plural = "searches of everybody"
        ordering = ["-ordered_at"]
        constraints = [
            only_codes("scan", "kinds", IdentifierKind),
            one_of("scan", "reason", DisclosureReason),
            models.CheckConstraint(
                condition=Q(state="ordered", done_at__isnull=True, people__isnull=True)
                | Q(
                    state="done",
                    done_at__isnull=False,
                    people__isnull=False,
                    identifiers__isnull=False,
                    unreadable__isnull=False,
                    matched__isnull=False,
                ),
                name="scan_done_with_counts",
            ),
        ]

    def __str__(self) -> str:
        return f"search {str(self.id)[:8]}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return (self.scope_id,)


class ScanMatch(Recorded):
    """Somebody who is similar to what was sought, and by what; goes with that person."""

    scan = models.ForeignKey(Scan, models.PROTECT, related_name="matches")
    subject = models.ForeignKey(Subject, models.PROTECT, related_name="scan_matches")
    kind = code_field(IdentifierKind)
    likeness = models.PositiveSmallIntegerField(
        validators=[MaxValueValidator(100)], help_text="In percent."
    )

    class Meta:
        ordering = ["-likeness", "subject"]
        constraints = [
            one_of("scanmatch", "kind", IdentifierKind),
            models.UniqueConstraint(fields=["scan", "subject"], name="scanmatch_person_once"),
        ]

    def __str__(self) -> str:
        return f"{self.likeness} % by {self.kind}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return (self.subject.scope_id,)


class ScanErrand(WorkErrand):
    """That a worker should carry out a search, and how far it is: a queue, not on the record."""

    scan = models.OneToOneField(Scan, models.CASCADE, primary_key=True, related_name="errand")
    seen = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"errand for {self.scan_id}"
