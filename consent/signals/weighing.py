"""What the signals seen at a source come to for one item: a decision, and all that led to it.

One rule, ``RULE``: what was in force when the item was fetched counts for good, and what was seen
since, where it is stricter, from when it was seen; a later milder one takes nothing back. A server
that did not answer bars who would have crawled then (RFC 9309, section 2.3.1.4), so that it counts
at the fetch alone, and says nothing of an item that was had before or is kept since. Of
several signals in force the strictest wins; only places of TDMRep supersede each other. No
person's answer is asked here: it speaks of a likeness, the signal of the picture.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

import orjson

from consent.decision import Context, Decision, Outcome, Period, Profile, Reservation, decide
from consent.signals.combining import Answer, combine, in_force_since
from consent.signals.finding import Code, Finding, Observation, Standing
from consent.uses import Use

RULE = "strictest-since-fetched/1"
OBSERVED = "observed"
# Written only where somebody answered for what was unclear; its value is the question then.
ACCEPTED = f"{OBSERVED}:accepted"
# The import by which an item of an earlier version came: where its place lies, and since when.
IMPORT = f"{OBSERVED}:import"
MOST_TOLD = 100
# What a table may call the time at which an item was fetched, letters and digits only.
FETCHED = frozenset({"fetchedat", "crawledat", "downloadedat", "retrievedat", "datedownloaded"})
_FREE = (Standing.SILENT, Standing.PERMITTED)
Pairs = tuple[tuple[str, str], ...]
Read = Callable[[Observation], Sequence[Finding]]


@dataclass(frozen=True)
class Heard:
    """One thing that a signal said, when it was seen, and whether it decided."""

    signal: str
    source: str
    standing: Standing
    code: Code
    detail: str
    seen_at: datetime
    observation: UUID
    won: bool

    def told(self) -> dict[str, str]:
        """Return it as it stands in a record."""
        return {
            "signal": self.signal,
            "seen_in": self.source,
            "said": self.standing.value,
            "code": self.code.value,
            "seen_at": self.seen_at.isoformat(),
            "observation": str(self.observation),
        }


@dataclass(frozen=True)
class Weighing:
    """What was heard of an item's uses, the strictest of it, and the decision that follows."""

    standing: Standing
    heard: tuple[Heard, ...]
    decision: Decision
    uses: tuple[Use, ...]

    @property
    def outcome(self) -> Outcome:
        """Return what the decision says."""
        return self.decision.outcome

    @property
    def winning(self) -> tuple[Heard, ...]:
        """Return what decided."""
        return tuple(one for one in self.heard if one.won)

    @property
    def pairs(self) -> Pairs:
        """Return what is committed to with the item: the whole, and what decided it."""
        named = (
            (
                f"{OBSERVED}:{one.signal}",
                f"{one.standing} {one.code} {one.seen_at.isoformat()} {one.observation}",
            )
            for one in self.winning
        )
        return (OBSERVED, self.standing.value), *dict.fromkeys(named)

    @property
    def question(self) -> str:
        """Return what somebody who takes it as it is answers for: a SHA-256, in hex, over the uses
        and all that was said against them. Whatever comes to it makes another question of it."""
        said = sorted(
            (one.signal, one.source, one.standing.value, one.code.value, str(one.observation))
            for one in self.heard
            if one.standing not in _FREE
        )
        return sha256(orjson.dumps([self.standing.value, self.uses, said])).hexdigest()

    @property
    def accepted_pairs(self) -> Pairs:
        """Return ``pairs`` with that somebody answered for what is unclear."""
        return (*self.pairs, (ACCEPTED, self.question))

    def told(self) -> dict[str, object]:
        """Return the conflict as it stands in a record: what was said, what won, and why."""
        return {
            "rule": RULE,
            "profile": self.decision.profile,
            "outcome": self.outcome.value,
            "standing": self.standing.value,
            "won": [one.told() for one in self.heard if one.won],
            "outweighed": [one.told() for one in self.heard if not one.won],
        }


def weigh_observed(
    observations: Iterable[Observation],
    read: Read,
    uses: Collection[Use],
    *,
    fetched_at: datetime,
    at: datetime,
    profile: Profile,
) -> Weighing:
    """Weigh what was seen of one item until ``at``; ``read`` gives what an observation says of it.

    Policies of TDMRep belong among ``observations``.
    """
    known = [one for one in observations if one.seen_at <= at]
    every = [
        combine(finding for seen in counting for finding in read(seen))
        for counting in in_force_since(known, fetched_at, at)
    ]
    # The first of equally strict ones: it holds since then.
    decisive = {use: max((one[use] for one in every), key=_rank) for use in Use if use in uses}
    when = {one.id: one.seen_at for one in known}
    standing = max((one.standing for one in decisive.values()), key=_rank_of)
    decision = decide(
        people={},
        asked=(),
        uses=uses,
        grants=(),
        context=Context(),
        at=at,
        profile=profile,
        reservations=list(_reservations(decisive.values(), when)),
    )
    heard = tuple(_heard(known, read, decisive, when))
    return Weighing(standing, heard, decision, tuple(decisive))


def summarise(weighings: Iterable[Weighing]) -> list[dict[str, object]]:
    """Return the conflicts among many items as they stand in a record, the most frequent first.

    Items of one host mostly rest on the same; of what differs most often ``MOST_TOLD`` are told.
    """
    counted: Counter[tuple[Heard, ...]] = Counter()
    first: dict[tuple[Heard, ...], Weighing] = {}
    for one in weighings:
        counted[one.heard] += 1
        first.setdefault(one.heard, one)
    return [
        {"items": count, **first[heard].told()} for heard, count in counted.most_common(MOST_TOLD)
    ]


def since_fetched(signals: Pairs, otherwise: datetime) -> datetime:
    """Return when an item was fetched, as its table states it with a time zone; ``otherwise``
    where it does not, or names a later time."""
    for name, value in signals:
        if "".join(filter(str.isalnum, name)).casefold() not in FETCHED:
            continue
        try:
            moment = datetime.fromisoformat(value.strip())
        except ValueError:
            continue
        if moment.utcoffset() is not None and moment < otherwise:
            return moment
    return otherwise


def without_observed(signals: Pairs) -> Pairs:
    """Return what was stated of an item, without what we observed or a table claims we did."""
    return tuple(pair for pair in signals if pair[0].partition(":")[0].strip() != OBSERVED)


def accepted_question(signals: Pairs) -> str:
    """Return the question that somebody answered when the item was let in; empty if nobody did."""
    return dict(signals).get(ACCEPTED, "")


def came_by(signals: Pairs) -> UUID | None:
    """Return the import by which an item first came; None when it came by its own."""
    said = dict(signals).get(IMPORT)
    return UUID(said) if said else None


def without_import(signals: Pairs) -> Pairs:
    """Return what is said of an item without the import by which it first came."""
    return tuple(pair for pair in signals if pair[0] != IMPORT)


def known_standing(signals: Pairs) -> Standing | None:
    """Return what observed signals came to when the item was let in; None when there were none."""
    said = dict(signals).get(OBSERVED)
    return Standing(said) if said in set(Standing) else None


def _reservations(answers: Iterable[Answer], when: dict[UUID, datetime]) -> Iterator[Reservation]:
    for answer in answers:
        if answer.standing in _FREE:
            continue
        first: dict[str, datetime] = {}
        for found in answer.findings:
            moment = when[found.observation]
            first[found.signal] = min(moment, first.get(found.signal, moment))
        for signal, moment in first.items():
            yield Reservation(
                signal, frozenset({answer.use}), Period(moment), standing=answer.standing
            )


def _heard(
    known: Iterable[Observation],
    read: Read,
    decisive: dict[Use, Answer],
    when: dict[UUID, datetime],
) -> Iterator[Heard]:
    """Yield all that speaks of these uses, what decided before what did not."""
    spoken = [
        found
        for seen in known
        for found in read(seen)
        if found.standing is not Standing.SILENT and not found.uses.isdisjoint(decisive)
    ]
    won = {found for answer in decisive.values() for found in answer.findings}
    # Where nothing is said at all, that rests on those who say nothing.
    rested = spoken or sorted(won, key=lambda one: (when[one.observation], one.signal))
    for found in sorted(rested, key=lambda one: one not in won):
        yield Heard(
            signal=found.signal.value,
            source=found.source.value,
            standing=found.standing,
            code=found.code,
            detail=found.detail,
            seen_at=when[found.observation],
            observation=found.observation,
            won=found in won,
        )


def _rank(answer: Answer) -> int:
    return answer.standing.rank


def _rank_of(standing: Standing) -> int:
    return standing.rank
