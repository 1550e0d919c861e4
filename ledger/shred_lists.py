"""What is being destroyed: the lists that the keystore keeps until an epoch closes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connections

from ledger.canonical import canonical, parse
from ledger.keystore.models import ShredList
from ledger.routers import KEYSTORE

# Record id, position, commitment.
_ENTRY_BYTES = 8 + 2 + 32


@dataclass(frozen=True, order=True)
class Gone:
    """One destroyed segment: its record, its position and its commitment."""

    record: int
    position: int
    commitment: bytes


@dataclass(frozen=True)
class Lists:
    """What is being destroyed: segments by record and position, relinked rows by table and id."""

    segments: frozenset[tuple[int, int]] = frozenset()
    rows: frozenset[tuple[str, str]] = frozenset()

    def __or__(self, other: "Lists") -> "Lists":
        return Lists(self.segments | other.segments, self.rows | other.rows)


def read_lists() -> Lists | None:
    """Return what is on shred lists, or None for a role without access to the keystore."""
    if KEYSTORE not in connections.settings:
        return None
    kept = list(ShredList.objects.all())
    entries = (entry for one in kept for entry in unpack_entries(one.entries))
    return Lists(
        frozenset((entry.record, entry.position) for entry in entries),
        frozenset(row for one in kept for row in unpack_rows(one.rows)),
    )


def pack_entries(gone: Iterable[Gone]) -> bytes:
    """Write the entries of a shred list."""
    return b"".join(
        entry.record.to_bytes(8, "big") + entry.position.to_bytes(2, "big") + entry.commitment
        for entry in gone
    )


def unpack_entries(entries: bytes) -> Iterator[Gone]:
    """Read what ``pack_entries`` writes."""
    for at in range(0, len(entries), _ENTRY_BYTES):
        entry = entries[at : at + _ENTRY_BYTES]
        record, position = int.from_bytes(entry[:8], "big"), int.from_bytes(entry[8:10], "big")
        yield Gone(record, position, entry[10:])


def pack_rows(rows: Iterable[tuple[str, str]]) -> bytes:
    """Write the relinked rows of a shred list: table and id."""
    return canonical(tuple(rows))


def unpack_rows(rows: bytes) -> Iterator[tuple[str, str]]:
    """Read what ``pack_rows`` writes."""
    said: Any = parse(rows)
    yield from ((table, pk) for table, pk in said)
