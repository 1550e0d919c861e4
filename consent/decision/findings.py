"""What a decision says: outcomes, reasons by stable code, and the answers relied on."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from consent.uses import Use


class Outcome(StrEnum):
    """What a decision says, mildest first."""

    ALLOWED = "allowed"
    NEEDS_REVIEW = "needs_review"
    REFUSED = "refused"

    @property
    def severity(self) -> int:
        """Return the place in the order from mildest (0) on."""
        return _SEVERITY[self]


_SEVERITY = {outcome: rank for rank, outcome in enumerate(Outcome)}


class Code(StrEnum):
    """Why. Stable: outsiders match on these."""

    GRANTED = "granted"
    NOT_REFUSED = "not_refused"
    UNKNOWN_PERSON = "unknown_person"
    RESTRICTED = "restricted"
    REFUSED_BY_PERSON = "refused_by_person"
    NEVER_GIVEN = "never_given"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"
    INVALIDATED = "invalidated"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    TITLE_PASSED = "title_passed"
    BY_TITLE = "by_title"
    POWER_ENDED = "power_ended"
    ASSURANCE_TOO_LOW = "assurance_too_low"
    BASIS_NOT_ACCEPTED = "basis_not_accepted"
    NOT_IN_WRITING = "not_in_writing"
    TOO_OLD = "too_old"
    MEDIUM_UNKNOWN = "medium_unknown"
    MEDIUM_NOT_COVERED = "medium_not_covered"
    TERRITORY_UNKNOWN = "territory_unknown"
    TERRITORY_NOT_COVERED = "territory_not_covered"
    RECIPIENT_UNKNOWN = "recipient_unknown"
    RECIPIENT_NOT_COVERED = "recipient_not_covered"
    FAMILY_UNKNOWN = "family_unknown"
    FAMILY_NOT_COVERED = "family_not_covered"
    THEME_FORBIDDEN = "theme_forbidden"
    THEME_BARRED = "theme_barred"
    THEME_SENSITIVE = "theme_sensitive"
    SIGNAL_RESERVED = "signal_reserved"
    SIGNAL_CONDITIONS = "signal_conditions"
    SIGNAL_MALFORMED = "signal_malformed"
    SIGNAL_OUTWEIGHED = "signal_outweighed"


@dataclass(frozen=True)
class Finding:
    """One thing found, with the answer that it speaks of."""

    outcome: Outcome
    code: Code
    detail: str
    grant: UUID | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Reason:
    """One finding about one person and one use, as a code and as a sentence.

    ``person`` is None for what concerns no person in particular.
    """

    code: Code
    outcome: Outcome
    person: UUID | None
    use: Use
    detail: str


@dataclass(frozen=True)
class Decision:
    """The worst finding over all people and uses decides; ``grants`` are those relied on."""

    outcome: Outcome
    reasons: tuple[Reason, ...]
    grants: tuple[UUID, ...]
    profile: str
    at: datetime


def allow(code: Code, detail: str) -> Finding:
    """Return a finding that nothing stands against it."""
    return Finding(Outcome.ALLOWED, code, detail)


def question(code: Code, detail: str) -> Finding:
    """Return a finding that a human must look at it."""
    return Finding(Outcome.NEEDS_REVIEW, code, detail)


def refuse(code: Code, detail: str) -> Finding:
    """Return a finding that it may not be."""
    return Finding(Outcome.REFUSED, code, detail)


def is_allowed(finding: Finding) -> bool:
    """Say whether nothing stands against it."""
    return finding.outcome is Outcome.ALLOWED


def severity(finding: Finding) -> int:
    """Return how severe a finding is: the key to sort findings by."""
    return finding.outcome.severity


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the most severe of ``outcomes``; allowed when there is none."""
    return max(outcomes, key=_SEVERITY.__getitem__, default=Outcome.ALLOWED)


def day(moment: datetime) -> str:
    """Return a moment's day as it reads in a sentence."""
    return f"{moment.day} {moment:%B %Y}"
