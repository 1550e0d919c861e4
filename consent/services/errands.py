"""Leases of errands that are carried out: renewed where work is long, put off where it fails."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from time import monotonic

from consent.models.errands import ErrandQuerySet, LeaseLost, WorkErrand

RETRY = timedelta(minutes=1)


def put_off(errand: WorkErrand) -> None:
    """Let an errand that failed be tried again soon, unless somebody else is at it meanwhile."""
    errands: ErrandQuerySet = type(errand)._default_manager.all()
    with suppress(LeaseLost):
        errands.keep(errand, RETRY)


def keeping(renew: Callable[[], None], term: timedelta) -> Callable[[], None]:
    """Return what to call again and again during long work, so that nobody else takes it over.

    It calls ``renew`` when a third of the lease has passed since the last time. Must not
    be called inside a transaction: others would not see it.
    """
    renewed = monotonic()

    def keep() -> None:
        nonlocal renewed
        if monotonic() - renewed > term.total_seconds() / 3:
            renew()
            renewed = monotonic()

    return keep
