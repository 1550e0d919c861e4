"""Replay: destroy again what a restored backup brought back, before the service answers.

The journal says which key scopes were ended. Whatever lies under one of them is found by the
scope, in both databases, and destroyed as the first time: with a list and a line of its own where
segments came back. Lists that a restored keystore lacks come back from their copies, so that
what stays destroyed goes on to read so. Runs under the roles ``eraser`` and ``destroyer``.
"""

import hmac
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from uuid import UUID

from django.conf import settings

from ledger import journal, list_copies
from ledger.errors import JournalBroken
from ledger.journal import Line
from ledger.keystore.models import DataKey, ShredList
from ledger.models import Record, Scope, ScopeState, recorded_models
from ledger.services.shred import destroy_scopes, list_mac, open_list, row_mac
from ledger.shred_lists import pack_entries, pack_rows, unpack_rows

logger = logging.getLogger(__name__)

# How long a process believes that nothing came back: a database may be restored under it.
BELIEVED_SECONDS = 2
_believed: dict[tuple[Path, int, int], float] = {}


@dataclass(frozen=True)
class Replay:
    """What a replay did: destructions on record, those repeated, lists restored or mended."""

    lines: int
    repeated: int
    lists: int


def replay_journal() -> Replay:
    """Bring both databases to where the journal is; safe to repeat and to cut off anywhere.

    Raises JournalBroken before anything is destroyed.
    """
    lines = _read_lines()
    restored = _restore_lists({line.destruction: line for line in lines})
    mended = _mend_lists()
    states, keys = _states(lines), _keys(lines)
    due = [line for line in lines if _is_due(line, states, keys)]
    for line in due:
        logger.warning("a destruction is repeated", extra={"destruction": str(line.destruction)})
        destroy_scopes(line.scopes)
    return Replay(len(lines), len(due), restored + mended)


def count_survivors() -> int:
    """Return how many destructions a restored backup has undone. Raises JournalBroken."""
    lines = _read_lines()
    if not lines:
        return 0
    states, keys = _states(lines), _keys(lines)
    return sum(any(_survives(one, states, keys) for one in line.scopes) for line in lines)


def is_replaying() -> bool:
    """Return whether the service must not answer yet; a *no* is believed for two seconds.

    With a broken journal it must not: nobody can tell what was destroyed.
    """
    stamp = _stamp(settings.MUNIMENT_JOURNAL / journal.NAME)
    if stamp is None or time.monotonic() < _believed.get(stamp, 0):
        return False
    try:
        if count_survivors():
            return True
    except JournalBroken:
        logger.exception("the shred journal cannot be read: a person must act")
        return True
    _believed.clear()
    _believed[stamp] = time.monotonic() + BELIEVED_SECONDS
    return False


def _is_due(line: Line, states: dict[UUID, str], keys: frozenset[UUID]) -> bool:
    """Return whether a destruction has to be repeated, or was cut off and has to go on."""
    return any(
        _survives(scope, states, keys) or states.get(scope) == ScopeState.DESTROYING
        for scope in line.scopes
    )


def _survives(scope: UUID, states: dict[UUID, str], keys: frozenset[UUID]) -> bool:
    """Return whether a backup brought ``scope`` or its key back.

    A scope is marked before its line is written, and its key goes before it is closed: a live
    one, or a key beside none or a closed one, is older than the line.
    """
    state = states.get(scope)
    return state == ScopeState.LIVE or (scope in keys and state != ScopeState.DESTROYING)


def _states(lines: list[Line]) -> dict[UUID, str]:
    return dict(Scope.objects.filter(pk__in=_scopes(lines)).values_list("pk", "state"))


def _keys(lines: list[Line]) -> frozenset[UUID]:
    held = DataKey.objects.filter(pk__in=_scopes(lines))
    return frozenset(held.values_list("pk", flat=True))


def _scopes(lines: list[Line]) -> list[UUID]:
    return sorted({scope for line in lines for scope in line.scopes})


def _restore_lists(lines: dict[UUID, Line]) -> int:
    """Put lists back that the keystore lacks; return how many."""
    closed = list_copies.find(list_copies.CLOSED)
    recorded = set(Record.objects.filter(uuid__in=closed).values_list("uuid", flat=True))
    unclosed = list_copies.read(list_copies.CLOSED, closed - recorded)
    copies = [*map(_with_rows, unclosed), *_of_lines(lines)]
    there = set(ShredList.objects.values_list("pk", flat=True))
    lacking = [_still_due(copy) for copy in copies if copy.pk not in there]
    wanted = [copy for copy in lacking if copy.entries or copy.rows != pack_rows(())]
    ShredList.objects.bulk_create(wanted, ignore_conflicts=True)
    return len(wanted)


def _with_rows(merged: ShredList) -> ShredList:
    """Return the list of an epoch that this database has not closed, with its rows found again."""
    macs = {mac for _, mac in unpack_rows(merged.rows)}
    relinked = (
        (model._meta.db_table, str(pk))
        for model in (recorded_models() if macs else ())
        for pk in model._default_manager.filter(record=None).values_list("pk", flat=True)
    )
    merged.rows = pack_rows(row for row in relinked if row_mac(merged, row) in macs)
    return merged


def _of_lines(lines: dict[UUID, Line]) -> Iterator[ShredList]:
    """Yield the copies of the open epoch that the journal vouches for, or that hold rows only."""
    for copy in list_copies.read(list_copies.OPEN, list_copies.find(list_copies.OPEN)):
        line = lines.get(copy.pk)
        if not copy.entries or (line and hmac.compare_digest(line.mac, list_mac(copy))):
            yield copy
        elif line is not None:
            logger.error("a copy of a shred list is not what its journal line says")


def _mend_lists() -> int:
    """Take from lists what another history of the database put there; return how many changed."""
    mended = [kept for kept in ShredList.objects.all() if _still_due(kept).entries != kept.entries]
    for kept in mended:
        # Inserted anew: nobody may change a list. Until then its copy stands in for it.
        list_copies.keep(kept)
        ShredList.objects.filter(pk=kept.pk).delete()
        if _still_due(kept).entries:
            _still_due(kept).save(force_insert=True)
    return len(mended)


def _still_due(kept: ShredList) -> ShredList:
    """Return ``kept`` without what this database never held, or has proved destroyed already."""
    rows = [row for row in unpack_rows(kept.rows) if _is_relinked(*row)]
    return ShredList(
        id=kept.pk,
        secret=kept.secret,
        people=kept.people,
        created_at=kept.created_at,
        entries=pack_entries(open_list(kept).unproved),
        rows=pack_rows(rows),
    )


def _is_relinked(table: str, pk: str) -> bool:
    models = {model._meta.db_table: model for model in recorded_models()}
    return models[table]._default_manager.filter(pk=pk, record__isnull=True).exists()


def _stamp(path: Path) -> tuple[Path, int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return path, found.st_mtime_ns, found.st_size


def _read_lines() -> list[Line]:
    stamp = _stamp(settings.MUNIMENT_JOURNAL / journal.NAME)
    return list(_parse_lines(stamp)) if stamp else []


@lru_cache(maxsize=1)
def _parse_lines(stamp: tuple[Path, int, int]) -> tuple[Line, ...]:
    """Return the lines of the journal as it stands: checking a long one takes its time."""
    return tuple(journal.read(stamp[0]))
