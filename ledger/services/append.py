"""Append: write one record into the caller's transaction and queue it for its place."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID, uuid4

from django.db import DatabaseError, connection

from ledger import binary, vault
from ledger.commitment import MAX_SEGMENTS, Opening, commit_segments, is_padded
from ledger.errors import OffTheRecord, RecordTooLarge, ScopeGone, UnknownLog
from ledger.kinds import Facts, Kind
from ledger.leaf import body_bytes, format_at
from ledger.models import HOUSE_SCOPE, Record, Recorded

DEFAULT_LOG = "default"
# `{"at":"2026-11-20T15:04:00Z",`: the member "at" sorts first and has a fixed length, so that
# the database can put its own clock's reading in front of the rest.
_AT_LENGTH = 29
_LOCK = "SELECT extract(epoch FROM clock_timestamp()), ledger_lock_scopes($1)"
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
class Sealed:
    """One segment as it is stored."""

    scopes: Sequence[UUID]
    ciphertext: bytes


# Role, scopes and full payload of one segment.
Content = tuple[str, tuple[UUID, ...], dict[str, Any]]


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
    uuid = uuid4()
    checked = check(kind, facts, segments)
    rows = [row for segment in segments for row in segment.rows]
    at: datetime | None = None
    openings: Sequence[Opening] = ()
    sealed: Sequence[Sealed] = ()
    if segments:
        keys, now, digests = lock(scopes_of(segments), rows, [uuid] * len(rows))
        openings, sealed = seal(uuid, kind, fill(segments, iter(digests), now), keys)
        at = cut(now, kind)
    body = body_bytes(
        at=at or _SOME_TIME,
        commitments=[opening.commitment for opening in openings],
        facts=checked,
        kind=kind.name,
    )
    written = _write(uuid, kind, at, body, log, sealed)
    for row in rows:
        row.record = uuid
    return written


def check(kind: Kind, facts: Facts, segments: Sequence[Unsealed]) -> dict[str, Any]:
    """Return ``facts`` as plain values. Raises FactsRefused, RecordTooLarge."""
    if len(segments) > MAX_SEGMENTS:
        raise RecordTooLarge(f"record has {len(segments)} segments, at most {MAX_SEGMENTS}")
    return kind.check(facts)


def scopes_of(segments: Sequence[Unsealed]) -> set[UUID]:
    """Return the scopes of one record's segments, and of the padding that will fill them up."""
    scopes = {scope for segment in segments for scope in segment.scopes}
    return scopes if is_padded(len(segments)) else scopes | {HOUSE_SCOPE}


def seal(
    record: UUID, kind: Kind, contents: Sequence[Content], keys: vault.Keys
) -> tuple[tuple[Opening, ...], list[Sealed]]:
    """Commit to each content and seal its opening; both answers are in the order of positions."""
    openings = commit_segments(kind.name, [(role, payload) for role, _, payload in contents])
    # Sorting has moved the segments: an opening finds its scopes again by its payload object.
    whose = {id(payload): scopes for _, scopes, payload in contents}
    sealed = []
    for position, opening in enumerate(openings):
        owners = whose.get(id(opening.payload), (HOUSE_SCOPE,))
        sealed.append(Sealed(owners, keys.seal_segment(owners, record, position, opening)))
    return openings, sealed


def fill(segments: Sequence[Unsealed], digests: Iterator[str], now: datetime) -> list[Content]:
    """Return each segment with its full payload: the exact time and its rows are added."""
    contents = []
    for segment in segments:
        payload = {**segment.payload, "at": format_at(now.replace(microsecond=0))}
        rows = [
            {"columns": next(digests), "id": str(row.pk), "table": row._meta.db_table}
            for row in segment.rows
        ]
        if len(rows) == 1:
            payload["row"] = rows[0]
        elif rows:
            payload["rows"] = rows
        contents.append((segment.role, tuple(sorted(set(segment.scopes))), payload))
    return contents


def lock(
    scopes: Collection[UUID], rows: Sequence[Recorded], records: Sequence[UUID]
) -> tuple[vault.Keys, datetime, list[str]]:
    """Lock live scopes in the main database, and point each row at its record there.

    Returns the scopes' keys, the database's clock and the rows' digests. The lock is taken here
    because the keystore cannot see our rollback. The keys come while it is being taken: they are
    used once it is, and a destruction that came first leaves it refused. Raises
    ScopeGone, OffTheRecord for a row that is not saved.
    """
    asked = [(_LOCK, [binary.text_array(sorted(scopes))])]
    asked += [
        (_point(row._meta.db_table), [str(record), str(row.pk)])
        for row, record in zip(rows, records, strict=True)
    ]
    wanted = vault.ask_keys(scopes)
    try:
        locked = binary.send_all(asked)
    except BaseException:
        # Unread, its answer would make the connection useless.
        wanted()
        raise
    try:
        keys = wanted()
    finally:
        with refusals():
            ((now, _),), *found = locked()
    for row, updated in zip(rows, found, strict=True):
        if not updated:
            raise OffTheRecord(f"{row._meta.label} was recorded before it was saved")
    digests = [digest.decode() for ((digest,),) in found]
    return keys, datetime.fromtimestamp(float(now), UTC), digests


@cache
def _point(table: str) -> str:
    """Return the statement that points a row at the record to come and tells its digest.

    The update locks the row: unlocked, another could change it between its digest and the
    commit, and the newest record would tell of older columns.
    """
    return (
        f'UPDATE public."{table}" AS t SET record = $1 WHERE id = $2 '  # noqa: S608
        "RETURNING ledger_row_digest(t)"
    )


def cut(now: datetime, kind: Kind) -> datetime:
    """Return ``now`` as finely as the chain shows it for ``kind``."""
    minute = now.replace(second=0, microsecond=0)
    return minute.replace(minute=0) if kind.cut.value == "hour" else minute


@contextmanager
def refusals() -> Iterator[None]:
    """Turn the ledger's own SQLSTATEs into the errors that callers know."""
    try:
        yield
    except DatabaseError as error:
        state = binary.sqlstate(error)
        if state == "MU004":
            raise ScopeGone("a key scope is gone or being destroyed") from error
        if state == "MU005":
            raise UnknownLog("no log has that name") from error
        raise


def _write(
    record: UUID, kind: Kind, at: datetime | None, body: bytes, log: str, sealed: Sequence[Sealed]
) -> Record:
    scopes = (f'"{binary.text_array(segment.scopes)}"' for segment in sealed)
    with refusals():
        ((record_id, log_id, said),) = binary.send(
            "SELECT record_id, log_id, at FROM ledger_append($1, $2, $3, $4, $5, $6, $7)",
            [
                log,
                str(record),
                format_at(at) if at else None,
                kind.cut.value,
                body[_AT_LENGTH:],
                binary.text_array(scopes),
                binary.bytea_array([segment.ciphertext for segment in sealed]),
            ],
        )()
    written = b'{"at":"%b",%b' % (said, body[_AT_LENGTH:])
    row = Record(id=int(record_id), uuid=record, log_id=int(log_id), body=written)
    row._state.adding = False
    return row
