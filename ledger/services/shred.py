"""Shred: destroy what is sealed for a person, and prove later that it was destroyed, not lost.

Order of effects: scopes are marked (nobody can seal under them any more) → the list of what will
go is kept in the keystore → a line in the shred journal → rows, files and segments are deleted →
the keys are destroyed → the scopes are closed. Each step commits by itself and may be repeated,
so that a destruction cut off anywhere is finished by starting it again. Runs under the database
roles ``eraser`` and ``destroyer``.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4, uuid5

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from ledger import journal, list_copies
from ledger.archive.reading import read_body
from ledger.commitment import EpochTree, fresh_randomness, tombstone_leaf
from ledger.holdings import HOLDINGS, Holding
from ledger.keystore.keys import destroy_keys
from ledger.keystore.models import DataKey, ShredList
from ledger.leaf import parse_body
from ledger.models import (
    HOUSE_SCOPE,
    Epoch,
    Record,
    Recorded,
    RequestKey,
    Scope,
    ScopeState,
    SealedFile,
    Segment,
    Tombstone,
    recorded_models,
)
from ledger.record_kinds import (
    ROWS_RELINKED,
    SEGMENTS_DESTROYED,
    RowsRelinked,
    SegmentsDestroyed,
)
from ledger.services.append import Unsealed, append
from ledger.services.files import delete_files
from ledger.shred_lists import Gone, pack_entries, pack_rows, unpack_entries, unpack_rows

_ROWS_PER_SEGMENT = 200
# "epoch" in ASCII.
_EPOCH_LOCK = 0x65706F6368
# Far beyond the 30 s that an application's transaction may take.
_ORPHAN_AGE = timedelta(minutes=10)


@dataclass(frozen=True)
class Step:
    """One step of a destruction: what it takes, and how many there were before and after."""

    name: str
    before: int
    after: int


@dataclass(frozen=True)
class Destruction:
    """What a destruction did, step by step."""

    steps: tuple[Step, ...]


@dataclass(frozen=True)
class ClosedEpoch:
    """A closed epoch: its number, and how many segments of how many people it destroyed."""

    number: int
    count: int
    people: int


def destroy_scopes(
    scopes: Sequence[UUID], people: int | None = None, *, keep: Callable[[], None] = lambda: None
) -> Destruction:
    """Destroy everything sealed under ``scopes``, wherever it lies; safe to repeat.

    Each scope counts as one of the people among whom an epoch hides who was destroyed, unless
    ``people`` says how many those are: none for the working material of an import. ``keep`` is
    called before each step, such as to renew a lease. Raises
    ValueError for the house scope, which is never erased.
    """
    if HOUSE_SCOPE in scopes:
        raise ValueError("the house scope is never destroyed")
    _set_state(scopes, ScopeState.LIVE, ScopeState.DESTROYING)
    _list_segments(scopes, len(scopes) if people is None else people)
    steps = []
    for holding in reversed(HOLDINGS):
        keep()
        steps.append(_empty_holding(holding, scopes))
    keep()
    steps.append(_empty_files(scopes))
    steps.append(_step("segments", Segment.objects.filter(scopes__overlap=list(scopes)).delete))
    steps.append(_step("keys", lambda: (destroy_keys(scopes), {})))
    _set_state(scopes, ScopeState.DESTROYING, ScopeState.DESTROYED)
    return Destruction(tuple(steps))


def close_epoch() -> ClosedEpoch | None:
    """Record all destructions since the last epoch in one record; None when there were none.

    One ``segments.destroyed`` covers everything destroyed since, whoever it belonged to; each
    ``Tombstone`` then proves one gone segment. The lists are destroyed behind it. Safe to
    repeat: what already has a tombstone is left out.
    """
    with transaction.atomic():
        _lock_epoch("pg_advisory_xact_lock")
        lists = [one for one in map(open_list, ShredList.objects.order_by("id")) if one.is_done]
        gone = sorted({entry for one in lists for entry in one.unproved})
        rows = sorted({row for one in lists for row in unpack_rows(one.kept.rows)})
        number = (Epoch.objects.aggregate(last=Max("number"))["last"] or 0) + 1
        closing = _record_epoch(number, gone) if gone else None
        closing = _record_relinked(number, rows) or closing
        if closing:
            list_copies.keep(_merged(closing.uuid, gone, rows), list_copies.CLOSED)
    people = sum(one.kept.people for one in lists if one.counts)
    done = [one.kept.pk for one in lists]
    ShredList.objects.filter(pk__in=done).delete()
    list_copies.drop(done)
    return ClosedEpoch(number, len(gone), people) if gone else None


def sweep_orphan_keys() -> int:
    """Destroy data keys whose scope never came to be, or is destroyed; return how many.

    A key is committed before its scope: a young one may still be waiting for its transaction.
    """
    old = DataKey.objects.filter(created_at__lt=timezone.now() - _ORPHAN_AGE)
    held = set(old.values_list("scope", flat=True))
    wanted = Scope.objects.exclude(state=ScopeState.DESTROYED).filter(pk__in=held)
    return destroy_keys(held - set(wanted.values_list("pk", flat=True)))


def _set_state(scopes: Sequence[UUID], before: ScopeState, after: ScopeState) -> None:
    with transaction.atomic():
        # FOR UPDATE first: a plain UPDATE of the state would slip past writers' FOR KEY SHARE.
        locked = Scope.objects.select_for_update().filter(pk__in=scopes, state=before)
        ids = [scope.pk for scope in locked.order_by("pk")]
        Scope.objects.filter(pk__in=ids).update(state=after)


def _list_segments(scopes: Sequence[UUID], people: int) -> None:
    """Keep what will go in the keystore, and write the journal's line.

    A destruction that was cut off goes on with its own list and line: nobody is counted twice.
    One whose segments a restored backup brought back gets a list and a line of its own.
    """
    segments = Segment.objects.filter(scopes__overlap=list(scopes))
    gone = sorted(_commitments_of(segments.values_list("record_id", "position")))
    path = settings.MUNIMENT_JOURNAL / journal.NAME
    lines = [line for line in journal.read(path) if set(line.scopes) == set(scopes)]
    if not gone and (lines or not DataKey.objects.filter(pk__in=scopes).exists()):
        return
    kept = _unfinished_list(lines, gone) or _new_list(scopes, people, len(lines), gone)
    list_copies.keep(kept)
    journal.write(path, journal.Line(kept.pk, tuple(scopes), list_mac(kept)))


def _unfinished_list(lines: Sequence[journal.Line], gone: Sequence[Gone]) -> ShredList | None:
    """Return the list of the last destruction of these scopes, if it has all that is there."""
    kept = ShredList.objects.filter(pk=lines[-1].destruction).first() if lines else None
    if kept is None or list_mac(kept) != lines[-1].mac:
        return None
    return kept if set(gone).issubset(unpack_entries(kept.entries)) else None


def _new_list(scopes: Sequence[UUID], people: int, earlier: int, gone: Sequence[Gone]) -> ShredList:
    named = ",".join(sorted(map(str, scopes))) + (f"#{earlier}" if earlier else "")
    kept, _ = ShredList.objects.get_or_create(
        id=uuid5(HOUSE_SCOPE, named),
        defaults={
            "secret": secrets.token_bytes(32),
            "people": people,
            "created_at": timezone.now(),
            "entries": pack_entries(gone),
        },
    )
    return kept


def list_mac(kept: ShredList) -> bytes:
    """Return the MAC over a list's commitments that its journal line carries."""
    commitments = b"".join(sorted(entry.commitment for entry in unpack_entries(kept.entries)))
    return hmac.new(kept.secret, commitments, hashlib.sha256).digest()


def _commitments_of(places: Iterable[tuple[int, int]]) -> Iterator[Gone]:
    positions: dict[int, list[int]] = {}
    for pk, position in places:
        positions.setdefault(pk, []).append(position)
    for record in Record.objects.filter(pk__in=positions).iterator():
        commitments = parse_body(read_body(record)).commitments
        there = (at for at in positions[record.pk] if at < len(commitments))
        yield from (Gone(record.pk, at, commitments[at]) for at in there)


def _empty_holding(holding: Holding, scopes: Sequence[UUID]) -> Step:
    """Delete a holding's rows and files, and relink those that stay."""
    before = holding.find(scopes).count()
    with transaction.atomic():
        # An epoch that closed meanwhile would drop the list of rows before they change.
        _lock_epoch("pg_advisory_xact_lock_shared")
        if changed := holding.relink(scopes):
            _list_rows(changed)
    with transaction.atomic():
        rows = holding.find(scopes)
        files = list(holding.files(rows))
        gone = list(rows.values_list("pk", flat=True))
        rows.delete()
        # Each names a row and its record, and whoever holds the key can check guesses of a MAC.
        RequestKey.objects.filter(row__in=gone).delete()
    delete_files(files)
    return Step(holding.name, before, holding.find(scopes).count())


def _empty_files(scopes: Sequence[UUID]) -> Step:
    """Delete files whose rows are gone already, or stay and have lost them."""
    left = SealedFile.objects.filter(scopes__overlap=list(scopes))
    return Step("files", delete_files(list(left)), left.all().count())


def _list_rows(rows: Sequence[Recorded]) -> None:
    """Keep which rows were relinked until the epoch closes: before their change commits.

    Their pointer is emptied: at the close it says whose record is still due.
    """
    for row in rows:
        type(row)._default_manager.filter(pk=row.pk).update(record=None)
    said = tuple((row._meta.db_table, str(row.pk)) for row in rows)
    kept = _unowned_list(uuid4(), (), said)
    kept.save(force_insert=True)
    list_copies.keep(kept)


def _merged(closing: UUID, gone: Sequence[Gone], rows: Sequence[tuple[str, str]]) -> ShredList:
    """Return one list of what an epoch destroyed, in the order of the commitments.

    Of rows it holds MACs: whoever finds the row again knows it, and nobody else is led there.
    """
    merged = _unowned_list(closing, sorted(gone, key=lambda entry: entry.commitment), ())
    merged.rows = pack_rows(sorted((row[0], row_mac(merged, row)) for row in rows))
    return merged


def row_mac(merged: ShredList, row: tuple[str, str]) -> str:
    """Return what the list of a closed epoch has in the place of a row's id."""
    return hmac.new(merged.secret, "\0".join(row).encode(), hashlib.sha256).hexdigest()


def _unowned_list(pk: UUID, gone: Sequence[Gone], rows: Sequence[tuple[str, str]]) -> ShredList:
    return ShredList(
        id=pk,
        secret=secrets.token_bytes(32),
        people=0,
        created_at=timezone.now(),
        entries=pack_entries(gone),
        rows=pack_rows(rows),
    )


def _step(name: str, delete: Callable[[], tuple[int, dict[str, int]]]) -> Step:
    with transaction.atomic():
        deleted, _ = delete()
    return Step(name, deleted, 0)


def _lock_epoch(function: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [_EPOCH_LOCK])


@dataclass(frozen=True)
class OpenList:
    """A shred list as this database has it: what of it is still unproved, and whether it is gone.

    ``unproved`` leaves out what has a tombstone, and what another history of this database gave
    the same record id: a restored one gives its ids anew.
    """

    kept: ShredList
    unproved: tuple[Gone, ...]
    is_done: bool

    @property
    def counts(self) -> bool:
        """Return whether its people were destroyed since the last epoch."""
        return bool(self.unproved) or not self.kept.entries


def open_list(kept: ShredList) -> OpenList:
    """Return how a shred list stands beside the segments and tombstones of this database."""
    true = _of_this_history(set(unpack_entries(kept.entries)))
    records = {entry.record for entry in true}
    stored = Segment.objects.filter(record__in=records).values_list("record_id", "position")
    proved = Tombstone.objects.filter(record__in=records).values_list("record_id", "position")
    places, graves = set(stored), set(proved)
    is_done = all((entry.record, entry.position) not in places for entry in true)
    unproved = [entry for entry in true if (entry.record, entry.position) not in graves]
    return OpenList(kept, tuple(sorted(unproved)), is_done)


def _of_this_history(entries: Iterable[Gone]) -> set[Gone]:
    places = ((entry.record, entry.position) for entry in entries)
    return set(_commitments_of(places)).intersection(entries)


def _record_epoch(number: int, gone: Sequence[Gone]) -> Record:
    salted = [(fresh_randomness(), entry) for entry in gone]
    by_leaf = {tombstone_leaf(salt, entry.commitment): (salt, entry) for salt, entry in salted}
    tree = EpochTree(by_leaf)
    # In the order of the hashes: the order of the rows must not say who went with whom.
    Tombstone.objects.bulk_create(
        Tombstone(
            record_id=entry.record,
            position=entry.position,
            epoch=number,
            entry=index,
            salt=salt,
            path=tree.path(leaf),
        )
        for index, leaf in enumerate(tree.entries)
        for salt, entry in [by_leaf[leaf]]
    )
    root = f"sha256:{tree.root.hex()}"
    facts = SegmentsDestroyed(epoch=number, count=len(gone), root=root)
    record = append(kind=SEGMENTS_DESTROYED, facts=facts)
    Epoch.objects.create(number=number, record=record.uuid)
    return record


def _record_relinked(number: int, rows: Sequence[tuple[str, str]]) -> Record | None:
    models = {model._meta.db_table: model for model in recorded_models()}
    stored = [
        models[table]._default_manager.filter(pk=pk, record__isnull=True).first()
        for table, pk in rows
    ]
    shuffled = [row for row in stored if row is not None]
    if not shuffled:
        return None
    secrets.SystemRandom().shuffle(shuffled)
    chunks = [
        shuffled[at : at + _ROWS_PER_SEGMENT] for at in range(0, len(shuffled), _ROWS_PER_SEGMENT)
    ]
    return append(
        kind=ROWS_RELINKED,
        facts=RowsRelinked(epoch=number, count=len(shuffled)),
        segments=[Unsealed("house", rows=tuple(chunk)) for chunk in chunks],
    )
