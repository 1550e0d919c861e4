"""Checks of rows that no record of their own binds: each app registers those it answers for.

A million rows of one event are bound by a root in one recorded row. Verification of the log calls
each check in its snapshot, with access to the keystore, and says of which recorded rows it asks:
all of them, or those that the leaves behind a checkpoint speak of.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar
from uuid import UUID

# Whether a recorded row, by table and id, is asked about.
Asked = Callable[[str, UUID], bool]
# Yields findings: a stable code, and a sentence that names the row and what differs.
Check = Callable[[Asked], Iterable[tuple[str, str]]]

AnyCheck = TypeVar("AnyCheck", bound=Check)

BINDINGS: list[Check] = []


def binds(check: AnyCheck) -> AnyCheck:
    """Register ``check``; for use as a decorator."""
    BINDINGS.append(check)
    return check
