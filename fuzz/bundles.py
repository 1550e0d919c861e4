"""Report bundles: the ZIP profile, and one file after the other of a good bundle replaced."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache

from fuzz.proofs import TOKEN
from fuzz.target import Target, expect, require
from ledger.canonical import canonical, parse_object
from ledger.commitment import COMMITMENT_SIZE
from ledger.errors import CanonicalError, NotAnArchive
from ledger.leaf import parse_leaf
from ledger.reports.archive import write_archive
from ledger.timestamps import Stamp
from ledger.verifier.archive import read_archive
from ledger.verifier.bundle import (
    LEAVES,
    OPENINGS,
    PADDING,
    REPORT,
    TOMBSTONES,
    TRUST,
    UNLISTED,
    Malformed,
    PlacedOpening,
    Tombstone,
    stamp_path,
)
from ledger.verifier.cli import as_json
from ledger.verifier.events import Event, check_events
from ledger.verifier.figures import Ground, evaluate
from ledger.verifier.findings import Findings, TooManyFindings
from ledger.verifier.leaves import read_leaves
from ledger.verifier.positions import Positions
from ledger.verifier.report import NO_PERIOD, Report
from ledger.verifier.signatures import Trust
from ledger.verifier.times import LONGEST_DELAY, check_times
from ledger.verifier.verify import Verdict, verify_bundle
from tests.ledger import bundles
from tests.ledger.gatherings import GATHERINGS

LONGEST_ARCHIVE = 1 << 16
# Tokens of all times, as far off as they may be.
_STAMPS = {
    size: Stamp(time.replace(tzinfo=UTC), timedelta(days=1))
    for size, time in enumerate((datetime.min, datetime(2026, 11, 20, 15), datetime.max), 2)
}
_REFUSALS = (CanonicalError, Malformed)


def read_zip(data: bytes) -> bundles.Files | None:
    files = read_archive(data, findings := Findings())
    return None if findings else files


def check_zip(files: bundles.Files | None, data: bytes) -> None:
    if files is not None:
        expect(write_archive(files), data, "archive")


def read_bundle(data: bytes) -> Verdict:
    return verify_bundle(write_archive(_files(data)), policy=bundles.POLICY)


def check_bundle(verdict: Verdict, data: bytes) -> None:
    # Whoever has no key of the log can change no byte unseen.
    expect(verdict.is_consistent, _files(data) == _good(), "verdict")
    json.dumps(as_json(verdict))


def check_report(report: Report, data: bytes) -> None:
    expect(report.encode(), data, "report")
    for figure in report.figures:
        with suppress(Malformed):
            query = figure["query"] if type(figure) is dict and "query" in figure else figure
            canonical([evaluate(query, _ground())])


def read_told(data: bytes) -> list[Event]:
    findings = Findings()
    leaves = read_leaves({LEAVES: data}, findings)
    for merge_delay in (timedelta(), LONGEST_DELAY):
        check_times(leaves, _STAMPS, merge_delay, findings)
    return check_events(leaves, findings)


def check_told(events: list[Event], _: bytes) -> None:
    """See that the spans of each event are all its parts, each once."""
    for event in events:
        spans = sorted([*event.here, *event.missing, *event.outside])
        ends = [0, *(end for _, end in spans)]
        expect([begin for begin, _ in spans], [end + 1 for end in ends[:-1]], "begins of spans")
        expect(ends[-1], event.parts, "last part")
        require(all(begin <= end for begin, end in spans), "spans of one part at least")


def read_opening(data: bytes) -> PlacedOpening:
    return PlacedOpening.parse(parse_object(data))


def check_opening(placed: PlacedOpening, data: bytes) -> None:
    expect(canonical(placed.line()), data, "opening")
    expect(len(placed.opening.commitment), COMMITMENT_SIZE, "bytes of a commitment")


def read_tombstone(data: bytes) -> Tombstone:
    return Tombstone.parse(parse_object(data))


def check_tombstone(stone: Tombstone, data: bytes) -> None:
    expect(canonical(stone.line()), data, "tombstone")


def check_trust(trust: Trust, _: bytes) -> None:
    require(trust.covers(trust), "trust in the same")


def _files(data: bytes) -> bundles.Files:
    """Take the first byte as the number of a file, and the rest as what stands in it."""
    return {**_good(), _names()[data[0] % len(_names())]: data[1:]} if data else _good()


@cache
def _ground() -> Ground:
    leaves = [parse_leaf(leaf) for leaf in bundles.case().log.leaves]
    return Ground(NO_PERIOD, Positions({leaf.index: leaf for leaf in leaves}))


def _lines(*paths: str) -> Iterator[bytes]:
    for path in paths:
        yield from _good()[path].splitlines()


@cache
def _good() -> bundles.Files:
    return bundles.unpack(bundles.good())


@cache
def _names() -> list[str]:
    """Return the files that are read, those beside them that may be there, and one that is not."""
    unread = {"README.txt", "report.pdf", "verify.html"}
    return sorted({*_good(), *UNLISTED, stamp_path(9), "trust.json", "unknown"} - unread)


def _told() -> Iterator[bytes]:
    yield _good()[LEAVES]
    for gathering in GATHERINGS:
        yield bundles.unpack(gathering.build())[LEAVES]


def _replaced() -> Iterator[bytes]:
    for number, name in enumerate(_names()):
        yield bytes([number]) + _good().get(name, TOKEN.read_bytes())


TARGETS = (
    Target(
        "archive",
        read_zip,
        check_zip,
        (NotAnArchive, TooManyFindings),
        lambda: [bundles.good(), write_archive({}), write_archive({"a": b"1", "b/c": b""})],
        LONGEST_ARCHIVE,
    ),
    Target("bundle", read_bundle, check_bundle, (), _replaced, LONGEST_ARCHIVE),
    Target("told", read_told, check_told, (TooManyFindings,), _told, LONGEST_ARCHIVE),
    Target("report", Report.parse, check_report, _REFUSALS, lambda: [_good()[REPORT]]),
    Target("opening", read_opening, check_opening, _REFUSALS, lambda: _lines(OPENINGS, PADDING)),
    Target("tombstone", read_tombstone, check_tombstone, _REFUSALS, lambda: _lines(TOMBSTONES)),
    Target("trust", Trust.parse, check_trust, _REFUSALS, lambda: [_good()[TRUST]]),
)
