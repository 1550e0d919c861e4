"""Every tree up to 300 leaves against the recursive definitions, and proofs with bits turned.

``tlog_client`` is the other implementation. Turning *every* bit of every proof would take
minutes: each hash of each proof of each tree up to 64 leaves has sixteen bits turned, and the
places run on from hash to hash, so that all 256 are met many times over; up to 9 leaves every
bit is.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

import pytest

from ledger import merkle
from ledger.errors import ProofError

from .tlog_client import Tree, fold_path

LARGEST, MUTATED, EVERY_BIT = 300, 64, 9
ORACLE = Tree([merkle.leaf_hash(b"%d" % number) for number in range(LARGEST)])
HASHES = ORACLE.hashes


def refuses(verify: Callable[..., None], *arguments: Any) -> bool:
    """Say whether ``verify`` refuses; ``pytest.raises`` would take most of the time here."""
    try:
        verify(*arguments)
    except ProofError:
        return True
    return False


def test_every_tree_has_the_root_of_its_definition() -> None:
    edge = merkle.RightEdge()
    assert merkle.tree_root([]) == edge.root() == ORACLE.mth(0, 0)
    for size in range(1, LARGEST + 1):
        edge.append(HASHES[size - 1])
        assert merkle.tree_root(HASHES[:size]) == edge.root() == ORACLE.mth(0, size)


def test_every_inclusion_path_is_that_of_its_definition() -> None:
    for size in range(1, LARGEST + 1):
        root = ORACLE.mth(0, size)
        for index in range(size):
            path = ORACLE.path(index, 0, size)
            assert [ORACLE.mth(*ends) for ends in merkle.inclusion_ranges(index, size)] == path
            merkle.verify_inclusion(HASHES[index], index, size, path, root)


def test_every_consistency_proof_is_that_of_its_definition() -> None:
    for second in range(1, LARGEST + 1):
        root = ORACLE.mth(0, second)
        for first in range(1, second + 1):
            path = ORACLE.proof(first, second)
            assert [ORACLE.mth(*ends) for ends in merkle.consistency_ranges(first, second)] == path
            merkle.verify_consistency(first, second, path, ORACLE.mth(0, first), root)


@pytest.mark.parametrize("size", [1, 2, 3, 64, 255, 256, 257, LARGEST])
def test_paths_made_from_leaves_are_those_of_the_definition(size: int) -> None:
    for index in range(0, size, 7):
        path = merkle.inclusion_path(HASHES[:size], index)
        assert path == ORACLE.path(index, 0, size)
        assert fold_path(HASHES[index], index, size, path) == ORACLE.mth(0, size)
        proof = merkle.consistency_path(HASHES[:size], index + 1)
        assert proof == ORACLE.proof(index + 1, size)


def test_no_inclusion_path_with_a_bit_turned_proves_anything() -> None:
    places = count(step=37)
    for size in range(1, MUTATED + 1):
        root = ORACLE.mth(0, size)
        for index in range(size):
            path = ORACLE.path(index, 0, size)
            for bent in _bent(path, places, every=size <= EVERY_BIT):
                assert refuses(merkle.verify_inclusion, HASHES[index], index, size, bent, root)


def test_no_consistency_proof_with_a_bit_turned_proves_anything() -> None:
    places = count(step=37)
    for second in range(1, MUTATED + 1):
        root = ORACLE.mth(0, second)
        for first in range(1, second + 1):
            first_root = ORACLE.mth(0, first)
            path = ORACLE.proof(first, second)
            for bent in _bent(path, places, every=second <= EVERY_BIT):
                assert refuses(merkle.verify_consistency, first, second, bent, first_root, root)


def test_no_path_that_is_cut_swapped_or_filled_up_proves_anything() -> None:
    for size in range(1, MUTATED + 1):
        root = ORACLE.mth(0, size)
        for index in range(size):
            for bent in _rearranged(ORACLE.path(index, 0, size)):
                assert refuses(merkle.verify_inclusion, HASHES[index], index, size, bent, root)
            first_root = ORACLE.mth(0, index + 1)
            for bent in _rearranged(ORACLE.proof(index + 1, size)):
                assert refuses(merkle.verify_consistency, index + 1, size, bent, first_root, root)


def _bent(path: list[bytes], places: Iterator[int], *, every: bool) -> Iterator[list[bytes]]:
    for at, value in enumerate(path):
        for bit in range(256) if every else [next(places) % 256 for _ in range(16)]:
            turned = int.from_bytes(value, "big") ^ 1 << bit
            yield [*path[:at], turned.to_bytes(32, "big"), *path[at + 1 :]]


def _rearranged(path: list[bytes]) -> Iterator[Sequence[bytes]]:
    yield [*path, path[-1] if path else bytes(32)]
    for at in range(len(path)):
        yield path[:at] + path[at + 1 :]
        yield [*path[:at], path[at], *path[at:]]
        if at:
            yield [*path[: at - 1], path[at], path[at - 1], *path[at + 1 :]]
