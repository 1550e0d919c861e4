"""SHA-256 digests, as bytes inside and as ``sha256:<64 hex>`` outside."""

import hashlib
import re

from generation.errors import RequestRefused

_TEXT = re.compile(r"sha256:[0-9a-f]{64}")


def sha256(content: bytes) -> bytes:
    """Return the 32 bytes of the digest of ``content``."""
    return hashlib.sha256(content).digest()


def digest_text(digest: bytes) -> str:
    """Return a digest of 32 bytes as records and the API write it."""
    return f"sha256:{digest.hex()}"


def parse_digest(text: str) -> bytes:
    """Return the bytes of a digest as text. Raises RequestRefused for any other text."""
    if not _TEXT.fullmatch(text):
        raise RequestRefused(f"digest is {text[:80]!r}, wanted sha256: and 64 hex digits")
    return bytes.fromhex(text.removeprefix("sha256:"))
