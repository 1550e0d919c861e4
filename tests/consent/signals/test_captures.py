"""What a crawler tells of a server's answer, and what of it is a signal. All hosts are invented."""

import io
import json
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from PIL import Image

from consent.credentials import read_store
from consent.errors import SignalUnreadable
from consent.signals.captures import LONGEST_LINE, Answer, find_captures, read_line
from consent.signals.finding import Item, Reach, Source, Standing
from consent.signals.reading import read

AT = "2026-11-20T10:00:00Z"
SITE = "https://pictures.example"


def line(path: str = "/robots.txt", **said: Any) -> bytes:
    return json.dumps({"url": f"{SITE}{path}", "seen_at": AT, **said}).encode()


def no_store(content: bytes, media_type: str) -> bytes | None:
    assert media_type.startswith("image/")
    return b'{"manifests": {}}' if content == b"signed" else None


def sources(answer: Answer) -> list[Source]:
    return [one.source for one in find_captures(answer, no_store)]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("/robots.txt", Source.ROBOTS_TXT),
        ("/ai.txt", Source.AI_TXT),
        ("/.well-known/tdmrep.json", Source.TDMREP_FILE),
        ("/.well-known/gpc.json", Source.GPC_FILE),
    ],
)
def test_well_known_places_are_known_by_their_path(path: str, source: Source) -> None:
    (one,) = find_captures(read_line(line(path, body="x")), no_store)
    assert (one.source, one.raw, one.reach) == (source, b"x", Reach.FOUND)
    assert one.seen_at == datetime(2026, 11, 20, 10, tzinfo=UTC)


def test_a_page_tells_by_its_headers_and_by_its_metas() -> None:
    headers = {
        "content-type": "text/html; charset=utf-8",
        "Set-Cookie": "session=invented",
        "X-Robots-Tag": ["noai", "GPTBot: noimageai"],
    }
    page = read_line(line("/p", headers=headers, body="<meta name=robots content=noai>"))
    sent, shown = find_captures(page, no_store)
    assert (sent.source, shown.source) == (Source.RESPONSE_HEADERS, Source.HTML)
    assert sent.raw == b"x-robots-tag: noai\r\nx-robots-tag: GPTBot: noimageai\r\n"
    assert shown.media_type == "text/html; charset=utf-8"


def test_a_picture_tells_by_its_credentials() -> None:
    signed = b64encode(b"signed").decode()
    said = {"headers": {"Content-Type": "image/jpeg"}, "body_base64": signed}
    assert sources(read_line(line("/1.jpg", **said))) == [
        Source.RESPONSE_HEADERS,
        Source.C2PA_MANIFEST,
    ]
    plain = {"headers": {"Content-Type": "image/jpeg"}, "body_base64": "AAAA"}
    assert sources(read_line(line("/1.jpg", **plain))) == [Source.RESPONSE_HEADERS]
    read_already = read_line(line("/1.jpg", manifest_store={"manifests": {}}))
    assert sources(read_already)[-1] is Source.C2PA_MANIFEST


def picture(kind: str, cut: int | None = None) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 64)).save(out, kind)
    return out.getvalue()[:cut]


@pytest.mark.parametrize(
    ("media_type", "body", "is_damaged"),
    [
        ("image/bmp", picture("BMP"), False),
        ("image/x-icon", picture("ICO"), False),
        ("image/jpeg", picture("JPEG"), False),
        ("image/jpeg", b"<html>not here</html>", False),
        ("image/jpeg", picture("JPEG", 300), True),
        ("image/png", picture("PNG", 60), True),
    ],
)
def test_whatever_the_picture_is_its_headers_are_kept(
    media_type: str, body: bytes, *, is_damaged: bool
) -> None:
    headers = {"Content-Type": media_type, "X-Robots-Tag": "noai"}
    said = {"headers": headers, "body_base64": b64encode(body).decode()}
    sent, *others = find_captures(read_line(line("/1.jpg", **said)), read_store)
    assert sent.raw == b"x-robots-tag: noai\r\n"
    standings = [
        found.standing for one in others for found in read(one.observed(uuid4()), Item(sent.place))
    ]
    assert standings == [Standing.MALFORMED] * 2 * is_damaged


@pytest.mark.parametrize(
    ("status", "reach"),
    [
        (200, Reach.FOUND),
        (204, Reach.FOUND),
        (404, Reach.ABSENT),
        (403, Reach.ABSENT),
        (429, Reach.UNREACHABLE),
        (503, Reach.UNREACHABLE),
        (0, Reach.UNREACHABLE),
    ],
)
def test_a_status_says_whether_it_was_there(status: int, reach: Reach) -> None:
    (one,) = find_captures(read_line(line(status=status, body="x")), no_store)
    assert (one.reach, one.raw) == (reach, b"x" if reach is Reach.FOUND else b"")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"[]", "no object with url and seen_at"),
        (b"{", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"x" * (LONGEST_LINE + 1), "at most"),
        (line(seen_at="yesterday"), "no time with its zone"),
        (line(seen_at="2026-11-20T10:00:00"), "no time with its zone"),
        (line(seen_at="0001-01-01T00:00:00+23:59"), "beyond all calendars"),
        (line(status=302), "leads on to another address"),
        (line(status="200"), "no HTTP status"),
        (line(status=True), "no HTTP status"),
        (line(headers=7), "headers are no object"),
        (line(headers=[["one"]]), "headers are no object"),
        (line(body=1), "body is no text"),
        (line(body_base64="!"), "no base64"),
        (line(covers="gallery"), "no web address"),
        (line(kind="request_headers"), "kind is none of"),
        (line(sattus=200), "sattus is none of"),
        (line(url="https://"), "no web address"),
        (line(url="https://a b/"), "no web address"),
        (line("/\ud800"), "no web address"),
        (line(url=f"{SITE}/{'x' * 5000}"), "longer than"),
    ],
)
def test_what_cannot_be_taken_says_why(text: bytes, complaint: str) -> None:
    with pytest.raises(SignalUnreadable, match=complaint):
        read_line(text)
