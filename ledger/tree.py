"""The Merkle tree of one incarnation as PostgreSQL holds it.

Full tiles are stored; a partial tile is computed: at level 0 from the bodies of the tail, above
from the roots of the full tiles below.
"""

from collections.abc import Iterator, Sequence

from django.db.models import QuerySet

from ledger import binary
from ledger.archive.reading import fill
from ledger.errors import LogTampered
from ledger.leaf import FIRST_PREV, leaf_bytes
from ledger.merkle import (
    HASH_SIZE,
    TILE_WIDTH,
    RightEdge,
    consistency_path_from_tiles,
    inclusion_path_from_tiles,
    leaf_hash,
    subtree_root,
    tile_root,
)
from ledger.models import Incarnation, Leaf, Tile
from ledger.pieces import pieces

# How many full tiles a round looks at in one step: some five milliseconds.
TILES_A_STEP = 32

# Level and index of a tile.
Place = tuple[int, int]


class StoredTree:
    """Reads hashes, roots and proofs of one incarnation; keeps the tiles it has read."""

    def __init__(self, incarnation: Incarnation) -> None:
        self._incarnation = incarnation
        self._tiles: dict[tuple[int, int], Sequence[bytes]] = {}

    def tile(self, level: int, index: int) -> Sequence[bytes]:
        """Return the hashes of a tile, 256 or as many as there are."""
        if (level, index) not in self._tiles:
            self._tiles[level, index] = self._read(level, index)
        return self._tiles[level, index]

    def root(self, size: int) -> bytes:
        """Return the root of the first ``size`` leaves. Raises LogTampered when some are gone."""
        try:
            return subtree_root(0, size, self.tile)
        except IndexError as error:
            raise LogTampered(f"the tree holds fewer than {size} leaves") from error

    def inclusion_path(self, index: int, size: int) -> list[bytes]:
        """Return the inclusion path of leaf ``index`` in the tree of ``size``."""
        return inclusion_path_from_tiles(index, size, self.tile)

    def consistency_path(self, first: int, second: int) -> list[bytes]:
        """Return the consistency proof between two sizes, 0 < first <= second."""
        return consistency_path_from_tiles(first, second, self.tile)

    def edge_tiles(self, size: int) -> list[list[bytes]]:
        """Return the partial tile at the right of each level, level 0 first."""
        tiles, count, level = [], size, 0
        while count:
            index, width = divmod(count, TILE_WIDTH)
            tiles.append(list(self.tile(level, index)[:width]) if width else [])
            if len(tiles[-1]) != width:
                raise LogTampered(f"the tree holds fewer than {size} leaves")
            count, level = index, level + 1
        return tiles

    def grow(self, size: int) -> "GrowingTree":
        """Return the tree of the first ``size`` leaves, ready to take more."""
        return GrowingTree(self.edge_tiles(size), self.leaf_hash(size - 1), size)

    def leaf_hash(self, index: int) -> bytes:
        """Return the hash of the leaf at ``index``; before leaf 0 there are 32 zero bytes."""
        if index < 0:
            return FIRST_PREV
        tile, item = divmod(index, TILE_WIDTH)
        return self.tile(0, tile)[item]

    def leaf(self, index: int) -> bytes:
        """Return the exact bytes of the leaf at ``index``."""
        (body,) = fill(self._incarnation, self._bodies(index, index + 1))
        return leaf_bytes(index, self.leaf_hash(index - 1), body)

    def leaves(self, begin: int, end: int) -> Iterator[bytes]:
        """Yield the exact bytes of the leaves [begin, end), as far as there are any."""
        prev = self.leaf_hash(begin - 1)
        rows = list(self._bodies(begin, end))
        bodies = fill(self._incarnation, rows)
        for expected, ((index, _), body) in enumerate(zip(rows, bodies, strict=True), begin):
            if index != expected:
                raise LogTampered(f"leaf {expected} is missing")
            leaf = leaf_bytes(index, prev, body)
            yield leaf
            prev = leaf_hash(leaf)

    def _read(self, level: int, index: int) -> Sequence[bytes]:
        tiles = Tile.objects.filter(incarnation=self._incarnation)
        stored = tiles.filter(level=level, index=index).values_list("hashes", flat=True).first()
        if stored is not None:
            return split_hashes(stored)
        begin, end = index * TILE_WIDTH, (index + 1) * TILE_WIDTH
        if level:
            below = tiles.filter(level=level - 1, index__gte=begin, index__lt=end)
            return list(below.order_by("index").values_list("root", flat=True))
        return [leaf_hash(leaf) for leaf in self.leaves(begin, end)]

    def _bodies(self, begin: int, end: int) -> QuerySet[Leaf, tuple[int, bytes]]:
        leaves = Leaf.objects.filter(incarnation=self._incarnation)
        within = leaves.filter(index__gte=begin, index__lt=end).order_by("index")
        return within.values_list("index", "record__body")


class GrowingTree:
    """The right edge of a tree while leaves are added: gives finished tiles and the root."""

    def __init__(
        self, edge_tiles: Sequence[list[bytes]] = (), prev: bytes = FIRST_PREV, size: int = 0
    ) -> None:
        self._levels = [list(tile) for tile in edge_tiles]
        self.prev = prev
        self.size = size
        self.finished: list[tuple[int, int, bytes, bytes]] = []

    @property
    def edge(self) -> RightEdge:
        """Return the right edge over all leaves so far."""
        return RightEdge.from_tiles(self._levels)

    def append(self, body: bytes) -> None:
        """Give ``body`` the next place; finished tiles gather as (level, index, hashes, root)."""
        self.prev = leaf_hash(leaf_bytes(self.size, self.prev, body))
        self.size += 1
        self._add(0, self.prev)

    def _add(self, level: int, item: bytes) -> None:
        if level == len(self._levels):
            self._levels.append([])
        tile = self._levels[level]
        tile.append(item)
        if len(tile) == TILE_WIDTH:
            root = tile_root(tile)
            index = self.size // TILE_WIDTH ** (level + 1) - 1
            self.finished.append((level, index, b"".join(tile), root))
            self._levels[level] = []
            self._add(level + 1, root)


def split_hashes(hashes: bytes) -> list[bytes]:
    """Return a tile's bytes as a list of hashes."""
    return pieces(hashes, HASH_SIZE)


class TileRound:
    """Goes round the stored full tiles of one log, so many a step, as long as there are any.

    The right edge gives the signed root without most of what is stored left of it. Here each tile
    must give its root, and that root must stand in the tile above; the roots that no full tile
    holds are the right edge's own.
    """

    def __init__(self) -> None:
        self._next: Place = (0, 0)

    def step(self, incarnation: Incarnation, size: int) -> None:
        """Check the next tiles of the first ``size`` leaves, and the newest one of each level.

        What comes next takes its ``prev`` from the newest. Raises LogTampered, which names the
        tile; the next step begins there again.
        """
        counts = _full_tiles(size)
        if not counts:
            return
        due, following = self._take(counts)
        newest = [(level, count - 1) for level, count in enumerate(counts)]
        places = {*due, *newest}
        stored = _read_tiles(incarnation, places, counts)
        for place in sorted(places):
            _check_tile(incarnation, place, stored, counts)
        self._next = following

    def _take(self, counts: Sequence[int]) -> tuple[list[Place], Place]:
        """Return the places whose turn it is, and where to go on."""
        taken: list[Place] = []
        level, index = self._next
        while len(taken) < min(TILES_A_STEP, sum(counts)):
            if level >= len(counts):
                level, index = 0, 0
            elif index >= counts[level]:
                level, index = level + 1, 0
            else:
                taken.append((level, index))
                index += 1
        return taken, (level, index)


def _full_tiles(size: int) -> list[int]:
    """Return how many full tiles a tree of ``size`` has on each level that has any."""
    counts = []
    while size := size // TILE_WIDTH:
        counts.append(size)
    return counts


def _read_tiles(
    incarnation: Incarnation, places: set[Place], counts: Sequence[int]
) -> dict[Place, tuple[bytes, bytes]]:
    """Return (hashes, root) of ``places`` and of the full tiles right above them."""
    above = {_above(place) for place in places if _is_full(_above(place), counts)}
    levels, indexes = zip(*(places | above), strict=True)
    rows = binary.fetch(
        "SELECT level, index, hashes, root FROM ledger_tile WHERE incarnation_id = %s "
        "AND (level, index) IN (SELECT * FROM unnest(%s::smallint[], %s::bigint[]))",
        [incarnation.pk, list(levels), list(indexes)],
    )
    return {(level, index): (hashes, root) for level, index, hashes, root in rows}


def _check_tile(
    incarnation: Incarnation,
    place: Place,
    stored: dict[Place, tuple[bytes, bytes]],
    counts: Sequence[int],
) -> None:
    above, at = _above(place), place[1] % TILE_WIDTH * HASH_SIZE
    is_held = _is_full(above, counts)
    for one in (place, above) if is_held else (place,):
        if one not in stored:
            raise LogTampered(f"{incarnation.origin}: tile {_name(one)} is missing")
    hashes, root = stored[place]
    if len(hashes) != TILE_WIDTH * HASH_SIZE or tile_root(split_hashes(hashes)) != root:
        raise LogTampered(f"{incarnation.origin}: tile {_name(place)} does not give its root")
    if is_held and stored[above][0][at : at + HASH_SIZE] != root:
        raise LogTampered(
            f"{incarnation.origin}: tile {_name(place)} is not the one that {_name(above)} holds"
        )


def _name(place: Place) -> str:
    return f"{place[0]}/{place[1]}"


def _above(place: Place) -> Place:
    return place[0] + 1, place[1] // TILE_WIDTH


def _is_full(place: Place, counts: Sequence[int]) -> bool:
    return place[0] < len(counts) and place[1] < counts[place[0]]
