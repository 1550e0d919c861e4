"""What benchmarks write: one kind of record, a person, a row with and without its record."""

from collections.abc import Iterator
from functools import cache
from itertools import count
from typing import Annotated
from uuid import UUID, uuid4

from django.db import transaction
from pydantic import Field

from ledger.kinds import KINDS, Count, Facts, Kind
from ledger.leaf import body_bytes, parse_at
from ledger.models import Retention
from ledger.services import Draft, Unsealed, append, open_scope

BODY_BYTES = 486


class Measured(Facts):
    """The number of a record that a benchmark wrote, and what fills its body up."""

    number: Count
    filling: Annotated[str, Field(pattern=r"^x*$")] = ""


THING_MEASURED = KINDS.register(Kind("thing.measured", Measured))
_numbers = count(1)


@cache
def person() -> UUID:
    """Open the scope of one person."""
    with transaction.atomic():
        return open_scope(Retention.PERSON).pk


def fresh_code() -> str:
    """Return a code that no row has, whichever process makes it."""
    return f"bench-{uuid4().hex}"


def write_row() -> None:
    """Commit a domain row alone."""
    from bench.models import Thing

    with transaction.atomic():
        Thing(code=fresh_code()).save(force_insert=True)


def write_recorded() -> None:
    """Commit a domain row with its record of one segment."""
    from bench.models import Thing

    with transaction.atomic():
        thing = Thing(code=fresh_code())
        thing.save(force_insert=True)
        segment = Unsealed("subject", (person(),), {}, (thing,))
        append(kind=THING_MEASURED, facts=Measured(number=1), segments=[segment])


def drafts(number: int, *, sealed: bool = False) -> Iterator[Draft]:
    """Yield records whose bodies without a segment have exactly ``BODY_BYTES``."""
    segments = (Unsealed("subject", (person(),), {"said": "measured"}),) if sealed else ()
    for _ in range(number):
        yield Draft(THING_MEASURED, _facts(next(_numbers)), segments)


def _facts(number: int) -> Measured:
    return Measured(number=number, filling="x" * (BODY_BYTES - _bare_size() - len(str(number))))


@cache
def _bare_size() -> int:
    at, facts = parse_at("2026-01-01T00:00:00Z"), Measured(number=1).model_dump()
    return len(body_bytes(at=at, commitments=[], facts=facts, kind=THING_MEASURED.name)) - 1
