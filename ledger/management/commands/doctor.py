"""Look at everything that can be wrong with an installation, and say in words what to do."""

import json
import sys
from itertools import groupby
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from ledger.checks import EXAMINATIONS, Diagnosis


class Command(BaseCommand):
    """Exit 0 when all is well, 1 when something is to be done."""

    help = "Examine keys, clocks, database, safe copies, queues, disk. Exit 0 or 1."
    # The doctor must answer where Django's own checks would not let a command start.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *, json: bool, **options: Any) -> None:  # noqa: ARG002
        found = list(EXAMINATIONS.run())
        self.stdout.write(as_json(found) if json else as_text(found))
        if not all(one.is_well for one in found):
            sys.exit(1)


def as_text(found: list[Diagnosis]) -> str:
    """Tell it to a person: by topic, what was seen and what to do."""
    lines = []
    for topic, group in groupby(found, key=lambda one: one.topic):
        lines.append(topic)
        for one in group:
            lines.append(f"  {'ok  ' if one.is_well else 'MEND'}  {one.said}")
            lines += [f"        → {one.cure}"] if one.cure else []
    count = sum(not one.is_well for one in found)
    lines.append("all is well" if not count else f"{count} to mend")
    return "\n".join(lines)


def as_json(found: list[Diagnosis]) -> str:
    """Tell it to a program."""
    seen = [
        {"topic": one.topic, "well": one.is_well, "said": one.said, "cure": one.cure}
        for one in found
    ]
    return json.dumps({"well": all(one.is_well for one in found), "found": seen})
