"""The blind indexes under which an image is found again."""

from typing import Literal

from ledger.vault import blind_index

Rung = Literal["delivered", "presigned", "manifest"]


def index_of(rung: Rung, text: str) -> bytes:
    """Return the blind index of a digest in hex, or of a manifest's id."""
    return blind_index(f"output.{rung}", text)
