"""Waits for what another session does in the database, without sleeping for luck."""

import time

from django.db import connection

PATIENCE_SECONDS = 60


def until_blocked() -> None:
    """Return once some session of this test's database waits for a lock."""
    query = (
        "SELECT EXISTS (SELECT FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock')"
    )
    deadline = time.monotonic() + PATIENCE_SECONDS
    blocked = False
    while not blocked:
        assert time.monotonic() < deadline, "nobody waits for a lock"
        with connection.cursor() as cursor:
            cursor.execute(query)
            (blocked,) = cursor.fetchone()
