"""Every target without a fuzzer: its seeds, what was once found, and seeds changed at random."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.target import FINDS, Contradiction, Target, expect, require
from fuzz.targets import TARGETS
from ledger.errors import NoteError

# Certificates that were changed at random make it warn.
pytestmark = pytest.mark.filterwarnings("ignore:Parsed a")
each_target = pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)


@each_target
def test_seeds_and_what_was_once_found_are_read_or_refused(target: Target) -> None:
    assert target.seeds
    for data in [*target.seeds, *(path.read_bytes() for path in target.finds)]:
        target.examine(data)


@each_target
def test_some_seed_is_read(target: Target) -> None:
    read = 0
    for data in target.seeds:
        try:
            target.read(data)
        except target.refusals:
            continue
        read += 1
    assert read


@each_target
@settings(max_examples=50, database=None)
@given(st.data())
def test_changed_seed_is_read_or_refused(target: Target, data: st.DataObject) -> None:
    seed = bytearray(data.draw(st.sampled_from(target.seeds))[: target.longest])
    for _ in range(data.draw(st.integers(1, 4))):
        begin = data.draw(st.integers(0, len(seed)))
        end = min(len(seed), begin + data.draw(st.integers(0, 8)))
        seed[begin:end] = data.draw(st.binary(max_size=8) | _repeated(bytes(seed[begin:end])))
    target.examine(bytes(seed))


def _repeated(piece: bytes) -> st.SearchStrategy[bytes]:
    return st.integers(2, 300).map(lambda count: piece * count)


def test_what_was_found_belongs_to_a_target() -> None:
    assert {path.parent.name for path in FINDS.glob("*/*")} <= TARGETS.keys()


def test_target_lets_nothing_pass_but_its_refusals() -> None:
    def read(data: bytes) -> bytes:
        if data == b"none":
            raise NoteError("refused")
        return bytes([data[0]])

    def check(found: bytes, data: bytes) -> None:
        expect(found, data, "letter")
        require(data != b"z", "no z")

    target = Target("strict", read, check, (NoteError,), list)
    for good in (b"none", b"a"):
        target.examine(good)
    for bad, complaint in ((b"ab", "letter: b'a', wanted b'ab'"), (b"z", "no z")):
        with pytest.raises(Contradiction, match=complaint):
            target.examine(bad)
    with pytest.raises(IndexError):
        target.examine(b"")
