import io
import stat
import zipfile
from collections.abc import Callable

import pytest
from PIL import Image

from consent.errors import DescriptionRefused
from consent.releases import scans
from consent.releases.scans import examine, list_scans, read_scan, short_name, whole_name
from consent.releases.snags import Snag

PDF = b"%PDF-1.4 an invented form\n%%EOF\n"


def picture(form: str, pages: int = 1) -> bytes:
    written = io.BytesIO()
    first, *rest = [Image.new("RGB", (8, 6), "white") for _ in range(pages)]
    more = {"save_all": True, "append_images": rest} if rest else {}
    first.save(written, form, **more)
    return written.getvalue()


def packed(*files: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return written.getvalue()


def listed(content: bytes) -> tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]:
    return list_scans(io.BytesIO(content), len(content))


@pytest.mark.parametrize(
    ("content", "snag"),
    [
        (PDF, None),
        (picture("JPEG"), None),
        (picture("PNG"), None),
        (picture("TIFF", pages=3), None),
        (b"", Snag.SCAN_EMPTY),
        (b"%PDF-1.4 cut off", Snag.SCAN_UNREADABLE),
        (picture("JPEG")[:200], Snag.SCAN_UNREADABLE),
        (picture("GIF"), Snag.SCAN_UNREADABLE),
        (b"MZ a program", Snag.SCAN_UNREADABLE),
        (PDF + b"\0" * scans.MAX_SCAN, Snag.SCAN_TOO_LARGE),
    ],
)
def test_a_scan_is_what_its_bytes_are(content: bytes, snag: Snag | None) -> None:
    assert examine(content) == snag


def test_a_scan_of_too_many_pages_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scans, "MAX_PAGES", 2)
    assert examine(picture("TIFF", pages=3)) is Snag.SCAN_UNREADABLE


def test_files_of_an_archive_are_listed_without_what_nobody_scanned() -> None:
    left_over = ["__MACOSX/._1.pdf", "a/._1.pdf", "a/Thumbs.db", ".DS_Store"]
    content = packed(("a/", b""), ("a/1.pdf", PDF), *((name, b"x") for name in left_over))
    archive, entries = listed(content)
    assert [entry.filename for entry in entries] == ["a/1.pdf"]
    assert read_scan(archive, entries[0]) == (PDF, None)


@pytest.mark.parametrize("name", ["../1.pdf", "/etc/1.pdf", "a/../../1.pdf", "C:\\1.pdf", "..\\1"])
def test_a_name_that_leads_out_of_the_archive_is_refused(name: str) -> None:
    with pytest.raises(DescriptionRefused, match="name leads out of it"):
        listed(packed((name, PDF)))


def test_a_link_in_an_archive_is_refused() -> None:
    link = zipfile.ZipInfo("1.pdf")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(DescriptionRefused, match="name leads out of it"):
        listed(packed((link, b"/etc/passwd")))


def test_an_archive_that_unpacks_to_far_more_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scans, "MAX_SCAN", 1_000)
    with pytest.raises(DescriptionRefused, match="unpacks to far more than it holds"):
        listed(packed(*((f"{n}.pdf", b"\0" * 100_000) for n in range(9))))


def test_an_archive_of_too_many_files_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scans, "MAX_ENTRIES", 2)
    with pytest.raises(DescriptionRefused, match="more than 2 files: divide it"):
        listed(packed(*((f"{n}.pdf", PDF) for n in range(3))))


@pytest.mark.parametrize("content", [b"", b"no archive", packed(("1.pdf", PDF))[:-10]])
def test_what_is_no_archive_is_refused(content: bytes) -> None:
    with pytest.raises(DescriptionRefused, match="no ZIP archive that is whole"):
        listed(content)


def _damaged(content: bytes) -> bytes:
    at = content.index(b"1.pdf") + 5
    return content[:at] + b"\xff" * 8 + content[at + 8 :]


def _encrypted(content: bytes) -> bytes:
    marked = bytearray(content)
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        marked[content.index(mark) + at] |= 1
    return bytes(marked)


@pytest.mark.parametrize("spoil", [_damaged, _encrypted])
def test_a_scan_that_cannot_be_unpacked_is_unreadable(spoil: Callable[[bytes], bytes]) -> None:
    archive, entries = listed(spoil(packed(("1.pdf", PDF))))
    assert read_scan(archive, entries[0])[1] is Snag.SCAN_UNREADABLE


def test_a_scan_that_is_too_large_is_not_unpacked() -> None:
    archive, entries = listed(packed(("1.pdf", b"\0" * (scans.MAX_SCAN + 1))))
    assert read_scan(archive, entries[0]) == (b"", Snag.SCAN_TOO_LARGE)


def test_a_scan_is_found_however_its_name_is_spelled() -> None:
    assert whole_name("Scans\\./Mu\u0308ller.PDF") == "scans/m\u00fcller.pdf"
    assert short_name("Scans/Müller.PDF") == "müller.pdf"
