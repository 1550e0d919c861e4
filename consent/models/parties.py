"""Who may speak for whom, and who holds whose right: rows that concern two people at once.

They are sealed and recorded under both people's keys together, and the erasure of either ends
them. An answer keeps for itself in what capacity it was given, and how long that held.
"""

from uuid import UUID

from django.db import models
from django.db.models import F, Q

from consent.decision import Period
from consent.models.choices import code_field, one_of
from consent.models.consents import Grant
from consent.models.subjects import Subject
from consent.uses import Capacity, Right
from ledger.models import Recorded, SealedFile


class Spell(Recorded):
    """Something that holds between two people from a moment on, at most until a planned one."""

    recorded_at = models.DateTimeField(editable=False)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, help_text="When it is planned to end by itself.")
    ended_at = models.DateTimeField(null=True, editable=False, help_text="When it was ended.")
    evidence = models.ForeignKey(SealedFile, models.PROTECT, null=True, related_name="+")

    class Meta:
        abstract = True

    @property
    def period(self) -> Period:
        """Return when it counts: from when it is recorded, at the earliest."""
        ends = [end for end in (self.ends_at, self.ended_at) if end is not None]
        return Period(max(self.starts_at, self.recorded_at), min(ends, default=None))


class Representation(Spell):
    """That one person speaks for another: for a child, by power of attorney, for the dead."""

    subject = models.ForeignKey(Subject, models.PROTECT, related_name="representatives")
    representative = models.ForeignKey(Subject, models.PROTECT, related_name="represents")
    capacity = code_field(Capacity)

    class Meta:
        ordering = ["-starts_at"]
        constraints = [
            one_of("representation", "capacity", set(Capacity) - {Capacity.SELF}),
            models.CheckConstraint(
                condition=~Q(subject=F("representative")), name="representation_of_another"
            ),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="representation_runs_forward",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.capacity} {str(self.id)[:8]}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return tuple(sorted({self.subject.scope_id, self.representative.scope_id}))


class GivenBy(Recorded):
    """By whom an answer was given, where that was not the person."""

    grant = models.OneToOneField(Grant, models.PROTECT, related_name="given_by")
    representation = models.ForeignKey(Representation, models.PROTECT, related_name="answers")

    class Meta:
        verbose_name = "answer given by another"
        verbose_name_plural = "answers given by others"

    def __str__(self) -> str:
        return f"{self.grant_id} by {self.representation_id}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return self.representation.scope_ids()


class Title(Spell):
    """That somebody let another dispose of their works or style: a link in a chain of title."""

    origin = models.ForeignKey(Subject, models.PROTECT, related_name="titles_given")
    holder = models.ForeignKey(Subject, models.PROTECT, related_name="titles_held")
    right = code_field(Right)
    exclusive = models.BooleanField(
        default=False, help_text="The origin can no longer dispose of it meanwhile."
    )

    class Meta:
        ordering = ["-starts_at"]
        constraints = [
            one_of("title", "right", set(Right) - {Right.LIKENESS}),
            models.CheckConstraint(condition=~Q(origin=F("holder")), name="title_of_another"),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="title_runs_forward",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_right_display()} {str(self.id)[:8]}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return tuple(sorted({self.origin.scope_id, self.holder.scope_id}))
