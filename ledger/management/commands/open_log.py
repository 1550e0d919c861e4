"""Open a log, and make the keys that it and the installation need."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from ledger.errors import LedgerError
from ledger.services import open_log
from ledger.services.append import DEFAULT_LOG
from ledger.signing import create_installation_keys, create_log_keys


class Command(BaseCommand):
    """Safe to repeat: keys and logs that are there stay as they are."""

    help = "Create missing keys and open a log; what is there stays."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", default=DEFAULT_LOG)

    def handle(self, *, name: str, **options: Any) -> None:  # noqa: ARG002
        try:
            create_installation_keys()
            create_log_keys(f"{settings.MUNIMENT_ORIGIN}/{name}")
            log = open_log(name)
        except LedgerError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"log {log.name} is open")
