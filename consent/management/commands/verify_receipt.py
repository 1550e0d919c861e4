"""Verify a consent receipt offline: no database, no network, no service."""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from consent.errors import ReceiptRefused
from consent.receipts.signature import read_multikey
from consent.receipts.verify import NOT_CHECKED, Outside, Verdict, verify_receipt
from ledger.errors import NoteError
from ledger.tlogpolicy import Policy

VERIFIED, REFUSED, WRONG_USE = 0, 1, 2
NO_KEYS = "keys inside a receipt prove nothing by themselves: get --key and --policy from elsewhere"


class Command(BaseCommand):
    """Exit 0 when everything verifies, 1 when anything does not, 2 on wrong use."""

    help = "Verify a consent receipt offline. Exit 0, 1, or 2 on wrong use."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("receipt", type=Path)
        parser.add_argument(
            "--key", action="append", default=[], help="an issuer's key (z6Mk…), or a file of them"
        )
        parser.add_argument("--policy", type=Path, help="the log's keys (C2SP tlog-policy)")
        parser.add_argument("--notice", type=Path, help="the plain text of the notice")
        parser.add_argument(
            "--evidence", type=Path, action="append", default=[], help="a paper it should list"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *, receipt: Path, **options: Any) -> None:
        try:
            outside = Outside(
                keys=_read_keys(options["key"]),
                policy=Policy.parse(options["policy"].read_bytes()) if options["policy"] else None,
                notice=options["notice"].read_bytes().decode() if options["notice"] else None,
                evidence=[path.read_bytes() for path in options["evidence"]],
            )
            data = receipt.read_bytes()
        except (OSError, UnicodeError, NoteError, ReceiptRefused) as error:
            raise CommandError(str(error), returncode=WRONG_USE) from error
        verdict = verify_receipt(data, outside)
        self.stdout.write(_as_json(verdict) if options["json"] else _as_text(verdict))
        if not verdict.is_consistent:
            sys.exit(REFUSED)


def _read_keys(given: list[str]) -> list[str]:
    keys: list[str] = []
    for one in given:
        keys += Path(one).read_text().split() if Path(one).exists() else [one]
    for key in keys:
        read_multikey(key)
    return keys


def _as_text(verdict: Verdict) -> str:
    lines = [verdict.headline, verdict.rests_on]
    lines += [f"  {finding}" for finding in verdict.findings]
    lines.append(f"checked: {', '.join(verdict.checked) or 'nothing'}")
    lines += [f"not checked: {one}" for one in NOT_CHECKED]
    if not (verdict.is_key_known and verdict.is_log_known):
        lines.append(NO_KEYS)
    return "\n".join(lines)


def _as_json(verdict: Verdict) -> str:
    told = {
        "headline": verdict.headline,
        "rests_on": verdict.rests_on,
        "verified": verdict.is_consistent,
        "authenticated": verdict.is_authenticated,
        "checked": verdict.checked,
        "not_checked": list(NOT_CHECKED),
        "findings": [{"code": one.code, "detail": one.detail} for one in verdict.findings],
    }
    return json.dumps(told)
