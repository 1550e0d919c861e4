"""Worker processes: started for one work, fed in turn, and ended with their one caller."""

import os
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Generic

import orjson

from ledger.errors import VerificationBroken
from ledger.spans.work import Answer, Task, Work

_ROOT = Path(__file__).parents[2]
# Answers that may wait for an earlier one: more would pile up in memory.
_AHEAD = 2


def cores() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def workers(
    work: Work[Task, Answer], database: Mapping[str, Any], snapshot: str, count: int
) -> Iterator["Workers[Task, Answer]"]:
    """Start ``count`` workers that read ``snapshot``; they end when the block does."""
    order = {"database": dict(database), "snapshot": snapshot, "work": work.name}
    pool = Workers(work, orjson.dumps(order), count)
    try:
        yield pool
    finally:
        pool.end()


class Workers(Generic[Task, Answer]):
    """Does tasks in all workers at once and answers in their order."""

    def __init__(self, work: Work[Task, Answer], order: bytes, count: int) -> None:
        self._work = work
        self._workers = [_Worker(order) for _ in range(count)]
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        for worker in self._workers:
            self._idle.put(worker)

    def do(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Answer | None]]:
        """Yield each task with its answer, None when that wants bodies from the archive.

        ``tasks`` are made in the caller's thread, a few ahead. Raises VerificationBroken when a
        worker ends.
        """
        waiting: deque[tuple[Task, Future[Answer | None]]] = deque()
        with ThreadPoolExecutor(len(self._workers)) as threads:
            try:
                for task in tasks:
                    waiting.append((task, threads.submit(self._ask, task)))
                    if len(waiting) >= _AHEAD * len(self._workers):
                        yield _first(waiting)
                while waiting:
                    yield _first(waiting)
            finally:
                for _, future in waiting:
                    future.cancel()

    def end(self) -> None:
        """End all workers, whatever they do."""
        for worker in self._workers:
            worker.end()

    def _ask(self, task: Task) -> Answer | None:
        worker = self._idle.get()
        try:
            answer = orjson.loads(worker.ask(orjson.dumps(task)))
        finally:
            self._idle.put(worker)
        return None if answer is None else self._work.answer(**answer)


def _first(waiting: deque[tuple[Task, Future[Answer]]]) -> tuple[Task, Answer]:
    task, future = waiting.popleft()
    return task, future.result()


class _Worker:
    def __init__(self, order: bytes) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ledger.spans"],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._send(order)

    def ask(self, task: bytes) -> bytes:
        """Send one line and wait for the answer's. Raises VerificationBroken."""
        self._send(task)
        assert self._process.stdout is not None
        answer = self._process.stdout.readline()
        if not answer:
            raise VerificationBroken("a worker of the verification ended before its answer")
        return answer

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
