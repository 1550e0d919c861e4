"""What ledger tests arrange with: plain events about no row, and people with a scope."""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from django.db import connection, transaction

from ledger.canonical import JSON, canonical
from ledger.kinds import KINDS, Count, Divisible, Facts, Kind
from ledger.leaf import format_at
from ledger.models import Record, Retention
from ledger.services import Unsealed, append, open_scope


class Tries(Facts):
    """How many times something was tried in a test."""

    tries: Count


class Crowd(Divisible):
    """What a test says in the open of an event of many people: how many they are."""

    people: Count


THING_TESTED = KINDS.register(Kind("thing.tested", Tries))
CROWD_GATHERED = KINDS.register(Kind("crowd.gathered", Crowd))


def record(*segments: Unsealed, tries: int = 1, log: str = "default") -> Record:
    """Append one event in a transaction of its own."""
    with transaction.atomic():
        return append(kind=THING_TESTED, facts=Tries(tries=tries), segments=segments, log=log)


def person() -> UUID:
    """Open a scope as for a new person and return its id."""
    with transaction.atomic():
        return open_scope(Retention.PERSON).pk


def about(*people: UUID, **payload: str) -> Unsealed:
    """Return a segment of these people, shared when there are several."""
    return Unsealed("subject", people, payload)


def write_past_services(
    kind: str, facts: Mapping[str, JSON], at: datetime = datetime(2026, 11, 20, 15, 4, tzinfo=UTC)
) -> None:
    """Append a record as a program with the application's role could: any facts, no segments."""
    said = format_at(at)
    body = canonical({"at": said, "commitments": [], "facts": dict(facts), "kind": kind, "v": 1})
    query = "SELECT ledger_append('default', gen_random_uuid(), %s, 'minute', %s, '{}', '{}')"
    with connection.cursor() as cursor:
        cursor.execute(query, [said, body[len(f'{{"at":"{said}",') :]])
