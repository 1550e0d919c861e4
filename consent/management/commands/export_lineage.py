"""Write a frozen version as other people's tools read it, on standard output."""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from consent import services
from consent.errors import ConsentError
from consent.management.actors import find_actor
from consent.models import Recipient
from consent.services import ExportForm
from ledger.errors import LedgerError


class Command(BaseCommand):
    """Without ``--actor`` the record says that the operator of this machine looked."""

    help = "Write a frozen version as Croissant, PROV-JSON, PROV-N or OpenLineage events."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("version", type=UUID, help="the version's id")
        parser.add_argument("--format", choices=[form.value for form in ExportForm], required=True)
        parser.add_argument("--items", action="store_true", help="tell of each item; recorded")
        parser.add_argument("--people", action="store_true", help="name people by their handles")
        parser.add_argument("--for", metavar="CODE", dest="recipient", help="who receives it")
        parser.add_argument("--actor", metavar="ADDRESS", help="the account that asks")

    def handle(self, *, version: UUID, actor: str | None, **options: Any) -> None:
        try:
            pieces = services.export_version(
                actor=find_actor(actor),
                version_id=version,
                form=ExportForm(options["format"]),
                with_items=options["items"],
                with_people=options["people"],
                recipient_id=_find(options["recipient"]),
            )
            for piece in pieces:
                self.stdout.write(piece.decode(), ending="")
        except (ConsentError, LedgerError) as error:
            raise CommandError(str(error)) from error


def _find(code: str | None) -> UUID | None:
    if code is None:
        return None
    recipient = Recipient.objects.filter(code=code).first()
    if recipient is None:
        raise CommandError("no recipient has this code: name it first")
    return recipient.pk
