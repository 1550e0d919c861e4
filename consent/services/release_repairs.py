"""What waits of old releases: read by people, on the record, and brought back set right."""

import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import IO
from uuid import UUID

from django.db import transaction

from consent.errors import DescriptionRefused
from consent.formats.repair_table import unguard, write_line
from consent.kinds import Settling
from consent.models import Account, LineStanding, ReleaseImport, ReleaseLine, Subject
from consent.releases.snags import Snag, sentence
from consent.releases.table import LINE, MAX_BYTES, TO_DO, WHY, read_table
from consent.services.authority import lock, require
from consent.services.release_judging import judge
from consent.services.release_lines import Content, LineReader, load_content, load_kept, store
from consent.services.release_scans import PERMISSION, open_import, record_settled, want
from consent.services.viewing import open_sealed
from ledger.record_kinds import DisclosureReason

_OPENED = 200
_PLACE = re.compile("[0-9]{1,9}")
_UNCLEAR = (Snag.PERSON_UNCLEAR.value, Snag.GUARDIAN_UNCLEAR.value)


@dataclass(frozen=True)
class ReleaseRow:
    """A line that waits, as somebody reads it: its cells by column, and words to explain."""

    line: ReleaseLine
    cells: Sequence[tuple[str, str]]
    unknown: Sequence[tuple[str, str]]

    @property
    def filled(self) -> list[tuple[str, str]]:
        """Return the cells in which something stands."""
        return [(name, text) for name, text in self.cells if text.strip()]

    @property
    def words(self) -> list[str]:
        """Return why it waits, in sentences."""
        return [sentence(reason) for reason in self.line.reasons]


@dataclass(frozen=True)
class Unclear:
    """A line of which it is not known who is meant, and whom it may be."""

    line: ReleaseLine
    perhaps: Sequence[Subject]
    guardian_perhaps: Sequence[Subject]


def write_waiting(*, reader: Account, import_id: UUID) -> Iterator[bytes]:
    """Yield what waits as CSV, with why and what to do, which ``bring_repaired`` reads again.

    Each chunk is on the record before it is opened. Raises NotPermitted, Unknown, WrongState.
    """
    importing = open_import(reader, import_id)
    return _lines(reader, importing)


def open_waiting(*, reader: Account, importing: ReleaseImport, most: int) -> list[ReleaseRow]:
    """Return the first lines that wait, opened on the record. Raises NotPermitted."""
    require(reader, PERMISSION)
    waiting = importing.lines.filter(state=LineStanding.WAITING).select_related("importing")
    rows = list(waiting.order_by("ordinal")[:most])
    if not rows:
        return []
    opened = list(_open(reader, rows))
    with transaction.atomic():
        lines = LineReader(importing)
        return [
            ReleaseRow(
                row, list(zip(lines.kept.names, one.cells, strict=False)), lines.state(one).unknown
            )
            for row, one in opened
        ]


@transaction.atomic
def find_unclear(*, reader: Account, importing: ReleaseImport, most: int) -> list[Unclear]:
    """Return lines of which it is not known who is meant, and whom each may be; opens nothing.

    Raises NotPermitted.
    """
    require(reader, PERMISSION)
    unclear = importing.lines.filter(reasons__overlap=list(_UNCLEAR)).select_related("importing")
    judged = judge(importing, list(unclear.order_by("ordinal")[:most]))
    ids = {pk for one in judged for pk in (*one.perhaps, *one.guardian_perhaps)}
    people = Subject.objects.in_bulk(ids)
    return [
        Unclear(
            one.line,
            [people[pk] for pk in one.perhaps],
            [people[pk] for pk in one.guardian_perhaps],
        )
        for one in judged
    ]


@transaction.atomic
def bring_repaired(
    *, actor: Account, import_id: UUID, content: IO[bytes], encoding: str = "utf-8"
) -> int:
    """Put what was set right in the place of what waits, line by line; returns how many lines.

    Lines that are not in it, or do not wait any more, stay as they are; the bytes that came first
    are kept. Raises NotPermitted, Unknown, WrongState, DescriptionRefused for another table.
    """
    importing = lock(ReleaseImport.objects.all(), open_import(actor, import_id).pk)
    table = read_table(content.read(MAX_BYTES + 1), encoding)
    names = load_kept(importing).names
    if missing := [name for name in (LINE, *names) if name not in table.names]:
        raise DescriptionRefused(
            f"{len(missing)} columns of the table that came are missing: bring what was "
            "downloaded as waiting, set right, with its header as it was"
        )
    places = [table.names.index(name) for name in names]
    at = table.names.index(LINE)
    said = {
        int(line.cells[at]): tuple(unguard(line.cells[place]) for place in places)
        for line in table.lines
        if len(line.cells) == len(table.names) and _PLACE.fullmatch(line.cells[at].strip())
    }
    waiting = importing.lines.filter(state=LineStanding.WAITING, ordinal__in=list(said))
    rows = list(waiting.select_for_update(of=("self",)).select_related("importing"))
    reader = LineReader(importing)
    for row in rows:
        reader.fill(row, Content(reader.content(row).raw, said[row.ordinal]))
    store(rows)
    want(importing)
    record_settled(actor, Settling.REPAIRED, len(rows))
    return len(rows)


def _lines(reader: Account, importing: ReleaseImport) -> Iterator[bytes]:
    names = load_kept(importing).names
    # The mark tells spreadsheet programs that it is UTF-8.
    yield BOM_UTF8 + write_line((LINE, WHY, TO_DO, *names))
    waiting = importing.lines.filter(state=LineStanding.WAITING).select_related("importing")
    rows = waiting.order_by("ordinal").iterator(chunk_size=_OPENED)
    while some := list(islice(rows, _OPENED)):
        for row, content in _open(reader, some):
            cells = [*content.cells, *[""] * len(names)][: len(names)]
            why = " ".join(row.reasons), " ".join(sentence(reason) for reason in row.reasons)
            yield write_line((row.ordinal, *why, *cells))


def _open(reader: Account, rows: Sequence[ReleaseLine]) -> Iterator[tuple[ReleaseLine, Content]]:
    reason = DisclosureReason.CASEWORK
    for row, data in open_sealed(reader=reader, reason=reason, column="stated", rows=rows):
        yield row, load_content(data)
