"""Copy closed ranges of records into the archive, check the copies, take the records out."""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import Progress

from ledger.errors import LedgerError, NotArchivable
from ledger.models import Archive, ArchiveState, Partition
from ledger.services import archive as service

RETRY_SECONDS = 5
Advance = Callable[[int], None]
T = TypeVar("T")


class Command(BaseCommand):
    """Needs MUNIMENT_ROLE=eraser. Each step may be cut off anywhere, and repeated."""

    help = "Archive: list | copy | verify | detach | drop"

    def add_arguments(self, parser: CommandParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        step = steps.add_parser("list", help="say which records lie where")
        step.add_argument("--json", action="store_true")
        steps.add_parser("copy", help="copy every closed range, and read the copy back")
        steps.add_parser("verify", help="read every copy back, up to its signed checkpoint")
        step = steps.add_parser("detach", help="let copied records leave the database")
        step.add_argument(
            "--older-than",
            type=int,
            default=settings.MUNIMENT_RETENTION_DAYS,
            help="days; never less than MUNIMENT_RETENTION_DAYS (default: %(default)s)",
        )
        step.add_argument("--wait", type=float, default=10, help="minutes to wait for readers")
        steps.add_parser("drop", help="drop the tables of records that left the database")

    def handle(self, *, step: str, **options: Any) -> None:
        try:
            getattr(self, f"_{step}")(**options)
        except LedgerError as error:
            raise CommandError(str(error)) from error

    def _list(self, *, json: bool, **_: Any) -> None:
        found = list(Partition.objects.select_related("archive"))
        self.stdout.write(_as_json(found) if json else "\n".join(map(_as_text, found)))

    def _copy(self, **_: Any) -> None:
        for partition in self._each(
            one for one in service.closed_partitions() if not service.archive_of(one)
        ):
            with _progress(f"copying {partition}") as advance:
                archive = service.copy_partition(partition, advance)
            self.stdout.write(f"{partition}: {archive.records} copied and checked")

    def _verify(self, **_: Any) -> None:
        for archive in self._each(_archives(ArchiveState.values)):
            with _progress(f"checking {archive.partition}") as advance:
                manifest = service.check_copy(archive, advance)
            self.stdout.write(f"{archive.partition}: the copy of {manifest.records} is whole")

    def _detach(self, *, older_than: int, wait: float, **_: Any) -> None:
        if older_than < settings.MUNIMENT_RETENTION_DAYS:
            floor = settings.MUNIMENT_RETENTION_DAYS
            raise CommandError(f"--older-than is {older_than}, MUNIMENT_RETENTION_DAYS is {floor}")
        for archive in self._each(_archives([ArchiveState.COPIED])):
            if service.age_of(archive.partition).days < older_than:
                self.stdout.write(f"{archive.partition}: younger than {older_than} days, kept")
                continue
            gone = self._insist(archive, older_than, time.monotonic() + wait * 60)
            self.stdout.write(f"{archive.partition}: {gone} left the database")

    def _insist(self, archive: Archive, older_than: int, deadline: float) -> int:
        """Detach, and try again while somebody reads: a verification reads for long."""
        while True:
            try:
                with _progress(f"detaching {archive.partition}") as advance:
                    return service.detach_partition(
                        archive, older_than=older_than, progress=advance
                    )
            except NotArchivable:
                if time.monotonic() > deadline:
                    raise
                time.sleep(RETRY_SECONDS)

    def _drop(self, **_: Any) -> None:
        for archive in self._each(_archives([ArchiveState.DETACHED])):
            with _progress(f"checking {archive.partition}") as advance:
                service.drop_partition(archive, advance)
            self.stdout.write(f"{archive.partition}: only the archive has them now")

    def _each(self, found: Iterable[T]) -> list[T]:
        several = list(found)
        if not several:
            self.stdout.write("nothing to do: see manage.py archive list")
        return several


def _archives(states: Iterable[str]) -> list[Archive]:
    found = Archive.objects.filter(state__in=list(states)).select_related("partition")
    return list(found.order_by("partition"))


@contextmanager
def _progress(task: str) -> Iterator[Advance]:
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as bar:
        number = bar.add_task(task, total=None)
        yield lambda count: bar.advance(number, count)


def _as_text(partition: Partition) -> str:
    archive = service.archive_of(partition)
    if archive:
        return f"{partition}: {archive.records}, {archive.get_state_display()}"
    return service.why_open(partition) or f"{partition}: closed, not copied yet"


def _as_json(found: Iterable[Partition]) -> str:
    return json.dumps(
        [
            {
                "first": one.first,
                "end": one.end,
                "state": archive.state if archive else None,
                "records": archive.records if archive else None,
                "manifest": archive.manifest if archive else None,
            }
            for one in found
            for archive in [service.archive_of(one)]
        ]
    )
