"""Copies of the shred lists, beside the journal: a restored keystore or database lacks the lists.

Without its list a destroyed segment could not be told from a lost one. ``open`` holds each list
of the epoch that is not closed, and goes with it. ``closed`` holds one list for each closed
epoch: what its tombstones say and no more, in one order for all, whoever it belonged to, and MACs
of the rows that were relinked. Its id is that of the record which closed the epoch, so that a
database with that record needs no copy.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from ledger import strict_base64
from ledger.canonical import canonical, parse_object
from ledger.commitment import COMMITMENT_SIZE
from ledger.errors import CanonicalError, JournalBroken
from ledger.keystore.models import ShredList
from ledger.private_files import write_private
from ledger.shred_lists import pack_rows, unpack_entries, unpack_rows

OPEN, CLOSED = "open", "closed"
# What a small column of PostgreSQL holds.
_MOST_PEOPLE = 2**15 - 1


def keep(kept: ShredList, folder: str = OPEN) -> None:
    """Write a copy of ``kept`` and return once it is on disk; safe to repeat."""
    path = _path(kept.pk, folder)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(path, encode(kept))


def find(folder: str) -> set[UUID]:
    """Return the ids of all copies in ``folder``. Raises JournalBroken for a name of none."""
    paths = (settings.MUNIMENT_JOURNAL / folder).glob("*.list")
    try:
        return {UUID(path.stem) for path in paths}
    except ValueError as error:
        raise JournalBroken(f"a file in {folder} is called *.list and is no copy") from error


def read(folder: str, ids: Iterable[UUID]) -> Iterator[ShredList]:
    """Yield copies as unsaved rows. Raises JournalBroken for one that is damaged."""
    for pk in sorted(ids):
        path = _path(pk, folder)
        yield decode(path.read_bytes(), path.name)


def drop(ids: Iterable[UUID]) -> None:
    """Delete the copies of lists whose epoch has closed; safe to repeat."""
    for pk in ids:
        _path(pk, OPEN).unlink(missing_ok=True)


def encode(kept: ShredList) -> bytes:
    """Return the bytes of a copy."""
    return canonical(
        {
            "created_at": kept.created_at.isoformat(),
            "entries": strict_base64.encode(kept.entries),
            "id": str(kept.pk),
            "people": kept.people,
            "rows": strict_base64.encode(kept.rows),
            "secret": strict_base64.encode(kept.secret),
        }
    )


def decode(data: bytes, name: str) -> ShredList:
    """Return the unsaved row that the file called ``name`` is a copy of. Raises JournalBroken."""
    damaged = f"the copy of a shred list, {name}, is damaged"
    try:
        kept = _row_of(parse_object(data))
        is_whole = encode(kept) == data and _is_sound(kept)
    # UUID takes what is no text for one, and finds out by AttributeError.
    except (AttributeError, CanonicalError, KeyError, TypeError, ValueError) as error:
        raise JournalBroken(damaged) from error
    if not is_whole:
        raise JournalBroken(damaged)
    return kept


def _row_of(value: Mapping[str, Any]) -> ShredList:
    decoded = [strict_base64.decode(value[name]) for name in ("entries", "rows", "secret")]
    entries, rows, secret = (data for data in decoded if data is not None)
    return ShredList(
        id=UUID(value["id"]),
        secret=secret,
        people=int(value["people"]),
        created_at=datetime.fromisoformat(value["created_at"]),
        entries=entries,
        rows=rows,
    )


def _is_sound(kept: ShredList) -> bool:
    """Return whether the database would take the row, and its parts are what lists hold."""
    if kept.created_at.tzinfo is None or not 0 <= kept.people <= _MOST_PEOPLE:
        return False
    rows = list(unpack_rows(kept.rows))
    return (
        all(len(gone.commitment) == COMMITMENT_SIZE for gone in unpack_entries(kept.entries))
        and pack_rows(rows) == kept.rows
        and all(type(each) is str for row in rows for each in row)
    )


def _path(pk: UUID, folder: str) -> Path:
    path: Path = settings.MUNIMENT_JOURNAL / folder / f"{pk}.list"
    return path
