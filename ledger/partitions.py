"""Partitions: where the next records will lie, made before anybody needs them."""

import logging
import time

from django.conf import settings
from django.db import OperationalError, connection, transaction

from ledger.binary import sqlstate

logger = logging.getLogger(__name__)

# How many partitions lie ready ahead of the newest record.
AHEAD = 2
LOOK_SECONDS = 5.0
LOCK_TIMEOUT = "1s"
LOCK_NOT_AVAILABLE = "55P03"


class Partitions:
    """Looks every few seconds whether another partition is due, and makes it."""

    def __init__(self) -> None:
        self._looked = float("-inf")

    def extend(self) -> int:
        """Return how many were made. Writers wait for none of it.

        It waits for a VACUUM or an index being made, and not for long: there are some ahead.
        """
        if time.monotonic() - self._looked < LOOK_SECONDS:
            return 0
        self._looked = time.monotonic()
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
                cursor.execute(
                    "SELECT ledger_extend(%s, %s)", [settings.MUNIMENT_PARTITION_RECORDS, AHEAD]
                )
                (made,) = cursor.fetchone()
        except OperationalError as error:
            if sqlstate(error) != LOCK_NOT_AVAILABLE:
                raise
            logger.warning("no partition could be made ahead: somebody holds the table")
            return 0
        return int(made)
