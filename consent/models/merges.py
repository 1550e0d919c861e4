"""That two people who were registered turned out to be one."""

from uuid import UUID

from django.db import models
from django.db.models import F, Q

from consent.models.people import Account
from consent.models.subjects import Subject
from ledger.fields import SealedField
from ledger.models import Recorded


class MergeQuerySet(models.QuerySet["Merge"]):
    """What many merges know."""

    def standing(self) -> "MergeQuerySet":
        """Return those that were not undone."""
        return self.filter(parted_at=None)


class Merge(Recorded):
    """One person counts as another from a moment on, until the two are parted again.

    Both keep their keys and their rows; it is sealed under both keys, and goes with either.
    PostgreSQL keeps the heads flat: nobody is merged into somebody who is merged.
    """

    subject = models.ForeignKey(Subject, models.PROTECT, related_name="merged_into")
    into = models.ForeignKey(Subject, models.PROTECT, related_name="merged_from")
    reason = SealedField()
    merged_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    merged_at = models.DateTimeField()
    parted_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    parted_at = models.DateTimeField(null=True)

    objects = MergeQuerySet.as_manager()

    class Meta:
        ordering = ["-merged_at"]
        constraints = [
            models.CheckConstraint(condition=~Q(subject=F("into")), name="merge_of_another"),
            models.UniqueConstraint(
                fields=["subject"], condition=Q(parted_at__isnull=True), name="merge_into_one"
            ),
            models.CheckConstraint(
                condition=Q(parted_at__isnull=True, parted_by__isnull=True)
                | Q(parted_at__gte=F("merged_at"), parted_by__isnull=False),
                name="merge_parted_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"merge {str(self.id)[:8]}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return tuple(sorted({self.subject.scope_id, self.into.scope_id}))
