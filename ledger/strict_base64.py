"""Standard padded base64, strictly: one text for each byte string.

Python's decoder takes ``AAA=`` and ``AAB=`` alike, ``validate=True`` notwithstanding. Comparing
with the re-encoding leaves one text only.
"""

import binascii
from base64 import b64encode


def encode(data: bytes) -> str:
    """Return the padded base64 text of ``data``."""
    return b64encode(data).decode("ascii")


def decode(text: str) -> bytes | None:
    """Return the bytes that ``text`` encodes, or None when it is not exactly their base64."""
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        return None
    return data if encode(data) == text else None
