"""Advisory locks of the main database: each kind of work that one process at a time may do."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

# Lock spaces in a range of our own ("muni" in ASCII and on); the first two take a log's id beside.
SEQUENCING = 0x6D756E69
CHECKING = 0x6D756E6A
PUBLICATION_POLICY = 0x6D756E6B
INSTALLATION = 0x6D756E6C
ARCHIVE = 0x6D756E6D


@contextmanager
def alone(space: int) -> Iterator[None]:
    """Open a transaction that waits until it is the only one in ``space``."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, 0)", [space])
        yield
