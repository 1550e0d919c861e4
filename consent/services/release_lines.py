"""Lines of old releases while they wait: how they are kept, read, and found by whom they name."""

from base64 import b64decode, b64encode
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction

from consent import profiles
from consent.identity import Form, IdentifierKind, normal_forms
from consent.identity.matching import FINDING, Indexes
from consent.models import BroughtScan, LineStanding, ReleaseImport, ReleaseLine
from consent.moment import database_now
from consent.releases.columns import Meaning, guess, override
from consent.releases.dates import birthday
from consent.releases.scans import short_name
from consent.releases.stating import Names, Said, Stated, state
from consent.releases.table import Line, by_meaning
from consent.services.authority import lock
from ledger import vault

# Lines that are read anew in one transaction.
_AT_ONCE = 1_000


@dataclass(frozen=True)
class Kept:
    """What an import keeps of the whole table: its header, its columns, what was said of it."""

    header: bytes
    names: tuple[str, ...]
    said: Said = field(default_factory=Said)

    @property
    def mapping(self) -> dict[str, Meaning]:
        """Return what the columns mean: as guessed, set right by what somebody said."""
        return override(guess(self.names), self.said.mapping)


@dataclass(frozen=True)
class Content:
    """What is kept of a line: its bytes as they came, and its cells as they are by now."""

    raw: bytes
    cells: tuple[str, ...]


class Indexing:
    """Keyed indexes of many texts: each key is read once."""

    def __init__(self) -> None:
        self._indexers: dict[str, Callable[[str], bytes]] = {}

    def of(self, name: str, text: str) -> bytes:
        """Return the keyed index of ``text`` under ``name``."""
        if name not in self._indexers:
            self._indexers[name] = vault.blind_indexer(name)
        return self._indexers[name](text)

    def person(self, known: Names) -> dict[tuple[str, Form], frozenset[bytes]]:
        """Return the indexes of all normal forms of what somebody is known by."""
        found: dict[tuple[str, Form], set[bytes]] = {}
        for kind, value in known:
            for form, text in normal_forms(IdentifierKind(kind), value).items():
                key = self.of(f"identity.{kind.family}.{form}", text)
                found.setdefault((kind.family, form), set()).add(key)
        return {place: frozenset(keys) for place, keys in found.items()}

    def scan(self, name: str) -> bytes:
        """Return the index of a scan's name; callers fold it first."""
        return self.of("release.scan", name)


def finding_keys(*people: Indexes) -> set[bytes]:
    """Return the indexes by which a line is found that names these people."""
    return {
        key
        for indexes in people
        for (_, form), keys in indexes.items()
        if form in FINDING
        for key in keys
    }


def load_kept(importing: ReleaseImport) -> Kept:
    """Return what is kept of a whole table."""
    found = orjson.loads(vault.keys(importing.scope_ids()).open(importing, "said"))
    return Kept(b64decode(found["header"]), tuple(found["names"]), Said.parse(found["said"]))


def seal_kept(importing: ReleaseImport, kept: Kept) -> None:
    """Seal what is kept of a whole table; the header of a table is nobody's."""
    data: dict[str, Any] = {
        "header": b64encode(kept.header).decode(),
        "names": kept.names,
        "said": asdict(kept.said),
    }
    keys = vault.keys(importing.scope_ids())
    importing.said = keys.seal(importing, "said", orjson.dumps(data))


def load_content(data: bytes) -> Content:
    """Read what ``dump_content`` wrote."""
    found = orjson.loads(data)
    return Content(b64decode(found["raw"]), tuple(found["cells"]))


def dump_content(content: Content) -> bytes:
    """Return what is kept of a line as JSON."""
    return orjson.dumps({"raw": b64encode(content.raw).decode(), "cells": content.cells})


class LineReader:
    """Reads the lines of one import within a transaction, as somebody said they are to be read."""

    def __init__(self, importing: ReleaseImport, kept: Kept | None = None) -> None:
        self.kept = kept or load_kept(importing)
        self.indexing = Indexing()
        self._mapping = self.kept.mapping
        self._keys = vault.keys([importing.scope_id])
        self.today = database_now().date()
        self._majority = profiles.load().majority_years

    def content(self, line: ReleaseLine) -> Content:
        """Return what is kept of a line."""
        return load_content(self._keys.open(line, "stated"))

    def state(self, content: Content) -> Stated:
        """Return what a line says."""
        cells = by_meaning(self.kept.names, content.cells, self._mapping)
        is_ragged = len(content.cells) != len(self.kept.names)
        return state(cells, self.kept.said, self.today, self._majority, is_ragged=is_ragged)

    def find_child(self, signed: date, held: Collection[bytes]) -> date | None:
        """Return the day on which somebody was born who was a child on ``signed``, by its index."""
        name = f"identity.{IdentifierKind.BIRTH_DATE.family}.{Form.DATE}"
        # A leap day more than there can be, and the day of coming of age is one too many.
        for days in range(self._majority * 366):
            born = signed - timedelta(days)
            if birthday(born, self._majority) <= signed:
                return None
            if self.indexing.of(name, born.isoformat()) in held:
                return born
        return None

    def name(self, scan: BroughtScan) -> str:
        """Return how a scan is called, as it came."""
        return self._keys.open(scan, "name").decode()

    def fill(self, line: ReleaseLine, content: Content) -> ReleaseLine:
        """Set all of a line that follows from its cells; it is to be judged again."""
        stated = self.state(content)
        before = list(line.keys), list(line.claims)
        line.state, line.reasons = LineStanding.UNREAD, []
        line.stated = self._keys.seal(line, "stated", dump_content(content))
        cells = "\x1f".join(cell.strip() for cell in content.cells)
        line.mark = self.indexing.of("release.line", cells)
        people = [self.indexing.person(names) for names in (stated.known, stated.guardian)]
        line.keys = sorted(finding_keys(*people))
        line.claims = sorted({self.indexing.scan(short_name(name)) for name in stated.scans})
        if before != (line.keys, line.claims):
            # What somebody decided or took as it was, was said of another line.
            line.subject = line.guardian = None
            line.is_new = line.is_guardian_new = False
            line.accepted = []
        return line


def insert_lines(importing: ReleaseImport, kept: Kept, lines: Iterable[Line]) -> None:
    """Store the lines of a table, each sealed by itself. Raises DescriptionRefused."""
    reader = LineReader(importing, kept)
    rows = [
        reader.fill(
            ReleaseLine(importing=importing, ordinal=one.ordinal), Content(one.raw, one.cells)
        )
        for one in lines
    ]
    ReleaseLine.objects.bulk_create(rows, batch_size=_AT_ONCE)


def restate(importing: ReleaseImport, go_on: Callable[[], None]) -> None:
    """Read all lines that wait anew, some at a time, after something was said of the whole.

    Safe to repeat: one that was cut off begins anew.
    """
    after = 0
    while after := _restate_some(importing.pk, after):
        go_on()


@transaction.atomic
def _restate_some(import_id: UUID, after: int) -> int:
    """Read the next lines behind a place anew; return the last one's place, 0 for none."""
    # Locked, so that all of them are read as the same was said.
    importing = lock(ReleaseImport.objects.all(), import_id)
    lines = importing.lines.filter(ordinal__gt=after).select_related("importing")
    rows = list(lines.select_for_update(of=("self",)).order_by("ordinal")[:_AT_ONCE])
    if not rows:
        return 0
    reader = LineReader(importing)
    store([reader.fill(row, reader.content(row)) for row in rows])
    return rows[-1].ordinal


def store(rows: Sequence[ReleaseLine]) -> None:
    """Store lines whose cells, or whose reading, changed; the caller has locked them."""
    # Ten times as fast as an update of so many columns of so many rows.
    ReleaseLine.objects.filter(pk__in=[row.pk for row in rows]).delete()
    ReleaseLine.objects.bulk_create(rows, batch_size=_AT_ONCE)
