"""The manifest of one archived partition: what was copied, and the way to a signed checkpoint.

Canonical JSON ``{"end","first","records","table","trees","v":1}``. ``table`` is the SHA-256 of the
Parquet file. Each of ``trees`` is ``{"begin","checkpoint","consistency","origin","path","root",
"size"}``: the leaves [begin, size) were copied, those before 0 to begin lay there already;
``consistency`` leads from ``root``, of the first ``size`` leaves, to the tree of ``checkpoint``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from ledger import strict_base64
from ledger.canonical import canonical, parse_object
from ledger.errors import CanonicalError, CopyBroken
from ledger.merkle import HASH_SIZE

VERSION = 1


@dataclass(frozen=True)
class TreeCopy:
    """The part of one log that a copy holds; ``begin`` and ``size`` are at borders of tiles."""

    origin: str
    path: str
    begin: int
    size: int
    root: bytes
    checkpoint: str
    consistency: tuple[bytes, ...]


@dataclass(frozen=True)
class Manifest:
    """What the copy of the records with ids [first, end) holds."""

    first: int
    end: int
    records: int
    table: str
    trees: tuple[TreeCopy, ...]

    def text(self) -> bytes:
        """Return the manifest's bytes."""
        return canonical(
            {
                "v": VERSION,
                "first": self.first,
                "end": self.end,
                "records": self.records,
                "table": self.table,
                "trees": [_write(tree) for tree in self.trees],
            }
        )

    @property
    def digest(self) -> str:
        """Return ``sha256:…`` of the bytes."""
        return f"sha256:{sha256(self.text()).hexdigest()}"

    @classmethod
    def parse(cls, text: bytes) -> "Manifest":
        """Parse a manifest. Raises CopyBroken when it is not exactly what ``text`` writes."""
        try:
            value: Any = parse_object(text)
            trees = tuple(_read(tree) for tree in value["trees"])
            parsed = cls(value["first"], value["end"], value["records"], value["table"], trees)
            if parsed.text() != text:
                raise CopyBroken("a manifest of the archive has another form")
        except (CanonicalError, KeyError, TypeError, ValueError) as error:
            raise CopyBroken("a manifest of the archive cannot be read") from error
        return parsed


def folder_of(first: int) -> str:
    """Return where the manifest and table of the partition that begins at ``first`` lie."""
    return f"partitions/{first}"


def _write(tree: TreeCopy) -> dict[str, Any]:
    return {
        "origin": tree.origin,
        "path": tree.path,
        "begin": tree.begin,
        "size": tree.size,
        "root": strict_base64.encode(tree.root),
        "checkpoint": tree.checkpoint,
        "consistency": [strict_base64.encode(one) for one in tree.consistency],
    }


def _read(value: dict[str, Any]) -> TreeCopy:
    root, *consistency = _hashes([value["root"], *value["consistency"]])
    return TreeCopy(
        origin=value["origin"],
        path=value["path"],
        begin=value["begin"],
        size=value["size"],
        root=root,
        checkpoint=value["checkpoint"],
        consistency=tuple(consistency),
    )


def _hashes(values: Sequence[str]) -> list[bytes]:
    found = [strict_base64.decode(value) for value in values]
    hashes = [one for one in found if one is not None and len(one) == HASH_SIZE]
    if len(hashes) != len(values):
        raise ValueError("a hash is not 32 bytes in base64")
    return hashes
