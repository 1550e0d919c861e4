"""Bring in old releases: a table and its scans, looked at, and taken in when that is wanted."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import Progress

from consent import services
from consent.errors import ConsentError
from consent.models import Account, Notice, ReleaseErrand, ReleaseImport
from consent.releases.scans import MAX_SCAN
from consent.releases.stating import Said
from consent.releases.table import ENCODINGS
from consent.serializers.releases import ReleaseImportSerializer, SaidSerializer
from consent.services import Bringing
from ledger.errors import LedgerError


class Command(BaseCommand):
    """Exit status 0 when the table got an answer. Without ``--take`` nothing is made of it.

    Run again with the same table it goes on: further scans are added, what was taken in stays.
    """

    help = "Take in a table of signed releases with the scans of the papers, as people and answers."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("table", type=Path, metavar="TABLE", help="CSV with a header")
        parser.add_argument("--actor", required=True, metavar="ADDRESS", help="who answers for it")
        parser.add_argument("--scans", type=Path, metavar="PATH", help="a folder or ZIP of scans")
        parser.add_argument(
            "--notice", metavar="CODE", help="the text that was signed; else: on the papers only"
        )
        parser.add_argument("--said", type=Path, metavar="JSON", help="how the table is to be read")
        parser.add_argument("--encoding", choices=ENCODINGS, default=ENCODINGS[0])
        parser.add_argument("--take", action="store_true", help="take in all that is good")
        parser.add_argument("--json", action="store_true", help="one JSON object")

    def handle(self, *, table: Path, scans: Path | None, **options: Any) -> None:
        actor = Account.objects.find_by_email(options["actor"])
        if actor is None:
            raise CommandError("no account has that e-mail address")
        bringing = Bringing(_notice(options["notice"]), options["encoding"], _said(options["said"]))
        try:
            with table.open("rb") as content:
                row, _ = services.bring_releases(actor=actor, bringing=bringing, content=content)
            if scans is not None:
                self._bring(actor, row, scans)
            if options["take"]:
                services.take_releases(actor=actor, import_id=row.pk)
            _work(row)
        except (ConsentError, LedgerError) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"a file cannot be read: {error.strerror}") from error
        row.refresh_from_db()
        answer = ReleaseImportSerializer(row).data
        self.stdout.write(json.dumps(answer, default=str) if options["json"] else _told(answer))

    def _bring(self, actor: Account, row: ReleaseImport, scans: Path) -> None:
        if scans.is_file():
            with scans.open("rb") as content:
                services.bring_scans(actor=actor, import_id=row.pk, content=content)
            return
        console = Console(stderr=True)
        with Progress(console=console, disable=not console.is_terminal) as progress:
            for path in progress.track(list(_files(scans)), description="Scans"):
                with path.open("rb") as content:
                    # One byte more than a scan may have says that it is too large.
                    data = content.read(MAX_SCAN + 1)
                name = path.relative_to(scans).as_posix()
                services.bring_scan(actor=actor, import_id=row.pk, name=name, content=data)


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder that are no links and not hidden."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
            yield path


def _notice(code: str | None) -> Any:
    if code is None:
        return None
    found = Notice.objects.filter(code=code).order_by("-version", "language").first()
    if found is None:
        raise CommandError(f"there is no notice {code}: publish the text that was signed first")
    return found.pk


def _said(path: Path | None) -> Said:
    if path is None:
        return Said()
    try:
        asked = SaidSerializer(data=json.loads(path.read_text()))
    except (OSError, ValueError) as error:
        raise CommandError("what is said of the table is no JSON file") from error
    if not asked.is_valid():
        raise CommandError(f"what is said of the table is not understood: {asked.errors}")
    return asked.as_said()


def _work(row: ReleaseImport) -> None:
    """Do here what else a worker does, unless one is at it."""
    errand: ReleaseErrand | None = services.lease_releases(row.pk)
    if errand is not None:
        services.carry_out_releases(errand)


def _told(answer: dict[str, Any]) -> str:
    counts = (
        f"{answer['line_count']} lines: {answer['taken_count']} taken in, {answer['ready']} good, "
        f"{answer['dropped_count']} turned away"
    )
    waiting = [f"{one['lines']} wait: {one['words']}" for one in answer["waiting"]]
    return "\n  ".join([f"import {answer['id']}", counts, *waiting])
