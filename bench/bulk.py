"""Many records at once, and the room that they take."""

import time
from collections.abc import Iterator
from functools import partial

from django.db import transaction

from bench.acts import BODY_BYTES, drafts, person
from bench.installation import as_superuser
from bench.lines import Line, in_turn, line, seconds
from bench.storm import SequencerProcess
from ledger import binary
from ledger.models import Anchored, Leaf, Pending
from ledger.services import append_many

RECORDS = 100_000
_TABLES = ("record", "pending", "leaf", "tile", "checkpoint", "anchored")


def append_bulk() -> Iterator[Line]:
    """100,000 records, sequenced and under an anchored checkpoint, against COPY of their bytes."""
    person()
    sequencer = SequencerProcess({})
    sequencer.start()
    try:
        settle(sequencer)
        yield from _append_bulk("append_bulk", sequencer, sealed=False, must=0.2, aim=0.5)
        yield from _append_bulk("append_bulk_sealed", sequencer, sealed=True, must=0.1, aim=0.3)
    finally:
        sequencer.kill()


def bytes_per_record() -> Iterator[Line]:
    """What 100,000 records of 486 bytes add to all tables and indexes, against their own bytes."""
    sequencer = SequencerProcess({})
    sequencer.start()
    try:
        settle(sequencer)
        before = _room()
        _fill(sequencer, sealed=False)
        added = _room() - before
    finally:
        sequencer.kill()
    name, of = "bytes_per_record", "the bytes of the record itself"
    told = (name, "bytes", [added / RECORDS], [float(BODY_BYTES)])
    yield line(*told, of=of, must="<= 2.0", aim="<= 1.4")


def settle(sequencer: SequencerProcess) -> None:
    """Wait until nothing waits for its place, and what has one is published."""
    sequencer.wait_until(lambda: not Pending.objects.exists())
    newest = Leaf.objects.order_by("-index").first()
    size = newest.index + 1 if newest else 0
    sequencer.wait_until(lambda: _published() >= size)


def _append_bulk(
    name: str, sequencer: SequencerProcess, *, sealed: bool, must: float, aim: float
) -> Iterator[Line]:
    fill, copy = partial(_fill, sequencer, sealed=sealed), partial(_copy, sealed=sealed)
    taken, copied = in_turn(fill, copy, rounds=3)
    ours = [RECORDS / one for one in taken]
    bare = [RECORDS / one for one in copied]
    of = "COPY of the same bytes into a table without index"
    yield line(name, "records/s", ours, bare, of=of, must=f">= {must}", aim=f">= {aim}")


def _fill(sequencer: SequencerProcess, *, sealed: bool) -> float:
    wanted, made = _published() + RECORDS, list(drafts(RECORDS, sealed=sealed))
    began = time.perf_counter()
    with transaction.atomic():
        append_many(made)
    sequencer.wait_until(lambda: _published() >= wanted)
    return time.perf_counter() - began


def _copy(*, sealed: bool) -> float:
    """Time the COPY of what the last ``RECORDS`` records hold."""
    query = (
        "SELECT r.body, s.ciphertext FROM ledger_record r LEFT JOIN ledger_segment s "
        "ON s.record_id = r.id ORDER BY r.id DESC LIMIT %s"
    )
    rows = binary.fetch(query, [RECORDS])
    assert sealed == all(ciphertext for _, ciphertext in rows)
    as_superuser("TRUNCATE bench_bare")

    def copy() -> None:
        with transaction.atomic():
            binary.copy_in("bench_bare", {"body": "bytea", "ciphertext": "bytea"}, rows)

    return seconds(copy)


def _published() -> int:
    newest = Anchored.objects.order_by("-checkpoint__size").values_list("checkpoint__size").first()
    return int(newest[0]) if newest else 0


def _room() -> int:
    # What the queue leaves behind is used again once it is vacuumed, as it is in service.
    as_superuser("VACUUM ledger_pending")
    # Of a table without partitions the tree is empty; of one with them the table itself is.
    query = (
        "SELECT sum(pg_total_relation_size(coalesce(part.relid, t))) "
        "FROM unnest(%s::regclass[]) AS t LEFT JOIN pg_partition_tree(t) AS part ON true"
    )
    ((size,),) = binary.fetch(query, [[f"ledger_{name}" for name in _TABLES]])
    return int(size)
