"""Bulk reading and writing on Django's connection in PostgreSQL's binary format.

Django's own cursors speak text, where bytes are twice as long and are put into the statement by
the client. These run in the same transaction and raise the same errors.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

import psycopg
from django.db import connection
from psycopg import sql

Row = tuple[Any, ...]
Query = str | sql.SQL | sql.Composed


def fetch(query: Query, arguments: Sequence[Any] = ()) -> list[Row]:
    """Run ``query`` and return all its rows. Raises Django's DatabaseError."""
    with connection.wrap_database_errors, psycopg.Cursor(_raw()) as cursor:
        return cursor.execute(query, arguments, binary=True).fetchall()


def stream(query: Query, arguments: Sequence[Any] = (), *, chunk: int = 2000) -> Iterator[Row]:
    """Yield the rows of ``query`` from a cursor on the server, ``chunk`` rows in memory at once.

    Must run inside ``transaction.atomic``. Raises Django's DatabaseError.
    """
    with connection.wrap_database_errors:
        cursor = psycopg.ServerCursor(_raw(), f"stream_{uuid4().hex}")
        with cursor:
            cursor.execute(query, arguments, binary=True)
            while rows := cursor.fetchmany(chunk):
                yield from rows


def copy_in(table: str, columns: Mapping[str, str], rows: Iterable[Sequence[Any]]) -> None:
    """COPY ``rows`` into ``table``; ``columns`` gives each one's PostgreSQL type, in order.

    Must run inside ``transaction.atomic``. Raises Django's DatabaseError.
    """
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with (
        connection.wrap_database_errors,
        psycopg.Cursor(_raw()) as cursor,
        cursor.copy(statement) as copy,
    ):
        copy.set_types(list(columns.values()))
        for row in rows:
            copy.write_row(row)


def _raw() -> psycopg.Connection[Row]:
    connection.ensure_connection()
    raw: psycopg.Connection[Row] = connection.connection
    return raw
