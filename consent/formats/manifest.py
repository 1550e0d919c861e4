"""Read a manifest: a table in CSV, JSON lines or Parquet with one row for each item.

A manifest is one table among many: what its columns mean is guessed, shown to a person, and set
right by them (``columns``). Rows are a stream; nothing holds more than a chunk of them.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, repeat
from typing import Any, BinaryIO

from consent.errors import DescriptionRefused
from consent.formats import statements
from consent.formats.columns import DIGESTS, ColumnMapping, Meaning, guess
from consent.formats.described import (
    DescribedItem,
    DescribedItems,
    Description,
    Digest,
    Licence,
    Reading,
)
from consent.formats.doubts import Doubt, DoubtCode, Doubts
from consent.formats.strict_json import parse
from consent.formats.tables import Chunk, CsvTable, JsonLinesTable, Table

FORM = "manifest"
# What each item is asked for; without its column, it is missing from every one.
_NEEDED = {
    Meaning.LOCATION: Doubt(DoubtCode.LOCATION_MISSING, "location"),
    Meaning.LICENCE: Doubt(DoubtCode.LICENCE_MISSING, "licence"),
    Meaning.LEGAL_BASIS: Doubt(DoubtCode.BASIS_MISSING, "legal basis"),
}
_LONGEST_CELL = 2**20
_NO_DIGEST = Doubt(DoubtCode.DIGEST_MISSING, "digest")


class TableForm(StrEnum):
    """How a manifest is written."""

    CSV = "csv"
    JSON_LINES = "jsonl"
    PARQUET = "parquet"


@dataclass(frozen=True)
class Manifest:
    """A manifest that was opened, and what its columns seem to mean."""

    form: TableForm
    table: Table
    digest: str
    guessed: Mapping[str, Meaning]

    def read(self, mapping: ColumnMapping | None = None) -> Reading:
        """Return the reading under ``mapping``, else under the guess."""
        mapping = mapping or self.guessed
        doubts = Doubts()
        for name in self.table.names:
            if mapping.get(name, Meaning.UNKNOWN) is Meaning.UNKNOWN:
                doubts.add(DoubtCode.COLUMN_UNMAPPED, "", name)
        if Meaning.CREATORS not in mapping.values():
            doubts.add(DoubtCode.CREATOR_MISSING)
        if Meaning.LICENCE not in mapping.values():
            doubts.add(DoubtCode.LICENCE_MISSING)
        said = (*self.table.doubts, *doubts)
        items = Items(self.table, dict(mapping))
        return Reading(FORM, self.form.value, self.digest, Description(), items, said, mapping)


def open_manifest(source: BinaryIO, form: TableForm | None = None) -> Manifest:
    """Open the manifest in ``source``, a seekable file that stays open while it is read.

    Without ``form`` its first bytes tell. Raises DescriptionRefused for what is no such table.
    """
    source.seek(0)
    digest = hashlib.sha256()
    while piece := source.read(2**20):
        digest.update(piece)
    form = form or _form(source)
    table: Table
    if form is TableForm.PARQUET:
        # Not before it is needed: pyarrow takes 40 MiB of each process that has it.
        from consent.formats.parquet_table import ParquetTable

        table = ParquetTable(source)
    else:
        table = CsvTable(source) if form is TableForm.CSV else JsonLinesTable(source)
    return Manifest(form, table, digest.hexdigest(), guess(table.names, table.sample))


def _form(source: BinaryIO) -> TableForm:
    source.seek(0)
    head = source.read(64)
    if head.startswith(b"PAR1"):
        return TableForm.PARQUET
    is_object = head.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")
    return TableForm.JSON_LINES if is_object else TableForm.CSV


@dataclass(frozen=True)
class Items:
    """The items of a table, read anew each time they are walked."""

    table: Table
    mapping: dict[str, Meaning]

    def __iter__(self) -> Iterator[DescribedItem]:
        return chain.from_iterable(self.blocks())

    def blocks(self) -> Iterator[DescribedItems]:
        """Yield the items of one chunk of the table after the other."""
        always = self._always()
        for chunk in self.table.chunks():
            yield _Rows(chunk, self.table.names, self.mapping, always).items()

    def _always(self) -> tuple[Doubt, ...]:
        """Return what stands against every item, for want of a column."""
        meant = set(self.mapping.values())
        missing = [doubt for meaning, doubt in _NEEDED.items() if meaning not in meant]
        return (*missing, *([] if meant & set(DIGESTS) else [_NO_DIGEST]))


class _Rows:
    """One chunk on its way to items: each column as a whole, doubts by row."""

    def __init__(
        self,
        chunk: Chunk,
        names: tuple[str, ...],
        mapping: Mapping[str, Meaning],
        always: tuple[Doubt, ...],
    ) -> None:
        self._chunk, self._always = chunk, always
        self._count = len(chunk.columns[0])
        self._noted: dict[int, Doubts] = {}
        self._columns: dict[Meaning, list[tuple[str, list[Any]]]] = {}
        for name, values in zip(names, chunk.columns, strict=True):
            meaning = mapping.get(name, Meaning.UNKNOWN)
            self._columns.setdefault(meaning, []).append((name, values))

    def items(self) -> DescribedItems:
        """Return the items of the chunk."""
        # Whole columns: when all are read, each doubt is noted, whichever raised it.
        columns = [
            range(self._chunk.first, self._chunk.first + self._count),
            self._each(Meaning.LOCATION, _location, ""),
            self._digests(),
            self._each(Meaning.PERCEPTUAL_HASH, _text, ""),
            self._each(Meaning.SIZE, _number, None),
            self._each(Meaning.WIDTH, _number, None),
            self._each(Meaning.HEIGHT, _number, None),
            self._each(Meaning.MEDIA_TYPE, _text, ""),
            self._each(Meaning.TEXT, _text, ""),
            self._each(Meaning.LICENCE, _licence, Licence()),
            self._each(Meaning.LEGAL_BASIS, _basis, ""),
            self._each(Meaning.DEPICTS, _people, ()),
            self._each(Meaning.CREATORS, _people, ()),
            self._pairs(Meaning.SIGNAL, Meaning.SIGNALS),
            self._pairs(Meaning.FLAG, Meaning.FLAGS),
            self._unknown(),
        ]
        return DescribedItems([*columns, self._doubts()])

    def note(self, row: int) -> Doubts:
        """Return the doubts of a row, to add to."""
        return self._noted.setdefault(row, Doubts())

    def _each(self, meaning: Meaning, read: Any, absent: Any) -> Any:
        if meaning not in self._columns:
            return [absent] * self._count
        name, values = self._columns[meaning][0]
        whole = _WHOLE[read](values) if read in _WHOLE else None
        if whole is not None:
            return whole
        return [read(value, name, self, row) for row, value in enumerate(values)]

    def _digests(self) -> Any:
        for meaning in DIGESTS:
            if meaning in self._columns:
                name, values = self._columns[meaning][0]
                algorithm = "" if meaning is Meaning.DIGEST else meaning.value
                if algorithm == "sha256" and _are(str, values) and statements.are_sha256(values):
                    return list(map(Digest._make, zip(repeat(algorithm), values, strict=False)))
                return [
                    self._digest(value, name, row, algorithm) for row, value in enumerate(values)
                ]
        return [None] * self._count

    def _digest(self, value: Any, name: str, row: int, algorithm: str) -> Digest | None:
        # The common case by itself, in a column of which some cell is doubtful.
        if algorithm == "sha256" and type(value) is str and statements.is_sha256(value):
            return Digest("sha256", value)
        doubts = self.note(row)
        return statements.digest(
            statements.text(value, name, doubts), name, doubts, algorithm=algorithm
        )

    def _pairs(self, single: Meaning, several: Meaning) -> Any:
        columns = [
            [
                ((name, said),) if (said := _text(value, name, self, row)) else ()
                for row, value in enumerate(values)
            ]
            for name, values in self._columns.get(single, ())
        ]
        if several in self._columns:
            columns.append(self._each(several, _object, ()))
        if not columns:
            return [()] * self._count
        return [tuple(chain.from_iterable(pairs)) for pairs in zip(*columns, strict=True)]

    def _unknown(self) -> Any:
        named = self._columns.get(Meaning.UNKNOWN, [])
        if not named and not self._chunk.extra:
            return [()] * self._count
        return [
            (
                *((name, values[row]) for name, values in named if values[row] not in (None, "")),
                *self._chunk.extra.get(row, {}).items(),
            )
            for row in range(self._count)
        ]

    def _doubts(self) -> list[tuple[Doubt, ...]]:
        if not self._noted and not self._chunk.faults:
            return [self._always] * self._count
        return [
            (*self._chunk.faults.get(row, ()), *self._always, *self._noted.get(row, ()))
            for row in range(self._count)
        ]


def _text(value: Any, name: str, rows: _Rows, row: int) -> str:
    if type(value) is str and value.isprintable() and "\ufffd" not in value and len(value) < 4_000:
        return value.strip()
    if type(value) is float:
        return str(value)
    return "" if value is None else statements.text(_plain(value), name, rows.note(row))


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | list | dict) else str(value)


def _location(value: Any, name: str, rows: _Rows, row: int) -> str:
    if type(value) is str and statements.is_plain_location(value):
        return value
    return statements.location(value, name, rows.note(row))


def _number(value: Any, name: str, rows: _Rows, row: int) -> int | None:
    if type(value) is int and 0 <= value < 2**53:
        return value
    return None if value is None else statements.whole_number(value, name, rows.note(row))


def _licence(value: Any, name: str, rows: _Rows, row: int) -> Licence:
    if type(value) is str and (licence := statements.known_licence(value)):
        return licence
    return statements.licence(value, name, rows.note(row))


def _basis(value: Any, name: str, rows: _Rows, row: int) -> str:
    if type(value) is str and value in statements.BASES:
        return value
    doubts = rows.note(row)
    return statements.legal_basis(statements.text(value, name, doubts), name, doubts)


def _people(value: Any, name: str, rows: _Rows, row: int) -> tuple[str, ...]:
    if value is None or value == "":
        return ()
    # In a table without lists several names stand in one cell.
    stated = _listed(value) if isinstance(value, str) else value
    return statements.people(stated, name, rows.note(row))


def _whole_locations(values: list[Any]) -> list[Any] | None:
    return values if _are(str, values) and statements.are_plain_locations(values) else None


def _whole_numbers(values: list[Any]) -> list[Any] | None:
    return values if _are(int, values) and min(values) >= 0 and max(values) < 2**53 else None


def _whole_licences(values: list[Any]) -> list[Any] | None:
    if not _are(str, values):
        return None
    known = {stated: statements.known_licence(stated) for stated in set(values)}
    return list(map(known.get, values)) if all(known.values()) else None


def _whole_bases(values: list[Any]) -> list[Any] | None:
    return values if _are(str, values) and statements.BASES.issuperset(values) else None


def _are(kind: type, values: list[Any]) -> bool:
    # Exactly of it: True is no number.
    return set(map(type, values)) == {kind}


# A column in which nothing is doubtful, as most are, is read at once: as its cells would be, or
# None where one of them has to be looked at by itself.
_WHOLE: Mapping[Any, Callable[[list[Any]], list[Any] | None]] = {
    _location: _whole_locations,
    _number: _whole_numbers,
    _licence: _whole_licences,
    _basis: _whole_bases,
}


def _listed(cell: str) -> list[Any]:
    if cell.startswith("["):
        with suppress(DescriptionRefused):
            names: list[Any] = parse(cell.encode(), longest=_LONGEST_CELL)
            return names
    return cell.split(";")


def _object(value: Any, name: str, rows: _Rows, row: int) -> tuple[tuple[str, str], ...]:
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        try:
            value = parse(value.encode(), longest=_LONGEST_CELL)
        except DescriptionRefused:
            rows.note(row).add(DoubtCode.MALFORMED, name, value)
            return ()
    return statements.pairs(value, name, rows.note(row))
