"""C2SP tlog-tiles v0.1: where the tiles and entry bundles of a log lie, and how entries are packed.

A tile at level l holds up to 256 hashes, each the root over 256**l leaves; an entry bundle holds
the leaves themselves, beside the tile of the same number at level 0.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from .errors import ProofError, UnknownTile
from .merkle import TILE_HEIGHT, TILE_WIDTH

MAX_LEVEL = 63
MAX_ENTRY_SIZE = 65_535
ENTRIES = "entries"

_PATH = re.compile(
    r"(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/){0,6}[0-9]{3})"
    r"(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)


@dataclass(frozen=True)
class TilePath:
    """The address of a tile, or of an entry bundle when ``level`` is None.

    ``width`` counts its hashes or entries: 256 when full, 1 to 255 when partial.
    """

    level: int | None
    index: int
    width: int = TILE_WIDTH

    @classmethod
    def parse(cls, text: str) -> "TilePath":
        """Parse what follows ``<prefix>/tile/`` (Merkle Tree; Log entries). Raises UnknownTile."""
        match = _PATH.fullmatch(text)
        if match is None:
            raise UnknownTile("no tile has such a path")
        level = None if match["level"] == ENTRIES else int(match["level"])
        index = int(re.sub("[x/]", "", match["index"]))
        path = cls(level, index, int(match["width"] or TILE_WIDTH))
        # One text for each tile: no group of zeros in front, no full width spelled out.
        if str(path) != text or (level or 0) > MAX_LEVEL or path.width > TILE_WIDTH:
            raise UnknownTile("no tile has such a path")
        return path

    def __str__(self) -> str:
        level = ENTRIES if self.level is None else str(self.level)
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"{level}/{_format_index(self.index)}{partial}"

    @property
    def begin(self) -> int:
        """Return the number, within its level, of the first hash or entry."""
        return self.index * TILE_WIDTH

    @property
    def end(self) -> int:
        """Return the number behind the last one."""
        return self.begin + self.width

    def is_within(self, size: int) -> bool:
        """Return whether a tree of ``size`` leaves has all of this tile."""
        return self.end <= size >> (self.level or 0) * TILE_HEIGHT


def pack_entries(entries: Iterable[bytes]) -> bytes:
    """Return an entry bundle: each entry behind its length, 16 bits, big-endian (Log entries).

    Raises ProofError for an entry of more than 65,535 bytes.
    """
    packed = bytearray()
    for entry in entries:
        if len(entry) > MAX_ENTRY_SIZE:
            raise ProofError(f"entry has {len(entry)} bytes, at most {MAX_ENTRY_SIZE} fit")
        packed += len(entry).to_bytes(2, "big") + entry
    return bytes(packed)


def unpack_entries(bundle: bytes) -> list[bytes]:
    """Return the entries of a bundle, 1 to 256. Raises ProofError when it is cut or too long."""
    # One more than there may be is enough to see that there are too many.
    entries = list(islice(_read_entries(bundle), TILE_WIDTH + 1))
    if not entries:
        raise ProofError(f"bundle holds no entry, wanted 1 to {TILE_WIDTH}")
    if len(entries) > TILE_WIDTH:
        raise ProofError(f"bundle holds more than {TILE_WIDTH} entries")
    return entries


def _read_entries(bundle: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(bundle):
        begin, end = at + 2, at + 2 + int.from_bytes(bundle[at : at + 2], "big")
        if end > len(bundle) or begin > len(bundle):
            raise ProofError("bundle ends within an entry")
        yield bundle[begin:end]
        at = end


def _format_index(index: int) -> str:
    """Write an index in groups of three digits, all but the last behind an x."""
    digits = f"{index:03}"
    digits = digits.zfill(-len(digits) // 3 * -3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
