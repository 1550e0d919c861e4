"""Bring the tables of both databases up to date with this code."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from ledger.routers import KEYSTORE


class Command(BaseCommand):
    """Needs MUNIMENT_ROLE=migrator. Safe to repeat."""

    help = "Run the migrations of the main database and of the keystore."

    def handle(self, *, verbosity: int, **options: Any) -> None:  # noqa: ARG002
        for alias in settings.DATABASES:
            migrate(alias, verbosity)


def migrate(alias: str, verbosity: int) -> None:
    """Run the migrations of one database: of the keystore only those that have a table there.

    Walking the other apps' migrations there would change nothing and take as long as here.
    """
    apps = [KEYSTORE] if alias == KEYSTORE else []
    call_command("migrate", *apps, database=alias, verbosity=verbosity, interactive=False)
