"""How long a committed record waits for the checkpoint that covers it."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import UUID

from django.db import connection, connections, transaction

from bench.acts import THING_MEASURED, Measured, person
from bench.bulk import settle
from bench.installation import as_superuser, held_snapshot
from bench.lines import Line, line, quantile
from bench.storm import SequencerProcess
from ledger.models import Anchored, Leaf
from ledger.services import Unsealed, append

_RATE, _SECONDS, _WRITERS = 200, 10, 4
_POLL_SECONDS = 0.004
# Entries come and go with ids of their own, as a year's do.
_CHURN = """
    WITH queued AS (
        SELECT nextval('ledger_record_id_seq') AS id FROM generate_series(1, 1000000)
    ), put AS (INSERT INTO ledger_pending (record_id) SELECT id FROM queued)
    SELECT count(*) FROM queued;
    DELETE FROM ledger_pending p WHERE NOT EXISTS (
        SELECT FROM ledger_record r WHERE r.id = p.record_id)"""


def publish_delay() -> Iterator[Line]:
    """Commit of a record to the published checkpoint over it, at 200 records a second.

    And the same while somebody holds a snapshot that keeps a million entries of the queue.
    """
    person()
    yield from _measure("publish_delay_p99")
    with held_snapshot():
        as_superuser(_CHURN)
        yield from _measure("publish_delay_p99_over_churn")


def _measure(name: str) -> Iterator[Line]:
    sequencer = SequencerProcess({})
    sequencer.start()
    watch = _Watch()
    try:
        # Once it has published one, it is up: how long a process takes to start is no delay.
        _write(0)
        settle(sequencer)
        watch.start()
        written = _write_steadily()
        settle(sequencer)
        time.sleep(10 * _POLL_SECONDS)
    finally:
        watch.ends.set()
        sequencer.kill()
    watch.join()
    indexes = dict(
        Leaf.objects.values_list("record__uuid", "index").order_by("-index")[: len(written)]
    )
    delays = [watch.published_at(indexes[one.uuid]) - one.committed for one in written]
    p99, own = quantile(delays, 0.99), quantile([one.seconds for one in written], 0.99)
    of = "the p99 of the record's own transaction meanwhile"
    told = (name, "s", [p99], [own])
    yield line(*told, of=of, must="value <= 1", aim="value <= 0.25")


@dataclass(frozen=True)
class _Written:
    uuid: UUID
    committed: float
    seconds: float


class _Watch(threading.Thread):
    """Notes when each size was first seen published."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._seen: list[tuple[int, float]] = [(0, 0.0)]
        self.ends = threading.Event()

    def run(self) -> None:
        """Look until ``ends`` is set."""
        newest = Anchored.objects.order_by("-checkpoint__size").values_list("checkpoint__size")
        while not self.ends.wait(_POLL_SECONDS):
            (size,) = newest.all()[0]
            if size > self._seen[-1][0]:
                self._seen.append((size, time.monotonic()))
        connection.close()

    def published_at(self, index: int) -> float:
        """Return when the leaf at ``index`` was first covered."""
        return next(at for size, at in self._seen if size > index)


def _write_steadily() -> list[_Written]:
    began = time.monotonic()
    numbers = range(_RATE * _SECONDS)

    def write(writer: int) -> list[_Written]:
        written = []
        for number in numbers[writer::_WRITERS]:
            time.sleep(max(0.0, began + number / _RATE - time.monotonic()))
            written.append(_write(number))
        connections.close_all()
        return written

    with ThreadPoolExecutor(_WRITERS) as pool:
        return [one for part in pool.map(write, range(_WRITERS)) for one in part]


def _write(number: int) -> _Written:
    started = time.monotonic()
    with transaction.atomic():
        segment = Unsealed("subject", (person(),), {"number": number})
        record = append(kind=THING_MEASURED, facts=Measured(number=number), segments=[segment])
    ended = time.monotonic()
    return _Written(record.uuid, ended, ended - started)
