"""Bring the tables of both databases up to date with this code."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Needs MUNIMENT_ROLE=migrator. Safe to repeat."""

    help = "Run the migrations of the main database and of the keystore."

    def handle(self, *, verbosity: int, **options: Any) -> None:  # noqa: ARG002
        for alias in settings.DATABASES:
            call_command("migrate", database=alias, verbosity=verbosity, interactive=False)
