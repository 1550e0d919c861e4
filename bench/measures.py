"""What is measured, each as a ratio to a baseline taken in turn with it."""

import time
from collections.abc import Callable, Iterator
from itertools import count
from statistics import median
from typing import Any

from django.db import connections, transaction

from bench.storm import SequencerProcess, Storm
from consent.models import Project
from ledger.kinds import KINDS, Count, Facts, Kind
from ledger.leaf import FIRST_PREV, leaf_bytes
from ledger.merkle import leaf_hash
from ledger.models import HOUSE_SCOPE, Leaf, Log, Record, Retention
from ledger.services import Unsealed, append, open_scope
from ledger.verification import verify_log

Line = dict[str, Any]


class Measured(Facts):
    """The number of a record that a benchmark wrote."""

    number: Count


THING_MEASURED = KINDS.register(Kind("thing.measured", Measured))
FULL = Storm(processes=4, threads=16, records=4000, kills=5)
_CALM = Storm(processes=4, threads=16, records=4000, kills=0)
_numbers = count()


def append_interactive() -> Iterator[Line]:
    """A domain row with its record of one segment, against the row alone."""
    with transaction.atomic():
        person = open_scope(Retention.PERSON).pk

    def alone() -> None:
        with transaction.atomic():
            _row()

    def recorded() -> None:
        with transaction.atomic():
            segment = Unsealed("subject", (person,), {}, (_row(),))
            append(kind=THING_MEASURED, facts=Measured(number=1), segments=[segment])

    rates = [(_rate(recorded), _rate(alone)) for _ in range(25)]
    yield _line("append_interactive", rates, "transactions/s")


def sequence_under_kills() -> Iterator[Line]:
    """4,000 records by 4 × 16 writers under five kills, against the same without a kill."""
    sequencer = SequencerProcess({})
    before = Leaf.objects.count() + _waiting()
    calm = 4000 / _CALM.rage(_write, sequencer)
    killed = 4000 / FULL.rage(_write, sequencer)
    placed = list(Leaf.objects.order_by("index").values_list("index", flat=True))
    assert placed == list(range(before + 8000)), "a gap, a fork or a duplicate"
    yield _line("append_4000_under_five_kills", [(killed, calm)], "records/s")


def verify() -> Iterator[Line]:
    """Full verification with all openings, against hashing the chain alone."""
    log = Log.objects.get()
    size = Leaf.objects.count()
    rates = [
        (size / _seconds(lambda: _verify(log)), size / _seconds(_hash_chain)) for _ in range(3)
    ]
    yield _line("verify_log", rates, "leaves/s")


MEASURES: tuple[Callable[[], Iterator[Line]], ...] = (
    append_interactive,
    sequence_under_kills,
    verify,
)


def _row() -> Project:
    project = Project(code=f"bench-{next(_numbers)}")
    project.save(force_insert=True)
    return project


def _write(number: int) -> None:
    with_segment = number % 16 == 0
    with transaction.atomic():
        segments = [Unsealed("subject", (HOUSE_SCOPE,), {"number": number})] * with_segment
        append(kind=THING_MEASURED, facts=Measured(number=number), segments=segments)
    # 64 threads with two connections each would be more than the embedded PostgreSQL takes.
    connections["keystore"].close()


def _waiting() -> int:
    return Record.objects.filter(leaf__isnull=True).count()


def _verify(log: Log) -> None:
    verdict = verify_log(log)
    unexpected = [finding for finding in verdict.findings if finding.code != "row_unrecorded"]
    assert not unexpected, unexpected[0]


def _hash_chain() -> None:
    prev = FIRST_PREV
    bodies = Leaf.objects.order_by("index").values_list("index", "record__body")
    for index, body in bodies.iterator(chunk_size=2000):
        prev = leaf_hash(leaf_bytes(index, prev, body))


def _rate(action: Callable[[], None], times: int = 20) -> float:
    def repeat() -> None:
        for _ in range(times):
            action()

    return times / _seconds(repeat)


def _seconds(action: Callable[[], None]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _line(name: str, rates: list[tuple[float, float]], unit: str) -> Line:
    ratios = [one / other for one, other in rates]
    middle = rates[ratios.index(median(sorted(ratios)))] if len(rates) % 2 else rates[0]
    return {
        "name": name,
        "value": round(middle[0], 1),
        "unit": unit,
        "baseline": round(middle[1], 1),
        "ratio": round(middle[0] / middle[1], 3),
    }
