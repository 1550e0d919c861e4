"""What time it is: the database's clock, the same one for every process that writes or asks."""

from datetime import datetime

from django.db import connection


def database_now() -> datetime:
    """Return the database's wall clock, which goes on within a transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now
