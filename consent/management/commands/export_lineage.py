"""Write a frozen version as other people's tools read it, on standard output."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from consent import services
from consent.errors import ConsentError
from consent.management.actors import find_actor
from consent.models import Recipient
from consent.services import ExportForm, exports
from consent.services.authority import Actor
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
        form, items, people = ExportForm(options["format"]), options["items"], options["people"]
        asked = exports.Wanted(version, form, items, people)
        try:
            pieces = _export(find_actor(actor), asked, _find(options["recipient"]))
            for piece in pieces:
                self.stdout.write(piece.decode(), ending="")
        except (ConsentError, LedgerError) as error:
            raise CommandError(str(error)) from error


def _export(actor: Actor, asked: exports.Wanted, recipient: UUID | None) -> Iterator[bytes]:
    if recipient is not None:
        exports.hand_over(actor=actor, wanted=asked, recipient_id=recipient)
        return exports.export_delivered(actor=actor, wanted=asked)
    return services.export_version(
        actor=actor,
        version_id=asked.version_id,
        form=asked.form,
        with_items=asked.with_items,
        with_people=asked.with_people,
    )


def _find(code: str | None) -> UUID | None:
    if code is None:
        return None
    recipient = Recipient.objects.filter(code=code).first()
    if recipient is None:
        raise CommandError("no recipient has this code: name it first")
    return recipient.pk
