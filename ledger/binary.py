"""Bulk reading and writing on Django's connection in PostgreSQL's binary format.

Django's own cursors speak text, where bytes are twice as long and are put into the statement by
the client. These run in the same transaction and raise the same errors.
"""

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any
from uuid import UUID, uuid4
from weakref import WeakKeyDictionary

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg import generators, sql
from psycopg.abc import PQGen
from psycopg.pq import ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

Row = tuple[Any, ...]
Cells = list[bytes]
Query = str | sql.SQL | sql.Composed
Argument = str | bytes | None
_BYTEA, _UUID = 17, 2950  # their object ids
_SIXTEEN = (16).to_bytes(4, "big")
_LISTED = 64
# The signature of binary COPY with no flags and no extension, its end, and an absent cell.
_COPY_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_END, NULL_CELL = b"\xff\xff", b"\xff\xff\xff\xff"
_ROWS = 200
_FORMATS = {str: Format.TEXT, bytes: Format.BINARY, type(None): Format.TEXT}
# Statements that each session has prepared, by their text.
_PREPARED: WeakKeyDictionary[psycopg.Connection[Row], dict[str, bytes]] = WeakKeyDictionary()


def fetch(query: Query, arguments: Sequence[Any] = ()) -> list[Row]:
    """Run ``query`` and return all its rows. Raises Django's DatabaseError."""
    with connection.wrap_database_errors, psycopg.Cursor(_raw()) as cursor:
        return cursor.execute(query, arguments, binary=True).fetchall()


def send(
    statement: str, arguments: Sequence[Argument], *, using: str = DEFAULT_DB_ALIAS
) -> Callable[[], list[Cells]]:
    """Send a statement that gives rows, and go on; call what is returned to wait for them.

    As ``send_all``, for one statement.
    """
    answers = send_all([(statement, arguments)], using=using)
    return lambda: answers()[0]


def send_all(
    statements: Iterable[tuple[str, Sequence[Argument]]], *, using: str = DEFAULT_DB_ALIAS
) -> Callable[[], list[list[Cells]]]:
    """Send statements in one round trip, and go on; call what is returned to wait for their rows.

    For the path that every record takes: prepared once a session, pipelined, no cursor, no
    adaptation. Parameters are ``$1`` …; text goes as text, bytes in PostgreSQL's binary format;
    the cells come as text, NULL as none of it. The answer must be waited for before anything else
    is asked on this connection. Raises Django's DatabaseError for the first statement that fails;
    those behind it are not carried out.
    """
    database = connections[using]
    raw = _raw(using)
    if raw.info.transaction_status == TransactionStatus.IDLE and not raw.autocommit:
        # psycopg begins a transaction with its own first statement only.
        with database.wrap_database_errors:
            raw.execute("SELECT")
    with database.wrap_database_errors, raw.lock:
        # All that may fail on our side comes before the connection is a pipeline.
        named = [
            (
                _prepared(raw, statement),
                [one.encode() if isinstance(one, str) else one for one in arguments],
                [_FORMATS[type(one)] for one in arguments],
            )
            for statement, arguments in statements
        ]
        raw.pgconn.enter_pipeline_mode()
        for name, values, formats in named:
            raw.pgconn.send_query_prepared(name, values, param_formats=formats)
        raw.pgconn.pipeline_sync()
        raw.pgconn.flush()
    return partial(_receive, database, raw, len(named))


def among(column: str, values: list[str]) -> tuple[str, list[str]]:
    """Return the condition that ``column``, a uuid, is one of ``values``, and its arguments.

    A short list is filled up to a power of two, so that there are few statements: one of known
    length is planned once a session, an array at each execution.
    """
    if not 0 < len(values) <= _LISTED:
        return f"{column} = ANY ($1::uuid[])", [text_array(values)]
    size = 1 << (len(values) - 1).bit_length()
    places = ", ".join(f"${place}" for place in range(1, size + 1))
    return f"{column} IN ({places})", [*values, *values[-1:] * (size - len(values))]


def uuid_array(values: Sequence[UUID]) -> bytes:
    """Return a ``uuid[]`` in PostgreSQL's binary format (array_send)."""
    head = struct.pack("!iiIii", 1, 0, _UUID, len(values), 1)
    return head + b"".join(_SIXTEEN + one.bytes for one in values)


def bytea_array(values: Sequence[bytes]) -> bytes:
    """Return a ``bytea[]`` in PostgreSQL's binary format (array_send)."""
    if not values:
        return struct.pack("!iiI", 0, 0, _BYTEA)
    head = struct.pack("!iiIii", 1, 0, _BYTEA, len(values), 1)
    return head + b"".join(len(one).to_bytes(4, "big") + one for one in values)


def text_array(values: Iterable[Any]) -> str:
    """Return an array of values that need no quotes, such as UUIDs and our tables' names."""
    return "{" + ",".join(map(str, values)) + "}"


def _prepared(raw: psycopg.Connection[Row], statement: str) -> bytes:
    """Return the name of ``statement`` in this session, which has it prepared from then on."""
    names = _PREPARED.setdefault(raw, {})
    if statement not in names:
        name = b"muniment_%d" % len(names)
        result = raw.pgconn.prepare(name, statement.encode())
        if result.status != ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(result, raw.info.encoding)
        names[statement] = name
    return names[statement]


def _receive(
    database: BaseDatabaseWrapper, raw: psycopg.Connection[Row], statements: int
) -> list[list[Cells]]:
    with database.wrap_database_errors, raw.lock:
        results = raw.wait(_finish(raw.pgconn, statements))
        for result in results:
            if result.status != ExecStatus.TUPLES_OK:
                raise psycopg.errors.error_from_result(result, raw.info.encoding)
        return [list(_cells(result)) for result in results]


def _finish(pgconn: PGconn, statements: int) -> PQGen[list[PGresult]]:
    """Wait for the results of a pipeline, and leave it."""
    yield from generators.send(pgconn)
    results = []
    for _ in range(statements):
        results += yield from generators.fetch_many(pgconn)
    yield from generators.fetch_many(pgconn)  # of the synchronisation
    pgconn.exit_pipeline_mode()
    return results


def _cells(result: PGresult) -> Iterator[Cells]:
    columns = range(result.nfields)
    for row in range(result.ntuples):
        yield [result.get_value(row, column) or b"" for column in columns]


def sqlstate(error: Exception) -> str | None:
    """Return the SQLSTATE behind Django's error, if PostgreSQL gave one."""
    state: str | None = getattr(error.__cause__, "sqlstate", None)
    return state


def violated(error: Exception) -> str | None:
    """Return the constraint behind Django's IntegrityError."""
    cause = error.__cause__
    return cause.diag.constraint_name if isinstance(cause, psycopg.Error) else None


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


def cell(content: bytes) -> bytes:
    """Return a value in PostgreSQL's binary format as a cell of a row of binary COPY."""
    return len(content).to_bytes(4, "big") + content


def copy_rows(table: str, columns: Sequence[str], rows: Iterable[Iterable[bytes]]) -> None:
    """As ``copy_in``, for rows of cells that ``cell`` made; NULL_CELL is NULL.

    Several times as fast: no cell is adapted, and rows are sent many at a time.
    """
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    count = len(columns).to_bytes(2, "big")
    encoded = map(b"".join, rows)
    with (
        connection.wrap_database_errors,
        psycopg.Cursor(_raw()) as cursor,
        cursor.copy(statement) as copy,
    ):
        copy.write(_COPY_HEAD)
        while some := list(islice(encoded, _ROWS)):
            copy.write(count + count.join(some))
        copy.write(_COPY_END)


def _raw(using: str = DEFAULT_DB_ALIAS) -> psycopg.Connection[Row]:
    database = connections[using]
    database.ensure_connection()
    raw: psycopg.Connection[Row] = database.connection
    return raw
