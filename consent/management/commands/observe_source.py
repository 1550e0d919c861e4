"""Take in what a crawler saw at a source: robots.txt, headers, pages, files, one answer a line."""

import json
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from consent import services
from consent.errors import ConsentError
from consent.management.actors import find_actor
from consent.models import Source
from ledger.errors import LedgerError

_PIECE = 1 << 16


class Command(BaseCommand):
    """Exit status 0 when each file was read, also where lines of it could not be taken.

    ``-`` is standard input, so that a crawler can be piped in. Without ``--actor`` the record says
    that the operator of this machine brought it.
    """

    help = (
        "Take in what was seen at a source, as JSON lines: url, seen_at, status, headers, body or "
        "body_base64; covers, kind, manifest_store where they apply."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", metavar="PROJECT/SOURCE", help="where it was seen")
        parser.add_argument("paths", nargs="+", metavar="PATH", help="files of lines, or -")
        parser.add_argument("--actor", metavar="ADDRESS", help="the account that brings it")
        parser.add_argument("--json", action="store_true", help="one JSON object for each file")

    def handle(self, *, source: str, paths: list[str], actor: str | None, **options: Any) -> None:
        project, _, code = source.partition("/")
        found = Source.objects.filter(project__code=project, code=code).first()
        if found is None:
            raise CommandError(f"there is no source {source}, wanted PROJECT/SOURCE")
        try:
            who = find_actor(actor)
            for path in paths:
                with _open(path) as content:
                    lines = services.read_lines(_pieces(content))
                    told = services.observe_lines(actor=who, source_id=found.pk, lines=lines)
                said = {
                    "path": path,
                    "observations": told.observations,
                    "unchanged": told.unchanged,
                    "refused": told.refused,
                    "reasons": [f"line {line}: {why}" for line, why in told.reasons],
                }
                self.stdout.write(json.dumps(said) if options["json"] else _sentence(said))
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}") from error
        except (ConsentError, LedgerError) as error:
            raise CommandError(str(error)) from error


def _open(path: str) -> Any:
    return nullcontext(sys.stdin.buffer) if path == "-" else Path(path).open("rb")


def _pieces(content: IO[bytes]) -> Iterator[bytes]:
    while some := content.read(_PIECE):
        yield some


def _sentence(said: dict[str, Any]) -> str:
    counts = f"{said['observations']} stored, {said['unchanged']} as seen before"
    if said["refused"]:
        counts += f", {said['refused']} lines not taken"
    return "\n  ".join([f"{said['path']}: {counts}", *said["reasons"]])
