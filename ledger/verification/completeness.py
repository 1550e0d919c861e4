"""Completeness: every record has its one place, every log is announced, every row its record."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils import timezone

from ledger.anchor import Anchor
from ledger.errors import AnchorRefused
from ledger.models import Incarnation, Log, Record, Recorded, recorded_models
from ledger.record_kinds import LOG_ANNOUNCED
from ledger.services.append import DEFAULT_LOG
from ledger.verification.findings import Aspect, LogVerdict

_COMPLETENESS = Aspect.COMPLETENESS
# Transaction timeout of the application, plus the time a sequencer may take (design 5).
PENDING_AT_MOST = timedelta(seconds=30 + 30)
_REPORTED_AT_MOST = 50

Stated = Mapping[tuple[str, str], tuple[str, int, UUID]]


def check_anchor(incarnation: Incarnation, verdict: LogVerdict, roots: Mapping[int, bytes]) -> None:
    """Compare the anchored checkpoint with the tree: nothing served may be missing."""
    try:
        held = Anchor(settings.MUNIMENT_ANCHOR, incarnation.origin).checkpoint()
    except AnchorRefused as error:
        _found(verdict, "anchor_missing", str(error))
        return
    published = incarnation.published_size()
    if (held.size if held else 0) < published:
        message = f"size {published} was published, but the anchor holds less: an older copy?"
        _found(verdict, "anchor_behind", message)
    if held is None:
        return
    if held.size > verdict.size:
        _found(
            verdict,
            "rolled_back",
            f"holds {verdict.size} leaves, the anchor saw {held.size}: restored from a backup?",
            verdict.size,
        )
    elif roots.get(held.size) is None:
        message = f"the checkpoint of size {held.size}, which the anchor holds, is gone"
        _found(verdict, "checkpoint_missing", message)
    elif roots[held.size] != held.root:
        _found(verdict, "forked", f"has another root of size {held.size} than the anchor")


def check_records(log: Log, verdict: LogVerdict) -> None:
    """Check that each record of ``log`` has exactly one leaf or one young pending row."""
    lost = _ids(
        "SELECT r.id FROM ledger_record r LEFT JOIN ledger_leaf l ON l.record_id = r.id "
        "LEFT JOIN ledger_pending p ON p.record_id = r.id "
        "WHERE r.log_id = %s AND l.record_id IS NULL AND p.record_id IS NULL ORDER BY r.id",
        [log.pk],
    )
    for record in lost:
        _found(verdict, "record_lost", f"record {record} has no leaf and waits for none")
    twice = _ids(
        "SELECT p.record_id FROM ledger_pending p JOIN ledger_leaf l USING (record_id) "
        "JOIN ledger_record r ON r.id = p.record_id WHERE r.log_id = %s ORDER BY 1",
        [log.pk],
    )
    for record in twice:
        _found(verdict, "record_queued_again", f"record {record} has a leaf and is queued again")
    late = _ids(
        "SELECT p.record_id FROM ledger_pending p JOIN ledger_record r ON r.id = p.record_id "
        "WHERE r.log_id = %s AND p.queued_at < %s ORDER BY 1",
        [log.pk, timezone.now() - PENDING_AT_MOST],
    )
    if late:
        message = f"{len(late)} records wait too long, from record {late[0]} on: is a sequencer up?"
        _found(verdict, "queue_stalled", message)


def check_announcements(verdict: LogVerdict, announced: set[str]) -> None:
    """Check in the default log that every further log is announced there, and none is orphaned."""
    origins = set(
        Incarnation.objects.exclude(log__name=DEFAULT_LOG).values_list("origin", flat=True)
    )
    for origin in sorted(origins - announced):
        message = f"log {origin} exists, but {LOG_ANNOUNCED.name} never told of it"
        _found(verdict, "log_unannounced", message)
    named = Log.objects.exclude(name=DEFAULT_LOG).exclude(incarnations__isnull=False)
    for log in named:
        if f"{settings.MUNIMENT_ORIGIN}/{log.name}" not in announced:
            _found(verdict, "log_unannounced", f"log {log.name} exists, but was never announced")
    stray = _ids(
        "SELECT r.id FROM ledger_record r LEFT JOIN ledger_log g ON g.id = r.log_id "
        "WHERE g.id IS NULL ORDER BY 1",
        [],
    )
    for record in stray:
        _found(verdict, "record_stray", f"record {record} belongs to no log")


def check_rows(verdict: LogVerdict, stated: Stated, relinking: frozenset[tuple[str, str]]) -> None:
    """Join domain rows and records both ways: each row as its newest record says, none else.

    ``relinking`` are rows that an erasure changed and whose record waits for the epoch's close.
    """
    seen = set()
    for model in recorded_models():
        table = model._meta.db_table
        for pk, digest, record in _digests(model):
            key = (table, str(pk))
            seen.add(key)
            verdict.rows += 1
            if key not in relinking:
                _check_row(verdict, key, digest, record, stated.get(key))
    for key in sorted(stated.keys() - seen):
        if key not in relinking:
            index = stated[key][1]
            _found(verdict, "row_missing", f"{_row(key)}, told of by leaf {index}, is gone", index)


def _check_row(
    verdict: LogVerdict,
    key: tuple[str, str],
    digest: str,
    record: UUID | None,
    stated: tuple[str, int, UUID] | None,
) -> None:
    if stated is None:
        # Its newest record may be so young that it still waits for its place.
        if not _is_waiting(record):
            _found(verdict, "row_unrecorded", f"{_row(key)} is told of by no record")
        return
    columns, index, newest = stated
    if record != newest and _is_waiting(record):
        return
    if record != newest:
        message = f"{_row(key)} points at another record than leaf {index}, its newest"
        _found(verdict, "row_repointed", message, index)
    elif digest != columns:
        message = f"{_row(key)} differs from what leaf {index} says of it"
        _found(verdict, "row_changed", message, index)


def _is_waiting(record: UUID | None) -> bool:
    if record is None:
        return False
    return Record.objects.filter(uuid=record, leaf__isnull=True).exists()


def _digests(model: type[Recorded]) -> Any:
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT t.id, ledger_columns_digest(to_jsonb(t)), t.record FROM {table} t"  # noqa: S608
        )
        while rows := cursor.fetchmany(2000):
            yield from rows


def _row(key: tuple[str, str]) -> str:
    table, pk = key
    return f"row {pk} of {table}"


def _ids(query: str, arguments: list[Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(f"{query} LIMIT {_REPORTED_AT_MOST}", arguments)
        return [row[0] for row in cursor.fetchall()]


def _found(verdict: LogVerdict, code: str, message: str, index: int | None = None) -> None:
    verdict.found(_COMPLETENESS, code, message, index)
