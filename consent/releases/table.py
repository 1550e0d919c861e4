"""A table of old releases as it came, record by record, with the bytes of each."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from consent.errors import DescriptionRefused
from consent.formats.tables import CsvTable
from consent.releases.columns import Meaning
from consent.releases.dates import read_day

MAX_BYTES = 32 * 2**20
MAX_LINES = 5_000
ENCODINGS = ("utf-8", "windows-1252", "utf-16")
# Above the columns that a table of what waits has before those that came.
LINE, WHY, TO_DO = "line (leave as it is)", "why it waits", "what to do"


@dataclass(frozen=True)
class Line:
    """One record of a table: its place, from 1, its bytes as they came, its cells."""

    ordinal: int
    raw: bytes
    cells: tuple[str, ...]


@dataclass(frozen=True)
class ReleaseTable:
    """A table that was read: the bytes and names of its header, and its lines."""

    header: bytes
    names: tuple[str, ...]
    lines: tuple[Line, ...]


def read_table(content: bytes, encoding: str = "utf-8") -> ReleaseTable:
    """Read a whole table. Raises DescriptionRefused, in words that say what to do.

    ``encoding`` is one of ENCODINGS. What came in UTF-16 is kept in UTF-8.
    """
    if len(content) > MAX_BYTES:
        raise DescriptionRefused(f"the table has more than {MAX_BYTES} bytes: divide it")
    content, encoding = _decoded(content, encoding)
    table = CsvTable(io.BytesIO(content), encoding)
    records = table.records()
    names = tuple(cell.strip()[:200] for cell in next(records, []))
    header = table.raw
    if len(names) < 2:
        raise DescriptionRefused("the first line names fewer than two columns: is it a CSV table?")
    if any(_is_data(name) for name in names):
        raise DescriptionRefused("the first line is somebody's already: put names of columns above")
    if not all(names) or len(set(names)) < len(names):
        raise DescriptionRefused("the first line must name each column, none twice and none empty")
    lines = []
    for ordinal, cells in enumerate(records, 1):
        if ordinal > MAX_LINES:
            raise DescriptionRefused(f"the table has more than {MAX_LINES} lines: divide it")
        lines.append(Line(ordinal, table.raw, tuple(cells)))
    if not lines:
        raise DescriptionRefused("the table has no line below its header")
    return ReleaseTable(header, names, tuple(lines))


def _is_data(name: str) -> bool:
    """Say whether what stands in a header is no name of a column, but an address, a day, a file."""
    is_file = name.casefold().endswith((".pdf", ".jpg", ".jpeg", ".png", ".tif", ".tiff"))
    return "@" in name or is_file or isinstance(read_day(name), date)


def by_meaning(
    names: Sequence[str], cells: Sequence[str], mapping: Mapping[str, Meaning]
) -> dict[Meaning, list[str]]:
    """Return the cells of a line by what their columns mean; what is beyond the columns is left."""
    found: dict[Meaning, list[str]] = {}
    for name, cell in zip(names, cells, strict=False):
        found.setdefault(mapping[name], []).append(cell)
    return found


def _decoded(content: bytes, encoding: str) -> tuple[bytes, str]:
    if encoding not in ENCODINGS:
        raise DescriptionRefused(f"encoding is none of {', '.join(ENCODINGS)}")
    is_wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    if is_wide or encoding == "utf-16":
        try:
            return content.decode("utf-16").encode(), "utf-8"
        except UnicodeError as error:
            raise DescriptionRefused("the table is no UTF-16 that can be read") from error
    if encoding == "utf-8":
        try:
            content.decode("utf-8")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise DescriptionRefused(
                f"the table is no UTF-8, first in line {line}: bring it again and say that it is "
                "Windows-1252, as spreadsheet programs often write it"
            ) from error
    return content, encoding
