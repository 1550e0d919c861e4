"""Open the service: the first two accounts, while there is none."""

from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from consent import services
from consent.errors import ConsentError
from consent.services import Newcomer


class Command(BaseCommand):
    """Works once. Prints, for each of the two, where to set a password; both links end soon."""

    help = "Create the first two user administrators; works only while no account exists."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--administrator",
            action="append",
            required=True,
            type=_newcomer,
            metavar="NAME <ADDRESS>",
            help="give it twice: two people stand for each other",
        )
        parser.add_argument(
            "--url", default="http://127.0.0.1:8000", help="where browsers reach the service"
        )

    def handle(self, *, administrator: list[Newcomer], url: str, **options: Any) -> None:  # noqa: ARG002
        try:
            ways_in = services.open_service(administrator)
        except ConsentError as error:
            raise CommandError(str(error)) from error
        for newcomer, way_in in zip(administrator, ways_in, strict=True):
            self.stdout.write(f"{newcomer.email}: {url.rstrip('/')}{way_in.path}")


def _newcomer(text: str) -> Newcomer:
    name, opening, rest = text.partition("<")
    if not opening or not rest.endswith(">"):
        raise ArgumentTypeError("wanted NAME <ADDRESS>")
    return Newcomer(name.strip(), rest[:-1].strip())
