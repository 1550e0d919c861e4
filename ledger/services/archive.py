"""Archive: closed partitions are copied, checked, and only then leave the database.

Each step is on record, in the transaction that takes it.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from ledger import turns
from ledger.archive import checking, copying, store
from ledger.archive.manifest import Manifest
from ledger.binary import sqlstate
from ledger.errors import NotArchivable
from ledger.kinds import Kind
from ledger.leaf import parse_at, parse_body
from ledger.models import Archive, ArchivedTree, ArchiveState, Partition, Pending, Record
from ledger.partitions import LOCK_NOT_AVAILABLE
from ledger.record_kinds import (
    PARTITION_ARCHIVED,
    PARTITION_DETACHED,
    PARTITION_DROPPED,
    PartitionMoved,
)
from ledger.services.append import Unsealed, append

Progress = Callable[[int], None]
# How long everybody who reads records may be held up while a partition leaves.
LOCK_TIMEOUT = "2s"


def archive_of(partition: Partition) -> Archive | None:
    """Return the copy of ``partition``, if there is one."""
    archive: Archive | None = getattr(partition, "archive", None)
    return archive


def closed_partitions() -> list[Partition]:
    """Return the partitions that get no more records, first to last, up to the first open one."""
    closed = []
    for partition in Partition.objects.all():
        if why_open(partition):
            break
        closed.append(partition)
    return closed


def why_open(partition: Partition) -> str:
    """Say why records of ``partition`` cannot be copied yet; empty when they can."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value, is_called FROM ledger_record_id_seq")
        newest, is_called = cursor.fetchone()
    if newest + is_called < partition.end:
        return f"{partition} are still being written"
    if Pending.objects.filter(record__gte=partition.first, record__lt=partition.end).exists():
        return f"some of {partition} wait for their place: is the sequencer running?"
    return ""


def copy_partition(partition: Partition, progress: Progress = lambda _: None) -> Archive:
    """Copy ``partition``, read the copy back, and put it on record.

    Partitions are copied in order. Raises NotArchivable, CopyBroken, LogTampered; whatever was
    written then is used or overwritten by the next try.
    """
    _check_turn(partition)
    with transaction.atomic():
        _take_time()
        parts = copying.plan(partition)
        manifest = copying.copy(partition, parts, progress)
        checking.check_against_database(manifest, partition)
    checking.check(manifest, progress)
    store.settle()
    with turns.alone(turns.ARCHIVE):
        _check_turn(partition)
        archive = Archive.objects.create(
            partition=partition,
            records=manifest.records,
            manifest=manifest.digest,
            copied_at=timezone.now().replace(microsecond=0),
        )
        ArchivedTree.objects.bulk_create(
            ArchivedTree(archive=archive, incarnation=part.incarnation, size=part.size)
            for part in parts
        )
        _record(PARTITION_ARCHIVED, archive)
    return archive


def check_copy(archive: Archive, progress: Progress = lambda _: None) -> Manifest:
    """Read a copy back and check every byte of it. Raises CopyBroken."""
    manifest = checking.read_manifest(archive)
    checking.check(manifest, progress)
    return manifest


def detach_partition(
    archive: Archive, *, older_than: int = 0, progress: Progress = lambda _: None
) -> int:
    """Take the bodies that the archive holds out of the database; return how many went.

    The copy is checked again first. ``older_than`` is in days; younger than the legal floor
    nothing leaves. Raises NotArchivable, also while somebody reads the records at that moment:
    try again then. CopyBroken.
    """
    days = max(older_than, settings.MUNIMENT_RETENTION_DAYS)
    if age_of(archive.partition) < timedelta(days=days):
        raise NotArchivable(f"{archive.partition} are younger than {days} days")
    with transaction.atomic():
        _take_time()
        checking.check_against_database(check_copy(archive, progress), archive.partition)
    try:
        with turns.alone(turns.ARCHIVE):
            _take_time()
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
                cursor.execute("SELECT ledger_detach(%s)", [archive.partition_id])
                (gone,) = cursor.fetchone()
            _move(archive, ArchiveState.DETACHED, PARTITION_DETACHED)
    except OperationalError as error:
        if sqlstate(error) != LOCK_NOT_AVAILABLE:
            raise
        raise NotArchivable("somebody reads or writes records just now: try again") from error
    return int(gone)


def drop_partition(archive: Archive, progress: Progress = lambda _: None) -> None:
    """Drop the table of records that left the database, once their copy is checked again.

    Raises NotArchivable, CopyBroken.
    """
    if archive.state != ArchiveState.DETACHED:
        raise NotArchivable(f"{archive.partition} have not left the database")
    check_copy(archive, progress)
    with turns.alone(turns.ARCHIVE), connection.cursor() as cursor:
        cursor.execute("SELECT ledger_drop(%s)", [archive.partition_id])
        _move(archive, ArchiveState.DROPPED, PARTITION_DROPPED)


def age_of(partition: Partition) -> timedelta:
    """Return how old the newest record of ``partition`` is, by its own time."""
    within = Record.objects.filter(pk__gte=partition.first, pk__lt=partition.end)
    newest = within.exclude(body=b"").order_by("-pk").first()
    if newest is None:
        return timedelta.max
    return datetime.now(UTC) - parse_at(parse_body(newest.body).at)


def _check_turn(partition: Partition) -> None:
    if reason := why_open(partition):
        raise NotArchivable(reason)
    if Archive.objects.filter(partition=partition).exists():
        raise NotArchivable(f"{partition} are in the archive already")
    before = Partition.objects.filter(first__lt=partition.first, archive__isnull=True)
    if earlier := before.first():
        raise NotArchivable(f"{earlier} come first")


def _take_time() -> None:
    """Let the transaction last as long as reading a whole partition does."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL transaction_timeout = 0")


def _move(archive: Archive, state: ArchiveState, kind: Kind) -> None:
    archive.state = state
    archive.save(update_fields=["state"])
    _record(kind, archive)


def _record(kind: Kind, archive: Archive) -> None:
    append(
        kind=kind,
        facts=PartitionMoved(
            first=archive.partition.first,
            end=archive.partition.end,
            records=archive.records,
            manifest=archive.manifest,
        ),
        segments=[Unsealed("house", rows=(archive,))],
    )
