import io
import struct
import zipfile
from collections.abc import Callable

import pytest

from ledger.errors import ArchiveError, NotAnArchive
from ledger.reports import archive
from ledger.reports.archive import CENTRAL, END, LOCAL, write_archive
from ledger.verifier.archive import read_archive
from ledger.verifier.findings import Code, Findings

FILES = {"a.txt": b"first", "b/c.txt": b"", "b/d.txt": b"\x00" * 300}
GOOD = write_archive(FILES)


def read(data: bytes) -> tuple[dict[str, bytes] | None, list[tuple[str, str | None]]]:
    files = read_archive(data, findings := Findings())
    return files, [(finding.code, finding.path) for finding in findings]


def test_what_is_written_is_read_back() -> None:
    assert read(GOOD) == (FILES, [])
    assert read(write_archive({})) == ({}, [])


def test_other_programs_read_it_too() -> None:
    with zipfile.ZipFile(io.BytesIO(GOOD)) as other:
        assert {name: other.read(name) for name in other.namelist()} == FILES
        assert other.testzip() is None


@pytest.mark.parametrize("bit", range(8))
def test_no_bit_of_an_archive_can_change(bit: int) -> None:
    for place in range(len(GOOD)):
        data = bytearray(GOOD)
        data[place] ^= 1 << bit
        assert read(bytes(data))[1], place


def test_archive_cut_short_is_refused() -> None:
    for size in range(4, len(GOOD)):
        assert read(GOOD[:size]) == (None, [(Code.ARCHIVE_PROFILE, None)])


def test_wrong_crc_names_the_file_and_lets_it_be_read() -> None:
    files, findings = read(GOOD.replace(b"first", b"f1rst"))
    assert files is not None
    assert files["a.txt"] == b"f1rst"
    assert findings == [(Code.ARCHIVE_CRC, "a.txt")]


def by_zipfile(write: Callable[[zipfile.ZipFile], object]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as other:
        write(other)
    return file.getvalue()


def twice(other: zipfile.ZipFile) -> None:
    other.writestr("a", b"1")
    with pytest.warns(UserWarning, match="Duplicate"):
        other.writestr("a", b"2")


def described(other: zipfile.ZipFile) -> None:
    with other.open("a", "w", force_zip64=True) as file:
        file.write(b"1")


OTHERS: dict[str, bytes] = {
    "a byte before": b"x" + GOOD,
    "a byte behind": GOOD + b"x",
    "a comment": GOOD[:-2] + b"\x01\x00x",
    "bytes between": GOOD[: GOOD.index(archive.CENTRAL_MAGIC)]
    + b"\x00" * 4
    + GOOD[GOOD.index(archive.CENTRAL_MAGIC) :],
    "two archives": GOOD + GOOD,
    "another writer": by_zipfile(lambda other: other.writestr("a", b"1")),
    "an entry twice": by_zipfile(twice),
    "zip64": by_zipfile(described),
    "a compressed entry": by_zipfile(
        lambda other: other.writestr("a", bytes(99), compress_type=zipfile.ZIP_DEFLATED)
    ),
    "no directory": GOOD[: GOOD.index(archive.CENTRAL_MAGIC)],
    "a size beyond the end": GOOD[:18] + struct.pack("<II", 1 << 31, 1 << 31) + GOOD[26:],
}


@pytest.mark.parametrize("name", OTHERS)
def test_archive_outside_the_profile_is_refused(name: str) -> None:
    files, findings = read(OTHERS[name])
    assert files is None
    assert findings == [(Code.ARCHIVE_PROFILE, None)]


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (["../a"], "name outside the profile"),
        (["a/../b"], "name outside the profile"),
        (["a/.."], "name outside the profile"),
        (["/a"], "name outside the profile"),
        (["a/"], "name outside the profile"),
        (["a//b"], "name outside the profile"),
        (["a\\b"], "name outside the profile"),
        ([".a"], "name outside the profile"),
        (["a\n"], "name outside the profile"),
        (["é"], "name outside the profile"),
        ([""], "name outside the profile"),
        (["a" * 121], "name outside the profile"),
        (["b", "a"], "stands twice, or not in its place"),
        (["a", "a"], "stands twice, or not in its place"),
        (["A/b", "a/B"], "differs from another in case only"),
        ([f"{number:06}" for number in range(20_001)], "more than 20000 entries"),
    ],
)
def test_names_outside_the_profile_are_refused(names: list[str], complaint: str) -> None:
    with pytest.raises(ArchiveError, match=complaint):
        archive.check_names(names)


def test_reader_refuses_the_names_that_the_writer_refuses() -> None:
    with pytest.raises(ArchiveError, match="differs from another in case only"):
        write_archive({"readme": b"", "README": b""})
    twin = GOOD.replace(b"b/d.txt", b"B/d.txt")
    assert read(twin) == (None, [(Code.ARCHIVE_PROFILE, None)])


def test_archive_larger_than_readers_take_is_refused_on_both_sides(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(archive, "MAX_ARCHIVE_SIZE", len(GOOD) - 1)
    with pytest.raises(ArchiveError, match="archive has"):
        write_archive(FILES)
    monkeypatch.setattr("ledger.verifier.archive.MAX_ARCHIVE_SIZE", len(GOOD) - 1)
    assert read(GOOD) == (None, [(Code.ARCHIVE_PROFILE, None)])


def test_more_entries_than_readers_take_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.verifier.archive.MAX_ENTRIES", 1)
    assert read(GOOD) == (None, [(Code.ARCHIVE_PROFILE, None)])


@pytest.mark.parametrize("name", ["report.json", "leaves.ndjson"])
def test_more_json_than_readers_have_room_for_is_refused_on_both_sides(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    files = {"a.pdf": b",[{" * 99, name: b'{"a":[1,2,{"b":",["}]}\n'}
    data = write_archive(files)
    monkeypatch.setattr(archive, "MAX_VALUES", 7)
    assert read(data) == (files, [])
    monkeypatch.setattr(archive, "MAX_VALUES", 6)
    assert read(data) == (None, [(Code.ARCHIVE_PROFILE, None)])
    with pytest.raises(ArchiveError, match="JSON holds 7 commas and brackets, at most 6"):
        write_archive(files)


@pytest.mark.parametrize("data", [b"", b"PK", b"%PDF-1.7", b"\x1f\x8b" * 99, b"x" * 100_000])
def test_file_that_is_no_zip_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(NotAnArchive, match="file is no ZIP file"):
        read(data)


def test_headers_have_the_sizes_of_the_format() -> None:
    assert (LOCAL.size, CENTRAL.size, END.size) == (30, 46, 22)
