"""A Parquet file as a stream of chunks, in memory that does not follow what the file unpacks to.

Texts are read as dictionaries, so that one long text said a million times is held once. Columns
of bytes and of nested structures are not read: a table may carry the pictures themselves.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO

from consent.errors import DescriptionRefused
from consent.formats.columns import DIGESTS, guess
from consent.formats.doubts import DoubtCode, Doubts
from consent.formats.tables import CHUNK_BYTES, MAX_COLUMNS, ROWS_AT_ONCE, SAMPLE, Chunk, distinct

try:
    import pyarrow as pa
    from pyarrow import compute, parquet, types
except ImportError:  # an extra: it is larger than the rest of us
    pa = compute = parquet = types = None

MAX_CELL = 2**16
MAX_LISTED = 100
MAX_UNPACKED = 2 * 2**30
_THRIFT = {"thrift_string_size_limit": 16 * 2**20, "thrift_container_size_limit": 1_000_000}


class ParquetTable:
    """The columns of a Parquet file that can say something of an item."""

    def __init__(self, source: BinaryIO) -> None:
        if pa is None:
            raise DescriptionRefused("pyarrow is not installed: pip install 'muniment[archive]'")
        doubts = Doubts()
        with _refusing():
            plain = _open(source)
            schema = plain.schema_arrow
            self._check(plain.metadata)
            readable = [item for item in schema if _is_readable(item)]
            for item in schema:
                if not _is_readable(item):
                    doubts.add(DoubtCode.COLUMN_UNMAPPED, "", f"{item.name} ({item.type})"[:80])
            self.names, _ = distinct([item.name for item in readable], doubts)
            leaves = map(plain.schema.column, range(len(plain.schema)))
            texts = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
            self._file = _open(source, read_dictionary=texts)
        if not self.names:
            raise DescriptionRefused("table has no column that can be read")
        self.doubts = doubts.freeze()
        first = next(self.chunks(), Chunk(1, [[] for _ in self.names]))
        self.sample = [list(row) for row in zip(*(c[:SAMPLE] for c in first.columns), strict=True)]

    def chunks(self) -> Iterator[Chunk]:
        """Yield all rows. Raises DescriptionRefused where the file cannot be read on."""
        first = 1
        with _refusing():
            for group in range(self._file.num_row_groups):
                size = self._rows_at_once(group)
                batches = self._file.iter_batches(
                    size, row_groups=[group], columns=list(self.names), use_threads=False
                )
                for batch in batches:
                    columns = [_values(batch.column(name)) for name in self.names]
                    yield Chunk(first, columns)
                    first += batch.num_rows

    def _check(self, metadata: Any) -> None:
        if metadata.num_columns > MAX_COLUMNS:
            raise DescriptionRefused(
                f"table has {metadata.num_columns} columns, at most {MAX_COLUMNS}"
            )
        for group in range(metadata.num_row_groups):
            # Of a single column it must not be asked: pyarrow 26 ends the process where the
            # size statistics of one are malformed, and only refuses where it reads them itself.
            if not 0 <= metadata.row_group(group).total_byte_size <= MAX_UNPACKED:
                raise DescriptionRefused(f"a row group unpacks to more than {MAX_UNPACKED} bytes")

    def _rows_at_once(self, group: int) -> int:
        row_group = self._file.metadata.row_group(group)
        each: int = row_group.total_byte_size // max(row_group.num_rows, 1)
        return max(16, min(ROWS_AT_ONCE, CHUNK_BYTES // max(each, 1)))


class _refusing:  # noqa: N801  # reads as a statement
    """Turn what the library raises for a broken file into our refusal."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        theirs = (OSError, ValueError, KeyError, IndexError, OverflowError, MemoryError, TypeError)
        if isinstance(error, (pa.ArrowException, *theirs)):
            raise DescriptionRefused("table is no Parquet file that can be read on") from error


def _open(source: BinaryIO, **how: Any) -> Any:
    source.seek(0)
    # Page by page, not a whole column at once.
    return parquet.ParquetFile(source, pre_buffer=False, buffer_size=2**16, **_THRIFT, **how)


def _is_text(kind: Any) -> bool:
    return bool(types.is_string(kind) or types.is_large_string(kind))


def _is_readable(item: Any) -> bool:
    kind = item.type
    if types.is_list(kind) or types.is_large_list(kind):
        return _is_text(kind.value_type)
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_binary(kind) or types.is_fixed_size_binary(kind):
        return guess([item.name])[item.name] in DIGESTS
    is_number = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
    return bool(_is_text(kind) or is_number or types.is_boolean(kind) or types.is_temporal(kind))


def _values(column: Any) -> list[Any]:
    """Return the cells as Python values, a text that stands in many cells held once."""
    if types.is_dictionary(column.type) and _is_text(column.type.value_type):
        # A batch may carry the dictionary of its whole row group: only what it uses is unpacked.
        used = compute.unique(column.indices.drop_null())
        known = dict(zip(used.to_pylist(), _texts(column.dictionary.take(used)), strict=True))
        return list(map(known.get, column.indices.to_pylist()))
    if types.is_list(column.type) or types.is_large_list(column.type):
        return _lists(column)
    cells: list[Any] = column.to_pylist()
    if types.is_binary(column.type) or types.is_fixed_size_binary(column.type):
        return [cell if cell is None else cell[: MAX_CELL // 2].hex() for cell in cells]
    return cells


def _lists(column: Any) -> list[Any]:
    flat = column.flatten()
    if len(flat) > MAX_LISTED * max(len(column), 1):
        raise DescriptionRefused(f"cells list more than {MAX_LISTED} values each")
    values = iter(_values(flat) if types.is_dictionary(flat.type) else _texts(flat))
    lengths = column.value_lengths().to_pylist()
    return [None if n is None else [next(values) for _ in range(n)] for n in lengths]


def _texts(column: Any) -> list[Any]:
    # Each in bytes before any becomes a Python text.
    cells = column.cast(pa.large_binary() if types.is_large_string(column.type) else pa.binary())
    longest = compute.max(compute.binary_length(cells)).as_py() or 0
    if longest > MAX_CELL:
        raise DescriptionRefused(f"a cell has {longest} bytes, at most {MAX_CELL}")
    # What is no UTF-8 becomes U+FFFD, which is a doubt of that cell.
    return [cell if cell is None else cell.decode("utf-8", "replace") for cell in cells.to_pylist()]
