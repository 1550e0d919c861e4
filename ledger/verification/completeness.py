"""Completeness: every record has its one place, every log is announced, every row its record."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.utils import timezone
from psycopg import sql

from ledger import binary
from ledger.anchor import Anchor
from ledger.bindings import BINDINGS
from ledger.errors import AnchorRefused
from ledger.models import Incarnation, Log, Record, recorded_models
from ledger.note import Checkpoint as TreeHead
from ledger.record_kinds import LOG_ANNOUNCED, Predecessor
from ledger.services.append import DEFAULT_LOG
from ledger.soundness import max_merge_delay
from ledger.verification.findings import Aspect, LogVerdict
from ledger.verification.stated import Stated, Statement

_COMPLETENESS = Aspect.COMPLETENESS
# The application's transaction timeout (design 5): ``queued_at`` is its transaction's begin.
_BEGUN_AT_MOST = timedelta(seconds=30)
_REPORTED_AT_MOST = 50

# Digest of a row's columns, and its newest record.
Digest = tuple[str, UUID | None]


def read_anchor(origin: str) -> TreeHead | None:
    """Return what the anchor of ``origin`` holds; None for nothing, or nothing that can be read."""
    try:
        return Anchor(settings.MUNIMENT_ANCHOR, origin).checkpoint()
    except AnchorRefused:
        return None


def check_anchor(
    incarnation: Incarnation,
    verdict: LogVerdict,
    roots: Mapping[int, bytes],
    before: TreeHead | None,
) -> None:
    """Compare the anchored checkpoint with the tree: nothing served may be missing.

    ``before`` is what the anchor held before the snapshot was taken: what it holds now may
    rightly be more than the snapshot has.
    """
    try:
        held = Anchor(settings.MUNIMENT_ANCHOR, incarnation.origin).checkpoint()
    except AnchorRefused as error:
        _found(verdict, "anchor_missing", str(error))
        return
    published = incarnation.published_size()
    if (held.size if held else 0) < published:
        message = f"size {published} was published, but the anchor holds less: an older copy?"
        _found(verdict, "anchor_behind", message)
    if before is None:
        return
    if before.size > verdict.size:
        _found(
            verdict,
            "rolled_back",
            f"holds {verdict.size} leaves, the anchor saw {before.size}: restored from a backup?",
            verdict.size,
        )
    elif before.size >= verdict.since and roots.get(before.size) is None:
        message = f"the checkpoint of size {before.size}, which the anchor holds, is gone"
        _found(verdict, "checkpoint_missing", message)
    elif roots.get(before.size, before.root) != before.root:
        _found(verdict, "forked", f"has another root of size {before.size} than the anchor")


def check_predecessor(said: Predecessor, verdict: LogVerdict, roots: Mapping[int, bytes]) -> None:
    """Compare an earlier incarnation with what leaf 0 of the newest says of it: no more is lost."""
    root = roots.get(said.size)
    if verdict.size != said.size or (root and f"sha256:{root.hex()}") != said.root:
        message = f"holds {verdict.size} leaves, but was continued with another tree of {said.size}"
        _found(verdict, "predecessor_differs", message)
    try:
        held = Anchor(settings.MUNIMENT_ANCHOR, said.origin).checkpoint()
    except AnchorRefused as error:
        _found(verdict, "anchor_missing", str(error))
        return
    seen = (held.size, f"sha256:{held.root.hex()}") if held else (0, None)
    if seen != (said.anchored_size, said.anchored_root):
        message = f"was continued behind size {said.anchored_size}, its anchor holds {seen[0]}"
        _found(verdict, "anchor_differs", message)
    elif held and roots.get(held.size, held.root) != held.root:
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
        [log.pk, timezone.now() - _BEGUN_AT_MOST - max_merge_delay()],
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
    orphans = _ids(
        "SELECT l.record_id FROM ledger_leaf l LEFT JOIN ledger_incarnation i "
        "ON i.id = l.incarnation_id WHERE i.id IS NULL ORDER BY 1",
        [],
    )
    for record in orphans:
        _found(verdict, "leaf_stray", f"the leaf of record {record} belongs to no log")


def check_rows(
    verdict: LogVerdict, stated: Stated, relinking: frozenset[tuple[str, str]], *, is_whole: bool
) -> None:
    """Join domain rows and records both ways: each row as its newest record says, none else.

    ``relinking`` are rows that an erasure changed and whose record waits for the epoch's close.
    Unless ``is_whole``, only the rows are compared that the leaves read this time speak of.
    """
    models = {model._meta.db_table: model for model in recorded_models()}
    for table, model in models.items():
        rows = _digests(table, unless=model.bound_otherwise)
        for pk, row, said in _join(rows, stated.of(table)):
            verdict.rows += row is not None
            if (table, pk) not in relinking and (is_whole or said):
                _check_row(verdict, f"row {pk} of {table}", row, said)
    for table in set(stated.tables()).difference(models):
        for pk, said in stated.of(table):
            _check_row(verdict, f"row {pk} of {table}", None, said)


def _check_row(verdict: LogVerdict, name: str, row: Digest | None, said: Statement | None) -> None:
    if said is None:
        # Its newest record may be so young that it still waits for its place.
        if row and not _is_waiting(row[1]):
            _found(verdict, "row_unrecorded", f"{name} is told of by no record")
        return
    index = said.index
    if row is None:
        _found(verdict, "row_missing", f"{name}, told of by leaf {index}, is gone", index)
        return
    digest, record = row
    if str(record) != said.record and _is_waiting(record):
        return
    if str(record) != said.record:
        message = f"{name} points at another record than leaf {index}, its newest"
        _found(verdict, "row_repointed", message, index)
    elif digest != said.columns:
        message = f"{name} differs from what leaf {index} says of it"
        _found(verdict, "row_changed", message, index)


def _join(
    rows: Iterator[tuple[str, Digest]], stated: Iterator[tuple[str, Statement]]
) -> Iterator[tuple[str, Digest | None, Statement | None]]:
    """Join two streams that are ordered by row id; either side may lack the other."""
    either = merge(
        ((pk, row, None) for pk, row in rows),
        ((pk, None, one) for pk, one in stated),
        key=itemgetter(0),
    )
    for pk, found in groupby(either, itemgetter(0)):
        sides = list(found)
        row = next((one for _, one, _ in sides if one), None)
        yield pk, row, next((one for _, _, one in sides if one), None)


def _is_waiting(record: UUID | None) -> bool:
    if record is None:
        return False
    return Record.objects.filter(uuid=record, leaf__isnull=True).exists()


def check_bindings(verdict: LogVerdict, stated: Stated, *, is_whole: bool) -> None:
    """Ask those who answer for rows that no record of their own binds; as ``check_rows``."""

    def is_asked(table: str, pk: UUID) -> bool:
        return is_whole or stated.speaks_of(table, pk)

    for check in BINDINGS:
        for code, message in check(is_asked):
            _found(verdict, code, message)


def _digests(table: str, *, unless: str) -> Iterator[tuple[str, Digest]]:
    # The condition is a constant of the model, never of a request.
    query = sql.SQL(
        "SELECT t.id, ledger_row_digest(t), t.record FROM {} t WHERE NOT ({}) ORDER BY t.id"
    ).format(sql.Identifier(table), sql.SQL(unless))
    for pk, digest, record in binary.stream(query):
        yield str(pk), (digest, record)


def _ids(query: str, arguments: list[Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(f"{query} LIMIT {_REPORTED_AT_MOST}", arguments)
        return [row[0] for row in cursor.fetchall()]


def _found(verdict: LogVerdict, code: str, message: str, index: int | None = None) -> None:
    verdict.found(_COMPLETENESS, code, message, index)
