"""Replay the shred journal: destroy again what a restored backup brought back."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ledger.errors import LedgerError
from ledger.services.replay import replay_journal


class Command(BaseCommand):
    """Run it after every restore, before the service starts. Needs MUNIMENT_ROLE=eraser."""

    help = "Destroy again what a restored backup brought back of erased people."

    def handle(self, **options: Any) -> None:
        try:
            done = replay_journal()
        except LedgerError as error:
            raise CommandError(str(error)) from error
        if done.repeated or done.lists or options["verbosity"] > 1:
            self.stdout.write(
                f"{done.lines} destructions on record, {done.repeated} repeated, "
                f"{done.lists} lists mended"
            )
