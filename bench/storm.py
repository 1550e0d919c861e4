"""Many writers in many processes on one log, while its sequencer is killed again and again."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path

from django.db import connections

from ledger.models import Leaf, Pending

MANAGE = Path(__file__).parents[1] / "manage.py"
PATIENCE_SECONDS = 120
_POLL_SECONDS = 0.01


@dataclass
class SequencerProcess:
    """A real ``manage.py sequencer``; ``environment`` says which installation it serves."""

    environment: Mapping[str, str]
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        environment = {**os.environ, "MUNIMENT_ROLE": "sequencer", **self.environment}
        command = [sys.executable, str(MANAGE), "sequencer"]
        self._process = subprocess.Popen(command, env=environment)  # noqa: S603

    def wait_until(self, holds: Callable[[], bool]) -> None:
        """Wait for what this sequencer should bring about. Raises AssertionError in the end."""
        assert self._process is not None
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            assert self._process.poll() is None, "the sequencer ended by itself"
            assert time.monotonic() < deadline, "the sequencer does not keep up"
            time.sleep(_POLL_SECONDS)

    def kill(self) -> None:
        """End it with SIGKILL, as a power cut would."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()


@dataclass(frozen=True)
class Storm:
    """How many processes of how many threads write how many records, and how often to kill."""

    processes: int
    threads: int
    records: int
    kills: int

    def rage(self, write: Callable[[int], None], sequencer: SequencerProcess) -> float:
        """Write all records, killing meanwhile; return the seconds until each has its place.

        ``write`` commits one record, given its number, and is called in forked processes.
        A kill comes as soon as the sequencer has placed some of the records of its round.
        """
        began = time.monotonic()
        sequencer.start()
        try:
            for numbers in self._rounds():
                sequencer.wait_until(_nothing_waits)
                placed = Leaf.objects.count()
                children = [self._fork(write, part) for part in _split(numbers, self.processes)]
                if numbers.stop < self.records:
                    sequencer.wait_until(partial(_more_than, placed))
                    sequencer.kill()
                    sequencer.start()
                for child in children:
                    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
                    assert status == 0, f"a writer ended with {status}"
            sequencer.wait_until(_nothing_waits)
        finally:
            sequencer.kill()
        return time.monotonic() - began

    def _rounds(self) -> Iterator[range]:
        return _split(range(self.records), self.kills + 1)

    def _fork(self, write: Callable[[int], None], numbers: range) -> int:
        connections.close_all()
        pid = os.fork()
        if not pid:
            status = 1
            with suppress(BaseException):
                with ThreadPoolExecutor(self.threads) as pool:
                    list(pool.map(write, numbers))
                status = 0
            os._exit(status)
        return pid


def _split(numbers: range, parts: int) -> Iterator[range]:
    cuts = [numbers.start + len(numbers) * part // parts for part in range(parts + 1)]
    return (range(one, other) for one, other in pairwise(cuts))


def _more_than(placed: int) -> bool:
    return Leaf.objects.count() > placed


def _nothing_waits() -> bool:
    return not Pending.objects.exists()
