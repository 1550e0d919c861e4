"""Search: where exactly do bodies, tiles and signed roots part?

Two readings of the leaf hashes run side by side: ``own``, chained from the bodies alone, and
``stored``, as the tiles have them. While they agree there is one. Where they part, the next
signed root says which of them lies, and so whether a body or a tile was changed.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from django.db.models import QuerySet

from ledger import binary
from ledger.archive.reading import read_archived
from ledger.errors import CopyBroken
from ledger.keyhistory import KeyHistory
from ledger.leaf import FIRST_PREV, leaf_bytes
from ledger.merkle import TILE_WIDTH, RightEdge, leaf_hash, tile_root
from ledger.models import Incarnation, Tile
from ledger.spans.heads import verify_head
from ledger.tree import StoredTree, split_hashes
from ledger.verification.findings import Aspect, LogVerdict


@dataclass
class _Reading:
    """One way to read the leaf hashes: the last one and the edge over all so far."""

    prev: bytes = FIRST_PREV
    edge: RightEdge = field(default_factory=RightEdge)

    def append(self, hash_: bytes) -> None:
        self.prev = hash_
        self.edge.append(hash_)

    def copy(self) -> "_Reading":
        return _Reading(self.prev, self.edge.copy())


class Search:
    """Reads all leaves from ``good`` on in order, in one process, and names what was changed.

    ``good`` is a size whose signed root the stored tiles were found to give; 0 for the whole log.
    """

    def __init__(
        self,
        incarnation: Incarnation,
        keys: KeyHistory,
        verdict: LogVerdict,
        good: int,
    ) -> None:
        self._incarnation = incarnation
        self._verdict = verdict
        # From the tile on that it lies in: of the tail, nothing is stored to begin with.
        good -= good % TILE_WIDTH
        self._good = self._begin = good
        self._own = _Reading()
        self._roots: list[list[bytes]] = []
        if good:
            tree = StoredTree(incarnation)
            self._roots = tree.edge_tiles(good)
            self._own = _Reading(tree.leaf_hash(good - 1), RightEdge.from_tiles(self._roots))
        self._stored: _Reading | None = None
        self._tile_differs: list[int] = []
        self._leaf_differs: list[int] = []
        self._tile: tuple[int, list[bytes]] = (-1, [])
        self._compares_tiles = True
        self._is_broken = False
        self.roots: dict[int, bytes] = {}
        self._heads = dict(self._read_heads(keys))

    def run(self) -> bytes:
        """Add a finding for each leaf and tile that was changed; return the root at the end.

        ``roots`` comes to hold the root at each signed size: the signed one where bodies or tiles
        give it, what the bodies give otherwise.
        """
        expected = self._begin
        for index, raw in self._rows():
            while expected < index:
                self._found("leaf_missing", f"leaf {expected} is missing", expected)
                expected += 1
            self._hash(index, raw or b"{}")
            self._check_head(index + 1)
            expected = index + 1
        return self._own.edge.root()

    def _rows(self) -> Iterator[tuple[int, bytes | None]]:
        # A left join: a leaf whose record is gone must be seen, not skipped.
        query = (
            "SELECT l.index, r.body FROM ledger_leaf l LEFT JOIN ledger_record r "
            "ON r.id = l.record_id WHERE l.incarnation_id = %s AND l.index >= %s ORDER BY l.index"
        )
        for index, raw in binary.stream(query, [self._incarnation.pk, self._begin]):
            yield index, self._fetch(index) if raw == b"" else raw

    def _fetch(self, index: int) -> bytes | None:
        with suppress(CopyBroken):  # the span has named it
            return read_archived(self._incarnation, index)
        return None

    def _hash(self, index: int, raw: bytes) -> None:
        """Add one leaf to both readings, and to the tile that is being filled."""
        tile = self._read_tile(index // TILE_WIDTH)
        own = leaf_hash(leaf_bytes(index, self._own.prev, raw))
        stored = tile[index % TILE_WIDTH] if tile else own
        if self._stored is None and stored != own:
            self._stored = self._own.copy()
        if self._stored is not None:
            again = leaf_hash(leaf_bytes(index, self._stored.prev, raw))
            kept = stored if tile else again
            if kept != own:
                self._tile_differs.append(index)
            if kept != again:
                self._leaf_differs.append(index)
            self._stored.append(kept)
        self._own.append(own)
        self._add_root(0, own, index)

    def _check_head(self, size: int) -> None:
        """At a signed size, compare roots; where the readings part, say which one lies."""
        root = self._heads.get(size)
        if root is None:
            return
        if self._own.edge.root() == root:
            for index in self._tile_differs:
                message = f"the tile of leaf {index} was changed: the records give the signed root"
                self._found("tile_forged", message, index)
        elif self._stored is not None and self._stored.edge.root() == root:
            for index in self._leaf_differs:
                message = f"the record of leaf {index} was changed after it was signed"
                self._found("leaf_changed", message, index)
            self._own = self._stored
            # The tiles computed so far hold the changed leaf's hash: nothing to compare with.
            self._compares_tiles = False
        else:
            self.roots[size] = self._own.edge.root()
            self._report_break(size)
            return
        self.roots[size] = root
        self._stored, self._tile_differs, self._leaf_differs = None, [], []
        self._good = size

    def _report_break(self, size: int) -> None:
        """Report once that neither reading gives a signed root; all later ones break too."""
        if self._is_broken:
            return
        self._is_broken = True
        last = size - 1
        place = f"leaf {last}" if last == self._good else f"leaves {self._good} to {last}"
        message = f"{place} do not give the root signed at size {size}: changed after signing"
        self._found("root_differs", message, self._good)

    def _add_root(self, level: int, hash_: bytes, index: int) -> None:
        """Fill the computed tile of ``level``; compare a full one with what is stored."""
        if level == len(self._roots):
            self._roots.append([])
        tile = self._roots[level]
        tile.append(hash_)
        if len(tile) < TILE_WIDTH:
            return
        number = (index + 1) // TILE_WIDTH ** (level + 1) - 1
        root = tile_root(tile)
        row = self._tiles().filter(level=level, index=number).first()
        place = f"tile {level}/{number}"
        if row is None:
            self._found("tile_missing", f"{place} is missing", None)
        elif self._agrees() and (row.root != root or row.hashes != b"".join(tile)):
            self._found("tile_forged", f"{place} differs from the records below it", None)
        self._roots[level] = []
        self._add_root(level + 1, root, index)

    def _agrees(self) -> bool:
        return self._stored is None and self._compares_tiles and not self._is_broken

    def _read_tile(self, index: int) -> list[bytes]:
        if self._tile[0] != index:
            stored = self._tiles().filter(level=0, index=index).values_list("hashes", flat=True)
            hashes = stored.first()
            split = split_hashes(hashes) if hashes else []
            self._tile = index, split if len(split) == TILE_WIDTH else []
        return self._tile[1]

    def _tiles(self) -> QuerySet[Tile]:
        return Tile.objects.filter(incarnation=self._incarnation)

    def _read_heads(self, keys: KeyHistory) -> Iterator[tuple[int, bytes]]:
        """Yield size and root of all checkpoints that both keys signed."""
        rows = self._incarnation.checkpoints.filter(size__gt=self._begin)
        for row in rows.iterator(chunk_size=2000):
            head, _ = verify_head(
                self._incarnation.origin, keys, row.size, row.note, row.signed_root
            )
            if head is not None:
                yield head.size, head.root

    def _found(self, code: str, message: str, index: int | None) -> None:
        self._verdict.found(Aspect.INTEGRITY, code, message, index)
