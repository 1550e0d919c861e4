"""Checks of rows that no record of their own binds: each app registers those it answers for.

A million rows of one event are bound by a root in one recorded row. Verification of the log calls
each check in its snapshot, with access to the keystore.
"""

from collections.abc import Callable, Iterable

# Yields findings: a stable code, and a sentence that names the row and what differs.
Check = Callable[[], Iterable[tuple[str, str]]]

BINDINGS: list[Check] = []


def binds(check: Check) -> Check:
    """Register ``check``; for use as a decorator."""
    BINDINGS.append(check)
    return check
