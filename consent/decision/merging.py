"""People who were registered twice: from when they are merged, what each said counts for both."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from consent.decision.terms import GrantTerms, Merge, Person, Reservation, Title

Spoken = TypeVar("Spoken", GrantTerms, Reservation)
Heads = Mapping[UUID | None, UUID]


def find_heads(merges: Iterable[Merge], at: datetime) -> Heads:
    """Return as whom everybody counts at ``at`` who does not count as themself."""
    return {one.person: one.into for one in merges if one.period.covers(at)}


def unite_people(people: Mapping[UUID, Person], heads: Heads) -> Mapping[UUID, Person]:
    """Return the people by whom they count as; a restriction of either holds for both."""
    if not heads:
        return people
    united: dict[UUID, Person] = {}
    for person in people.values():
        head = heads.get(person.id, person.id)
        before = united[head].restrictions if head in united else ()
        united[head] = Person(head, before + person.restrictions)
    return united


def unite(spoken: Iterable[Spoken], heads: Heads) -> list[Spoken]:
    """Return answers or reservations as those of whom their people count as."""
    return [
        replace(one, person=heads[one.person]) if one.person in heads else one for one in spoken
    ]


def unite_titles(titles: Sequence[Title], heads: Heads) -> Sequence[Title]:
    """Return titles between those who are still two; nobody lets himself dispose of anything."""
    if not heads:
        return titles
    united = [
        replace(
            one,
            origin=heads.get(one.origin, one.origin),
            holder=heads.get(one.holder, one.holder),
        )
        for one in titles
    ]
    return [one for one in united if one.origin != one.holder]
