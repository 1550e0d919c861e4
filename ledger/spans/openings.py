"""Open the segments of one span: is each as its record commits to, or destroyed as recorded?

Openings are made in memory and disclosed to nobody. What they say of domain rows goes back as
digests, for completeness to join with the rows themselves.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from ledger.commitment import PADDING_ROLE, Opening, tombstone_leaf
from ledger.errors import CommitmentError, CopyBroken, LeafError, ProofError, ScopeGone, SealBroken
from ledger.leaf import Body, parse_body
from ledger.merkle import TILE_WIDTH, verify_inclusion
from ledger.sealing import Keys
from ledger.spans.work import Archived, BodiesElsewhere, Connection, Work, fetch

# Segments in memory at once, or those of one record.
_TOGETHER = 4_096

_LEAVES = """
    SELECT l.index, r.id, r.uuid, r.body FROM ledger_leaf l
    JOIN ledger_record r ON r.id = l.record_id
    WHERE l.incarnation_id = %s AND l.index >= %s AND l.index < %s ORDER BY l.index"""
_SEGMENTS = """
    SELECT record_id, position, scopes, ciphertext FROM ledger_segment
    WHERE record_id = ANY (%s::bigint[]) ORDER BY record_id, position"""
_TOMBSTONES = """
    SELECT record_id, position, epoch, entry, salt, path FROM ledger_tombstone
    WHERE record_id = ANY (%s::bigint[]) ORDER BY record_id, position"""


@dataclass(frozen=True)
class Sealed:
    """The leaves [begin, end) of one incarnation, and by what their segments are judged.

    ``keys`` are the data keys that are there, in hexadecimal by scope. ``listed`` are the segments
    (record id, position) on shred lists: their destruction is under way. ``epochs`` has root, in
    hexadecimal, and count of each recorded epoch that a tombstone names, by its number as text.
    """

    incarnation: int
    begin: int
    end: int
    listed: Sequence[tuple[int, int]]
    epochs: Mapping[str, tuple[str, int]]
    # In no error and no log.
    keys: Mapping[str, str] = field(repr=False)


@dataclass
class Opened:
    """What one span gave, in types that JSON has.

    ``segments`` counts them by what they are. ``keyless`` are (record id, position, index) of
    those whose key is gone. ``stated`` is what they say of rows, in order: (table, row id, digest
    of its columns, index, record). ``findings`` are (code, message, index).
    """

    leaves: int = 0
    segments: Counter[str] = field(default_factory=Counter)
    keyless: list[tuple[int, int, int]] = field(default_factory=list)
    stated: list[tuple[str, str, str, int, str]] = field(default_factory=list)
    findings: list[tuple[str, str, int]] = field(default_factory=list)


def open_span(connection: Connection, span: Sealed, archived: Archived | None = None) -> Opened:
    """Open the segments of ``span`` in the transaction of ``connection``."""
    opener = _Opener(span, connection)
    leaves = [_Placed(*row) for row in _read_leaves(connection, span, archived)]
    opener.opened.leaves = len(leaves)
    for together in _together(leaves):
        opener.take(together)
    return opener.opened


OPENNESS = Work("openness", Sealed, Opened, open_span)


def destroyed_in(epoch: int) -> str:
    """Return how the segments are counted that were destroyed in ``epoch``."""
    return f"destroyed (epoch {epoch})"


@dataclass(frozen=True)
class _Placed:
    index: int
    record_id: int
    record: UUID
    raw: bytes


@dataclass(frozen=True)
class _Segment:
    position: int
    scopes: Sequence[UUID]
    ciphertext: bytes


@dataclass(frozen=True)
class _Tombstone:
    position: int
    epoch: int
    entry: int
    salt: bytes
    path: Sequence[bytes]


class _Opener:
    def __init__(self, span: Sealed, connection: Connection) -> None:
        self._connection = connection
        self._listed = {(record, position) for record, position in span.listed}
        self._epochs = span.epochs
        self._keys = Keys({UUID(scope): bytes.fromhex(key) for scope, key in span.keys.items()})
        self.opened = Opened()

    def take(self, leaves: Sequence[tuple[_Placed, Body]]) -> None:
        """Check all segments of these leaves."""
        ids = [leaf.record_id for leaf, _ in leaves]
        segments: dict[int, dict[int, _Segment]] = defaultdict(dict)
        for record, *row in fetch(self._connection, _SEGMENTS, [ids]):
            segments[record][row[0]] = _Segment(*row)
        tombstones: dict[int, dict[int, _Tombstone]] = defaultdict(dict)
        for record, *row in fetch(self._connection, _TOMBSTONES, [ids]):
            tombstones[record][row[0]] = _Tombstone(*row)
        for leaf, body in leaves:
            held, graves = segments[leaf.record_id], tombstones[leaf.record_id]
            for position in range(len(body.commitments)):
                pair = (held.pop(position, None), graves.pop(position, None))
                self._classify(leaf, body, position, pair)
            self._report_strays(leaf, [*held, *graves])

    def _classify(
        self,
        leaf: _Placed,
        body: Body,
        position: int,
        pair: tuple[_Segment | None, _Tombstone | None],
    ) -> None:
        segment, grave = pair
        place = f"segment {position} of leaf {leaf.index}"
        if segment is None and grave is not None:
            self._check_tombstone(leaf.index, grave, body.commitments[position])
            self.opened.segments[destroyed_in(grave.epoch)] += 1
        elif (leaf.record_id, position) in self._listed:
            self.opened.segments["destroying"] += 1
        elif segment is None:
            self.opened.segments["missing without cause"] += 1
            self._found("segment_missing", f"{place} is missing without cause", leaf.index)
        elif grave is not None:
            self._found("tombstone_forged", f"{place} has a tombstone and is there", leaf.index)
        else:
            self._open(leaf, body, segment, place)

    def _open(self, leaf: _Placed, body: Body, segment: _Segment, place: str) -> None:
        try:
            opening = self._keys.open_segment(
                segment.scopes, leaf.record, segment.position, body.kind, segment.ciphertext
            )
        except ScopeGone:
            self.opened.keyless.append((leaf.record_id, segment.position, leaf.index))
            return
        except (SealBroken, CommitmentError) as error:
            self._found("segment_replaced", f"{place} does not open: {error}", leaf.index)
            return
        if opening.commitment != body.commitments[segment.position]:
            self._found(
                "segment_replaced", f"{place} opens to something else than recorded", leaf.index
            )
            return
        self.opened.segments["padding" if opening.role == PADDING_ROLE else "open"] += 1
        self._note_rows(leaf, opening)

    def _note_rows(self, leaf: _Placed, opening: Opening) -> None:
        payload: dict[str, Any] = dict(opening.payload)
        many = payload.get("rows", [])
        for row in [*(payload[name] for name in ("row",) if name in payload), *_listed(many)]:
            match row:
                case {"table": str(table), "id": str(pk), "columns": str(columns)}:
                    said = (table, pk, columns, leaf.index, str(leaf.record))
                    self.opened.stated.append(said)
                case _:
                    message = f"leaf {leaf.index} speaks of a row, but says neither which nor how"
                    self._found("statement_malformed", message, leaf.index)

    def _check_tombstone(self, index: int, tombstone: _Tombstone, commitment: bytes) -> None:
        place = f"the tombstone of segment {tombstone.position} of leaf {index}"
        epoch = self._epochs.get(str(tombstone.epoch))
        if epoch is None:
            self._found(
                "tombstone_forged", f"{place} names epoch {tombstone.epoch}, never recorded", index
            )
            return
        root, count = epoch
        entry = tombstone_leaf(tombstone.salt, commitment)
        try:
            verify_inclusion(entry, tombstone.entry, count, tombstone.path, bytes.fromhex(root))
        except ProofError as error:
            self._found("tombstone_forged", f"{place} does not hold: {error}", index)

    def _report_strays(self, leaf: _Placed, positions: Iterable[int]) -> None:
        for position in positions:
            message = f"leaf {leaf.index} has no commitment {position}, but a row for it"
            self._found("segment_stray", message, leaf.index)

    def _found(self, code: str, message: str, index: int) -> None:
        self.opened.findings.append((code, message, index))


def _read_leaves(
    connection: Connection, span: Sealed, archived: Archived | None
) -> Iterator[tuple[int, int, UUID, bytes]]:
    """Yield index, record's ids and body of each leaf; empty is a body that nobody can give."""
    bodies: dict[int, Sequence[bytes]] = {}
    for index, record_id, record, raw in fetch(
        connection, _LEAVES, [span.incarnation, span.begin, span.end]
    ):
        if raw == b"":
            tile, item = divmod(index, TILE_WIDTH)
            if tile not in bodies:
                bodies = {tile: _read_archived(archived, tile)}
            yield index, record_id, record, bodies[tile][item]
        else:
            yield index, record_id, record, raw


def _read_archived(archived: Archived | None, tile: int) -> Sequence[bytes]:
    if archived is None:
        raise BodiesElsewhere
    with suppress(CopyBroken):  # integrity has named it
        return archived(tile)
    return [b""] * TILE_WIDTH


def _together(leaves: Iterable[_Placed]) -> Iterator[Sequence[tuple[_Placed, Body]]]:
    """Yield leaves and what they say, so many together that memory holds their segments."""
    together: list[tuple[_Placed, Body]] = []
    count = 0
    for leaf in leaves:
        try:
            body = parse_body(leaf.raw)
        except LeafError:
            continue  # integrity has named it
        count += len(body.commitments)
        if count > _TOGETHER:
            yield together
            together, count = [], len(body.commitments)
        together.append((leaf, body))
    yield together


def _listed(value: Any) -> list[Any]:
    return value if type(value) is list else [value]
