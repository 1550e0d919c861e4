"""How fast the log in the database is verified, each part apart."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle, islice
from uuid import UUID

from django.db import transaction

from bench.acts import THING_MEASURED, Measured, fresh_code
from bench.bulk import settle
from bench.lines import Line, line, seconds
from bench.models import Thing
from bench.storm import SequencerProcess
from ledger import binary
from ledger.leaf import FIRST_PREV, leaf_bytes
from ledger.merkle import leaf_hash
from ledger.models import Leaf, Log, Retention, Segment
from ledger.services import Draft, Unsealed, append_many, open_scopes
from ledger.services.append import DEFAULT_LOG
from ledger.verification import verify_log

RECORDS, PEOPLE = 30_000, 3_000
_AT_ONCE = 6_000
_HASHED_ONCE = "streaming the same rows and hashing them once in one process"


@dataclass(frozen=True)
class Times:
    """Seconds of one verification: bodies to root, opening segments, joining with the rows."""

    integrity: float
    openings: float
    joins: float
    rows: int


def verify() -> Iterator[Line]:
    """Full verification by its parts, against hashing the chain alone."""
    log = Log.objects.get(name=DEFAULT_LOG)
    leaves, segments = Leaf.objects.count(), Segment.objects.count()
    taken = [(time_verification(log), seconds(hash_once)) for _ in range(3)]
    once = [leaves / other for _, other in taken]
    rates = [leaves / one.integrity for one, _ in taken]
    yield line("verify_full", "leaves/s", rates, once, of=_HASHED_ONCE, must=">= 0.5", aim=">= 1")
    if segments:
        rates = [segments / one.openings for one, _ in taken]
        yield line("verify_openings", "segments/s", rates, once, of=_HASHED_ONCE)
    if taken[0][0].rows:
        rates = [one.rows / one.joins for one, _ in taken]
        yield line("verify_joins", "rows/s", rates, once, of=_HASHED_ONCE)


def verify_people() -> Iterator[Line]:
    """Openings of many people's segments, on all cores against one."""
    _fill()
    log = Log.objects.get(name=DEFAULT_LOG)
    segments = Segment.objects.count()

    def on_one() -> Times:
        with _one_core():
            return time_verification(log)

    taken = [(time_verification(log), on_one()) for _ in range(3)]
    rates = [[segments / one.openings for one in both] for both in taken]
    both = zip(*rates, strict=True)
    yield line("verify_openings_spread", "segments/s", *both, of="the same on one core")


def _fill() -> None:
    """Write records of two segments each, of which every second tells of a row."""
    sequencer = SequencerProcess({})
    sequencer.start()
    try:
        with transaction.atomic():
            people = [one.pk for one in open_scopes(Retention.PERSON, PEOPLE)]
        for _ in range(RECORDS // _AT_ONCE):
            with transaction.atomic():
                things = [Thing(code=fresh_code()) for _ in range(_AT_ONCE // 2)]
                columns = {"id": "uuid", "code": "varchar"}
                binary.copy_in("bench_thing", columns, ((one.pk, one.code) for one in things))
                append_many(_drafts(people, things))
        settle(sequencer)
    finally:
        sequencer.kill()


def _drafts(people: Sequence[UUID], things: Sequence[Thing]) -> Iterator[Draft]:
    for number, one in enumerate(islice(cycle(people), _AT_ONCE)):
        rows = () if number % 2 else (things[number // 2],)
        segments = [
            Unsealed("actor", (one,), {"said": "measured"}, rows),
            Unsealed("subject", (one,), {"said": "x" * 200}),
        ]
        yield Draft(THING_MEASURED, Measured(number=number), segments)


@contextmanager
def _one_core() -> Iterator[None]:
    """Leave this process one core: it then starts no others."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def time_verification(log: Log) -> Times:
    """Verify ``log`` once. Raises AssertionError when it is not sound."""
    leaves, marks, done = Leaf.objects.filter(incarnation__log=log).count(), [], 0

    def note(more: int) -> None:
        nonlocal done
        done += more
        if done in (leaves, 2 * leaves):
            marks.append(time.perf_counter())

    began = time.perf_counter()
    verdict = verify_log(log, note)
    ended = time.perf_counter()
    # The rows that were written as a baseline are told of by no record, which is right.
    unexpected = [one for one in verdict.findings if one.code != "row_unrecorded"]
    assert not unexpected, unexpected[0]
    read, opened = marks
    return Times(read - began, opened - read, ended - opened, verdict.rows)


def hash_once() -> None:
    """Stream all leaves of the default log in order and hash them as a chain."""
    query = (
        "SELECT l.index, r.body FROM ledger_leaf l JOIN ledger_record r ON r.id = l.record_id "
        "JOIN ledger_incarnation i ON i.id = l.incarnation_id JOIN ledger_log g ON g.id = i.log_id "
        "WHERE g.name = %s ORDER BY l.index"
    )
    prev = FIRST_PREV
    with transaction.atomic():
        for index, body in binary.stream(query, [DEFAULT_LOG]):
            prev = leaf_hash(leaf_bytes(index, prev, body))
