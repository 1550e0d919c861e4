import io
import os
from pathlib import Path

import pytest
from django.db import transaction

from ledger.errors import SealBroken
from ledger.models import HOUSE_SCOPE, SealedFile
from ledger.sealing import SEAL_BYTES
from ledger.services import open_file, open_stream, store_file, store_stream, sweep_files
from ledger.services.files import PIECE, name_of

pytestmark = pytest.mark.django_db


class Dripping(io.BytesIO):
    """A stream that gives less than was asked for, as a network does."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(size or 0, 70_001) if size and size > 0 else size)


def stored(home: Path, file: SealedFile) -> Path:
    return home / "files" / name_of(file)


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE])
def test_a_file_reads_back_whatever_its_size(log: object, home: Path, size: int) -> None:
    content = os.urandom(size)
    file = store_stream([HOUSE_SCOPE], Dripping(content))
    assert (file.size, open_file(file)) == (size, content)
    pieces = max(-(-size // PIECE), 1)
    assert stored(home, file).stat().st_size == size + pieces * SEAL_BYTES


def test_a_stream_reads_from_any_place(log: object) -> None:
    content = os.urandom(2 * PIECE + 9)
    with open_stream(store_file([HOUSE_SCOPE], content)) as stream:
        for place in (PIECE - 3, 5, 2 * PIECE, 0):
            stream.seek(place)
            assert stream.read(7) == content[place : place + 7]
        assert stream.seek(-4, io.SEEK_END) == len(content) - 4
        assert (stream.read(), stream.read()) == (content[-4:], b"")


def swap(sealed: bytes) -> bytes:
    one = PIECE + SEAL_BYTES
    return sealed[one : 2 * one] + sealed[:one] + sealed[2 * one :]


@pytest.mark.parametrize(
    "forge",
    [
        swap,
        lambda sealed: sealed[: 2 * (PIECE + SEAL_BYTES)],
        lambda sealed: sealed[PIECE + SEAL_BYTES :],
        lambda sealed: sealed[:-1] + bytes([sealed[-1] ^ 1]),
        lambda _: b"",
    ],
    ids=["swapped", "end cut off", "beginning cut off", "bit", "nothing"],
)
def test_pieces_are_neither_moved_nor_left_out(log: object, home: Path, forge: object) -> None:
    file = store_file([HOUSE_SCOPE], bytes(2 * PIECE + 9))
    place = stored(home, file)
    place.chmod(0o600)
    place.write_bytes(forge(place.read_bytes()))  # type: ignore[operator]
    with pytest.raises(SealBroken):
        open_file(file)


def test_a_file_of_two_pieces_cannot_pass_for_one(log: object) -> None:
    file = store_file([HOUSE_SCOPE], bytes(PIECE + 9))
    file.size = PIECE
    with pytest.raises(SealBroken):
        open_file(file)


def test_bytes_without_a_row_are_swept_once_they_are_old(log: object, home: Path) -> None:
    kept = store_file([HOUSE_SCOPE], b"content")
    with transaction.atomic():
        rolled_back, fresh = (store_file([HOUSE_SCOPE], b"content") for _ in range(2))
        transaction.set_rollback(True)
    for file in (kept, rolled_back):
        os.utime(stored(home, file), (0, 0))
    (home / "files" / "README").write_text("no file of ours")
    assert (sweep_files(), sweep_files()) == (1, 0)
    assert [stored(home, file).exists() for file in (kept, rolled_back, fresh)] == [
        True, False, True,
    ]  # fmt: skip


def test_nothing_to_sweep_is_no_error(log: object) -> None:
    assert sweep_files() == 0


class BreakingOff(io.BytesIO):
    """A sender that goes away in the middle."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() >= PIECE:
            raise ConnectionResetError
        return super().read(size)


def test_of_a_sender_that_breaks_off_nothing_is_left(log: object, home: Path) -> None:
    with pytest.raises(ConnectionResetError):
        store_stream([HOUSE_SCOPE], BreakingOff(bytes(3 * PIECE)))
    assert not [path for path in (home / "files").rglob("*") if path.is_file()]
