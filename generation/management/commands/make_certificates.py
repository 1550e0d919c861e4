"""Make what images and reports are signed with, where nobody brought real certificates."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from generation.c2pa import ensure_certificates
from generation.errors import GenerationError
from ledger.certificates import REPORTS, ensure_test_credentials
from ledger.errors import LedgerError


class Command(BaseCommand):
    """Safe to repeat: what is there stays; test certificates near their end are renewed."""

    help = "Create missing test certificates for images and reports; real ones are left alone."

    def handle(self, **options: Any) -> None:  # noqa: ARG002
        try:
            root = ensure_certificates()
            ensure_test_credentials(settings.MUNIMENT_KEYS / "reports", REPORTS)
        except (GenerationError, LedgerError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"image readers should trust {root}")
