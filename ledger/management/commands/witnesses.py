"""Say which witnesses are asked, and when strangers may see a checkpoint."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from ledger.errors import WitnessRefused
from ledger.outside import describe_policy, read_witnesses
from ledger.publication import read_policy
from ledger.services.witnesses import add_witness, change_policy, pause_witness

_WORDS = {"none": 0, "any": 1}


class Command(BaseCommand):
    """Every change is a record ``publication_policy.changed``."""

    help = "List, add or pause witnesses, or set how many must sign before publication."

    def add_arguments(self, parser: CommandParser) -> None:
        acts = parser.add_subparsers(dest="act", metavar="ACT", required=True)
        acts.add_parser("list", help="say what each witness last answered")
        add = acts.add_parser("add", help="ask a witness, or ask it at another address")
        add.add_argument("name")
        add.add_argument("vkey", help="C2SP verifier key, type 0x04 or 0x06")
        add.add_argument("url", help="submission prefix, without add-checkpoint")
        acts.add_parser("pause", help="ask a witness no more").add_argument("name")
        policy = acts.add_parser("policy", help="how many must sign before publication")
        policy.add_argument("quorum", type=_quorum, metavar="none|any|K")
        policy.add_argument(
            "--blocking", action="store_true", help="show nothing that they have not signed"
        )

    def handle(self, *, act: str, **options: Any) -> None:
        try:
            self._do(act, options)
        except WitnessRefused as error:
            raise CommandError(str(error)) from error
        for line in (describe_policy(read_policy()), *read_witnesses()):
            self.stdout.write(str(line))

    def _do(self, act: str, options: dict[str, Any]) -> None:
        if act == "add":
            add_witness(name=options["name"], vkey=options["vkey"], url=options["url"])
        elif act == "pause":
            pause_witness(options["name"])
        elif act == "policy":
            change_policy(quorum=options["quorum"], is_blocking=options["blocking"])


def _quorum(text: str) -> int:
    return _WORDS[text] if text in _WORDS else int(text)
