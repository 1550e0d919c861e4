"""Advisory file locks: held by open files, so that the kernel frees them however a process ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SHARED, EXCLUSIVE = fcntl.LOCK_SH, fcntl.LOCK_EX


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """Open a lock file, made when missing; closing it frees what was locked through it.

    A child that inherits the descriptor holds the lock too, until it ends.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Wait for the exclusive lock on ``path`` and hold it."""
    with opened(path) as descriptor:
        fcntl.flock(descriptor, EXCLUSIVE)
        yield


def try_lock(descriptor: int, mode: int) -> bool:
    """Take a lock without waiting; returns whether it is ours now."""
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_free(path: Path) -> bool:
    """Say whether nobody holds ``path`` exclusively; a missing file is free."""
    if not path.exists():
        return True
    with opened(path) as descriptor:
        return try_lock(descriptor, SHARED)
