"""Small images for tests, drawn on the spot."""

import hashlib
import io
from typing import Any

from PIL import Image


def drawn(mode: str = "RGB", size: tuple[int, int] = (64, 48)) -> Image.Image:
    """Return an image in which every sample is another one, and always the same."""
    length = size[0] * size[1] * len(mode)
    return Image.frombytes(mode, size, hashlib.shake_256(b"drawn").digest(length))


def encoded(image: Image.Image | None = None, form: str = "PNG", **options: Any) -> bytes:
    """Return ``image`` (or a drawn one) as a file of ``form``."""
    target = io.BytesIO()
    (image or drawn()).save(target, form, **options)
    return target.getvalue()


def flipped(content: bytes, place: int) -> bytes:
    """Return ``content`` with the lowest bit of one byte turned over."""
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
