"""The same records as a table: one Parquet file, for whoever counts rather than verifies."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from ledger.archive import store
from ledger.errors import CopyBroken, NotArchivable

ROWS_AT_ONCE = 8_192


@dataclass(frozen=True)
class Row:
    """One record in its place, as the table has it."""

    record_id: int
    uuid: UUID
    origin: str | None
    index: int | None
    at: str
    kind: str
    body: bytes


def write(path: str, rows: Iterable[Row]) -> tuple[int, str]:
    """Write the table of ``rows``; return how many there were and the file's SHA-256, hexadecimal.

    Memory stays flat. Raises NotArchivable without pyarrow.
    """
    parquet = _parquet()
    waiting, count = iter(rows), 0
    with TemporaryDirectory(prefix="muniment-archive-") as folder:
        file = Path(folder) / "records.parquet"
        with parquet.ParquetWriter(file, _schema(), compression="zstd") as writer:
            while chunk := list(islice(waiting, ROWS_AT_ONCE)):
                writer.write_batch(_batch(chunk))
                count += len(chunk)
        store.replace_by(path, file)
        return count, _digest(file)


def read(path: str, digest: str) -> Iterator[Row]:
    """Yield the rows of a table. Raises CopyBroken when it is not the one that was written."""
    with store.fetched(path) as file:
        if _digest(file) != digest:
            raise CopyBroken(f"{path} in the archive is not what was written there")
        with _parquet().ParquetFile(file) as table:
            for batch in table.iter_batches(ROWS_AT_ONCE):
                for row in batch.to_pylist():
                    yield Row(**{**row, "uuid": UUID(bytes=row["uuid"])})


def _parquet() -> Any:
    """Return pyarrow's reader and writer. Raises NotArchivable where it is not installed.

    An extra, and not before it is needed: it takes 40 MiB of each process that has it.
    """
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise NotArchivable("pyarrow is not installed: pip install 'muniment[archive]'") from error
    return parquet


def _schema() -> Any:
    import pyarrow as pa

    return pa.schema(
        [
            pa.field("record_id", pa.int64(), nullable=False),
            pa.field("uuid", pa.binary(16), nullable=False),
            pa.field("origin", pa.string()),
            pa.field("index", pa.int64()),
            pa.field("at", pa.string(), nullable=False),
            pa.field("kind", pa.string(), nullable=False),
            pa.field("body", pa.binary(), nullable=False),
        ]
    )


def _batch(rows: list[Row]) -> Any:
    columns = [
        [row.record_id for row in rows],
        [row.uuid.bytes for row in rows],
        [row.origin for row in rows],
        [row.index for row in rows],
        [row.at for row in rows],
        [row.kind for row in rows],
        [row.body for row in rows],
    ]
    import pyarrow as pa

    schema = _schema()
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.record_batch(arrays, schema=schema)


def _digest(file: Path) -> str:
    digest = sha256()
    with file.open("rb") as opened:
        while block := opened.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
