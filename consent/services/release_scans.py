"""Scans of old releases: sealed as they come, one by one, until they lie with their answers."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import IO, Any
from uuid import UUID

from django.db import transaction

from consent import kinds
from consent.errors import WrongState
from consent.kinds import ReleasesSettled, Settling
from consent.models import (
    Account,
    BroughtScan,
    LineStanding,
    OldRelease,
    ReleaseErrand,
    ReleaseImport,
    ReleaseState,
    ScanArchive,
)
from consent.moment import database_now
from consent.releases.scans import examine, list_scans, read_scan, short_name, whole_name
from consent.releases.snags import Snag
from consent.services.authority import by, get, lock, require
from consent.services.release_lines import Indexing
from ledger import vault
from ledger.services import append, discard, forget_file, open_stream, store_file, write_stream

PERMISSION = "consent.bring_release"
# In the place of a trouble: its line was turned away, and a worker deletes it.
UNWANTED = "unwanted"
# Their bytes are in memory together: 80 MB at most.
_UNPACKED_AT_ONCE = 8


def bring_scans(*, actor: Account, import_id: UUID, content: IO[bytes]) -> ScanArchive:
    """Seal a ZIP of scans; a worker unpacks it. What came before is known again.

    Raises NotPermitted, Unknown, WrongState, and DescriptionRefused, in a sentence, for what is no
    ZIP, leads out of itself, or unpacks to more than anybody has.
    """
    importing = open_import(actor, import_id)
    file = write_stream((importing.scope_id,), content)
    try:
        # Its bytes, not its row, are read: nothing points there yet.
        with open_stream(file) as stream:
            list_scans(stream, file.size)
        with transaction.atomic():
            importing = lock(ReleaseImport.objects.all(), import_id)
            check_open(importing)
            file.save(force_insert=True)
            archive = ScanArchive.objects.create(importing=importing, file=file)
            want(importing)
        return archive
    except BaseException:
        discard(file)
        raise


@transaction.atomic
def bring_scan(*, actor: Account, import_id: UUID, name: str, content: bytes) -> BroughtScan | None:
    """Seal one scan that lies by itself, as in a folder; None for one that is not needed.

    Raises NotPermitted, Unknown, WrongState.
    """
    importing = open_import(actor, import_id)
    trouble = examine(content)
    scan = _keep_scan(importing, Indexing(), name, content, trouble)
    _reopen(importing, [scan] if scan else [])
    want(importing)
    return scan


def unpack(archive: ScanArchive, go_on: Callable[[], None]) -> None:
    """Keep each scan of an archive by itself, then forget the archive. Safe to repeat."""
    with open_stream(archive.file) as stream:
        opened, entries = list_scans(stream, archive.file.size)
        at = archive.read_to
        while some := entries[at : at + _UNPACKED_AT_ONCE]:
            # Decoding may take long: no transaction is open meanwhile.
            read = [(entry.filename, *read_scan(opened, entry)) for entry in some]
            if not _keep_some(archive.pk, at, read):
                return
            at += len(some)
            go_on()
    with transaction.atomic():
        if ScanArchive.objects.filter(pk=archive.pk).delete()[0]:
            forget_file(archive.file)


@transaction.atomic
def _keep_some(pk: UUID, at: int, read: Sequence[tuple[str, bytes, Snag | None]]) -> bool:
    """Keep the next scans of an archive; False when somebody else did, or it is gone."""
    archives = ScanArchive.objects.select_related("importing").select_for_update(of=("self",))
    archive = archives.filter(pk=pk, read_to=at).first()
    if archive is None:
        return False
    indexing = Indexing()
    kept = [_keep_scan(archive.importing, indexing, *one) for one in read]
    _reopen(archive.importing, [scan for scan in kept if scan])
    archive.read_to += len(read)
    archive.save(update_fields=["read_to"])
    return True


def _keep_scan(
    importing: ReleaseImport, indexing: Indexing, name: str, content: bytes, trouble: str | None
) -> BroughtScan | None:
    """Keep a scan under the import's key; one that came before is kept once.

    A whole one takes the place of one of the same name that could not be used. None for one that
    lies with an answer already, and that no line asks for.
    """
    digest = sha256(content).hexdigest()
    scan = BroughtScan(
        importing=importing,
        index=indexing.scan(whole_name(name)),
        short_index=indexing.scan(short_name(name)),
        content=indexing.of("release.paper", digest),
        trouble=trouble or "",
    )
    same = importing.scans.filter(index=scan.index)
    if known := same.filter(content=scan.content).first():
        return known
    if not importing.lines.filter(claims__contains=[scan.short_index]).exists() and (
        OldRelease.objects.filter(papers__contains=[scan.content]).exists()
    ):
        return None
    if not trouble:
        same.exclude(trouble="").delete()
        scan.file = store_file((importing.scope_id,), content)
    scan.name = vault.keys([importing.scope_id]).seal(scan, "name", name.encode("utf-8", "replace"))
    scan.save(force_insert=True)
    return scan


def _reopen(importing: ReleaseImport, scans: Sequence[BroughtScan]) -> None:
    """Let the lines be judged again that name one of these scans."""
    claimed = [scan.short_index for scan in scans]
    lines = importing.lines.filter(claims__overlap=claimed)
    lines.update(state=LineStanding.UNREAD)


@transaction.atomic
def sweep_unwanted(importing: ReleaseImport) -> None:
    """Delete the scans of lines that were turned away."""
    for scan in importing.scans.filter(trouble=UNWANTED).select_related("file"):
        delete_scan(scan)


def delete_scan(scan: BroughtScan) -> None:
    """Delete a scan that no line names any more."""
    BroughtScan.objects.filter(pk=scan.pk).delete()
    if scan.file is not None:
        forget_file(scan.file)


def want(importing: ReleaseImport, *, restate: bool = False) -> None:
    """Note that a worker is wanted; one that is at it goes on afterwards."""
    said: dict[str, Any] = {"due_at": database_now(), "attempts": 0}
    if restate:
        said["restate"] = True
    ReleaseErrand.objects.update_or_create(importing=importing, defaults=said)


def open_import(actor: Account, import_id: UUID) -> ReleaseImport:
    """Return an import that is open. Raises NotPermitted, Unknown, WrongState."""
    require(actor, PERMISSION)
    importing = get(ReleaseImport.objects.all(), import_id)
    check_open(importing)
    return importing


def check_open(importing: ReleaseImport) -> None:
    """Raise WrongState when an import is closed."""
    if importing.state != ReleaseState.OPEN:
        raise WrongState("the import is closed: bring what is left as a new table")


def record_settled(actor: Account, settling: Settling, lines: int) -> None:
    """Record that somebody said something of lines; of which, would lead to whom they name."""
    facts = ReleasesSettled(settling=settling, lines=lines)
    append(kind=kinds.RELEASES_SETTLED, facts=facts, segments=[by(actor)])
