"""Verify offline that an item is in a data set version: no database, no network, no service."""

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from consent.members import Member, read_membership
from ledger.errors import ProofError

REFUSED, WRONG_USE = 1, 2
TRUST_IT_FROM_ELSEWHERE = (
    "the digest inside a proof proves nothing by itself: get --digest from the record "
    "version.frozen, or from a report"
)


class Command(BaseCommand):
    """Exit 0 when the proof holds, 1 when it does not, 2 on wrong use."""

    help = "Verify offline that an item is in a data set version. Exit 0, 1, or 2 on wrong use."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("proof", type=Path)
        parser.add_argument("--digest", default="", help="the version's digest, sha256:…")

    def handle(self, *, proof: Path, digest: str, **options: Any) -> None:  # noqa: ARG002
        try:
            data = proof.read_bytes()
        except OSError as error:
            raise CommandError(str(error), returncode=WRONG_USE) from error
        try:
            stated = read_membership(data)
            member = stated.verify(digest)
        except ProofError as error:
            self.stdout.write(f"REFUSED: {error}")
            sys.exit(REFUSED)
        said = f"sha256:{stated.digest.hex()}"
        self.stdout.write(f"item {stated.index} of {stated.size} of the version {said}")
        self.stdout.write(_tell(member))
        if not digest:
            self.stdout.write(TRUST_IT_FROM_ELSEWHERE)


def _tell(member: Member | None) -> str:
    if member is None:
        return "what was committed to is not told: the proof speaks of a commitment only"
    shown = f", {len(member.depicts)} people shown" if member.depicts else ""
    return f"committed to: {member.digest or 'no digest'}, {member.licence}{shown}"
