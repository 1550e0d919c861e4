import resource
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from consent.vetting.duplicates import find_near
from consent.vetting.hashes import NEAR


def scattered(count: int, seed: int = 1) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, 32), dtype=np.uint8)


def turned(one: NDArray[np.uint8], bits: list[int]) -> NDArray[np.uint8]:
    other = one.copy()
    for bit in bits:
        other[bit // 8] ^= 1 << bit % 8
    return other


def slowly(rows: NDArray[np.uint8], near: int) -> tuple[tuple[int, ...], ...]:
    """Compare each with each, and let those who are near take on one name until nothing moves."""
    names = list(range(len(rows)))
    distances = np.bitwise_count(rows[:, None] ^ rows[None]).sum(axis=2)
    moved = True
    while moved:
        moved = False
        for one, other in zip(*np.nonzero(distances <= near), strict=True):
            if names[other] > names[one]:
                names[other], moved = names[one], True
    groups = [tuple(i for i, name in enumerate(names) if name == one) for one in sorted(set(names))]
    return tuple(group for group in groups if len(group) > 1)


# Each example sorts 16 bands: on a busy machine that may take longer than is allowed by default.
@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.sets(st.integers(0, 255), max_size=40)), max_size=30),
    st.sampled_from([0, 5, NEAR]),
)
def test_clusters_are_those_of_comparing_each_with_each(
    made: list[tuple[int, set[int]]], near: int
) -> None:
    seeds = scattered(6)
    rows = np.array([turned(seeds[seed], sorted(bits)) for seed, bits in made], dtype=np.uint8)
    rows = rows.reshape(-1, 32)
    assert find_near(rows, near).members == slowly(rows, near)


def test_the_last_bit_counts() -> None:
    one = scattered(1)[0]
    spread = [16 * band + 3 for band in range(16)] + [16 * band + 9 for band in range(15)]
    assert find_near(np.array([one, turned(one, spread)])).members == ((0, 1),)
    assert find_near(np.array([one, turned(one, [*spread, 255])])).members == ()


def test_steps_lead_further_than_one_distance() -> None:
    chain = [scattered(1)[0]]
    for step in range(5):
        chain.append(turned(chain[-1], list(range(step * 31, step * 31 + 31))))
    assert find_near(b"".join(row.tobytes() for row in chain)).members == ((0, 1, 2, 3, 4, 5),)
    assert all((a != b).any() for a, b in pairwise(chain))


def test_the_order_in_which_they_come_does_not_matter() -> None:
    rows = np.concatenate([scattered(50), scattered(50)])
    order = np.random.default_rng(2).permutation(100)
    found = {frozenset(int(order[i]) for i in one) for one in find_near(rows[order]).members}
    assert found == {frozenset({i, i + 50}) for i in range(50)}


def test_a_hundred_thousand_are_compared_in_little_memory() -> None:
    rows = scattered(100_000)
    for place in range(200):
        rows[-1 - place] = turned(rows[place], list(range(place, place + NEAR)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = find_near(rows)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert found.members == tuple((place, 99_999 - place) for place in range(200))
    assert found.is_complete
    # Each with each would be 5,000,000,000.
    assert found.pairs < 30_000_000
    assert grown < 150_000  # KiB


def test_the_same_picture_many_times_costs_nothing() -> None:
    found = find_near(np.repeat(scattered(3), 20_000, axis=0))
    assert [len(one) for one in found.members] == [20_000] * 3
    assert found.pairs < 10


def test_too_many_alike_are_left_and_it_says_so() -> None:
    rows = scattered(2_000)
    rows[:, :2] = 0
    found = find_near(rows, most_pairs=100_000)
    assert (found.is_complete, found.pairs <= 100_000) == (False, True)


@pytest.mark.parametrize("near", [-1, NEAR + 1])
def test_a_distance_that_would_miss_some_is_refused(near: int) -> None:
    with pytest.raises(ValueError, match=f"distance is {near}"):
        find_near(b"", near)


def test_hashes_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        find_near(bytes(31))
    with pytest.raises(ValueError, match="wanted n × 32"):
        find_near(np.zeros((2, 8), dtype=np.uint8))
