"""A bound on what a reader may take: a lying file ends its reading, not the machine."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_STATUS = Path("/proc/self/statm")


@contextmanager
def bounded(extra: int) -> Iterator[None]:
    """Let this process take ``extra`` bytes more than it has now; beyond, MemoryError is raised.

    Does nothing where the system does not say what a process has.
    """
    if not _STATUS.exists():
        yield
        return
    now = int(_STATUS.read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = now + extra if hard == resource.RLIM_INFINITY else min(now + extra, hard)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
