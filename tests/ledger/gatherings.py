"""Bundles over logs in which several records tell of one event: whole, in part, and false."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from ledger.leaf import body_in
from ledger.reports.bundle import Earlier
from ledger.verifier.report import NO_PERIOD, Period

from .bundles import ORIGIN, Log, case

NOBODYS = f"sha256:{'ab' * 32}"
HOURS = {"early": 12, "run": 15, "late": 18}

Said = int | str | Mapping[str, Any]
Spans = list[tuple[int, int]]


@dataclass(frozen=True)
class Gathering:
    """A bundle that verifies, and what it holds of its one event, none if ``here`` is empty."""

    name: str
    build: Callable[[], bytes]
    here: Spans
    outside: Spans


def told(
    *said: Said,
    first: int = 0,
    end: int | None = None,
    singly: tuple[int, ...] = (),
    opened: Mapping[str, Any] | None = None,
) -> Callable[[], bytes]:
    """Build a bundle over the leaves [first, end), or ``singly`` over these, of a log that says so.

    Leaf 0 is ``log.opened``. Each of ``said`` is a leaf behind it: a number is that part of a
    crowd's three, a word another record of an hour in ``HOURS``, an object the facts of a part,
    besides the header's digest, and under ``kind`` its kind.
    """

    def build() -> bytes:
        log = Log()
        log.append("log.opened", {"origin": ORIGIN, **(opened or {})})
        digest = _header_digest(said)
        for one in said:
            _append(log, one, digest)
        return _bundle(log, first, len(log.leaves) if end is None else end, singly)

    return build


def _append(log: Log, said: Said, digest: str) -> None:
    if isinstance(said, str):
        log.append("run.failed", {}, hour=HOURS[said])
    elif said == 1:
        log.append("crowd.gathered", {"parts": 3, "people": 600})
    else:
        facts = {"part": said, "parts": 3} if isinstance(said, int) else said
        stated = {"kind": "crowd.continued", **facts}
        kind = str(stated.pop("kind"))
        log.append(kind, {"header": digest, **stated} if kind.endswith(".continued") else stated)


def _header_digest(said: tuple[Said, ...]) -> str:
    """Return the digest of the header's record, wherever it will stand."""
    if 1 not in said:
        return NOBODYS
    log = Log()
    for _ in said[: said.index(1) + 1]:
        log.append("run.failed", {})
    _append(log, 1, "")
    return f"sha256:{sha256(body_in(log.leaves[-1])).hexdigest()}"


def _bundle(log: Log, first: int, end: int, singly: tuple[int, ...]) -> bytes:
    it, size = case(), len(log.leaves)
    indexes = singly or range(first, end)
    evidence = replace(
        it.evidence,
        checkpoint=log.note(size),
        leaves={index: log.leaves[index] for index in indexes},
        paths={index: log.path(index, size) for index in (singly or {first, end - 1})},
        period=NO_PERIOD if singly else Period(first, end, first, end),
        earlier=[Earlier(log.note(n), log.way(n, size)) for n in {first, end} - {0, size}],
        openings=(),
        padding=(),
        tombstones=(),
    )
    return replace(it, log=log, evidence=evidence, figures=[]).build()


GATHERINGS = [
    Gathering("whole", told(1, "run", 2, 3), [(1, 3)], []),
    Gathering("whole, with much before and behind", told("early", 1, 2, 3, "late"), [(1, 3)], []),
    Gathering("whose end lies behind the span", told(1, 2, 3, end=3), [(1, 2)], [(3, 3)]),
    Gathering("whose beginning lies before the span", told(1, 2, 3, first=2), [(2, 3)], [(1, 1)]),
    Gathering("around the span", told(1, 2, 3, first=2, end=3), [(2, 2)], [(1, 1), (3, 3)]),
    Gathering("of which single leaves are here", told(1, 2, 3, singly=(1, 3)),
        [(1, 1), (3, 3)], [(2, 2)]),
    Gathering("whose end may have no place yet", told(1, 2, "run"), [(1, 2)], [(3, 3)]),
    Gathering("that began in the log before this one", told(3, opened={"predecessors": []}),
        [(3, 3)], [(1, 2)]),
    Gathering("behind leaves as old, not older", told("run", "run", 2, 3, first=1),
        [(2, 3)], [(1, 1)]),
    Gathering("of a kind that knows no header", told({"kind": "version.frozen"}), [], []),
]  # fmt: skip
