"""Perceptual hashes as they are stated and compared; making and clustering them loads numpy."""

import re
from dataclasses import dataclass

NAME, VERSION = "pdq", "1"
HASH_BYTES = 32
# Below it there is too little in a picture for its hash to mean anything (PDQ, section "quality").
LEAST_QUALITY = 50
# PDQ's own advice, and the most that sixteen bands with one bit find without a miss.
NEAR = 31
_HEX = re.compile(r"[0-9a-f]{64}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Hash:
    """The 32 bytes, and how much there is to see, from 0 to 100."""

    value: bytes
    quality: int

    @property
    def is_telling(self) -> bool:
        """Return whether there is enough to see for a comparison."""
        return self.quality >= LEAST_QUALITY


def read_stated(text: str) -> bytes | None:
    """Return the bytes of a hash stated in hex; None for what cannot be one of PDQ's 256 bits."""
    return bytes.fromhex(text) if _HEX.fullmatch(text) else None
