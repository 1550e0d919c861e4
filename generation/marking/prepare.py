"""From the bytes as received to the bytes that will be signed, with the digests of both."""

import hashlib
from dataclasses import dataclass

from generation.marking.intake import Picture, decode
from generation.marking.pixels import pixel_digest
from generation.marking.xmp import encode_with_xmp

# The version of everything `prepare` does; it stands in the facts of `output.marked`.
XMP_VERSION = 1


@dataclass(frozen=True)
class Prepared:
    """An image with XMP inside, not yet signed; its media type; its two digests of 32 bytes."""

    content: bytes
    media_type: str
    presigned_digest: bytes
    pixel_digest: bytes


def prepare(received: bytes) -> Prepared:
    """Encode a received image with its XMP and measure it.

    The pixel digest is taken from the new bytes, read back: it speaks of what will be delivered.
    Raises ImageRefused as ``intake.decode`` does.
    """
    picture = decode(received)
    content = encode_with_xmp(picture)
    return Prepared(
        content=content,
        media_type=picture.format.media_type,
        presigned_digest=hashlib.sha256(content).digest(),
        pixel_digest=_digest_of(content, picture),
    )


def _digest_of(content: bytes, picture: Picture) -> bytes:
    return pixel_digest(decode(content, accepted=frozenset({picture.format})).image)
