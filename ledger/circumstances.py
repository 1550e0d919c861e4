"""Reader: what may keep the service from its work, measured: room, clocks, queue, transactions."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import DatabaseError, connection, connections

from ledger import failures
from ledger.conditions import (
    CLOCKS_APART,
    Circumstances,
    Clocks,
    Condition,
    Queue,
    find_conditions,
)
from ledger.models import Offer
from ledger.nameplate import read_plates
from ledger.soundness import max_merge_delay, read_queues

# How people call a database.
DATABASES = {"default": "main", "keystore": "keystore"}
# For how long a clock that was set is told of.
JUMP_TOLD = timedelta(minutes=10)


def read_conditions(queues: Mapping[str, Queue] | None = None) -> tuple[Condition, ...]:
    """Return the states that hold now. ``queues``, by log, need not be read twice."""
    return find_conditions(read_circumstances(queues))


def read_circumstances(queues: Mapping[str, Queue] | None = None) -> Circumstances:
    """Measure everything; what a database does not answer is left out.

    That one is silent is said by another check. Each query is short, however long the log.
    """
    looks = dict(_look_at_databases())
    apart = {DATABASES[alias]: look.apart for alias, look in looks.items()}
    here = Circumstances(
        max_merge_delay=max_merge_delay(),
        rooms=dict(_rooms()),
        read_only=tuple(DATABASES[alias] for alias, look in looks.items() if look.is_read_only),
        failures=tuple((name, "this process") for name in failures.recent()),
        clocks=Clocks(apart, CLOCK.jumped()),
    )
    if "default" not in looks:
        return here
    try:
        return _ask_main(here, looks["default"], read_queues() if queues is None else queues)
    except DatabaseError:
        return here


def oldest_transaction() -> tuple[str, timedelta] | None:
    """Return role and age of the transaction that is open longest in the main database, if any.

    Raises DatabaseError, also when ``roles/main.sql`` was not run since this code came.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT role, age FROM ledger_oldest_transaction()")
        row = cursor.fetchone()
    return (row[0], row[1]) if row and row[1] is not None else None


@dataclass(frozen=True)
class _Look:
    """What one database says of itself; ``apart`` is how far its clock is from this machine's."""

    is_read_only: bool
    now: datetime
    apart: timedelta


class ClockWatch:
    """Sees that this machine's clock was set, by one that nobody can set."""

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        # Goes on while the machine sleeps: waking up is no jump.
        steady: Callable[[], float] = lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
    ) -> None:
        self._wall, self._steady = wall, steady
        self._offset = wall() - steady()
        self._seen_at: float | None = None

    def jumped(self) -> timedelta:
        """Return how far the clock was set lately, below zero for back; 0 for not at all."""
        now = self._steady()
        jump = timedelta(seconds=self._wall() - now - self._offset)
        is_jump = abs(jump) > CLOCKS_APART
        if is_jump and self._seen_at is None:
            self._seen_at = now
        if (
            is_jump
            and self._seen_at is not None
            and now - self._seen_at < JUMP_TOLD.total_seconds()
        ):
            return jump
        # What NTP corrects in small steps is no jump, and an old one is no news.
        self._offset, self._seen_at = self._wall() - now, None
        return timedelta()


CLOCK = ClockWatch()


def _rooms() -> Iterator[tuple[str, int]]:
    """Yield the free bytes of each place that this process can see on its machine."""
    places = {
        "service's folder": settings.MUNIMENT_HOME,
        "safe copies": settings.MUNIMENT_ANCHOR,
        "shred journal": settings.MUNIMENT_JOURNAL,
        "sealed files": settings.MUNIMENT_FILES,
    }
    if settings.MUNIMENT_EMBEDDED:
        places["databases"] = settings.MUNIMENT_HOME / "postgres"
    for place, folder in places.items():
        with suppress(OSError):
            yield place, shutil.disk_usage(folder).free


def _look_at_databases() -> Iterator[tuple[str, _Look]]:
    for alias in settings.DATABASES:
        with suppress(DatabaseError):
            yield alias, _look(alias)


def _look(alias: str) -> _Look:
    before = time.time()
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('transaction_read_only')::bool OR pg_is_in_recovery(), "
            "clock_timestamp()"
        )
        is_read_only, now = cursor.fetchone()
    after = time.time()
    # As far as the time that the answer took lets anybody tell.
    doubt = timedelta(seconds=abs(after - before) / 2)
    here = datetime.fromtimestamp((before + after) / 2, UTC)
    return _Look(is_read_only, now, max(abs(here - now) - doubt, timedelta()))


def _ask_main(here: Circumstances, look: _Look, queues: Mapping[str, Queue]) -> Circumstances:
    """Add what the main database tells. Raises DatabaseError."""
    plates, oldest = read_plates(), None
    with suppress(DatabaseError):
        oldest = oldest_transaction()
    newest = Offer.objects.order_by("-id").values_list("minute", flat=True).first()
    ahead = max(newest - look.now, timedelta()) if newest else timedelta()
    return replace(
        here,
        failures=(*here.failures, *((name, "a sequencer") for name in plates if name)),
        queues=queues,
        sequencers=len(plates),
        clocks=replace(here.clocks, ahead=ahead),
        oldest=oldest,
    )
