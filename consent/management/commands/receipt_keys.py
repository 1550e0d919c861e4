"""Show the keys that sign consent receipts, or change to a new one."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from consent.signing import read_receipt_keys, read_receipt_signer, rotate_receipt_key


class Command(BaseCommand):
    """Print the public keys, oldest first: the last one signs."""

    help = "Print the public keys of consent receipts, oldest first; --rotate makes the next one."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--rotate", action="store_true", help="sign with a new key, destroy the one before"
        )

    def handle(self, *, rotate: bool, **options: Any) -> None:  # noqa: ARG002
        if rotate:
            rotate_receipt_key()
        else:
            read_receipt_signer()
        for key in read_receipt_keys():
            self.stdout.write(key)
