"""Large: one event of more people than a record has segments for, told by several records.

The first is of the event's own kind, holds its facts and says how many there are; the others are
of the kind ``<noun>.continued``, and each says which of how many it is. All are in one
transaction, so that they get their places in this order; records of others may lie between.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from secrets import SystemRandom
from uuid import UUID

from django.db import connection

from ledger import binary
from ledger.commitment import MAX_SEGMENTS
from ledger.errors import FactsRefused, OffTheRecord
from ledger.kinds import Continued, Divisible, Kind
from ledger.models import Record
from ledger.services.append import DEFAULT_LOG, Unsealed, append, refusals
from ledger.services.bulk import Draft, append_many

# Records whose segments are in memory at once.
_TOGETHER = 8


def append_large(
    *, kind: Kind, facts: Divisible, segments: Sequence[Unsealed], log: str = DEFAULT_LOG
) -> Record:
    """Write one event with any number of segments into the caller's transaction; return the first.

    One record when it fits. ``segments`` is read item by item, and may make each when it is asked
    for. All scopes are locked first, in the order of their ids; rows when their record is written.
    Guarantees and errors are those of ``append``; FactsRefused too when ``parts`` is given.
    """
    if not connection.in_atomic_block:
        raise OffTheRecord(f"{kind.name} was appended outside a transaction")
    if facts.parts is not None:
        raise FactsRefused(f"facts of {kind.name} say their parts, which only the ledger counts")
    if len(segments) <= MAX_SEGMENTS:
        return append(kind=kind, facts=facts, segments=segments, log=log)
    lock_scopes({scope for segment in segments for scope in segment.scopes})
    divided = _divide(segments)
    parts = -(-len(segments) // MAX_SEGMENTS)
    header = append(
        kind=kind,
        facts=facts.model_copy(update={"parts": parts}),
        segments=next(divided),
        log=log,
    )
    digest = f"sha256:{hashlib.sha256(header.body).hexdigest()}"
    drafts = (
        Draft(kind.continued, Continued(header=digest, part=part, parts=parts), some)
        for part, some in enumerate(divided, 2)
    )
    while append_many(islice(drafts, _TOGETHER), log=log):
        pass
    return header


def lock_scopes(scopes: Iterable[UUID]) -> None:
    """Lock scopes against erasure until the transaction ends, in one order. Raises ScopeGone."""
    with refusals():
        binary.fetch("SELECT ledger_lock_scopes(%s::uuid[])", [sorted(scopes)])


def _divide(segments: Sequence[Unsealed]) -> Iterator[list[Unsealed]]:
    """Yield the segments of each record in a random order.

    In that of the caller one person would lie in about the same part of every event: what is
    destroyed together would then tell whose events these were.
    """
    order = SystemRandom().sample(range(len(segments)), len(segments))
    for at in range(0, len(order), MAX_SEGMENTS):
        yield [segments[place] for place in order[at : at + MAX_SEGMENTS]]
