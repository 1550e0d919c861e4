"""The digest of what an image shows, whatever container it lies in."""

import hashlib
import struct

from PIL import Image

_DOMAIN = b"muniment/pixels/v1\0"


def pixel_digest(image: Image.Image) -> bytes:
    """Return SHA-256 of the domain ‖ u32 width ‖ u32 height ‖ RGBA8 samples.

    Integers are big-endian; samples run row by row from the top left, as the pinned Pillow
    decodes them, opaque where the image has no alpha (design, section 9).
    """
    width, height = image.size
    samples = image.convert("RGBA").tobytes()
    return hashlib.sha256(_DOMAIN + struct.pack(">II", width, height) + samples).digest()
