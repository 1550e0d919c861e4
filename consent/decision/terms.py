"""What a decision rests on: answers, people, titles, signals, and the occasion. Pure data."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from consent.decision.findings import Code
from consent.signals.finding import Standing
from consent.uses import ANY, Assurance, Basis, Medium, Right, Theme, Use

_ANY = frozenset({ANY})


@dataclass(frozen=True)
class Period:
    """From ``start`` on, until just before ``end``; without an end, for good."""

    start: datetime
    end: datetime | None = None

    def covers(self, at: datetime) -> bool:
        """Return whether ``at`` lies within."""
        return self.start <= at and (self.end is None or at < self.end)


@dataclass(frozen=True)
class Person:
    """A subject, as far as decisions go: when processing of their data was restricted."""

    id: UUID
    restrictions: tuple[Period, ...] = ()


@dataclass(frozen=True)
class GrantTerms:
    """The frozen terms of one answer, and when it stood.

    ``standing`` is from when it was given until it was taken back, replaced or found void;
    ``suspensions`` are within. ``term`` is how long it was meant to hold. ``uses`` are allowed,
    ``refused`` are denied. ``signed`` is when it was said, where it was recorded later: it counts
    from its recording, and is as old as the paper. ``power`` is how long whoever answered for the
    person could do so; None for the person's own answer. ``ended_as`` says how ``standing``
    ended, if it did.
    """

    id: UUID
    person: UUID
    standing: Period
    term: Period
    assurance: Assurance
    right: Right = Right.LIKENESS
    basis: Basis = Basis.CONSENT
    written: bool = False
    uses: frozenset[Use] = frozenset()
    refused: frozenset[Use] = frozenset()
    media: frozenset[Medium] = frozenset()
    territories: frozenset[str] = frozenset()
    recipients: frozenset[str] = _ANY
    families: frozenset[str] = _ANY
    barred_themes: frozenset[Theme] = frozenset()
    suspensions: tuple[Period, ...] = ()
    signed: datetime | None = None
    power: Period | None = None
    ended_as: Code = Code.WITHDRAWN

    @property
    def said_at(self) -> datetime:
        """Return when the person said it: how old it is, and what came after it."""
        return self.signed or self.standing.start

    def is_suspended(self, at: datetime) -> bool:
        """Return whether the answer was set aside at ``at``."""
        return any(period.covers(at) for period in self.suspensions)


@dataclass(frozen=True)
class Title:
    """That ``origin`` let ``holder`` dispose of a right in works or style, for a time.

    An exclusive title takes it away from ``origin`` meanwhile.
    """

    origin: UUID
    holder: UUID
    right: Right
    period: Period
    exclusive: bool = False


@dataclass(frozen=True)
class Merge:
    """That ``person`` counts as ``into``, who counts as nobody else meanwhile."""

    person: UUID
    into: UUID
    period: Period


@dataclass(frozen=True)
class Reservation:
    """Uses that a signal does not plainly leave free: for one person, or for whatever is asked
    about (None).

    ``standing`` says how: *reserved*, had under *conditions*, or *malformed*, so that nobody knows.
    ``period`` is from when the signal was first seen until it was seen to be gone.
    """

    kind: str
    uses: frozenset[Use]
    period: Period
    person: UUID | None = None
    standing: Standing = Standing.RESERVED


@dataclass(frozen=True)
class Context:
    """What is known of the occasion. ``None`` means not known, never *anywhere*."""

    medium: Medium | None = None
    territory: str | None = None
    themes: frozenset[Theme] = frozenset()
    recipient: str | None = None
    family: str | None = None
