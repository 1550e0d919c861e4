"""Continue a log after a restore, under a new origin that says what was lost."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ledger.errors import LedgerError
from ledger.incarnations import tell_loss
from ledger.services.append import DEFAULT_LOG
from ledger.services.incarnations import continue_log, plan_continuation


class Command(BaseCommand):
    """Only for a database that the sequencer refuses; a better backup is the better cure."""

    help = "Open the next incarnation of a log whose database was restored from an older backup."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", default=DEFAULT_LOG)
        parser.add_argument("--dry-run", action="store_true", help="only say what would be lost")

    def handle(self, *, name: str, dry_run: bool, **options: Any) -> None:  # noqa: ARG002
        try:
            planned = plan_continuation(name) if dry_run else continue_log(name)
        except LedgerError as error:
            raise CommandError(str(error)) from error
        for predecessor in planned.predecessors:
            self.stdout.write(tell_loss(predecessor))
        will = "would be continued" if dry_run else "is continued"
        self.stdout.write(f"log {name} {will} as {planned.origin}")
