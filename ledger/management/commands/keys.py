"""List, make, rotate, re-wrap, retire and compromise keys: of logs, and key-encryption keys."""

import json
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import Progress

from ledger.errors import LedgerError
from ledger.keystore.models import DataKey
from ledger.services import keys
from ledger.services.append import DEFAULT_LOG

ENCRYPTION = "encryption"


class Command(BaseCommand):
    """Needs MUNIMENT_ROLE=eraser. The sequencer goes on by itself with keys that were rotated."""

    help = "Keys: list | create | rotate | rewrap | retire KEY | compromise KEY --since T"

    def add_arguments(self, parser: CommandParser) -> None:
        steps = parser.add_subparsers(dest="step", required=True)
        steps.add_parser("list").add_argument("--json", action="store_true")
        for name in ("create", "rotate"):
            step = steps.add_parser(name)
            step.add_argument("what", choices=("log", ENCRYPTION))
            step.add_argument("--log", default=DEFAULT_LOG, help="name of the log")
        step = steps.add_parser("rewrap")
        step.add_argument("--batch", type=int, default=keys.REWRAP_BATCH, help="keys at a time")
        steps.add_parser("retire").add_argument("key", help="id, as keys list shows it")
        step = steps.add_parser("compromise")
        step.add_argument("key", help="id of a log key, as keys list shows it")
        step.add_argument("--since", required=True, help="time in UTC: 2026-11-20T15:04")

    def handle(self, *, step: str, **options: Any) -> None:
        try:
            getattr(self, f"_{step}")(**options)
        except LedgerError as error:
            raise CommandError(str(error)) from error

    def _list(self, *, json: bool, **_: Any) -> None:
        found = keys.list_keys()
        self.stdout.write(_as_json(found) if json else _as_text(found))

    def _create(self, *, what: str, log: str, **_: Any) -> None:
        if what == ENCRYPTION:
            self.stdout.write(f"{keys.create_encryption_key()} stands by")
            return
        for key in keys.create_log_keys(log):
            self.stdout.write(f"{key.key_id.hex()} {key.type.name} of {key.name} stands by")

    def _rotate(self, *, what: str, log: str, **_: Any) -> None:
        if what == ENCRYPTION:
            self.stdout.write(
                f"{keys.rotate_encryption_key()} wraps; now run manage.py keys rewrap"
            )
            return
        for key in keys.rotate_log_keys(log):
            self.stdout.write(f"{key.key_id.hex()} {key.type.name} of {key.name} will sign")

    def _rewrap(self, *, batch: int, **_: Any) -> None:
        if batch < 1:
            raise CommandError(f"batch is {batch}, at least 1")
        console = Console(stderr=True)
        done = 0
        with Progress(console=console, disable=not console.is_terminal) as bar:
            task = bar.add_task("re-wrapping", total=DataKey.objects.count())
            while count := keys.rewrap(batch):
                done += count
                bar.advance(task, count)
        self.stdout.write(f"{done} data keys re-wrapped")

    def _retire(self, *, key: str, **_: Any) -> None:
        if key.startswith("kek-"):
            keys.retire_encryption_key(key)
        else:
            keys.retire_log_key(key)
        self.stdout.write(f"{key} is destroyed")

    def _compromise(self, *, key: str, since: str, **_: Any) -> None:
        try:
            at = datetime.fromisoformat(since)
        except ValueError as error:
            raise CommandError(f"--since is {since!r}, wanted a time: 2026-11-20T15:04") from error
        at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
        found = keys.compromise_log_key(key, at)
        self.stdout.write(f"{key} of {found.name} is not trusted since {at:%Y-%m-%dT%H:%MZ}")


def _as_text(found: list[keys.KeyStatus]) -> str:
    return "\n".join(
        f"{one.id:<10} {one.state.value:<12} {one.what}"
        + ("" if one.uses is None else f", wraps {one.uses} data keys")
        for one in found
    )


def _as_json(found: list[keys.KeyStatus]) -> str:
    return json.dumps(
        [
            {"id": one.id, "what": one.what, "state": one.state.value, "uses": one.uses}
            for one in found
        ]
    )
