"""Check one span: bodies → leaf hashes → tiles, and the checkpoints that end in it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from ledger.errors import CopyBroken, LeafError
from ledger.keyhistory import KeyHistory
from ledger.leaf import FIRST_PREV, Body, leaf_bytes, parse_body
from ledger.merkle import HASH_SIZE, TILE_WIDTH, RightEdge, leaf_hash, tile_root
from ledger.pieces import pieces
from ledger.spans.heads import verify_head
from ledger.spans.work import Archived, BodiesElsewhere, Connection, Work, fetch

# Leaves read at once: what a worker holds in memory.
_BLOCK = 16 * TILE_WIDTH

_LEAVES = """
    SELECT l.index, r.log_id, r.body FROM ledger_leaf l
    LEFT JOIN ledger_record r ON r.id = l.record_id
    WHERE l.incarnation_id = %s AND l.index >= %s AND l.index < %s ORDER BY l.index"""
_TILES = """
    SELECT index, hashes, root FROM ledger_tile
    WHERE incarnation_id = %s AND level = 0 AND index >= %s AND index < %s ORDER BY index"""
_HEADS = """
    SELECT size, note, signed_root FROM ledger_checkpoint
    WHERE incarnation_id = %s AND size > %s AND size <= %s ORDER BY size"""


@dataclass(frozen=True)
class Span:
    """The leaves [begin, end) of one incarnation; ``begin`` is a multiple of the tile width.

    Those of ``keys`` that are in force at its size must have signed each checkpoint of a size in
    (begin, end]; they are given as ``KeyHistory.lines`` has them. Records of the
    kinds that ``tells`` names are handed back, and that of leaf 0.
    """

    incarnation: int
    log: int
    origin: str
    keys: tuple[tuple[int, tuple[str, ...]], ...]
    begin: int
    end: int
    tells: tuple[str, ...]


@dataclass
class Checked:
    """What one span gave, in types that JSON has; hashes are hexadecimal.

    ``roots`` are those of its full tiles, in order. ``heads`` are (size, signed root, peaks of
    the part of the last tile that the size counts). ``suspect`` is the first leaf at which
    bodies and tiles part. ``findings`` are (code, message, index). ``days`` counts records by
    ``<day> <family>``, ``told`` is (index, record's body). ``tail`` are the peaks of a partial
    tile at the end.
    """

    leaves: int = 0
    sealed: int = 0
    suspect: int | None = None
    roots: list[str] = field(default_factory=list)
    heads: list[tuple[int, str, list[str]]] = field(default_factory=list)
    findings: list[tuple[str, str, int | None]] = field(default_factory=list)
    days: Counter[str] = field(default_factory=Counter)
    told: list[tuple[int, str]] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)


def check_span(connection: Connection, span: Span, archived: Archived | None = None) -> Checked:
    """Check ``span`` in the transaction of ``connection``; memory does not grow with it."""
    check = _Check(span, connection, archived)
    for begin in range(span.begin, span.end, _BLOCK):
        check.take(begin, min(begin + _BLOCK, span.end))
    return check.checked


INTEGRITY = Work("integrity", Span, Checked, check_span)


class _Check:
    def __init__(self, span: Span, connection: Connection, archived: Archived | None) -> None:
        self._span = span
        self._archived = archived
        self._connection = connection
        self.checked = Checked()
        self._prev = self._prev_of(span.begin)
        self._heads = self._read_heads()

    def take(self, begin: int, end: int) -> None:
        """Check the leaves [begin, end): whole tiles, and a partial one at the very end."""
        tiles = {index: row for index, *row in self._fetch(_TILES, begin, end, TILE_WIDTH)}
        leaves = self._fetch(_LEAVES, begin, end)
        self.checked.leaves += len(leaves)
        by_tile = {
            index: list(rows)
            for index, rows in groupby(leaves, lambda leaf: int(leaf[0]) // TILE_WIDTH)
        }
        for index in range(begin // TILE_WIDTH, -(-end // TILE_WIDTH)):
            rows = by_tile.get(index, [])
            if any(raw == b"" for _, _, raw in rows):
                rows = self._fetch_archived(index, rows)
            self._take_tile(index, rows, tiles.get(index))

    def _fetch_archived(self, tile: int, rows: Sequence[Any]) -> list[Any]:
        """Return the rows of a tile with the bodies that the archive holds."""
        if self._archived is None:
            raise BodiesElsewhere
        try:
            bodies: Sequence[bytes | None] = self._archived(tile)
        except CopyBroken as error:
            self._found("archive_broken", str(error), tile * TILE_WIDTH)
            bodies = [None] * TILE_WIDTH
        return [(at, log, raw or bodies[at % TILE_WIDTH]) for at, log, raw in rows]

    def _take_tile(self, index: int, leaves: Sequence[Any], stored: Sequence[bytes] | None) -> None:
        first = index * TILE_WIDTH
        width = min(TILE_WIDTH, self._span.end - first)
        kept = pieces(stored[0], HASH_SIZE) if stored else []
        if len(kept) != width:
            # Below a partial tile there is nothing stored to compare with.
            kept = [] if width < TILE_WIDTH else self._doubt(first)
        hashes = self._hash(first, leaves, kept)
        if kept and hashes != kept:
            pairs = zip(hashes, kept, strict=False)
            agreed = next((n for n, (one, other) in enumerate(pairs) if one != other), len(hashes))
            self._doubt(first + agreed)
        if len(hashes) != width:
            self._doubt(first)
        hashes = kept or hashes
        self._prev = hashes[-1] if hashes else self._prev
        if len(hashes) == TILE_WIDTH:
            root = tile_root(hashes)
            if stored and root != stored[1]:
                self._doubt(first)
            self.checked.roots.append(root.hex())
        else:
            self.checked.tail = _peaks(hashes)
        self._note_heads(first, width, hashes)

    def _hash(self, first: int, leaves: Sequence[Any], kept: Sequence[bytes]) -> list[bytes]:
        """Hash the leaves of one tile from their bodies, each behind the stored one before it."""
        prev, hashes = self._prev, []
        for place, (index, log, raw) in enumerate(leaves):
            if index != first + place:
                self._doubt(first + place)
            prev = leaf_hash(leaf_bytes(index, prev, b"{}" if raw is None else raw))
            hashes.append(prev)
            if place < len(kept):
                prev = kept[place]
            self._read(index, log, raw)
        return hashes

    def _read(self, index: int, log: int | None, raw: bytes | None) -> None:
        """Read what one record says; the hash alone would pass a body that never was one."""
        if raw is None or log is None:
            self._found("record_missing", f"the record of leaf {index} is missing", index)
            return
        if log != self._span.log:
            message = f"the record of leaf {index} belongs to another log"
            self._found("leaf_misplaced", message, index)
        try:
            body: Body = parse_body(raw)
        except LeafError as error:
            self._found("record_malformed", f"the record of leaf {index}: {error}", index)
            return
        checked, kind = self.checked, body.kind
        checked.sealed += bool(body.commitments)
        checked.days[f"{body.at[:10]} {kind[: kind.index('.')]}"] += 1
        if index == 0 or kind in self._span.tells:
            checked.told.append((index, raw.decode()))

    def _note_heads(self, first: int, width: int, hashes: Sequence[bytes]) -> None:
        for size in [size for size in self._heads if first < size <= first + width]:
            root = self._heads.pop(size)
            part = hashes[: size - first] if size - first < TILE_WIDTH else []
            self.checked.heads.append((size, root.hex(), _peaks(part)))

    def _read_heads(self) -> dict[int, bytes]:
        keys = KeyHistory.parse(self._span.keys)
        heads = {}
        for size, note, signed_root in self._fetch(_HEADS, self._span.begin, self._span.end):
            head, fault = verify_head(self._span.origin, keys, size, note, signed_root)
            if fault:
                self._found("checkpoint_invalid", fault, None)
            if head:
                heads[size] = head.root
        return heads

    def _prev_of(self, begin: int) -> bytes:
        """Return the stored hash of the leaf before ``begin``; zeros when there is none."""
        rows = self._fetch(_TILES, begin - TILE_WIDTH, begin, TILE_WIDTH) if begin else []
        hashes = bytes(rows[0][1])[-HASH_SIZE:] if rows else b""
        return hashes if len(hashes) == HASH_SIZE else FIRST_PREV

    def _fetch(self, query: str, begin: int, end: int, unit: int = 1) -> list[Any]:
        place = [self._span.incarnation, begin // unit, -(-end // unit)]
        return fetch(self._connection, query, place)

    def _doubt(self, index: int) -> list[bytes]:
        if self.checked.suspect is None:
            self.checked.suspect = index
        return []

    def _found(self, code: str, message: str, index: int | None) -> None:
        self.checked.findings.append((code, message, index))


def _peaks(hashes: Sequence[bytes]) -> list[str]:
    edge = RightEdge()
    for hash_ in hashes:
        edge.append(hash_)
    return [peak.hex() for peak in edge.peaks]
