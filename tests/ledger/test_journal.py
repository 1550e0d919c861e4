from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

import pytest

from ledger.errors import JournalBroken
from ledger.journal import Line, read, write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal" / "shred.journal"


def line(number: int) -> Line:
    return Line(UUID(int=number), (UUID(int=100 + number),), bytes([number]) * 32)


def test_missing_journal_has_no_lines(path: Path) -> None:
    assert read(path) == []


def test_lines_come_back_oldest_first(path: Path) -> None:
    for number in (1, 2, 3):
        write(path, line(number))
    assert read(path) == [line(1), line(2), line(3)]
    assert path.stat().st_mode & 0o777 == 0o600


def test_destruction_is_on_record_once(path: Path) -> None:
    for number in (1, 2, 1, 2):
        write(path, line(number))
    assert read(path) == [line(1), line(2)]


def test_writers_at_once_link_one_after_the_other(path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: write(path, line(number)), range(40)))
    assert sorted(entry.destruction.int for entry in read(path)) == list(range(40))


@pytest.mark.parametrize("kept", [1, 40, -1])
def test_line_cut_off_by_a_crash_makes_way_for_the_next(path: Path, kept: int) -> None:
    write(path, line(1))
    whole = path.read_bytes()
    write(path, line(2))
    path.write_bytes(whole + path.read_bytes()[len(whole) :][:kept])
    assert read(path) == [line(1)]
    write(path, line(3))
    assert read(path) == [line(1), line(3)]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (b'"mac":"01', b'"mac":"ff', "line 2 of the shred journal does not link"),
        (b'"mac":"02', b'"mac":"ff', "line 3 of the shred journal does not link"),
        (b'{"destruction"', b'{ "destruction"', "line 1 of the shred journal is malformed"),
        (b'"mac":"03', b'"mac":"zz', "line 3 of the shred journal is malformed"),
        (b'"mac":"03', b'"mac":"', "line 3 of the shred journal is malformed"),
        (b'"mac":"03', b'"mac":" 03', "line 3 of the shred journal is malformed"),
        (b'-000000000002"', b'000000000002"', "line 2 of the shred journal is malformed"),
        (b'"scopes":["', b'"scopes":["urn:uuid:', "line 1 of the shred journal is malformed"),
        (b'"scopes":[', b'"scopes":[7,', "line 1 of the shred journal is malformed"),
        (b'"prev":', b'"more":1,"prev":', "line 1 of the shred journal is malformed"),
        (b"\n", b"\r", "line 1 of the shred journal is malformed"),
        (b"\n", b"\r\n", "line 1 of the shred journal is malformed"),
    ],
)
def test_edited_line_is_named(path: Path, old: bytes, new: bytes, complaint: str) -> None:
    for number in (1, 2, 3):
        write(path, line(number))
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    with pytest.raises(JournalBroken, match=complaint):
        read(path)
    with pytest.raises(JournalBroken, match=complaint):
        write(path, line(4))


@pytest.mark.parametrize(("gone", "complaint"), [(0, "line 1"), (1, "line 2")])
def test_line_taken_out_is_found(path: Path, gone: int, complaint: str) -> None:
    for number in (1, 2, 3):
        write(path, line(number))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:gone] + lines[gone + 1 :]))
    with pytest.raises(JournalBroken, match=f"{complaint} of the shred journal does not link"):
        read(path)
