"""Append: write one record into the caller's transaction and queue it for its place."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import DatabaseError, connection

from ledger import vault
from ledger.commitment import MAX_SEGMENTS, Opening, commit_segments
from ledger.errors import OffTheRecord, RecordTooLarge, ScopeGone, UnknownLog
from ledger.kinds import Facts, Kind
from ledger.leaf import body_bytes
from ledger.models import HOUSE_SCOPE, Record, Recorded

DEFAULT_LOG = "default"
# `{"at":"2026-11-20T15:04:00Z",`: the member "at" sorts first and has a fixed length, so that
# the database can put its own clock's reading in front of the rest.
_AT_LENGTH = 29
_SOME_TIME = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Unsealed:
    """What one segment will hold: whose it is, the role they have in the event, what is said.

    ``scopes`` are the key scopes of the person, or of all persons for a shared segment.
    ``rows`` are the domain rows that the event changed and this person may know of: ``append``
    adds each one's table, id and digest to the payload, and points the row at the record.
    """

    role: str
    scopes: tuple[UUID, ...] = (HOUSE_SCOPE,)
    payload: Mapping[str, Any] = field(default_factory=dict)
    rows: tuple[Recorded, ...] = ()


@dataclass(frozen=True)
class _Sealed:
    """One segment as it is stored."""

    scopes: Sequence[UUID]
    ciphertext: bytes


def append(
    *, kind: Kind, facts: Facts, segments: Sequence[Unsealed] = (), log: str = DEFAULT_LOG
) -> Record:
    """Write one record into the caller's transaction and queue it for sequencing.

    Call it last in the transaction, behind the domain rows. Three round trips with segments
    (lock, keystore, write), one without. Waits for nobody but the erasure of a scope it uses;
    the sequencer gives the record its place.

    Raises OffTheRecord outside ``transaction.atomic``: nothing is left behind when that rolls
    back. Raises ScopeGone when a person in ``segments`` has been, or is being, erased;
    FactsRefused, RecordTooLarge or CanonicalError for what no record may hold; UnknownLog.
    """
    if not connection.in_atomic_block:
        raise OffTheRecord(f"{kind.name} was appended outside a transaction")
    if len(segments) > MAX_SEGMENTS:
        raise RecordTooLarge(f"record has {len(segments)} segments, at most {MAX_SEGMENTS}")
    record = uuid4()
    checked = kind.check(facts)
    rows = [row for segment in segments for row in segment.rows]
    at, openings, sealed = _seal(record, kind, segments, rows) if segments else (None, (), ())
    body = body_bytes(
        at=at or _SOME_TIME,
        commitments=[opening.commitment for opening in openings],
        facts=checked,
        kind=kind.name,
    )
    written = _write(record, kind, at, body, log, sealed, rows)
    for row in rows:
        row.record = record
    return written


def _seal(
    record: UUID, kind: Kind, segments: Sequence[Unsealed], rows: Sequence[Recorded]
) -> tuple[datetime, tuple[Opening, ...], list[_Sealed]]:
    """Lock the scopes, read the clock and the rows' digests, and seal each segment."""
    scopes = {scope for segment in segments for scope in segment.scopes} | {HOUSE_SCOPE}
    now, digests = _lock(sorted(scopes), rows)
    keys = vault.keys(scopes)
    contents = _payloads(segments, digests, now)
    openings = commit_segments(kind.name, [(role, payload) for role, _, payload in contents])
    # Sorting has moved the segments: an opening finds its scopes again by its payload object.
    whose = {id(payload): scopes for _, scopes, payload in contents}
    sealed = []
    for position, opening in enumerate(openings):
        owners = whose.get(id(opening.payload), (HOUSE_SCOPE,))
        sealed.append(_Sealed(owners, keys.seal_segment(owners, record, position, opening)))
    return _cut(now, kind), openings, sealed


def _payloads(
    segments: Sequence[Unsealed], digests: Sequence[str], now: datetime
) -> list[tuple[str, tuple[UUID, ...], dict[str, Any]]]:
    """Return role, scopes and full payload of each segment: the exact time and the rows added."""
    said = iter(digests)
    contents = []
    for segment in segments:
        payload = {**segment.payload, "at": now.strftime("%Y-%m-%dT%H:%M:%SZ")}
        rows = [
            {"columns": next(said), "id": str(row.pk), "table": row._meta.db_table}
            for row in segment.rows
        ]
        if len(rows) == 1:
            payload["row"] = rows[0]
        elif rows:
            payload["rows"] = rows
        contents.append((segment.role, tuple(sorted(set(segment.scopes))), payload))
    return contents


def _lock(scopes: Sequence[UUID], rows: Sequence[Recorded]) -> tuple[datetime, list[str]]:
    """Lock live scopes in the main database; return its clock and the digests of ``rows``.

    The lock is taken here because the keystore cannot see our rollback.
    """
    query = """
        SELECT clock_timestamp(), ledger_lock_scopes(%s), ARRAY(
            SELECT ledger_row_digest(t, i) FROM unnest(%s::text[], %s::uuid[])
            WITH ORDINALITY AS r (t, i, n) ORDER BY n)"""
    tables = [row._meta.db_table for row in rows]
    with _refusals(), connection.cursor() as cursor:
        cursor.execute(query, [list(scopes), tables, [row.pk for row in rows]])
        now, _, digests = cursor.fetchone()
    for row, digest in zip(rows, digests, strict=True):
        if digest is None:
            raise OffTheRecord(f"{row._meta.label} was recorded before it was saved")
    return now, digests


def _write(
    record: UUID,
    kind: Kind,
    at: datetime | None,
    body: bytes,
    log: str,
    sealed: Sequence[_Sealed],
    rows: Sequence[Recorded],
) -> Record:
    query = "SELECT * FROM ledger_append(%s, %s, %s, %s, %s, %s, %s, %s::text[], %s::uuid[])"
    arguments: list[Any] = [
        log,
        record,
        at and at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        kind.cut.value,
        body[_AT_LENGTH:],
        ["{" + ",".join(map(str, segment.scopes)) + "}" for segment in sealed],
        [segment.ciphertext for segment in sealed],
        [row._meta.db_table for row in rows],
        [row.pk for row in rows],
    ]
    with _refusals(), connection.cursor() as cursor:
        cursor.execute(query, arguments)
        record_id, log_id, written = cursor.fetchone()
    row = Record(id=record_id, uuid=record, log_id=log_id, body=bytes(written))
    row._state.adding = False
    return row


def _cut(now: datetime, kind: Kind) -> datetime:
    cut = now.replace(second=0, microsecond=0)
    return cut.replace(minute=0) if kind.cut.value == "hour" else cut


@contextmanager
def _refusals() -> Iterator[None]:
    """Turn the ledger's own SQLSTATEs into the errors that callers know."""
    try:
        yield
    except DatabaseError as error:
        state = getattr(error.__cause__, "sqlstate", None)
        if state == "MU004":
            raise ScopeGone("a key scope is gone or being destroyed") from error
        if state == "MU005":
            raise UnknownLog("no log has that name") from error
        raise
