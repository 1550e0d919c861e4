from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import commitment, merkle, strict_base64
from ledger.commitment import EpochTree, Opening, commit_segments, fresh_randomness, tombstone_leaf
from ledger.errors import CanonicalError, CommitmentError
from ledger.leaf import parse_leaf

from .vectors import fixed, load

EXAMPLE = load("worked-example.json")


def counting() -> Callable[[], bytes]:
    numbers = iter(range(1000))
    return lambda: next(numbers).to_bytes(32, "big")


@pytest.mark.parametrize("index", ["1", "2"])
def test_commitments_of_the_worked_example_come_out(index: str) -> None:
    stated = EXAMPLE["segments"][index]
    tags = iter([*stated["tags"], *stated["padding_tags"]])
    openings = commit_segments(
        stated["kind"], stated["segments"], randomness=lambda: fixed(next(tags))
    )
    leaf = parse_leaf(EXAMPLE["leaves"][int(index)]["leaf"].encode())
    assert tuple(opening.commitment for opening in openings) == leaf.body.commitments


def test_epoch_tree_of_the_worked_example_comes_out() -> None:
    leaves = [parse_leaf(stated["leaf"].encode()) for stated in EXAMPLE["leaves"]]
    entries = {
        (place["index"], place["position"]): tombstone_leaf(
            fixed(tag), leaves[place["index"]].body.commitments[place["position"]]
        )
        for tag, place in EXAMPLE["epoch"]["salts"].items()
    }
    tree = EpochTree(entries.values())
    assert f"sha256:{tree.root.hex()}" == leaves[3].body.facts["root"]
    for entry in entries.values():
        merkle.verify_inclusion(entry, tree.index(entry), 2, tree.path(entry), tree.root)


@given(st.integers(0, 40))
def test_segments_are_padded_to_a_power_of_two_and_sorted_by_raw_bytes(count: int) -> None:
    openings = commit_segments("run.completed", [("actor", {})] * count)
    assert len(openings) == (0 if count == 0 else 1 << (count - 1).bit_length())
    assert [o.commitment for o in openings] == sorted({o.commitment for o in openings})
    assert sum(opening.role == "padding" for opening in openings) == len(openings) - count


def test_a_commitment_changes_with_each_part_of_its_opening() -> None:
    r = bytes(32)
    openings = [
        Opening("run.completed", "actor", {"a": 1}, r),
        Opening("run.failed", "actor", {"a": 1}, r),
        Opening("run.completed", "subject", {"a": 1}, r),
        Opening("run.completed", "actor", {"a": 2}, r),
        Opening("run.completed", "actor", {"a": 1}, bytes(31) + b"\x01"),
    ]
    assert len({opening.commitment for opening in openings}) == len(openings)


def test_fresh_randomness_is_fresh() -> None:
    assert len(fresh_randomness()) == commitment.RANDOMNESS_SIZE
    assert fresh_randomness() != fresh_randomness()


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda: Opening("run.completed", "actor", {}, bytes(31)), "31 random bytes, wanted 32"),
        (lambda: Opening("run.completed", "actor", {}, bytes(33)), "33 random bytes, wanted 32"),
        (lambda: Opening("run", "actor", {}, bytes(32)), "noun.past_participle"),
        (lambda: Opening("run.a.b", "actor", {}, bytes(32)), "noun.past_participle"),
        (lambda: Opening("run.completed", "An actor", {}, bytes(32)), "role does not match"),
        (lambda: Opening("run.completed", "padding", {"a": 1}, bytes(32)), "padding holds"),
        (lambda: commit_segments("a.b", [("actor", {})] * 257), "257 segments, at most 256"),
        (lambda: tombstone_leaf(bytes(31), bytes(32)), "tombstone of 31 and 32 bytes"),
        (lambda: tombstone_leaf(bytes(32), b""), "tombstone of 32 and 0 bytes"),
        (lambda: EpochTree([]), "epoch has no entries"),
        (lambda: EpochTree([bytes(32)] * 2), "epoch holds an entry twice"),
        (lambda: EpochTree([bytes(32)]).path(b"\xff" * 32), "entry is not in the epoch"),
        (lambda: EpochTree([b"\xff" * 32]).path(bytes(32)), "entry is not in the epoch"),
    ],
)
def test_refusal_names_what_was_met(call: Any, complaint: str) -> None:
    with pytest.raises(CommitmentError, match=complaint):
        call()


def test_payload_outside_the_subset_is_refused() -> None:
    opening = Opening("run.completed", "actor", {"a": 0.5}, bytes(32))  # type: ignore[dict-item]
    with pytest.raises(CanonicalError, match="float"):
        _ = opening.commitment


def test_256_segments_fit() -> None:
    assert len(commit_segments("a.b", [("actor", {})] * 256, randomness=counting())) == 256


def test_base64_has_one_text_for_each_byte_string() -> None:
    assert strict_base64.decode("AAA=") == b"\0\0"
    for text in ("AAB=", "AAA", "AAA=\n", "A A=", "AAA==", "é"):
        assert strict_base64.decode(text) is None
