"""The Merkle tree of RFC 9162, section 2.1 (RFC 6962 has the same): hashes, proofs, tiles.

Hashes are 32 raw bytes throughout. Sizes and indexes count leaves. A tree of size n over leaves
d[0:n] splits at the largest power of two below n; a *subtree* here is any range that this split
reaches.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256

from .errors import ProofError

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()
TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT

# Gives the hashes of tile ``n`` at ``level``, at least those that the asked tree has.
TileReader = Callable[[int, int], Sequence[bytes]]


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of one leaf: SHA-256(0x00 ‖ data)."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256(0x01 ‖ left ‖ right)."""
    return sha256(b"\x01" + left + right).digest()


def tree_root(leaf_hashes: Sequence[bytes]) -> bytes:
    """Return the root hash over ``leaf_hashes``; SHA-256 of nothing for none (section 2.1.1)."""
    if not leaf_hashes:
        return EMPTY_ROOT
    level = leaf_hashes
    while len(level) > 1:
        level = _parents(level)
    return level[0]


def inclusion_path(leaf_hashes: Sequence[bytes], index: int) -> list[bytes]:
    """Return the path that proves leaf ``index``, leaf side first (section 2.1.3.1).

    Raises ProofError when there is no such leaf.
    """
    ranges = inclusion_ranges(index, len(leaf_hashes))
    return [tree_root(leaf_hashes[begin:end]) for begin, end in ranges]


def consistency_path(leaf_hashes: Sequence[bytes], first_size: int) -> list[bytes]:
    """Return the proof that the first ``first_size`` leaves are a prefix (section 2.1.4.1).

    Empty when both sizes are equal. Raises ProofError for size 0 or one beyond the tree.
    """
    ranges = consistency_ranges(first_size, len(leaf_hashes))
    return [tree_root(leaf_hashes[begin:end]) for begin, end in ranges]


def inclusion_ranges(index: int, size: int) -> list[tuple[int, int]]:
    """Return the subtrees [begin, end) whose roots are the inclusion path of ``index``."""
    _check_index(index, size)
    begin, end, ranges = 0, size, []
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    return ranges[::-1]


def consistency_ranges(first_size: int, second_size: int) -> list[tuple[int, int]]:
    """Return the subtrees [begin, end) whose roots are the consistency proof of two sizes."""
    _check_sizes(first_size, second_size)
    begin, end, ranges = 0, second_size, []
    # SUBPROOF(m, D_n, b) of section 2.1.4.1, from the root downwards.
    while end != first_size:
        middle = begin + _split(end - begin)
        if first_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((begin, middle))
            begin = middle
    if begin:
        ranges.append((begin, end))
    return ranges[::-1]


def root_from_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root hash that ``path`` leads to from ``leaf``, the leaf hash at ``index``.

    RFC 9162, section 2.1.3.2, in the RFC's variable names. Raises ProofError when the path
    fits no tree of ``size`` leaves; comparing roots is the caller's part.
    """
    _check_index(index, size)
    _check_hashes(leaf, *path)
    fn, sn, r = index, size - 1, leaf
    for p in path:
        if sn == 0:
            raise ProofError(f"path of {len(path)} is too long for leaf {index} of {size}")
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            # The last node of an odd level has no sibling and rises unhashed: skip ahead.
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    if sn:
        raise ProofError(f"path of {len(path)} is too short for leaf {index} of {size}")
    return r


def verify_inclusion(
    leaf_hash: bytes, index: int, size: int, path: Sequence[bytes], root: bytes
) -> None:
    """Check that ``leaf_hash`` is leaf ``index`` of the tree of ``size`` under ``root``.

    RFC 9162, section 2.1.3.2. Raises ProofError when it is not.
    """
    if root_from_path(leaf_hash, index, size, path) != root:
        raise ProofError(f"path of leaf {index} does not lead to the root of size {size}")


def verify_consistency(
    first_size: int,
    second_size: int,
    path: Sequence[bytes],
    first_root: bytes,
    second_root: bytes,
) -> None:
    """Check that the tree of ``first_size`` is a prefix of the tree of ``second_size``.

    RFC 9162, section 2.1.4.2, in the RFC's variable names. Equal sizes need an empty path and
    equal roots. Size 0 is refused: a proof from nothing would prove nothing. Raises ProofError.
    """
    _check_sizes(first_size, second_size)
    _check_hashes(first_root, second_root, *path)
    if first_size == second_size:
        if path or first_root != second_root:
            raise ProofError(f"two trees of size {first_size} are not the same")
        return
    fr, sr = _consistent_roots(first_size, second_size, path, first_root)
    if fr != first_root:
        raise ProofError(f"proof does not lead to the root of size {first_size}")
    if sr != second_root:
        raise ProofError(f"proof does not lead to the root of size {second_size}")


def root_from_range(
    leaf_hashes: Sequence[bytes],
    first: int,
    size: int,
    first_path: Sequence[bytes],
    last_path: Sequence[bytes],
) -> bytes:
    """Return the root that the leaves [first, first + n) and the paths of both ends lead to.

    The paths are the inclusion paths of leaf ``first`` and of the last leaf in a tree of
    ``size``. Of the first only the left siblings count, of the second the right ones: what lies
    between is computed from the leaves. Raises ProofError when a path does not fit.
    """
    if not leaf_hashes:
        raise ProofError("range holds no leaf")
    lo, hi, width = first, first + len(leaf_hashes) - 1, size
    _check_index(lo, size)
    _check_index(hi, size)
    _check_hashes(*leaf_hashes, *first_path, *last_path)
    left, right, level = list(first_path[::-1]), list(last_path[::-1]), list(leaf_hashes)
    while width > 1:
        left_sibling = _take(left) if lo ^ 1 < width else b""
        right_sibling = _take(right) if hi ^ 1 < width else b""
        if lo & 1:
            level.insert(0, left_sibling)
        if not hi & 1 and right_sibling:
            level.append(right_sibling)
        level, lo, hi, width = _parents(level), lo >> 1, hi >> 1, (width + 1) >> 1
    if left or right:
        raise ProofError(f"path is too long for a range in a tree of {size}")
    return level[0]


class RightEdge:
    """The right edge of a growing tree: enough to append leaves and to give the root.

    Holds the roots of the perfect subtrees that the tree's size is the sum of, largest first:
    at most one for each bit of the size.
    """

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size = size
        self.peaks = list(peaks)
        if size < 0 or len(self.peaks) != size.bit_count():
            raise ProofError(f"right edge of size {size} cannot have {len(self.peaks)} peaks")
        _check_hashes(*self.peaks)

    @classmethod
    def from_tiles(cls, edge_tiles: Sequence[Sequence[bytes]]) -> "RightEdge":
        """Build the edge from the partial tile at the right of each level, level 0 first.

        A level without a partial tile gives an empty sequence. Raises ProofError when one is full.
        """
        edge = cls()
        for level in reversed(range(len(edge_tiles))):
            if len(edge_tiles[level]) >= TILE_WIDTH:
                raise ProofError(f"edge tile at level {level} is full: hash it upward first")
            for subtree in edge_tiles[level]:
                edge.push(subtree, level * TILE_HEIGHT)
        return edge

    def append(self, leaf_hash: bytes) -> None:
        """Add one leaf."""
        self.push(leaf_hash, 0)

    def push(self, subtree: bytes, height: int) -> None:
        """Add the root of a perfect subtree of ``2**height`` leaves.

        Raises ProofError when the edge's size is no multiple of that.
        """
        _check_hashes(subtree)
        if self.size & ((1 << height) - 1):
            raise ProofError(f"size {self.size} cannot take a subtree of height {height}")
        carry = self.size >> height
        while carry & 1:
            subtree, carry = node_hash(self.peaks.pop(), subtree), carry >> 1
        self.peaks.append(subtree)
        self.size += 1 << height

    def root(self) -> bytes:
        """Return the root hash of the tree as it stands."""
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root

    def copy(self) -> "RightEdge":
        """Return an edge of its own, for a batch that may be rolled back."""
        return RightEdge(self.size, self.peaks)


def tile_root(hashes: Sequence[bytes]) -> bytes:
    """Return the hash that a full tile contributes to the level above. Raises ProofError."""
    if len(hashes) != TILE_WIDTH:
        raise ProofError(f"tile is {len(hashes)} wide, only full ones of {TILE_WIDTH} hash upward")
    return tree_root(hashes)


def subtree_root(begin: int, end: int, read: TileReader) -> bytes:
    """Return the root of the subtree [begin, end), reading as few and as high tiles as can be."""
    edge, position = RightEdge(), begin
    while position < end:
        level = 0
        while _fits(position, level + 1, end):
            level += 1
        tile, item = divmod(position >> level * TILE_HEIGHT, TILE_WIDTH)
        edge.push(read(level, tile)[item], level * TILE_HEIGHT)
        position += 1 << level * TILE_HEIGHT
    return edge.root()


def inclusion_path_from_tiles(index: int, size: int, read: TileReader) -> list[bytes]:
    """Return the inclusion path of ``index`` in the tree of ``size``, from its tiles."""
    return [subtree_root(begin, end, read) for begin, end in inclusion_ranges(index, size)]


def consistency_path_from_tiles(first: int, second: int, read: TileReader) -> list[bytes]:
    """Return the consistency proof between two sizes, from the tiles of the larger tree."""
    return [subtree_root(begin, end, read) for begin, end in consistency_ranges(first, second)]


def _fits(position: int, level: int, end: int) -> bool:
    span = 1 << level * TILE_HEIGHT
    return position % span == 0 and position + span <= end


def _parents(level: Sequence[bytes]) -> list[bytes]:
    pairs = zip(level[::2], level[1::2], strict=False)
    parents = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
    if len(level) & 1:
        parents.append(level[-1])
    return parents


def _consistent_roots(
    first_size: int, second_size: int, path: Sequence[bytes], first_root: bytes
) -> tuple[bytes, bytes]:
    if not path:
        raise ProofError("consistency proof between different sizes is empty")
    fn, sn = first_size - 1, second_size - 1
    # A perfect first tree is itself a node of the second, so that the proof leaves it out.
    rest = list(path) if first_size & fn else [first_root, *path]
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = rest[0]
    for c in rest[1:]:
        if sn == 0:
            raise ProofError(f"proof of {len(path)} is too long for {first_size} to {second_size}")
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    if sn:
        raise ProofError(f"proof of {len(path)} is too short for {first_size} to {second_size}")
    return fr, sr


def _split(size: int) -> int:
    """Return the largest power of two below ``size``, which is at least 2."""
    return 1 << (size - 1).bit_length() - 1


def _take(path: list[bytes]) -> bytes:
    if not path:
        raise ProofError("path is too short for the range")
    return path.pop()


def _check_index(index: int, size: int) -> None:
    if not 0 <= index < size:
        raise ProofError(f"leaf index is {index}, tree size is {size}")


def _check_sizes(first_size: int, second_size: int) -> None:
    if not 0 < first_size <= second_size:
        raise ProofError(f"no consistency proof leads from size {first_size} to {second_size}")


def _check_hashes(*hashes: bytes) -> None:
    for value in hashes:
        if len(value) != HASH_SIZE:
            raise ProofError(f"hash has {len(value)} bytes, wanted {HASH_SIZE}")
