"""What this process has lately met as it wrote: a full disk, a database that may only be read."""

import time

from ledger.conditions import Name, name_of

# Whoever is asked again after that tries again, and finds out anew.
KEPT_SECONDS = 60

_met: dict[Name, float] = {}


def note(error: BaseException) -> None:
    """Remember the state that ``error`` tells of, if it tells of one."""
    if name := name_of(error):
        _met[name] = time.monotonic()


def recent() -> tuple[Name, ...]:
    """Return the states that were met lately."""
    now = time.monotonic()
    return tuple(name for name, at in list(_met.items()) if now - at < KEPT_SECONDS)
