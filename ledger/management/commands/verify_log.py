"""Verify logs from bodies to signed root; exit 0 when sound, 1 when not."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections
from rich.console import Console
from rich.progress import Progress

from ledger.errors import UnknownCheckpoint, VerificationBroken
from ledger.incarnations import orphaned, tell_loss
from ledger.models import Leaf, Log
from ledger.record_kinds import Predecessor
from ledger.routers import KEYSTORE
from ledger.services.watch import check_log
from ledger.verification import LogVerdict, verify_log
from ledger.verification.findings import Aspect


class Command(BaseCommand):
    """Three verdicts for each log: integrity, completeness, openness; kept for the start page."""

    help = "Verify one log, or all: integrity, completeness, openness. Exit 0 or 1."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--log", help="name of one log; all logs when left out")
        parser.add_argument("--json", action="store_true", help="print one JSON object a log")
        parser.add_argument(
            "--from",
            dest="since",
            type=int,
            default=0,
            metavar="SIZE",
            help="go on from the signed checkpoint of this size; needs --log",
        )

    def handle(self, *, log: str | None, json: bool, since: int, **options: Any) -> None:  # noqa: ARG002
        if since < 0 or (since and not log):
            raise CommandError(
                "--from wants the size of a checkpoint, and --log to say of which log"
            )
        logs = Log.objects.filter(name=log) if log else Log.objects.order_by("id")
        if not logs:
            raise CommandError(f"no log is called {log}" if log else "no log is open yet")
        try:
            verdicts = [self._verify(one, since) for one in logs]
        except (UnknownCheckpoint, VerificationBroken) as error:
            raise CommandError(str(error)) from error
        for verdict in verdicts:
            self.stdout.write(as_json(verdict) if json else as_text(verdict))
        if not all(verdict.is_sound for verdict in verdicts):
            sys.exit(1)

    def _verify(self, log: Log, since: int) -> LogVerdict:
        console = Console(stderr=True)
        with Progress(console=console, disable=not console.is_terminal) as bar:
            # Each leaf is read for integrity, and once more where its segments can be opened.
            leaves = Leaf.objects.filter(incarnation__log=log, index__gte=since).count()
            total = leaves * (1 + (KEYSTORE in connections.settings))
            task = bar.add_task(f"verifying {log.name}", total=total)

            def progress(done: int) -> None:
                bar.advance(task, done)

            # What was only read in part is not kept as a check of the log.
            return verify_log(log, progress, since=since) if since else check_log(log, progress)


def as_text(verdict: LogVerdict) -> str:
    """Tell a verdict in words: who signed, what it rests on, the three answers, the findings."""
    lines = [
        f"{verdict.origin}: {verdict.size} leaves, signed by {len(verdict.signers)} own keys",
        f"time and completeness rest on: {verdict.rests_on}",
    ]
    if verdict.since:
        lines.append(f"leaves before {verdict.since} rest on the checkpoint of that size")
    for aspect in Aspect:
        if aspect is Aspect.OPENNESS and not verdict.is_openness_checked:
            lines.append("openness      not checked: this role has no access to the keystore")
        else:
            found = sum(finding.aspect == aspect for finding in verdict.findings)
            lines.append(f"{aspect:<13} {'sound' if not found else f'{found} findings'}")
    counts = ", ".join(f"{count} {what}" for what, count in sorted(verdict.segments.items()))
    lines.append(f"segments      {counts or 'none'}; {verdict.rows} rows joined")
    lines += [f"continued     {tell_loss(one)}" for one in verdict.predecessors]
    lines += [f"  {finding.message}" for finding in verdict.findings]
    return "\n".join(lines)


def as_json(verdict: LogVerdict) -> str:
    """Tell a verdict to a program: one JSON object."""
    return json.dumps(
        {
            "origin": verdict.origin,
            "size": verdict.size,
            "since": verdict.since,
            "root": verdict.root.hex(),
            "signers": verdict.signers,
            "rests_on": verdict.rests_on,
            "openness_checked": verdict.is_openness_checked,
            "predecessors": [_loss(one) for one in verdict.predecessors],
            "segments": dict(verdict.segments),
            "rows": verdict.rows,
            "sound": verdict.is_sound,
            "findings": [
                {
                    "aspect": finding.aspect,
                    "code": finding.code,
                    "origin": finding.origin,
                    "index": finding.index,
                    "message": finding.message,
                }
                for finding in verdict.findings
            ],
        }
    )


def _loss(predecessor: Predecessor) -> dict[str, Any]:
    """Tell what is left of an earlier origin; ``orphaned`` are indexes, the end not included."""
    lost = orphaned(predecessor)
    return {
        "origin": predecessor.origin,
        "size": predecessor.size,
        "anchored_size": predecessor.anchored_size,
        "anchored_root": predecessor.anchored_root,
        "orphaned": [lost.start, lost.stop],
    }
