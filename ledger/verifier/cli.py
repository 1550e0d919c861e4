"""``muniment-verify``: verify a bundle from the command line."""

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from ledger.errors import CanonicalError, LedgerError, NoteError
from ledger.note import Checkpoint, Note
from ledger.timestamps import parse_roots
from ledger.tlogpolicy import MAX_POLICY_SIZE, Policy

from .bundle import Malformed
from .events import Event
from .signatures import Trust
from .times import LONGEST_DELAY, Timed
from .verify import NOT_CHECKED, Requirement, Verdict, verify_bundle

VERIFIED, REFUSED, WRONG_USE = 0, 1, 2
MAX_EVENTS_TOLD = 20
_SECONDS = re.compile(r"[0-9]{1,5}\Z")
_PEM = b"-----BEGIN CERTIFICATE-----"
ACCUSED = (
    "keys inside a bundle prove nothing by themselves, and a verify.html inside it comes from the "
    "accused: get policy and page from elsewhere"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify one bundle and say what was found.

    Returns 0 when everything verifies, 1 when anything in the bundle does not, 2 on wrong use or
    when the file is no ZIP file.
    """
    options = _parser().parse_args(arguments)
    try:
        verdict = verify_bundle(options.bundle, **_demands(options))
    except (OSError, LedgerError) as exc:
        sys.stderr.write(f"muniment-verify: {_plain(str(exc))}\n")
        return WRONG_USE
    text = json.dumps(as_json(verdict), indent=2) if options.json else "\n".join(_lines(verdict))
    sys.stdout.write(text + "\n")
    return VERIFIED if verdict.is_consistent else REFUSED


def as_json(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as plain values, findings in the order of the checks."""
    origin = verdict.head.origin if verdict.head else None
    return {
        "authenticated": verdict.is_authenticated,
        "consistent": verdict.is_consistent,
        "events": [asdict(event) for event in verdict.events],
        "figures": verdict.figures,
        "findings": [{**asdict(finding), "origin": origin} for finding in verdict.findings],
        "headline": verdict.headline,
        "leaves": len(verdict.leaves),
        "not_checked": list(NOT_CHECKED),
        "openings_withheld": verdict.openings_withheld,
        "origin": origin,
        "period": None if verdict.period.is_empty else asdict(verdict.period),
        "positions": verdict.positions.count(),
        "rests_on": verdict.rests_on,
        "size": verdict.head.size if verdict.head else None,
        "times": _timed_as_json(verdict.timed),
    }


def _lines(verdict: Verdict) -> list[str]:
    lines = [verdict.headline, verdict.rests_on]
    if verdict.head is not None:
        lines.append(_ground(verdict))
        counts = verdict.positions.count()
        lines.append("positions: " + ", ".join(f"{n} {status}" for status, n in counts.items()))
    if verdict.timed is not None:
        lines.append(f"times: {verdict.timed}")
    lines += _tell_events(verdict.events)
    if verdict.openings_withheld:
        lines.append("openings withheld: disclosed/ was taken out")
    lines += [str(finding) for finding in verdict.findings]
    lines.append("not checked: " + "; ".join(NOT_CHECKED))
    if not verdict.is_authenticated:
        lines.append(ACCUSED)
    return [_plain(line) for line in lines]


def _ground(verdict: Verdict) -> str:
    assert verdict.head is not None
    period = verdict.period
    words = f"{len(verdict.leaves)} of the {verdict.head.size} leaves of {verdict.head.origin}"
    if not period.is_empty:
        words += f", the period being leaves {period.first} to {period.end - 1}"
    return f"{words}; {verdict.figures} figures recomputed"


def _timed_as_json(timed: Timed | None) -> dict[str, Any] | None:
    if timed is None:
        return None
    return {
        "leaves": timed.leaves,
        "merge_delay_seconds": timed.merge_delay // timedelta(seconds=1),
        "tokens": timed.tokens,
    }


def _tell_events(events: Sequence[Event]) -> Iterator[str]:
    """Tell how many events have several records, and which parts of them are elsewhere."""
    if not events:
        return
    in_part = [event for event in events if not event.is_whole]
    yield f"events of several records: {len(events)}, whole here: {len(events) - len(in_part)}"
    yield from (f"event in part: {event}" for event in in_part[:MAX_EVENTS_TOLD])
    if len(in_part) > MAX_EVENTS_TOLD:
        yield f"event in part: {len(in_part) - MAX_EVENTS_TOLD} more, all told by --json"


def _demands(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "policy": Policy.parse(_read(options.policy)) if options.policy else None,
        "trust": _read_trust(options.trust) if options.trust else None,
        "since": _read_checkpoint(options.since) if options.since else None,
        "require": frozenset(Requirement(name) for name in options.require),
        "merge_delay": options.merge_delay,
    }


def _read_trust(path: Path) -> Trust:
    data = _read(path)
    # What authorities publish is PEM.
    if data.lstrip().startswith(_PEM):
        return Trust.of_authority(parse_roots(data))
    try:
        return Trust.parse(data)
    except (CanonicalError, Malformed) as exc:
        raise LedgerError(f"{path} is no trust file: {exc}") from exc


def _read_checkpoint(path: Path) -> Note:
    note = Note.parse(_read(path))
    if Checkpoint.parse(note.text).size == 0:
        raise NoteError("a checkpoint of size 0 proves nothing")
    return note


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_POLICY_SIZE + 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="muniment-verify",
        description="Verify a bundle without asking the service or its operator.",
        epilog="Exit status: 0 everything verifies; 1 something does not; 2 wrong use, or no ZIP.",
    )
    parser.add_argument("bundle", type=Path, metavar="BUNDLE")
    parser.add_argument("--policy", type=Path, metavar="FILE", help="keys you hold from outside")
    parser.add_argument(
        "--trust",
        type=Path,
        metavar="FILE",
        help="roots you trust: trust.json, or an authority's PEM",
    )
    parser.add_argument(
        "--since", type=Path, metavar="CHECKPOINT", help="prove that the log goes on from this one"
    )
    parser.add_argument(
        "--require", action="append", default=[], choices=[each.value for each in Requirement]
    )
    parser.add_argument(
        "--merge-delay",
        type=_delay,
        metavar="SECONDS",
        help="how long a record may wait for its place, instead of what the report says",
    )
    parser.add_argument("--json", action="store_true", help="print the verdict as JSON")
    return parser


def _delay(text: str) -> timedelta:
    delay = timedelta(seconds=int(text) if _SECONDS.match(text) else 0)
    if not timedelta() < delay <= LONGEST_DELAY:
        raise argparse.ArgumentTypeError("wanted whole seconds from 1 to 86400")
    return delay


def _plain(line: str) -> str:
    """Return ``line`` with whatever could steer a terminal written as an escape."""
    return "".join(
        character if character.isascii() and character.isprintable() else ascii(character)[1:-1]
        for character in line
    )


if __name__ == "__main__":
    sys.exit(main())
