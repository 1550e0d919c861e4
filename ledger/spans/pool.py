"""Worker processes for spans: started, fed in turn, and ended with their one caller."""

import os
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import orjson

from ledger.errors import VerificationBroken
from ledger.spans.check import Checked, Span

_ROOT = Path(__file__).parents[2]
# Answers that may wait for an earlier one: more would pile up in memory.
_AHEAD = 2


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def workers(database: Mapping[str, Any], snapshot: str, count: int) -> Iterator["Workers"]:
    """Start ``count`` workers that read ``snapshot``; they end when the block does."""
    order = orjson.dumps({"database": dict(database), "snapshot": snapshot})
    pool = Workers([_Worker(order) for _ in range(count)])
    try:
        yield pool
    finally:
        pool.end()


class Workers:
    """Checks spans in all workers at once and answers in their order."""

    def __init__(self, workers: Sequence["_Worker"]) -> None:
        self._workers = workers
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        for worker in workers:
            self._idle.put(worker)

    def check(self, spans: Sequence[Span]) -> Iterator[Checked]:
        """Yield what each span gives. Raises VerificationBroken when a worker ends."""
        waiting: deque[Future[Checked]] = deque()
        with ThreadPoolExecutor(len(self._workers)) as threads:
            try:
                for span in spans:
                    waiting.append(threads.submit(self._ask, span))
                    if len(waiting) >= _AHEAD * len(self._workers):
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()

    def end(self) -> None:
        """End all workers, whatever they do."""
        for worker in self._workers:
            worker.end()

    def _ask(self, span: Span) -> Checked:
        worker = self._idle.get()
        try:
            return worker.ask(span)
        finally:
            self._idle.put(worker)


class _Worker:
    def __init__(self, order: bytes) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ledger.spans"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._send(order)

    def ask(self, span: Span) -> Checked:
        self._send(orjson.dumps(asdict(span)))
        assert self._process.stdout is not None
        answer = self._process.stdout.readline()
        if not answer:
            raise VerificationBroken("a worker of the verification ended before its answer")
        return Checked(**orjson.loads(answer))

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _send(self, line: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise VerificationBroken("a worker of the verification ended by itself") from error
