"""Partitions: where the next records will lie, made before anybody needs them."""

import time

from django.conf import settings
from django.db import connection

# How many partitions lie ready ahead of the newest record.
AHEAD = 2
LOOK_SECONDS = 5.0


class Partitions:
    """Looks every few seconds whether another partition is due, and makes it."""

    def __init__(self) -> None:
        self._looked = float("-inf")

    def extend(self) -> int:
        """Return how many were made. Writers wait for none of it."""
        if time.monotonic() - self._looked < LOOK_SECONDS:
            return 0
        self._looked = time.monotonic()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT ledger_extend(%s, %s)", [settings.MUNIMENT_PARTITION_RECORDS, AHEAD]
            )
            (made,) = cursor.fetchone()
        return int(made)
