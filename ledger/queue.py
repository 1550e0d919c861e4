"""The queue of records that wait for a place, as one sequencer polls it.

A snapshot that somebody holds open keeps every entry that was deleted since: read from its
beginning, the queue would get longer with each record of a year. So each poll begins behind a
floor, below which no entry is left and none can come any more. ``ledger_append`` has a transaction
id before it draws a record's: once all transactions have ended that had one when the newest record
was n, whatever has an id up to n is committed or never will be.
"""

import time

from django.db import connection

from ledger import binary

# How often a higher floor is looked for.
FLOOR_SECONDS = 1.0


class Queue:
    """Reads what waits in one log, in the order of ids. Keep one for a sequencer's life."""

    def __init__(self, log: int) -> None:
        self._log = log
        self.forget()

    def forget(self) -> None:
        """Begin at the beginning: behind a lost connection another database may stand."""
        self.floor = 0
        self._next = 0
        # Records up to ``_reach`` are settled once no transaction before ``_horizon`` is left.
        self._reach = 0
        self._horizon = 0
        self._asked = float("-inf")

    def read(self, limit: int) -> list[tuple[int, bytes]]:
        """Return (record id, body) of at most ``limit`` records, and see whether the floor rises.

        Must run at READ COMMITTED: the rows must be read later than who is in progress.
        """
        settled = self._settled()
        rows = binary.fetch(
            "SELECT p.record_id, r.body FROM ledger_pending p "
            "JOIN ledger_record r ON r.id = p.record_id "
            "WHERE p.record_id > %s AND r.log_id = %s ORDER BY p.record_id LIMIT %s",
            [self.floor, self._log, limit],
        )
        is_all = len(rows) < limit or rows[-1][0] > settled
        self._next = settled if is_all else 0
        return [(record, body) for record, body in rows]

    def taken(self) -> None:
        """Raise the floor: what ``read`` gave no longer waits, which is committed."""
        if self._next > self.floor:
            self.floor, self._reach = self._next, 0

    def _settled(self) -> int:
        """Return the record id up to which all transactions have ended, 0 for not known."""
        with connection.cursor() as cursor:
            if not self._reach and not self._mark():
                return 0
            cursor.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
            (oldest,) = cursor.fetchone()
        return self._reach if oldest >= self._horizon else 0

    def _mark(self) -> bool:
        """Note the newest record id, and then whose transactions may still write up to it."""
        if time.monotonic() - self._asked < FLOOR_SECONDS:
            return False
        self._asked = time.monotonic()
        with connection.cursor() as cursor:
            cursor.execute("SELECT last_value, is_called FROM ledger_record_id_seq")
            newest, is_called = cursor.fetchone()
            if not is_called or newest <= self.floor:
                return False
            # Not the snapshot's xmax, which only says what has ended: an id of our own is greater
            # than every other that was given out before.
            cursor.execute("SELECT pg_current_xact_id()::text::bigint")
            (self._horizon,) = cursor.fetchone()
        self._reach = newest
        return True
