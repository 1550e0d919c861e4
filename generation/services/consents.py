"""Ask consent for the people of a run, in generation's own words."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from consent.decision import Decision, Outcome
from consent.decisions import decide_uses
from consent.uses import Use
from generation.models import Run
from generation.states import CaseOutcome


@dataclass(frozen=True)
class ConsentAnswer:
    """What consent says of all people together, and of each."""

    decision: Decision

    @property
    def is_refused(self) -> bool:
        return self.decision.outcome == Outcome.REFUSED

    @property
    def is_unclear(self) -> bool:
        """Say whether a person has to look."""
        return self.decision.outcome == Outcome.NEEDS_REVIEW

    def codes(self) -> tuple[str, ...]:
        """Return the codes that speak against it, each once."""
        against = (r.code.value for r in self.decision.reasons if r.outcome != Outcome.ALLOWED)
        return tuple(f"consent.{code}" for code in dict.fromkeys(against))

    def details(self) -> list[tuple[str, str]]:
        """Return code and sentence of each finding that speaks against it."""
        return [
            (f"consent.{reason.code.value}", reason.detail)
            for reason in self.decision.reasons
            if reason.outcome != Outcome.ALLOWED
        ]

    def codes_of(self, subject: UUID) -> list[str]:
        """Return the codes about one person, for the segment that is theirs."""
        return [reason.code.value for reason in self.decision.reasons if reason.person == subject]


def ask_consent(subjects: Sequence[UUID]) -> ConsentAnswer:
    """Ask whether these people may be depicted now; nobody at all is always allowed."""
    return ConsentAnswer(decide_uses(subjects, [Use.DEPICT]))


def ask_again(run: Run) -> ConsentAnswer:
    """Ask for the people of a run that was asked for earlier."""
    return ask_consent(list(run.depictions.values_list("subject_id", flat=True)))


def is_approved(run: Run) -> bool:
    """Say whether a person has looked at the run, or at an image of it, and let it pass."""
    approved = {"decision__outcome": CaseOutcome.APPROVED}
    return (
        run.cases.filter(**approved).exists()
        or run.outputs.filter(cases__decision__outcome=CaseOutcome.APPROVED).exists()
    )
