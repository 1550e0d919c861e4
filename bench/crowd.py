"""Many writers at once: processes of threads, timed from the moment that all are ready."""

import os
import struct
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from django.db import connections

_WARM_UP = 3


def crowd(write: Callable[[], None], *, processes: int, threads: int, each: int) -> float:
    """Return the writes a second that all writers make together, ``each`` by every one."""
    # A forked connection would be used from both sides.
    connections.close_all()
    ready, go, told = os.pipe(), os.pipe(), os.pipe()
    children = [_fork(write, threads, each, ready[1], go, told[1]) for _ in range(processes)]
    for _ in children:
        os.read(ready[0], 1)
    os.close(go[1])  # the end of this pipe is the start for all at once
    ends = [struct.unpack("dd", os.read(told[0], 16)) for _ in children]
    for child in children:
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert status == 0, f"a writer ended with {status}"
    for end in (*ready, go[0], *told):
        os.close(end)
    began, ended = min(one for one, _ in ends), max(other for _, other in ends)
    return float(processes * threads * each / (ended - began))


def _fork(
    write: Callable[[], None], threads: int, each: int, ready: int, go: tuple[int, int], told: int
) -> int:
    pid = os.fork()
    if not pid:
        status = 1
        with suppress(BaseException):
            os.close(go[1])
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(lambda _: _repeat(write, _WARM_UP), range(threads)))
                os.write(ready, b"r")
                os.read(go[0], 1)
                began = time.monotonic()
                list(pool.map(lambda _: _repeat(write, each), range(threads)))
                os.write(told, struct.pack("dd", began, time.monotonic()))
            status = 0
        os._exit(status)
    return pid


def _repeat(write: Callable[[], None], times: int) -> None:
    for _ in range(times):
        write()
