"""Bulk: write many records into the caller's transaction by COPY, all or none."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

from django.db import connection

from ledger import binary, vault
from ledger.commitment import Opening
from ledger.errors import OffTheRecord
from ledger.kinds import Facts, Kind
from ledger.leaf import body_bytes
from ledger.services.append import (
    DEFAULT_LOG,
    Sealed,
    Unsealed,
    check,
    cut,
    fill,
    lock,
    refusals,
    scopes_of,
    seal,
)

# Records in memory at once.
CHUNK = 4_000
_RECORD = {"id": "int8", "uuid": "uuid", "log_id": "int2", "body": "bytea"}
_SEGMENT = {"record_id": "int8", "position": "int2", "scopes": "uuid[]", "ciphertext": "bytea"}


@dataclass(frozen=True)
class Draft:
    """One record to be: what ``append`` takes for it."""

    kind: Kind
    facts: Facts
    segments: Sequence[Unsealed] = ()


@dataclass(frozen=True)
class _Written:
    """One record as it is copied."""

    id: int
    uuid: UUID
    body: bytes
    sealed: Sequence[Sealed]


def append_many(
    drafts: Iterable[Draft], *, log: str = DEFAULT_LOG, uuids: Iterator[UUID] | None = None
) -> list[UUID]:
    """Write a record for each of ``drafts`` and queue it; return their ids, in order.

    All are in the caller's transaction or none. ``drafts`` may be a generator: it is read in
    chunks, and so are scopes locked; of a batch that uses several people's scopes and their
    erasure one may be refused as a deadlock. ``uuids`` gives the records' ids, random ones
    otherwise. Guarantees and errors are those of ``append``; errors that ``drafts`` raises pass.
    """
    if not connection.in_atomic_block:
        raise OffTheRecord("records were appended outside a transaction")
    fresh = uuids or iter(uuid4, None)
    waiting, written = iter(drafts), []
    while chunk := list(islice(waiting, CHUNK)):
        written += _write(chunk, log, list(islice(fresh, len(chunk))))
    return written


def _write(chunk: Sequence[Draft], log: str, uuids: Sequence[UUID]) -> list[UUID]:
    segments = [segment for draft in chunk for segment in draft.segments]
    rows = [
        (row, uuid)
        for draft, uuid in zip(chunk, uuids, strict=True)
        for segment in draft.segments
        for row in segment.rows
    ]
    scopes = {scope for draft in chunk if draft.segments for scope in scopes_of(draft.segments)}
    with refusals():
        query = "SELECT * FROM ledger_reserve(%s, %s::int)"
        ((log_id, now, ids),) = binary.fetch(query, [log, len(chunk)])
    digests: Sequence[str] = ()
    keys = vault.Keys({})
    if segments:
        keys, now, digests = lock(scopes, [row for row, _ in rows], [uuid for _, uuid in rows])
    sealed: list[tuple[int, Sequence[Sealed]]] = []

    def rows_of_records() -> Iterator[tuple[Any, ...]]:
        # Made while PostgreSQL writes those before.
        for one in _make(chunk, ids, uuids, iter(digests), now, keys):
            yield one.id, one.uuid, log_id, one.body
            sealed.append((one.id, one.sealed))

    binary.copy_in("ledger_record", _RECORD, rows_of_records())
    if segments:
        binary.copy_in("ledger_segment", _SEGMENT, _segments(sealed))
    for row, uuid in rows:
        row.record = uuid
    return list(uuids)


def _make(
    chunk: Sequence[Draft],
    ids: Sequence[int],
    uuids: Sequence[UUID],
    digests: Iterator[str],
    now: datetime,
    keys: vault.Keys,
) -> Iterator[_Written]:
    times = {kind: cut(now, kind) for kind in {draft.kind for draft in chunk}}
    for draft, record_id, uuid in zip(chunk, ids, uuids, strict=True):
        checked = check(draft.kind, draft.facts, draft.segments)
        openings: Sequence[Opening] = ()
        sealed: Sequence[Sealed] = ()
        if draft.segments:
            openings, sealed = seal(uuid, draft.kind, fill(draft.segments, digests, now), keys)
        body = body_bytes(
            at=times[draft.kind],
            commitments=[opening.commitment for opening in openings],
            facts=checked,
            kind=draft.kind.name,
        )
        yield _Written(record_id, uuid, body, sealed)


def _segments(sealed: Sequence[tuple[int, Sequence[Sealed]]]) -> Iterator[tuple[Any, ...]]:
    for record, segments in sealed:
        for position, one in enumerate(segments):
            yield record, position, list(one.scopes), one.ciphertext
