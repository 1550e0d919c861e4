"""Leases of errands that are carried out: renewed where work is long, put off where it fails."""

from collections.abc import Callable
from datetime import timedelta
from time import monotonic
from uuid import UUID

from consent.models.errands import ErrandQuerySet, WorkErrand

RETRY = timedelta(minutes=1)


def put_off(errand: WorkErrand) -> None:
    """Let an errand that failed be tried again soon."""
    errands: ErrandQuerySet = type(errand)._default_manager.all()
    errands.renew(errand.pk, RETRY)


def keeping(errands: ErrandQuerySet, pk: UUID, term: timedelta) -> Callable[[], None]:
    """Return what to call again and again during long work, so that nobody else takes it over.

    The lease is renewed when a third of it has passed since the last time; an errand that is gone
    stays gone. Must not be called inside a transaction: others would not see it.
    """
    renewed = monotonic()

    def keep() -> None:
        nonlocal renewed
        if monotonic() - renewed > term.total_seconds() / 3:
            errands.renew(pk, term)
            renewed = monotonic()

    return keep
