"""The positions: each segment of each leaf is opened, withheld, destroyed, padding or missing."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from ledger import merkle
from ledger.canonical import parse_object
from ledger.commitment import PADDING_ROLE, tombstone_leaf
from ledger.errors import CanonicalError, ProofError

from . import bundle
from .bundle import (
    NAMES,
    OPENINGS,
    PADDING,
    REPORT,
    TOMBSTONES,
    Malformed,
    Place,
    PlacedOpening,
    Tombstone,
    exact,
    versioned,
)
from .findings import Code, Findings
from .leaves import Leaves
from .report import Report

SEGMENTS_DESTROYED = "segments.destroyed"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")


class Status(StrEnum):
    """What became of one segment."""

    OPENED = "opened"
    WITHHELD = "withheld"
    DESTROYED = "destroyed"
    PADDING = "padding"
    MISSING = "missing"


@dataclass
class Positions:
    """What the bundle shows of each position; what it shows nothing of is withheld.

    ``shown`` is what the report declares and the evidence bears out, ``epochs`` the epoch of each
    destroyed position, ``openings`` the openings at hand that hold.
    """

    leaves: Leaves
    shown: dict[Place, Status] = field(default_factory=dict)
    epochs: dict[Place, int] = field(default_factory=dict)
    openings: dict[Place, PlacedOpening] = field(default_factory=dict)

    def commitment(self, place: Place) -> bytes | None:
        """Return the commitment at ``place``, or None when there is no such place."""
        leaf = self.leaves.get(place.index)
        if leaf is None or place.position >= len(leaf.body.commitments):
            return None
        return leaf.body.commitments[place.position]

    def claim(self, place: Place, status: Status, path: str, findings: Findings) -> None:
        """Give ``place`` its status; a second one is a finding."""
        if place in self.shown:
            detail = f"{status}, but {self.shown[place]} already"
            findings.add(Code.POSITION_TWICE, detail, path, **where(place))
        else:
            self.shown[place] = status

    def seen(self, place: Place) -> Status:
        """Return the status as the bundle lies here; openings may have been taken out."""
        status = self.shown.get(place, Status.WITHHELD)
        if status is Status.OPENED and place not in self.openings:
            return Status.WITHHELD
        return status

    @cached_property
    def issued_by_leaf(self) -> Mapping[int, Counter[Status]]:
        """Return how many positions of each leaf were issued with each status but *withheld*.

        Asked for once everything has been claimed.
        """
        counts: defaultdict[int, Counter[Status]] = defaultdict(Counter)
        for place, status in self.shown.items():
            counts[place.index][status] += 1
        return counts

    def count(self) -> dict[Status, int]:
        """Return how many positions have each status, as the bundle lies here."""
        counts = Counter(self.seen(place) for place in self.shown)
        total = sum(len(leaf.body.commitments) for leaf in self.leaves.values())
        counts[Status.WITHHELD] += total - len(self.shown)
        return {status: counts[status] for status in Status}


def check_positions(
    files: Mapping[str, bytes],
    leaves: Leaves,
    report: Report | None,
    findings: Findings,
    *,
    withheld: bool,
) -> Positions:
    """Check padding, tombstones and openings against the leaves, and against the report."""
    positions = Positions(leaves)
    for opening in _openings(PADDING, files, positions, findings):
        positions.claim(opening.place, Status.PADDING, PADDING, findings)
    _check_tombstones(files, positions, findings)
    _take_declared(report, positions, findings)
    for opening in _openings(OPENINGS, files, positions, findings):
        positions.openings[opening.place] = opening
    _check_declared(report, positions, findings, withheld=withheld)
    _check_names(files, findings)
    return positions


def where(place: Place) -> dict[str, Any]:
    """Return ``place`` as the keywords of a finding."""
    return {"index": place.index, "position": place.position}


def _openings(
    path: str, files: Mapping[str, bytes], positions: Positions, findings: Findings
) -> list[PlacedOpening]:
    """Return the openings of one file that hold."""
    good, last = [], (-1, -1)
    for number, value in bundle.lines(path, files, findings):
        try:
            line = PlacedOpening.parse(value)
        except Malformed as exc:
            findings.add(Code.LINE_MALFORMED, exc, path, line=number)
            continue
        place = (line.place.index, line.place.position)
        if place <= last:
            findings.add(Code.LINE_ORDER, "line is out of order", path, line=number)
            continue
        last = place
        if _holds(path, line, positions, findings):
            good.append(line)
    return good


def _holds(path: str, line: PlacedOpening, positions: Positions, findings: Findings) -> bool:
    commitment = positions.commitment(line.place)
    if commitment is None:
        findings.add(Code.OPENING_PLACE, "no such position here", path, **where(line.place))
        return False
    place = where(line.place) | {"kind": positions.leaves[line.place.index].body.kind}
    if (line.opening.role == PADDING_ROLE) != (path == PADDING):
        findings.add(Code.OPENING_ROLE, f"role is {line.opening.role}", path, **place)
    elif line.opening.kind != place["kind"] or line.opening.commitment != commitment:
        findings.add(Code.OPENING_COMMITMENT, "opening is not of this commitment", path, **place)
    else:
        return True
    return False


def _check_tombstones(files: Mapping[str, bytes], positions: Positions, findings: Findings) -> None:
    last, used = (-1, -1), set[tuple[int, int]]()
    for number, value in bundle.lines(TOMBSTONES, files, findings):
        try:
            stone = Tombstone.parse(value)
        except Malformed as exc:
            findings.add(Code.LINE_MALFORMED, exc, TOMBSTONES, line=number)
            continue
        place = (stone.place.index, stone.place.position)
        if place <= last:
            findings.add(Code.LINE_ORDER, "line is out of order", TOMBSTONES, line=number)
            continue
        last = place
        if (stone.destroyed, stone.leaf) in used:
            findings.add(
                Code.TOMBSTONE_TWICE, "entry is used twice", TOMBSTONES, **where(stone.place)
            )
            continue
        used.add((stone.destroyed, stone.leaf))
        _check_tombstone(stone, positions, findings)


def _check_tombstone(stone: Tombstone, positions: Positions, findings: Findings) -> None:
    place = where(stone.place)
    commitment = positions.commitment(stone.place)
    if commitment is None:
        findings.add(Code.TOMBSTONE_PLACE, "no such position here", TOMBSTONES, **place)
        return
    place["kind"] = positions.leaves[stone.place.index].body.kind
    epoch = _epoch(stone, positions.leaves)
    if epoch is None:
        detail = f"leaf {stone.destroyed} closes no epoch"
        findings.add(Code.TOMBSTONE_EPOCH, detail, TOMBSTONES, **place)
        return
    number, count, root = epoch
    entry = tombstone_leaf(stone.salt, commitment)
    try:
        merkle.verify_inclusion(entry, stone.leaf, count, stone.path, root)
    except ProofError as exc:
        findings.add(Code.TOMBSTONE_FAILED, exc, TOMBSTONES, **place)
        return
    positions.claim(stone.place, Status.DESTROYED, TOMBSTONES, findings)
    positions.epochs[stone.place] = number


def _epoch(stone: Tombstone, leaves: Leaves) -> tuple[int, int, bytes] | None:
    """Return number, count and root of the epoch, or None when the leaf closes none."""
    leaf = leaves.get(stone.destroyed)
    # What comes before a segment cannot have destroyed it.
    if leaf is None or leaf.body.kind != SEGMENTS_DESTROYED or stone.destroyed <= stone.place.index:
        return None
    number, count, root = (leaf.body.facts.get(name) for name in ("epoch", "count", "root"))
    if type(number) is not int or type(count) is not int or type(root) is not str:
        return None
    if not _DIGEST.match(root):
        return None
    return number, count, bytes.fromhex(root.removeprefix("sha256:"))


def _take_declared(report: Report | None, positions: Positions, findings: Findings) -> None:
    if report is None:
        return
    declared = [(place, Status.OPENED) for place in report.opened]
    declared += [(place, Status.MISSING) for place in report.missing]
    for place, status in declared:
        if positions.commitment(place) is None:
            findings.add(Code.POSITION_PLACE, f"{status}, but not here", REPORT, **where(place))
            continue
        positions.claim(place, status, REPORT, findings)
        if status is Status.MISSING:
            kind = positions.leaves[place.index].body.kind
            findings.add(
                Code.POSITION_MISSING, "missing without cause", REPORT, kind=kind, **where(place)
            )


def _check_declared(
    report: Report | None, positions: Positions, findings: Findings, *, withheld: bool
) -> None:
    if report is None:
        return
    for place in positions.openings:
        if positions.shown.get(place) is not Status.OPENED:
            findings.add(
                Code.POSITION_UNDECLARED, "report declares no opening", OPENINGS, **where(place)
            )
    for place in report.opened:
        if not withheld and place not in positions.openings:
            findings.add(Code.POSITION_UNOPENED, "no opening holds", REPORT, **where(place))


def _check_names(files: Mapping[str, bytes], findings: Findings) -> None:
    if NAMES not in files:
        return
    try:
        value = versioned(parse_object(files[NAMES]), names=list, salt=str)
        bundle.binary(value["salt"])
        for name in value["names"]:
            exact(name, handle=str, name=str)
    except (CanonicalError, Malformed) as exc:
        findings.add(Code.NAMES_MALFORMED, exc, NAMES)
