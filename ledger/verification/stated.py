"""What records say of domain rows, kept beside the memory: a log may speak of millions."""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Statement:
    """What the newest record that speaks of a row says: the digest of its columns.

    ``index`` is the record's leaf, ``record`` its id as text.
    """

    columns: str
    index: int
    record: str


class Stated:
    """The newest statement about each row, by table and id, in a private temporary file.

    It holds random ids and digests, and is gone with the process.
    """

    def __init__(self) -> None:
        # No name: SQLite makes a file of its own, keeps what fits in memory, and unlinks it.
        self._file = sqlite3.connect("", isolation_level=None)
        self._file.execute("PRAGMA journal_mode = OFF")
        self._file.execute("PRAGMA synchronous = OFF")
        self._file.execute(
            'CREATE TABLE stated ("table" TEXT, id TEXT, columns TEXT, "index" INTEGER, '
            'record TEXT, PRIMARY KEY ("table", id)) WITHOUT ROWID'
        )

    def note(self, statements: Iterable[tuple[str, str, str, int, str]]) -> None:
        """Remember (table, row id, columns, index, record) of each; of one row the last counts."""
        self._file.executemany("INSERT OR REPLACE INTO stated VALUES (?, ?, ?, ?, ?)", statements)

    def tables(self) -> list[str]:
        """Return the tables that are spoken of."""
        return [table for (table,) in self._file.execute('SELECT DISTINCT "table" FROM stated')]

    def speaks_of(self, table: str, pk: UUID) -> bool:
        """Return whether any statement is about this row."""
        query = 'SELECT 1 FROM stated WHERE "table" = ? AND id = ?'
        return self._file.execute(query, [table, str(pk)]).fetchone() is not None

    def of(self, table: str) -> Iterator[tuple[str, Statement]]:
        """Yield row id and statement for each row of ``table``, ordered by id."""
        query = 'SELECT id, columns, "index", record FROM stated WHERE "table" = ? ORDER BY id'
        found: Iterable[tuple[str, str, int, str]] = self._file.execute(query, [table])
        for row, columns, index, record in found:
            yield row, Statement(columns, index, record)
