"""Tables as streams of chunks, column by column: CSV and JSON lines; Parquet has its own module.

However large the file, a chunk of rows is all that is held. What is wrong with one row stays with
that row; only a file that cannot be read on at all is refused.
"""

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol

from consent.errors import DescriptionRefused
from consent.formats import repair_table
from consent.formats.doubts import Doubt, DoubtCode, Doubts
from consent.formats.strict_json import parse_object

ROWS_AT_ONCE = 5_000
SAMPLE = 50
MAX_COLUMNS = 500
MAX_LINE = 2**20
MAX_RECORD = 4 * 2**20
CHUNK_BYTES = 16 * 2**20
_DELIMITERS = ",\t;|"
_DATA = re.compile(r"[a-z][a-z0-9+]{1,9}://.*|[0-9a-fA-F]{32,}|-?\d+(\.\d+)?", re.I)


@dataclass(frozen=True)
class Chunk:
    """Some rows: their first ordinal, from 1, and one list of values for each column.

    ``faults`` and ``extra`` say of a row, counted from 0, what is wrong with it and what it
    holds beyond the columns.
    """

    first: int
    columns: list[list[Any]]
    faults: dict[int, list[Doubt]] = field(default_factory=dict)
    extra: dict[int, dict[str, Any]] = field(default_factory=dict)


class Table(Protocol):
    """A table: the names of its columns, its first rows, what is doubtful of it as a whole."""

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def sample(self) -> list[list[Any]]: ...

    @property
    def doubts(self) -> tuple[Doubt, ...]: ...

    def chunks(self) -> Iterator[Chunk]: ...


@dataclass(frozen=True)
class Row:
    """One row on its way into a chunk."""

    values: list[Any]
    size: int
    fault: Doubt | None = None
    extra: dict[str, Any] = field(default_factory=dict)


class CsvTable:
    """Comma-separated values (RFC 4180), or separated by tab, semicolon or bar."""

    def __init__(self, source: BinaryIO, encoding: str = "utf-8") -> None:
        self._source, self._encoding = source, encoding
        self._record: list[bytes] = []
        doubts = Doubts()
        first_line = next(self._lines(), "")
        if not first_line.strip():
            raise DescriptionRefused("table is empty")
        self._delimiter = max(_DELIMITERS, key=first_line.count)
        first = next(self._records(), [])
        self._has_header = not any(_DATA.fullmatch(cell.strip()) for cell in first)
        names = [cell.strip()[:200] for cell in first]
        if not self._has_header:
            doubts.add(DoubtCode.HEADER_MISSING)
            names = [f"column {number}" for number in range(1, len(first) + 1)]
        self.names, self._places = distinct(names, doubts)
        self._is_guarded = repair_table.is_own(self.names)
        self.sample = [row.values for _, row in zip(range(SAMPLE), self._rows(), strict=False)]
        self.doubts = doubts.freeze()

    def chunks(self) -> Iterator[Chunk]:
        """Yield all rows. Raises DescriptionRefused where the table cannot be read on."""
        return gathered(self._rows(), len(self.names))

    @property
    def raw(self) -> bytes:
        """The bytes of the record that was read last, as they came."""
        return b"".join(self._record)

    def records(self) -> Iterator[list[str]]:
        """Yield the cells of each record, the header first; ``raw`` has its bytes meanwhile."""
        return self._records()

    def _rows(self) -> Iterator[Row]:
        records = self._records()
        if self._has_header:
            next(records, None)
        width = max(self._places, default=-1) + 1
        for cells in records:
            fault = None
            if len(cells) != width:
                fault = Doubt(DoubtCode.ROW_RAGGED, "", f"{len(cells)} for {width}")
                cells = [*cells[:width], *[""] * (width - len(cells))]
            if self._is_guarded:
                cells = [repair_table.unguard(cell) for cell in cells]
            values = [cells[place] for place in self._places]
            yield Row(values, sum(map(len, values)), fault)

    def _records(self) -> Iterator[list[str]]:
        try:
            for cells in csv.reader(self._lines(), delimiter=self._delimiter):
                if len(cells) > MAX_COLUMNS:
                    raise DescriptionRefused(
                        f"table has {len(cells)} columns, at most {MAX_COLUMNS}"
                    )
                if cells:
                    yield cells
                    self._record = []
        except csv.Error as error:
            raise DescriptionRefused("table is no CSV that can be read on") from error

    def _lines(self) -> Iterator[str]:
        self._source.seek(0)
        self._record = []
        size = 0
        for number, line in enumerate(bounded_lines(self._source)):
            size = size + len(line) if self._record else len(line)
            self._record.append(line)
            if size > MAX_RECORD:
                raise DescriptionRefused(f"a row has more than {MAX_RECORD} bytes")
            # What cannot be decoded becomes U+FFFD, which is a doubt of that cell.
            text = line.decode(self._encoding, "replace")
            yield text.removeprefix("\ufeff") if number == 0 else text


class JsonLinesTable:
    """One JSON object on each line; the first rows tell which columns there are."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        doubts = Doubts()
        first = [parsed for _, parsed in zip(range(SAMPLE), self._objects(), strict=False)]
        names = dict.fromkeys(key for parsed, _ in first for key in parsed or ())
        if not names:
            raise DescriptionRefused("table has no JSON object in its first lines")
        if len(names) > MAX_COLUMNS:
            raise DescriptionRefused(f"table has {len(names)} columns, at most {MAX_COLUMNS}")
        self.names, _ = distinct(list(names), doubts)
        self.sample = [[(parsed or {}).get(name) for name in self.names] for parsed, _ in first]
        self.doubts = doubts.freeze()

    def chunks(self) -> Iterator[Chunk]:
        """Yield all rows; a line that cannot be read is a row without values."""
        return gathered(self._rows(), len(self.names))

    def _rows(self) -> Iterator[Row]:
        known = set(self.names)
        for parsed, size in self._objects():
            if parsed is None:
                fault = Doubt(DoubtCode.LINE_UNREADABLE, "", "it is no JSON object")
                yield Row([None] * len(self.names), size, fault)
                continue
            extra = {key: value for key, value in parsed.items() if key not in known}
            yield Row([parsed.get(name) for name in self.names], size, None, extra)

    def _objects(self) -> Iterator[tuple[dict[str, Any] | None, int]]:
        self._source.seek(0)
        for line in bounded_lines(self._source):
            if not line.strip():
                continue
            try:
                yield parse_object(line, longest=MAX_LINE), len(line)
            except DescriptionRefused:
                yield None, len(line)


def bounded_lines(source: BinaryIO) -> Iterator[bytes]:
    """Yield lines with their ends. Raises DescriptionRefused for UTF-16 and for one too long."""
    is_first = True
    while line := source.readline(MAX_LINE + 1):
        if len(line) > MAX_LINE:
            raise DescriptionRefused(f"a line has more than {MAX_LINE} bytes")
        if is_first and line.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise DescriptionRefused("table is UTF-16, wanted UTF-8")
        is_first = False
        yield line


def distinct(names: list[str], doubts: Doubts) -> tuple[tuple[str, ...], list[int]]:
    """Return the names without repetitions, and the place of each."""
    places: dict[str, int] = {}
    for place, name in enumerate(names):
        if places.setdefault(name, place) != place:
            doubts.add(DoubtCode.COLUMN_REPEATED, "", name)
    return tuple(places), list(places.values())


def gathered(rows: Iterable[Row], width: int) -> Iterator[Chunk]:
    """Yield ``rows`` in chunks bounded in rows and in bytes."""
    waiting: list[Row] = []
    first, size = 1, 0
    for row in rows:
        waiting.append(row)
        size += row.size
        if len(waiting) == ROWS_AT_ONCE or size > CHUNK_BYTES:
            yield _chunk(first, waiting, width)
            first, size, waiting = first + len(waiting), 0, []
    if waiting:
        yield _chunk(first, waiting, width)


def _chunk(first: int, rows: list[Row], width: int) -> Chunk:
    columns = [[row.values[place] for row in rows] for place in range(width)]
    faults = {number: [row.fault] for number, row in enumerate(rows) if row.fault}
    extra = {number: row.extra for number, row in enumerate(rows) if row.extra}
    return Chunk(first, columns, faults, extra)
