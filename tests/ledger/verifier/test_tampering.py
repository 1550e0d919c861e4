import random

import pytest

from ledger.errors import NotAnArchive
from ledger.verifier.findings import Code
from ledger.verifier.verify import verify_bundle
from tests.ledger.bundles import Files, case, good, tampered, unpack
from tests.ledger.edits import drop, move, put

PATHS = sorted(unpack(good()))


def is_refused(data: bytes) -> bool:
    try:
        return not verify_bundle(data).is_consistent
    except NotAnArchive:
        return True


def places(path: str) -> list[int]:
    """Return both ends of a file, its middle, and some places between."""
    size = len(unpack(good())[path])
    if size == 0:
        return []
    chosen = random.Random(path).choices(range(size), k=12)
    return sorted({0, size // 2, size - 1, *chosen})


@pytest.mark.parametrize("path", PATHS)
def test_no_byte_of_any_file_can_change(path: str) -> None:
    for place in places(path):
        for mask in (0x01, 0x20):

            def turn(files: Files, place: int = place, mask: int = mask) -> None:
                data = bytearray(files[path])
                data[place] ^= mask
                files[path] = bytes(data)

            assert is_refused(tampered(turn)), (path, place, mask)


@pytest.mark.parametrize("path", PATHS)
def test_no_file_can_be_cut_emptied_or_lengthened(path: str) -> None:
    content = unpack(good())[path]
    for other in (content[:-1], content + b"\n", b"\x00"):
        if other != content:
            assert is_refused(tampered(put(path, other)))


@pytest.mark.parametrize("path", PATHS)
def test_no_file_can_be_removed_renamed_or_doubled(path: str) -> None:
    removed = verify_bundle(tampered(drop(path)))
    assert [f.path for f in removed.findings if f.code is Code.FILE_MISSING] == [path]
    assert is_refused(tampered(move(path, f"{path}2")))
    assert is_refused(tampered(put(f"{path}2", unpack(good())[path])))


@pytest.mark.parametrize("seed", range(10))
def test_no_raw_byte_can_change(seed: int) -> None:
    # Ten times fifty places; the seed makes a failure repeatable.
    chance = random.Random(seed)
    for _ in range(50):
        data = bytearray(good())
        place = chance.randrange(len(data))
        data[place] ^= 1 << chance.randrange(8)
        assert is_refused(bytes(data)), (seed, place)


def test_files_cannot_change_places() -> None:
    def swap(files: Files) -> None:
        files["checkpoints/2"], files["checkpoints/9"] = (
            files["checkpoints/9"],
            files["checkpoints/2"],
        )

    assert is_refused(tampered(swap))


@pytest.mark.parametrize("seed", range(40))
def test_noise_in_a_vouched_file_never_breaks_the_verifier(seed: int) -> None:
    chance = random.Random(seed)
    path = chance.choice([path for path in PATHS if not path.startswith("manifest")])

    def scramble(files: Files) -> None:
        data = bytearray(files[path])
        for _ in range(chance.randrange(1, 9)):
            data[chance.randrange(len(data)) : chance.randrange(len(data) + 1)] = chance.randbytes(
                chance.randrange(4)
            )
            data = data or bytearray(b"x")
        files[path] = bytes(data)

    assert verify_bundle(case().build(scramble)).headline
