"""Pictures from outside: what they are, found out by decoding them whole, within limits."""

import io
import struct
import zlib
from base64 import b64encode
from dataclasses import dataclass

from PIL import Image

from consent.errors import PictureRefused

MAX_BYTES = 25 * 2**20
MAX_PIXELS = 50_000_000
FORMATS = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
# What Pillow's decoders raise for bytes that are not what they claim to be.
DECODER_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    IndexError,
    KeyError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


@dataclass(frozen=True)
class Picture:
    """A picture that decodes: its media type and its size in pixels."""

    media_type: str
    width: int
    height: int


def inspect(content: bytes) -> Picture:
    """Decode ``content`` and say what it is.

    Raises PictureRefused for more than 25 MiB or 50 million pixels, for other formats than PNG,
    JPEG and WebP, for animations, and for what is cut off or does not decode.
    """
    if len(content) > MAX_BYTES:
        raise PictureRefused(f"picture has {len(content)} bytes, at most {MAX_BYTES}")
    try:
        with Image.open(io.BytesIO(content), formats=tuple(FORMATS)) as image:
            _check(image)
            image.load()
            assert image.format is not None
            return Picture(FORMATS[image.format], image.width, image.height)
    except DECODER_ERRORS as error:
        raise PictureRefused("file is no PNG, JPEG or WebP picture that decodes whole") from error


def thumbnail(content: bytes, side: int) -> bytes:
    """Return a JPEG of at most ``side`` pixels each way. Raises PictureRefused."""
    inspect(content)
    with Image.open(io.BytesIO(content), formats=tuple(FORMATS)) as image:
        small = image.convert("RGB")
        small.thumbnail((side, side))
        written = io.BytesIO()
        small.save(written, "JPEG", quality=80)
    return written.getvalue()


def data_url(jpeg: bytes) -> str:
    """Return a JPEG as an address that a page can show without asking again."""
    return f"data:image/jpeg;base64,{b64encode(jpeg).decode()}"


def _check(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        pixels = image.width * image.height
        raise PictureRefused(f"picture has {pixels} pixels, at most {MAX_PIXELS}")
    if getattr(image, "n_frames", 1) != 1:
        raise PictureRefused("picture is an animation, wanted a single frame")
