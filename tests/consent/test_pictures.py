import io
import struct
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from consent import pictures
from consent.errors import PictureRefused
from consent.pictures import Picture, data_url, inspect, thumbnail
from tests.consent.factories import picture


@pytest.mark.parametrize(
    ("form", "media_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("WEBP", "image/webp")]
)
def test_each_format_is_told_by_its_content(form: str, media_type: str) -> None:
    assert inspect(picture(form=form)) == Picture(media_type, 8, 6)


def animation() -> bytes:
    written = io.BytesIO()
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    frames[0].save(written, "PNG", save_all=True, append_images=frames[1:])
    return written.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG that says it is large, in a few bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "no PNG, JPEG or WebP"),
        (b"not a picture", "no PNG, JPEG or WebP"),
        (picture(form="BMP"), "no PNG, JPEG or WebP"),
        (picture(form="GIF"), "no PNG, JPEG or WebP"),
        (picture()[:45], "no PNG, JPEG or WebP"),
        (picture(size=(64, 64), form="JPEG")[:300], "no PNG, JPEG or WebP"),
        (animation(), "is an animation"),
        (bomb(8000, 8000), "64000000 pixels, at most 50000000"),
        (bomb(10_000, 10_000), "no PNG, JPEG or WebP|pixels"),
        (bomb(65_000, 65_000), "no PNG, JPEG or WebP|pixels"),
    ],
)
def test_what_is_no_plain_picture_is_refused(content: bytes, complaint: str) -> None:
    with pytest.raises(PictureRefused, match=complaint):
        inspect(content)


def test_a_file_past_the_limit_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MAX_BYTES", 10)
    with pytest.raises(PictureRefused, match="bytes, at most 10"):
        inspect(picture())


@given(st.integers(0, 60), st.integers(0, 255))
def test_a_turned_byte_gives_a_picture_or_a_refusal(place: int, value: int) -> None:
    content = bytearray(picture())
    content[place % len(content)] = value
    with suppress(PictureRefused):
        assert inspect(bytes(content)).width > 0


def test_a_thumbnail_is_a_small_jpeg() -> None:
    small = thumbnail(picture(size=(400, 200)), 100)
    with Image.open(io.BytesIO(small)) as image:
        assert (image.format, image.size) == ("JPEG", (100, 50))
    assert data_url(small).startswith("data:image/jpeg;base64,/9j/")
