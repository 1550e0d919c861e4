from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

import pytest

from ledger import merkle
from ledger.errors import ProofError

from .vectors import load

HASHES = [merkle.leaf_hash(b"%d" % number) for number in range(700)]
SMALL = range(1, 65)


def flip(value: bytes) -> bytes:
    return bytes([value[0] ^ 1]) + value[1:]


def bent(path: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Yield each near miss of a path: a bit turned, one hash more, less, or out of place."""
    path = list(path)
    for place in range(len(path)):
        yield [*path[:place], flip(path[place]), *path[place + 1 :]]
        yield path[:place] + path[place + 1 :]
    yield [*path, bytes(32)]
    yield [bytes(32), *path]
    if len(path) > 1:
        yield path[::-1]


def test_known_roots_come_out() -> None:
    vectors = load("rfc6962-roots.json")
    hashes = [merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in vectors["leaves"]]
    for size, root in enumerate(vectors["roots"]):
        assert merkle.tree_root(hashes[:size]).hex() == root
    assert sha256(b"").digest() == merkle.EMPTY_ROOT


@pytest.mark.parametrize("size", SMALL)
def test_every_leaf_of_every_small_tree_is_proved_and_no_twin_of_it(size: int) -> None:
    root = merkle.tree_root(HASHES[:size])
    for index in range(size):
        path = merkle.inclusion_path(HASHES[:size], index)
        merkle.verify_inclusion(HASHES[index], index, size, path, root)
        twins: list[tuple[Any, ...]] = [(HASHES[index], index, size, p, root) for p in bent(path)]
        twins += [(HASHES[index], index, size, path, flip(root))]
        twins += [(flip(HASHES[index]), index, size, path, root)]
        twins += [(HASHES[index], other, size, path, root) for other in (-1, size)]
        twins += [(HASHES[index], o, size, path, root) for o in range(size) if o != index]
        for twin in twins:
            with pytest.raises(ProofError):
                merkle.verify_inclusion(*twin)


@pytest.mark.parametrize("second", SMALL)
def test_every_prefix_of_every_small_tree_is_proved_and_no_twin_of_it(second: int) -> None:
    second_root = merkle.tree_root(HASHES[:second])
    for first in range(1, second + 1):
        first_root = merkle.tree_root(HASHES[:first])
        path = merkle.consistency_path(HASHES[:second], first)
        merkle.verify_consistency(first, second, path, first_root, second_root)
        twins: list[tuple[Any, ...]] = [
            (first, second, p, first_root, second_root) for p in bent(path)
        ]
        twins += [(first, second, path, flip(first_root), second_root)]
        twins += [(first, second, path, first_root, flip(second_root))]
        twins += [(0, second, path, first_root, second_root)]
        twins += [(second + 1, second, path, first_root, second_root)]
        if first < second:
            twins += [(first, second, path, second_root, first_root)]
        for twin in twins:
            with pytest.raises(ProofError):
                merkle.verify_consistency(*twin)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 31, 40])
def test_every_range_folds_to_the_root_and_no_twin_of_it(size: int) -> None:
    root = merkle.tree_root(HASHES[:size])
    for first in range(size):
        for end in range(first + 1, size + 1):
            ends = [merkle.inclusion_path(HASHES[:size], i) for i in (first, end - 1)]
            assert merkle.root_from_range(HASHES[first:end], first, size, *ends) == root
            forged = [flip(HASHES[first]), *HASHES[first + 1 : end]]
            assert merkle.root_from_range(forged, first, size, *ends) != root


def test_range_is_folded_from_the_left_of_the_first_and_the_right_of_the_last_alone() -> None:
    first_path, last_path = (merkle.inclusion_path(HASHES[:4], i) for i in (1, 2))
    root = merkle.tree_root(HASHES[:4])
    first_path[1], last_path[1] = bytes(32), bytes(32)
    assert merkle.root_from_range(HASHES[1:3], 1, 4, first_path, last_path) == root


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (([], 0, 4, [], []), "range holds no leaf"),
        ((HASHES[:2], 3, 4, [], []), "leaf index is 4, tree size is 4"),
        ((HASHES[:1], 0, 4, [bytes(32)], [bytes(32)] * 2), "path is too short for the range"),
        ((HASHES[:1], 0, 4, [bytes(32)] * 3, [bytes(32)] * 2), "path is too long for a range"),
        ((HASHES[:1], 0, 4, [bytes(31)] * 2, [bytes(32)] * 2), "hash has 31 bytes"),
    ],
)
def test_range_that_no_tree_has_is_refused(arguments: Any, complaint: str) -> None:
    with pytest.raises(ProofError, match=complaint):
        merkle.root_from_range(*arguments)


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda: merkle.inclusion_path(HASHES[:3], 3), "leaf index is 3, tree size is 3"),
        (lambda: merkle.inclusion_path([], 0), "leaf index is 0, tree size is 0"),
        (lambda: merkle.consistency_path(HASHES[:3], 0), "leads from size 0 to 3"),
        (lambda: merkle.consistency_path(HASHES[:3], 4), "leads from size 4 to 3"),
        (lambda: merkle.verify_consistency(1, 2, [], HASHES[0], HASHES[1]), "is empty"),
        (lambda: merkle.verify_inclusion(b"short", 0, 1, [], b"short"), "hash has 5 bytes"),
        (lambda: merkle.tile_root(HASHES[:255]), "tile is 255 wide"),
        (lambda: merkle.RightEdge(3, HASHES[:1]), "size 3 cannot have 1 peaks"),
        (lambda: merkle.RightEdge(1, HASHES[:1]).push(HASHES[0], 1), "size 1 cannot take"),
        (lambda: merkle.RightEdge.from_tiles([HASHES[:256]]), "edge tile at level 0 is full"),
    ],
)
def test_refusal_names_what_was_met(call: Any, complaint: str) -> None:
    with pytest.raises(ProofError, match=complaint):
        call()


def test_equal_sizes_are_consistent_only_with_an_empty_path_and_equal_roots() -> None:
    merkle.verify_consistency(5, 5, [], HASHES[0], HASHES[0])
    with pytest.raises(ProofError, match="two trees of size 5 are not the same"):
        merkle.verify_consistency(5, 5, [], HASHES[0], HASHES[1])
    with pytest.raises(ProofError, match="two trees of size 5 are not the same"):
        merkle.verify_consistency(5, 5, [HASHES[0]], HASHES[0], HASHES[0])


def test_right_edge_gives_the_root_after_each_leaf() -> None:
    edge = merkle.RightEdge()
    assert edge.root() == merkle.EMPTY_ROOT
    for size, leaf in enumerate(HASHES, start=1):
        edge.append(leaf)
        assert edge.size == size
        assert edge.root() == merkle.tree_root(HASHES[:size])


def test_copy_of_an_edge_grows_by_itself() -> None:
    edge = merkle.RightEdge(1, HASHES[:1])
    edge.copy().append(HASHES[1])
    assert (edge.size, edge.root()) == (1, HASHES[0])


def read_tile(level: int, tile: int) -> Sequence[bytes]:
    hashes = HASHES
    for _ in range(level):
        width = merkle.TILE_WIDTH
        full = range(0, len(hashes) - width + 1, width)
        hashes = [merkle.tile_root(hashes[at : at + width]) for at in full]
    return hashes[tile * merkle.TILE_WIDTH : (tile + 1) * merkle.TILE_WIDTH]


@pytest.mark.parametrize("size", [1, 255, 256, 257, 511, 512, 513, 700])
def test_edge_built_from_tiles_equals_the_one_that_grew(size: int) -> None:
    tail, full = HASHES[size // 256 * 256 : size], size // 256
    edge = merkle.RightEdge.from_tiles([tail, read_tile(1, 0)[:full]])
    assert edge.size == size
    assert edge.root() == merkle.tree_root(HASHES[:size])


@pytest.mark.parametrize("size", [1, 255, 256, 257, 512, 700])
def test_paths_from_tiles_equal_those_from_leaves(size: int) -> None:
    for index in {0, size // 3, size - 1}:
        path = merkle.inclusion_path_from_tiles(index, size, read_tile)
        assert path == merkle.inclusion_path(HASHES[:size], index)
        proof = merkle.consistency_path_from_tiles(index + 1, size, read_tile)
        assert proof == merkle.consistency_path(HASHES[:size], index + 1)
