"""How people are asked anew: whom a letter is due to, and how far it got. Not on the record."""

from collections.abc import Sequence
from datetime import datetime

from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Coalesce

from consent.models.choices import code_field, one_of
from consent.models.consents import OPEN, Grant, GrantState
from consent.models.errands import AnyErrand, ErrandQuerySet, WorkErrand
from consent.uses import Cause, Reach, Said


class AskingQuerySet(ErrandQuerySet[AnyErrand]):
    """What many questions know."""

    def told(self) -> "AskingQuerySet":
        """Add how each person was reached (``reached``) and what came of it (``said``)."""
        return self.annotate(
            reached=Coalesce("lead__reach", "reach"),
            said=Case(
                When(grant__state=GrantState.LAPSED, then=Value(Said.LAPSED.value)),
                When(grant__given_at=None, then=Value(Said.NOTHING.value)),
                When(grant__uses=[], then=Value(Said.NO.value)),
                When(
                    grant__uses__contains=F("grant__renews__uses"),
                    then=Value(Said.YES.value),
                ),
                default=Value(Said.LESS.value),
                output_field=models.CharField(),
            ),
        )

    def unreached(self) -> "AskingQuerySet":
        """Return the questions that wait for an answer from somebody no letter reaches."""
        return self.told().filter(reached__in=UNREACHED, grant__state__in=OPEN)

    def letters_due(self, at: datetime) -> "AskingQuerySet":
        """Return those about which somebody is to be written to; none of a campaign at rest."""
        is_on = Q(grant__campaign=None) | Q(grant__campaign__state="running")
        return self.filter(is_on, due_at__lte=at)


# Nobody has had a letter, as far as is known.
UNREACHED: Sequence[str] = (
    Reach.NO_ADDRESS.value,
    Reach.RETURNED.value,
    Reach.FAILED.value,
)


class AskingErrand(WorkErrand):
    """That somebody is asked anew, how their letters go, and when the next is due, if any is.

    It goes with the request. Several requests of one campaign to the same person are one letter:
    that of ``lead``. Each letter is on the record.
    """

    grant = models.OneToOneField(Grant, models.CASCADE, primary_key=True, related_name="asking")
    cause = code_field(Cause, default=Cause.ENDING.value)
    reach = code_field(Reach, default=Reach.DUE.value)
    lead = models.ForeignKey("self", models.SET_NULL, null=True, related_name="followers")
    due_at = models.DateTimeField(null=True, db_index=True)  # type: ignore[assignment]
    sent = models.PositiveIntegerField(default=0, help_text="How many letters went out.")
    written_at = models.DateTimeField(null=True, help_text="When the first surely went out.")
    # Of the letter at hand, which may go to two guardians: to how many, and whether the last of
    # them is being handed over. Noted before it is, so that nobody gets it twice.
    handed = models.PositiveIntegerField(default=0)
    posting = models.BooleanField(default=False)

    objects = AskingQuerySet.as_manager()  # type: ignore[misc]

    class Meta:
        verbose_name = "question asked anew"
        verbose_name_plural = "questions asked anew"
        constraints = [
            one_of("askingerrand", "cause", Cause),
            one_of("askingerrand", "reach", Reach),
        ]

    def __str__(self) -> str:
        return f"question {str(self.grant_id)[:8]}"
