"""Copies of the shred lists, beside the journal: a restored keystore or database lacks the lists.

Without its list a destroyed segment could not be told from a lost one. ``open`` holds each list
of the epoch that is not closed, and goes with it. ``closed`` holds one list for each closed
epoch: what its tombstones say and no more, in one order for all, whoever it belonged to, and MACs
of the rows that were relinked. Its id is that of the record which closed the epoch, so that a
database with that record needs no copy.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from ledger import strict_base64
from ledger.canonical import canonical, parse_object
from ledger.errors import CanonicalError, JournalBroken
from ledger.keystore.models import ShredList
from ledger.private_files import write_private

OPEN, CLOSED = "open", "closed"


def keep(kept: ShredList, folder: str = OPEN) -> None:
    """Write a copy of ``kept`` and return once it is on disk; safe to repeat."""
    path = _path(kept.pk, folder)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(path, _encode(kept))


def find(folder: str) -> set[UUID]:
    """Return the ids of all copies in ``folder``."""
    return {UUID(path.stem) for path in (settings.MUNIMENT_JOURNAL / folder).glob("*.list")}


def read(folder: str, ids: Iterable[UUID]) -> Iterator[ShredList]:
    """Yield copies as unsaved rows. Raises JournalBroken for one that is damaged."""
    for pk in sorted(ids):
        yield _decode(_path(pk, folder))


def drop(ids: Iterable[UUID]) -> None:
    """Delete the copies of lists whose epoch has closed; safe to repeat."""
    for pk in ids:
        _path(pk, OPEN).unlink(missing_ok=True)


def _path(pk: UUID, folder: str) -> Path:
    path: Path = settings.MUNIMENT_JOURNAL / folder / f"{pk}.list"
    return path


def _encode(kept: ShredList) -> bytes:
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


def _decode(path: Path) -> ShredList:
    try:
        value: dict[str, Any] = dict(parse_object(path.read_bytes()))
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
    except (CanonicalError, KeyError, TypeError, ValueError) as error:
        raise JournalBroken(f"the copy of a shred list, {path.name}, is damaged") from error
