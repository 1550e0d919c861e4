"""Openness: what each segment of each record is, and whether that is as it should be.

Openings are made in memory and disclosed to nobody. What they say of domain rows is kept as
digests, for completeness to join with the rows themselves.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any
from uuid import UUID

from ledger import binary, vault
from ledger.archive.reading import read_archived
from ledger.commitment import PADDING_ROLE, Opening, tombstone_leaf
from ledger.errors import CommitmentError, CopyBroken, LeafError, ProofError, ScopeGone, SealBroken
from ledger.leaf import Body, parse_body
from ledger.merkle import verify_inclusion
from ledger.models import Epoch, Incarnation, Record, Segment, Tombstone
from ledger.record_kinds import SEGMENTS_DESTROYED
from ledger.verification.findings import Aspect, LogVerdict
from ledger.verification.stated import Stated, Statement

_OPENNESS = Aspect.OPENNESS
_CHUNK = 2_000
# Segments in memory at once, or those of one record.
_TOGETHER = 4_096
Place = tuple[int, int]


@dataclass(frozen=True)
class Placed:
    """A leaf as read: its index, its record's ids, and the record's body."""

    index: int
    record_id: int
    record: UUID
    raw: bytes


def read_leaves(incarnation: Incarnation, start: int) -> Iterator[list[Placed]]:
    """Yield the leaves from ``start`` on in chunks; one whose record is gone is left out."""
    query = (
        "SELECT l.index, r.id, r.uuid, r.body FROM ledger_leaf l JOIN ledger_record r "
        "ON r.id = l.record_id WHERE l.incarnation_id = %s AND l.index >= %s ORDER BY l.index"
    )
    rows = binary.stream(query, [incarnation.pk, start], chunk=_CHUNK)
    while chunk := [Placed(*row) for row in islice(rows, _CHUNK)]:
        yield [one if one.raw else _fetch_archived(incarnation, one) for one in chunk]


def _fetch_archived(incarnation: Incarnation, placed: Placed) -> Placed:
    with suppress(CopyBroken):  # integrity has named it
        return replace(placed, raw=read_archived(incarnation, placed.index))
    return placed


@dataclass(frozen=True)
class EpochRoot:
    """What the record ``segments.destroyed`` of one epoch states."""

    root: bytes
    count: int
    index: int | None


class OpennessCheck:
    """Takes leaves in chunks, opens their segments, and counts what each is.

    ``listed`` are the segments on shred lists: their destruction is under way. ``stated`` comes to
    hold, for each domain row, the digest that the newest open segment states. The epochs must be
    noted before the first leaf is taken.
    """

    def __init__(self, verdict: LogVerdict, listed: frozenset[Place]) -> None:
        self._verdict = verdict
        self._listed = listed
        self._epochs: dict[int, EpochRoot] = {}
        self._proved: Counter[int] = Counter()
        self._keyless: dict[Place, int] = {}
        self.stated = Stated()

    def note_epoch(self, body: Body, index: int | None) -> None:
        """Note the epoch that a record closes; other kinds are passed over."""
        if body.kind == SEGMENTS_DESTROYED.name:
            facts: Any = body.facts
            root = bytes.fromhex(facts["root"].removeprefix("sha256:"))
            self._epochs[facts["epoch"]] = EpochRoot(root, facts["count"], index)

    def note_waiting_epochs(self) -> None:
        """Note the epochs whose record is committed and waits for its place in the log."""
        closing = Epoch.objects.exclude(pk__in=self._epochs).values("record")
        waiting = Record.objects.filter(uuid__in=closing, pending__isnull=False)
        for body in waiting.values_list("body", flat=True):
            self.note_epoch(parse_body(body), None)

    def take(self, placed: Sequence[Placed]) -> None:
        """Check all segments of a chunk of leaves, a bounded number of them at once."""
        together: list[tuple[Placed, Body]] = []
        count = 0
        for leaf in placed:
            try:
                body = parse_body(leaf.raw)
            except LeafError:
                continue  # integrity has named it
            count += len(body.commitments)
            if count > _TOGETHER:
                self._take(together)
                together, count = [], len(body.commitments)
            together.append((leaf, body))
        self._take(together)

    def _take(self, placed: Sequence[tuple[Placed, Body]]) -> None:
        ids = [leaf.record_id for leaf, _ in placed]
        segments: dict[int, dict[int, Segment]] = defaultdict(dict)
        for segment in Segment.objects.filter(record__in=ids):
            segments[segment.record_id][segment.position] = segment
        tombstones: dict[int, dict[int, Tombstone]] = defaultdict(dict)
        for tombstone in Tombstone.objects.filter(record__in=ids):
            tombstones[tombstone.record_id][tombstone.position] = tombstone
        stored = [one for found in segments.values() for one in found.values()]
        keys = vault.keys_there({scope for one in stored for scope in one.scopes})
        for leaf, body in placed:
            held, graves = segments[leaf.record_id], tombstones[leaf.record_id]
            for position in range(len(body.commitments)):
                pair = (held.pop(position, None), graves.pop(position, None))
                self._classify(leaf, body, position, pair, keys)
            self._report_strays(leaf, [*held, *graves])

    def finish(self) -> None:
        """Compare how many segments each epoch destroyed with how many tombstones prove it."""
        for number, epoch in self._epochs.items():
            if self._proved[number] != epoch.count:
                counts = f"destroyed {epoch.count} segments, {self._proved[number]} are proved"
                self._found("epoch_incomplete", f"epoch {number} {counts}", epoch.index)

    def judge_keyless(self) -> None:
        """Judge the segments that had no key; call it when the snapshot has ended.

        Keys are in no snapshot: a destruction that came after it took them from segments that it
        still shows. Such a segment is gone by now; one that is there lost its key without cause.
        """
        records = {record for record, _ in self._keyless}
        stored = Segment.objects.filter(record__in=records).values_list("record_id", "position")
        there = set(stored)
        for (record, position), index in self._keyless.items():
            if (record, position) not in there:
                self._verdict.segments["destroying"] += 1
                continue
            self._verdict.segments["missing without cause"] += 1
            message = f"segment {position} of leaf {index} has lost its key without cause"
            self._found("key_missing", message, index)

    def _classify(
        self,
        leaf: Placed,
        body: Body,
        position: int,
        pair: tuple[Segment | None, Tombstone | None],
        keys: vault.Keys,
    ) -> None:
        segment, grave = pair
        place = f"segment {position} of leaf {leaf.index}"
        if segment is None and grave is not None:
            self._proved[grave.epoch] += 1
            self._check_tombstone(leaf.index, grave, body.commitments[position])
            self._verdict.segments[f"destroyed (epoch {grave.epoch})"] += 1
        elif (leaf.record_id, position) in self._listed:
            self._verdict.segments["destroying"] += 1
        elif segment is None:
            self._verdict.segments["missing without cause"] += 1
            self._found("segment_missing", f"{place} is missing without cause", leaf.index)
        elif grave is not None:
            self._found("tombstone_forged", f"{place} has a tombstone and is there", leaf.index)
        else:
            self._open(leaf, body, segment, keys, place)

    def _open(
        self, leaf: Placed, body: Body, segment: Segment, keys: vault.Keys, place: str
    ) -> None:
        try:
            opening = keys.open_segment(
                segment.scopes, leaf.record, segment.position, body.kind, segment.ciphertext
            )
        except ScopeGone:
            self._keyless[leaf.record_id, segment.position] = leaf.index
            return
        except (SealBroken, CommitmentError) as error:
            self._found("segment_replaced", f"{place} does not open: {error}", leaf.index)
            return
        if opening.commitment != body.commitments[segment.position]:
            self._found(
                "segment_replaced", f"{place} opens to something else than recorded", leaf.index
            )
            return
        self._verdict.segments["padding" if opening.role == PADDING_ROLE else "open"] += 1
        self._note_rows(leaf, opening)

    def _note_rows(self, leaf: Placed, opening: Opening) -> None:
        payload: dict[str, Any] = dict(opening.payload)
        many = payload.get("rows", [])
        for row in [*(payload[name] for name in ("row",) if name in payload), *_listed(many)]:
            match row:
                case {"table": str(table), "id": str(pk), "columns": str(columns)}:
                    statement = Statement(columns, leaf.index, str(leaf.record))
                    self.stated.note(table, pk, statement)
                case _:
                    message = f"leaf {leaf.index} speaks of a row, but says neither which nor how"
                    self._found("statement_malformed", message, leaf.index)

    def _check_tombstone(self, index: int, tombstone: Tombstone, commitment: bytes) -> None:
        place = f"the tombstone of segment {tombstone.position} of leaf {index}"
        epoch = self._epochs.get(tombstone.epoch)
        if epoch is None:
            self._found(
                "tombstone_forged", f"{place} names epoch {tombstone.epoch}, never recorded", index
            )
            return
        entry = tombstone_leaf(tombstone.salt, commitment)
        try:
            verify_inclusion(entry, tombstone.entry, epoch.count, tombstone.path, epoch.root)
        except ProofError as error:
            self._found("tombstone_forged", f"{place} does not hold: {error}", index)

    def _report_strays(self, leaf: Placed, positions: Iterable[int]) -> None:
        for position in positions:
            message = f"leaf {leaf.index} has no commitment {position}, but a row for it"
            self._found("segment_stray", message, leaf.index)

    def _found(self, code: str, message: str, index: int | None) -> None:
        self._verdict.found(_OPENNESS, code, message, index)


def _listed(value: Any) -> list[Any]:
    return value if type(value) is list else [value]
