"""A worker: reads spans from standard input, one JSON line each, and answers each with a line.

The first line says how to reach the database and which snapshot to read.
"""

import sys
from typing import Any

import orjson
import psycopg
from psycopg import sql

from ledger.spans.check import Span, check_span


def main() -> None:
    """Answer until the input ends."""
    order: dict[str, Any] = orjson.loads(sys.stdin.buffer.readline())
    # The order itself, so that no password is an argument that all may see.
    with psycopg.connect(**order["database"]) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(order["snapshot"]))
        connection.execute("SET LOCAL transaction_timeout = 0")
        for line in sys.stdin.buffer:
            answer = check_span(connection, Span(**orjson.loads(line)))
            sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
