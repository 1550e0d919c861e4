import tracemalloc
import zlib
from io import BytesIO
from zipfile import ZipFile

import pytest

from consent.signals import pdf as pdf_module
from consent.signals.documents import LONGEST_XML
from consent.signals.finding import Source
from consent.signals.reading import read
from tests.consent.signals.files import (
    CONTAINER,
    EPUB_2,
    EPUB_3,
    epub,
    package,
    pdf,
    stream,
    xmp,
)
from tests.consent.signals.seen import ITEM, brief, seen, told

RESERVED = "<tdm:reservation>1</tdm:reservation><tdm:policy>https://p.example/</tdm:policy>"
FREE = "<tdm:reservation>0</tdm:reservation>"
UNREADABLE = ["tdmrep malformed unreadable"]


@pytest.mark.parametrize(
    ("opf", "expected"),
    [
        (package(EPUB_3), "reserved tdm_reserved"),
        (package(EPUB_2, "version='2.0'"), "reserved tdm_reserved"),
        (
            package(EPUB_3.replace("tdm:", "x:"), 'prefix="x: http://www.w3.org/ns/tdmrep#"'),
            "reserved tdm_reserved",
        ),
        (package(EPUB_3.replace("tdm:", "tdm-"), ""), "reserved tdm_reserved"),
        (package(EPUB_3.replace("tdm:", "x:")), "silent nothing_said"),
        (package(EPUB_3.replace(">1<", "> 0\n<")), "permitted tdm_not_reserved"),
        (package(EPUB_3.replace(">1<", ">yes<")), "malformed value_ignored"),
        (package(EPUB_3.replace("<meta ", '<meta refines="#a" ')), "silent nothing_said"),
        (package(""), "silent nothing_said"),
        ("<package/>", "silent nothing_said"),
        (f"<!DOCTYPE package>{package(EPUB_3)}", "reserved tdm_reserved"),
        ('<!DOCTYPE a [<!ENTITY b "1">]><a>&b;</a>', "malformed unreadable"),
        (
            '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
            "malformed unreadable",
        ),
        ("<a>", "malformed unreadable"),
        ('<?xml version="1.0" encoding="x"?><a/>', "malformed unreadable"),
        ("", "malformed unreadable"),
        (f"<a>{' ' * LONGEST_XML}</a>", "malformed unreadable"),
        ("<a>" * 50_000 + "</a>" * 50_000, "silent nothing_said"),
    ],
)
def test_package_documents(opf: str, expected: str) -> None:
    assert told(Source.EPUB, epub(opf)) == [f"tdmrep {expected}"]


def test_first_package_document_among_other_root_files_is_read() -> None:
    other = '<rootfiles>\n<rootfile full-path="x.pdf" media-type="application/pdf"/>'
    data = epub(package(EPUB_3), container=CONTAINER.replace("<rootfiles>", other))
    assert told(Source.EPUB, data) == ["tdmrep reserved tdm_reserved"]


def test_policy_of_a_publication_is_kept() -> None:
    (found,) = read(seen(Source.EPUB, epub(package(EPUB_2)), place="https://shop.example/b"), ITEM)
    assert found.conditions == "https://shop.example/policy"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK",
        b"PK\x05\x06" + bytes(18),
        b"PK\x05\x06" + bytes(17),
        epub(package(EPUB_3))[:-1],
        epub(package(EPUB_3), container="<container/>"),
        epub(package(EPUB_3), container=CONTAINER.replace("package.opf", "else.opf")),
        epub(package(EPUB_3), name="else.opf"),
        epub(package(EPUB_3)).replace(b"PK\x03\x04", b"PK\x03\x05"),
        epub(package(EPUB_3)).replace(b"META-INF/", b"META+INF/"),
    ],
)
def test_archives_that_are_no_epub_are_malformed(data: bytes) -> None:
    assert told(Source.EPUB, data) == UNREADABLE


def test_encrypted_and_oddly_packed_members_are_refused() -> None:
    good = bytearray(epub(package(EPUB_3)))
    entry = good.find(b"PK\x01\x02", good.find(b"PK\x01\x02") + 1)
    for place, value in ((entry + 8, 1), (entry + 10, 12)):
        changed = bytearray(good)
        changed[place] = value
        (found,) = read(seen(Source.EPUB, bytes(changed)), ITEM)
        assert "encrypted, or packed in a rare way" in found.detail


@pytest.mark.parametrize("comment", [b"", b"x", bytes(30)])
def test_comment_behind_an_archive_hides_nothing(comment: bytes) -> None:
    buffer = BytesIO(epub(package(EPUB_3)))
    with ZipFile(buffer, "a") as archive:
        archive.comment = comment
    assert told(Source.EPUB, buffer.getvalue()) == ["tdmrep reserved tdm_reserved"]


@pytest.mark.parametrize("comment", [b"", b"x", bytes(30)])
def test_directory_of_too_many_entries_is_refused_unread(comment: bytes) -> None:
    buffer = BytesIO()
    with ZipFile(buffer, "w") as archive:
        archive.comment = comment
        for number in range(20_000):
            archive.writestr(f"{number:08}", b"")
    (found,) = read(seen(Source.EPUB, buffer.getvalue()), ITEM)
    assert found.detail == "its directory is larger than 1048576 bytes"


def test_bombs_are_not_unpacked() -> None:
    zeros = bytes(200 * 2**20)
    bomb = epub(zeros)
    nested = pdf([stream(zeros, filters="/Filter /FlateDecode")])
    del zeros
    tracemalloc.start()
    assert told(Source.EPUB, bomb) == UNREADABLE
    assert told(Source.PDF, nested)[-1:] == UNREADABLE
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 24 * 2**20


@pytest.mark.parametrize(
    ("streams", "expected"),
    [
        ([stream(xmp(RESERVED))], ["reserved tdm_reserved"]),
        ([stream(xmp(RESERVED), filters="/Filter /FlateDecode")], ["reserved tdm_reserved"]),
        ([stream(xmp(RESERVED), filters="/Filter[/FlateDecode]")], ["reserved tdm_reserved"]),
        ([stream(xmp(RESERVED), filters="/Filter[ ]")], ["reserved tdm_reserved"]),
        ([stream(xmp("", 'tdm:reservation="1"'))], ["reserved tdm_reserved"]),
        (
            [stream(xmp(RESERVED, "", 'xmlns:tdm="http://www.w3.org/ns/tdmrep#"'))],
            ["reserved tdm_reserved"],
        ),
        ([stream(xmp(RESERVED, "", 'xmlns:tdm="http://x.example/"'))], ["silent nothing_said"]),
        ([stream(xmp(FREE))], ["permitted tdm_not_reserved"]),
        ([stream(xmp(FREE), 9), stream(xmp(RESERVED), 10)], ["reserved tdm_reserved"]),
        ([stream(xmp(RESERVED), 9), stream(xmp(FREE), 9)], ["permitted tdm_not_reserved"]),
        ([stream(xmp(RESERVED), 9), stream(xmp(FREE), 90)], ["reserved tdm_reserved"]),
        ([stream(xmp(FREE)), stream(xmp(), 10)], ["permitted tdm_not_reserved"]),
        ([stream(xmp("<tdm:reservation>2</tdm:reservation>"))], ["malformed value_ignored"]),
        ([], ["silent nothing_said"]),
        ([b"8 0 obj << /Type /Pages >> endobj /Subtype /XML stream\nx"], ["silent nothing_said"]),
        ([b"/Type /Metadata /Subtype /XML stream\nx"], ["silent nothing_said"]),
        ([stream(xmp(FREE)).replace(b"/Metadata", b"/EmbeddedFile")], ["silent nothing_said"]),
        (
            [stream(b"\x00", 9), stream(xmp(FREE), 10)],
            ["permitted tdm_not_reserved", "malformed unreadable"],
        ),
        (
            [stream(xmp(FREE), filters="/Filter /LZWDecode")],
            ["silent nothing_said", "malformed unreadable"],
        ),
        (
            [stream(xmp(FREE), filters="/Filter [/FlateDecode /A85]")],
            ["silent nothing_said", "malformed unreadable"],
        ),
        (
            [stream(xmp(FREE), filters="/Filter /FlateDecode /DecodeParms 5 0 R")],
            ["silent nothing_said", "malformed unreadable"],
        ),
        (
            [stream(xmp(FREE)).replace(b"endstream", b"")],
            ["silent nothing_said", "malformed unreadable"],
        ),
        (
            [
                stream(xmp(RESERVED), filters="/Filter /FlateDecode").replace(
                    zlib.compress(b"")[:2], b"!!"
                )
            ],
            ["silent nothing_said", "malformed unreadable"],
        ),
    ],
)
def test_metadata_of_pdf_files(streams: list[bytes], expected: list[str]) -> None:
    assert told(Source.PDF, pdf(streams)) == [f"tdmrep {each}" for each in expected]


def test_policy_in_a_pdf_may_be_a_resource() -> None:
    reference = (
        '<tdm:reservation>1</tdm:reservation><tdm:policy rdf:resource="https://p.example/"/>'
    )
    (found,) = read(seen(Source.PDF, pdf([stream(xmp(reference))])), ITEM)
    assert (brief(found), found.conditions) == (
        "tdmrep reserved tdm_reserved",
        "https://p.example/",
    )


def test_first_policy_beside_a_reservation_counts_in_a_pdf() -> None:
    streams = [
        stream(xmp("<tdm:reservation>1</tdm:reservation><tdm:policy>/b</tdm:policy>"), 8),
        stream(xmp(RESERVED), 9),
        stream(xmp("<tdm:policy>/a</tdm:policy>"), 7),
    ]
    (found,) = read(seen(Source.PDF, pdf(streams)), ITEM)
    assert found.conditions == "https://pictures.example/b"


def test_what_is_no_pdf_or_has_metadata_without_end_is_malformed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert told(Source.PDF, xmp(RESERVED)) == UNREADABLE
    monkeypatch.setattr(pdf_module, "MOST_STREAMS", 1)
    assert told(Source.PDF, pdf([stream(xmp(RESERVED), n) for n in (8, 9)])) == UNREADABLE
    monkeypatch.undo()
    monkeypatch.setattr(pdf_module, "LONGEST_IN_ALL", 100)
    (found,) = read(seen(Source.PDF, pdf([stream(xmp(RESERVED))])), ITEM)
    assert found.detail == "it has more metadata than is read"
