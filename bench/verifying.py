"""How fast the log in the database is verified, each part apart."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import transaction

from bench.lines import Line, line, seconds
from ledger import binary
from ledger.leaf import FIRST_PREV, leaf_bytes
from ledger.merkle import leaf_hash
from ledger.models import Leaf, Log, Segment
from ledger.services.append import DEFAULT_LOG
from ledger.verification import verify_log

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
