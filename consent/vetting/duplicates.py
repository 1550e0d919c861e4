"""Pictures that are nearly the same, among up to some millions of 256-bit hashes.

Multi-index hashing (Norouzi, Punjani, Fleet, 2012): of two hashes that differ in at most 31 bits,
one of their sixteen bands of 16 bits differs in at most one. So each hash is compared only with
those in whose band it stands, or in one a bit away. Memory is some 200 bytes a hash, and one block
of pairs.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consent.vetting.hashes import HASH_BYTES, NEAR

_BANDS = 16
_BLOCK = 1 << 20
# Beyond it pictures are all of one kind, such as pages: what is left is not looked at.
MOST_PAIRS = 20_000_000_000
_FLIPS = (0, *(1 << bit for bit in range(16)))
_Places = NDArray[np.int64]


@dataclass(frozen=True)
class Clusters:
    """Which hashes belong together: places in the order given, each cluster and all of them
    sorted. ``pairs`` were compared; ``is_complete`` is False when that was too many to go on."""

    members: tuple[tuple[int, ...], ...]
    pairs: int
    is_complete: bool


def find_near(
    hashes: bytes | bytearray | NDArray[np.uint8],
    near: int = NEAR,
    most_pairs: int = MOST_PAIRS,
) -> Clusters:
    """Return the clusters of hashes that hang together by steps of at most ``near`` bits.

    ``hashes`` are 32 bytes each, one behind the other, or an array of n × 32. Raises ValueError
    for a distance that the index would miss, or hashes of another length.
    """
    if not 0 <= near <= NEAR:
        raise ValueError(f"distance is {near}, wanted 0 to {NEAR}")
    rows = _rows(hashes)
    # The same hash many times would make its own number squared of pairs.
    distinct, which = np.unique(rows.view("V32").ravel(), return_inverse=True)
    search = _Search(distinct.view(np.uint8).reshape(-1, HASH_BYTES), near, most_pairs)
    labels = search.run()
    return Clusters(_grouped(labels[which.ravel()]), search.pairs, search.is_complete)


class _Search:
    """One walk over all bands; joins what is near as it is found."""

    def __init__(self, rows: NDArray[np.uint8], near: int, most_pairs: int) -> None:
        self._words = np.ascontiguousarray(rows).view(np.uint64)
        self._bands = np.ascontiguousarray(rows).view(np.uint16)
        self._near, self._most = near, most_pairs
        self._labels = np.arange(len(rows), dtype=np.int64)
        self.pairs, self.is_complete = 0, True

    def run(self) -> _Places:
        """Return a label for each row: equal for those that belong together."""
        for band in range(_BANDS):
            for ones, others in self._candidates(self._bands[:, band]):
                if self.pairs + len(ones) > self._most:
                    self.is_complete = False
                    return self._labels
                self.pairs += len(ones)
                self._join(ones, others)
        return self._labels

    def _candidates(self, keys: NDArray[np.uint16]) -> Iterator[tuple[_Places, _Places]]:
        """Yield blocks of pairs whose keys differ in at most one bit, each pair once."""
        order = np.argsort(keys, kind="stable").astype(np.int64)
        counts = np.bincount(keys, minlength=1 << 16).astype(np.int64)
        starts = np.cumsum(counts) - counts
        own = keys[order].astype(np.int64)
        places = np.arange(len(order))
        for flip in _FLIPS:
            other = own ^ flip
            begins = starts[other]
            ends = begins + counts[other]
            if flip:
                ends = np.where(other > own, ends, begins)
            else:
                begins = places + 1
            yield from _pairs(order, begins, ends)

    def _join(self, ones: _Places, others: _Places) -> None:
        differing = np.bitwise_count(self._words[ones, 0] ^ self._words[others, 0])
        for word in range(1, HASH_BYTES // 8):
            keep = differing <= self._near
            ones, others, differing = ones[keep], others[keep], differing[keep]
            differing += np.bitwise_count(self._words[ones, word] ^ self._words[others, word])
        near = differing <= self._near
        left, right = self._labels[ones[near]], self._labels[others[near]]
        fresh = left != right
        if not fresh.any():
            return
        # Not before it is needed: scipy takes 30 MiB of each process that has it.
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        size = len(self._labels)
        edges = coo_array((fresh[fresh], (left[fresh], right[fresh])), shape=(size, size))
        _, component = connected_components(edges, directed=False)
        # Each component goes by its first place: labels do not depend on the order of blocks.
        self._labels = _first_of(component)[component[self._labels]]


def _first_of(component: NDArray[np.int32]) -> _Places:
    return np.unique(component, return_index=True)[1].astype(np.int64)


def _pairs(order: _Places, begins: _Places, ends: _Places) -> Iterator[tuple[_Places, _Places]]:
    """Yield (``order[i]``, ``order[j]``) for j from ``begins[i]`` up to ``ends[i]``, in blocks."""
    widths = np.maximum(ends - begins, 0)
    totals = np.concatenate(([0], np.cumsum(widths)))
    for at in range(0, int(totals[-1]), _BLOCK):
        # A row may be wider than a block: numbers of pairs are cut, not rows.
        upto = min(at + _BLOCK, int(totals[-1]))
        first, last = np.searchsorted(totals, (at, upto - 1), side="right") - 1
        rows = np.arange(first, last + 1)
        inside = np.minimum(totals[rows + 1], upto) - np.maximum(totals[rows], at)
        row = np.repeat(rows, inside)
        yield order[row], order[begins[row] + np.arange(at, upto) - totals[row]]


def _rows(hashes: bytes | bytearray | NDArray[np.uint8]) -> NDArray[np.uint8]:
    rows = hashes
    if not isinstance(rows, np.ndarray):
        if len(rows) % HASH_BYTES:
            raise ValueError(f"a hash has other than {HASH_BYTES} bytes")
        rows = np.frombuffer(rows, dtype=np.uint8).reshape(-1, HASH_BYTES)
    if rows.ndim != 2 or rows.shape[1] != HASH_BYTES:
        raise ValueError(f"hashes are of shape {rows.shape}, wanted n × {HASH_BYTES}")
    return np.ascontiguousarray(rows)


def _grouped(labels: _Places) -> tuple[tuple[int, ...], ...]:
    order = np.argsort(labels, kind="stable")
    edges = np.flatnonzero(np.diff(labels[order])) + 1
    groups = (part for part in np.split(order, edges) if len(part) > 1)
    return tuple(sorted(tuple(int(place) for place in part) for part in groups))
