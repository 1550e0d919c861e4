"""A worker: reads tasks from standard input, one JSON line each, and answers each with a line.

The first line says how to reach the database, which snapshot to read, and which work to do.
"""

import resource
import sys
from typing import Any

import orjson
import psycopg
from psycopg import sql

from ledger.spans.check import INTEGRITY
from ledger.spans.openings import OPENNESS
from ledger.spans.work import BodiesElsewhere, Connection, Work, keep_to_indexes

_WORKS: dict[str, Work[Any, Any]] = {work.name: work for work in (INTEGRITY, OPENNESS)}


def main() -> None:
    """Answer until the input ends."""
    # A task may hold keys: they are for this process's memory only.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    order: dict[str, Any] = orjson.loads(sys.stdin.buffer.readline())
    work = _WORKS[order["work"]]
    # The order itself, so that no password is an argument that all may see.
    with psycopg.connect(**order["database"]) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(order["snapshot"]))
        connection.execute("SET LOCAL transaction_timeout = 0")
        keep_to_indexes(connection)
        while _answer_next(connection, work):
            pass


def _answer_next(connection: Connection, work: Work[Any, Any]) -> bool:
    """Answer one task: nothing of it stays while the next one is waited for."""
    line = sys.stdin.buffer.readline()
    if not line:
        return False
    try:
        answer = work.do(connection, work.task(**orjson.loads(line)), None)
    except BodiesElsewhere:
        answer = None
    sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
    sys.stdout.buffer.flush()
    return True


if __name__ == "__main__":
    main()
