"""Random histories of answers and signals, against a model that replays them step by step."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from consent import profiles
from consent.decision import (
    DEFAULT_SIGNAL,
    Context,
    GrantTerms,
    Outcome,
    Period,
    Person,
    Priority,
    Profile,
    Reservation,
    decide,
)
from consent.signals.finding import Standing
from consent.uses import Assurance, Use

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
ADA = UUID(int=1)
USES = (Use.TRAIN, Use.EVALUATE)
STRICT = profiles.load().profile
NOT_FREE = (Standing.MALFORMED, Standing.CONDITIONS, Standing.RESERVED)


@dataclass(frozen=True)
class Event:
    """What happens at one hour: ``what``, to which answer (by order of giving), over which uses.

    Of a signal ``standing`` says whether it reserves, has conditions or cannot be read.
    """

    what: str
    target: int = 0
    uses: frozenset[Use] = frozenset()
    refused: frozenset[Use] = frozenset()
    hours: int | None = None
    standing: Standing = Standing.RESERVED


def histories(
    uses: Sequence[Use], hours: st.SearchStrategy[int | None], *, longest: int
) -> st.SearchStrategy[list[Event]]:
    """Return lists of events over ``uses``; answers hold for ``hours``."""
    some = st.frozensets(st.sampled_from(uses))
    event = st.one_of(
        st.builds(
            lambda allows, refuses, until: Event("give", 0, allows, refuses - allows, until),
            some,
            some,
            hours,
        ),
        st.builds(
            Event,
            st.sampled_from(["withdraw", "renew", "suspend", "resume", "invalidate"]),
            st.integers(0, 5),
        ),
        st.builds(Event, st.just("silence")),
        st.builds(
            lambda reserves, standing: Event("signal", uses=reserves, standing=standing),
            some,
            st.sampled_from(NOT_FREE),
        ),
    )
    return st.lists(event, max_size=longest)


# What the tables hold once it all has happened ---------------------------------------------------


@dataclass
class Held:
    """Answers and signals with their periods, as the tables keep them."""

    grants: list[GrantTerms] = field(default_factory=list)
    signals: list[Reservation] = field(default_factory=list)

    def take(self, event: Event, at: datetime) -> None:
        if event.what == "give":
            self._give(event.uses, event.refused, at, event.hours)
        elif event.what == "signal":
            one = Reservation("gpc", event.uses, Period(at), ADA, event.standing)
            self.signals.append(one)
        elif event.what == "silence":
            self.signals = [_ended(one, at) for one in self.signals]
        elif event.target < len(self.grants):
            self._move(event.what, event.target, at)

    def _give(
        self, uses: frozenset[Use], refused: frozenset[Use], at: datetime, hours: int | None
    ) -> None:
        term = Period(at, at + hours * HOUR if hours else None)
        self.grants.append(
            GrantTerms(
                id=UUID(int=100 + len(self.grants)),
                person=ADA,
                standing=Period(at),
                term=term,
                assurance=Assurance.SIGNED_RELEASE,
                uses=uses,
                refused=refused,
            )
        )

    def _move(self, what: str, target: int, at: datetime) -> None:
        old = self.grants[target]
        if old.standing.end is not None:
            return
        ended = replace(old, standing=Period(old.standing.start, at))
        suspended = bool(old.suspensions) and old.suspensions[-1].end is None
        if what in {"withdraw", "invalidate"}:
            self.grants[target] = ended
        elif what == "renew" and not suspended:
            self.grants[target] = ended
            self._give(old.uses, old.refused, at, 6)
        elif what == "suspend" and not suspended:
            self.grants[target] = replace(old, suspensions=(*old.suspensions, Period(at)))
        elif what == "resume" and suspended:
            over = Period(old.suspensions[-1].start, at)
            self.grants[target] = replace(old, suspensions=(*old.suspensions[:-1], over))


def _ended(signal: Reservation, at: datetime) -> Reservation:
    if signal.period.end is not None:
        return signal
    return replace(signal, period=Period(signal.period.start, at))


# What was true at one moment, by replaying until then --------------------------------------------


@dataclass
class Answer:
    """One answer, as it stands at this moment of the replay."""

    uses: frozenset[Use]
    refused: frozenset[Use]
    given: int
    until: int | None
    stands: bool = True
    suspended: bool = False


def outcome(
    events: Sequence[Event], hour: int, use: Use, priority: Priority, *, renewed_for: int = 6
) -> Outcome:
    """Say what ``use`` came to at ``hour``, from nothing but what had happened by then."""
    answers: list[Answer] = []
    signals: list[tuple[int, Event]] = []
    for now, event in enumerate(events[: hour + 1]):
        if event.what == "give":
            until = now + event.hours if event.hours else None
            answers.append(Answer(event.uses, event.refused, now, until))
        elif event.what == "signal":
            signals.append((now, event))
        elif event.what == "silence":
            signals = []
        elif event.target < len(answers) and answers[event.target].stands:
            one = answers[event.target]
            if event.what in {"withdraw", "invalidate"}:
                one.stands = False
            elif event.what == "renew" and not one.suspended:
                one.stands = False
                answers.append(Answer(one.uses, one.refused, now, now + renewed_for))
            elif event.what in {"suspend", "resume"}:
                one.suspended = event.what == "suspend"
    standing = [one for one in answers if one.stands]
    if any(use in one.refused for one in standing):
        return Outcome.REFUSED
    live = [one for one in standing if one.until is None or hour < one.until]
    relied_on = [one.given for one in live if use in one.uses and not one.suspended]
    if not relied_on:
        return Outcome.REFUSED
    heard = {
        event.standing
        for seen, event in signals
        if use in event.uses
        and (
            priority is Priority.SIGNAL or (priority is Priority.NEWEST and seen >= max(relied_on))
        )
    }
    if Standing.RESERVED in heard:
        return Outcome.REFUSED
    return Outcome.NEEDS_REVIEW if heard else Outcome.ALLOWED


def profile_with(priority: Priority) -> Profile:
    return replace(STRICT, signals={DEFAULT_SIGNAL: Priority.ANSWER, "gpc": priority})


@given(histories(USES, st.none() | st.integers(1, 12), longest=14), st.sampled_from(list(Priority)))
def test_every_past_moment_is_decided_as_it_was(events: list[Event], priority: Priority) -> None:
    held = Held()
    for hour, event in enumerate(events):
        held.take(event, START + hour * HOUR)
    for hour in range(len(events) + 2):
        for use in USES:
            decision = decide(
                people={ADA: Person(ADA)},
                asked=[ADA],
                uses=[use],
                grants=held.grants,
                context=Context(),
                at=START + hour * HOUR,
                profile=profile_with(priority),
                reservations=held.signals,
            )
            expected = outcome(events, hour, use, priority)
            assert decision.outcome is expected, (hour, use, decision)
