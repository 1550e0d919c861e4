"""Inputs made to cost much: each is read in a time that depends on its length alone."""

from time import process_time

import pytest

from consent.signals.finding import AI_AGENTS, Item, Source
from consent.signals.reading import read
from tests.consent.signals.seen import seen

SECONDS = 10
ITEM = Item("https://pictures.example/" + "a" * 4000)
ROBOTS, HEADERS, PAGE = 500 * 1024, 2**18, 2 * 2**20
PDF = b"%PDF-1.7 "


def filled(head: str, piece: str, length: int) -> bytes:
    return (head + piece * ((length - len(head)) // len(piece))).encode()


@pytest.mark.parametrize(
    ("source", "raw"),
    [
        (Source.ROBOTS_TXT, filled("user-agent: *\n", "disallow: *b\n", ROBOTS)),
        (Source.ROBOTS_TXT, filled("user-agent: *\ndisallow: ", "*a", ROBOTS) + b"b"),
        (Source.ROBOTS_TXT, filled("user-agent: *\n", f"disallow: *{'a' * 60}b\n", ROBOTS)),
        (Source.ROBOTS_TXT, filled("", "user-agent: *\nallow: /\n", ROBOTS)),
        (
            Source.ROBOTS_TXT,
            filled("".join(f"user-agent: {name}\n" for name in AI_AGENTS), "allow: /\n", ROBOTS),
        ),
        (Source.TDMREP_FILE, filled("[", f'{{"location": "*{"a" * 60}b"}},', 2**19 - 9) + b"0]"),
        (Source.TDMREP_FILE, b"[" * 2**19),
        (Source.RESPONSE_HEADERS, filled("x-robots-tag: ", "a:noai,", HEADERS)),
        (Source.RESPONSE_HEADERS, filled("content-usage: a=(", "x ", HEADERS)),
        (Source.RESPONSE_HEADERS, filled('content-usage: a="', "\\\\", HEADERS)),
        (Source.HTML, filled("", "<", PAGE)),
        (Source.HTML, filled("", "<!--", PAGE)),
        (Source.HTML, filled("", "<!", PAGE)),
        (Source.HTML, filled("", "<script>", PAGE)),
        (Source.HTML, filled("<meta ", "a='", PAGE)),
        (Source.HTML, filled("<meta ", " ", PAGE)),
        (Source.HTML, filled("<meta ", "a= ", PAGE)),
        (Source.C2PA_MANIFEST, b'{"a":' * 2**20),
        (Source.PDF, PDF + b"/Subtype /XML " * 2**20),
        (Source.PDF, PDF + b"1 0 obj /Type/Metadata /Subtype /XML stream\n" * 2**17),
        (Source.PDF, PDF + (b"/Subtype" + b" " * 2000) * 2**12),
        (Source.EPUB, b"PK\x05\x06" * 2**21),
    ],
)
def test_reading_takes_little_time(source: Source, raw: bytes) -> None:
    begun = process_time()
    assert read(seen(source, raw), ITEM)
    assert process_time() - begun < SECONDS
