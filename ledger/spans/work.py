"""What a worker can be asked for: tasks, answers, and how one becomes the other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

import psycopg

Connection: TypeAlias = psycopg.Connection[Any]
# Gives the 256 bodies of a tile that lie in the archive, or raises CopyBroken.
Archived: TypeAlias = Callable[[int], Sequence[bytes]]
Task = TypeVar("Task")
Answer = TypeVar("Answer")


class BodiesElsewhere(Exception):
    """A body lies in the archive, which cannot be read from here."""


@dataclass(frozen=True)
class Work(Generic[Task, Answer]):
    """One kind of work. Task and answer are dataclasses of types that JSON has.

    ``do`` works in the transaction of the connection. Raises BodiesElsewhere when it needs bodies
    from the archive and was given no way to them.
    """

    name: str
    task: type[Task]
    answer: type[Answer]
    do: Callable[[Connection, Task, Archived | None], Answer]


def fetch(connection: Connection, query: str, arguments: Sequence[Any]) -> list[Any]:
    """Return all rows of ``query``, read in PostgreSQL's binary format."""
    with psycopg.Cursor(connection) as cursor:
        return cursor.execute(query.encode(), arguments, binary=True).fetchall()


def keep_to_indexes(connection: Connection, *, is_kept: bool = True) -> None:
    """Let queries of this transaction read a few rows of a table by its index, or end that.

    Before statistics are taken of a table that grew, PostgreSQL would read all of it for each span.
    """
    for way in ("enable_seqscan", "enable_hashjoin"):
        connection.execute(f"SET LOCAL {way} = {'off' if is_kept else 'DEFAULT'}".encode())
