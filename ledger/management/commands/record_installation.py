"""Put on record which code, tables, settings and controls this service starts with."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ledger.errors import LedgerError
from ledger.services.installation import record_installation


class Command(BaseCommand):
    """Safe to repeat: what was recorded and has not changed is not recorded again."""

    help = "Record the deployed code, applied migrations, changed settings and checked controls."

    def handle(self, **options: Any) -> None:  # noqa: ARG002
        try:
            written = record_installation()
        except LedgerError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{written} records written")
