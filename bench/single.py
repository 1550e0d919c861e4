"""What a record costs the transaction that writes it."""

from collections.abc import Callable, Iterator
from functools import partial

from django.db import connections, transaction

from bench.acts import (
    THING_MEASURED,
    Measured,
    fresh_code,
    person,
    write_recorded,
    write_row,
)
from bench.crowd import crowd
from bench.lines import Line, in_turn, line, rate
from bench.storm import SequencerProcess, Storm
from ledger.models import HOUSE_SCOPE, Leaf, Record
from ledger.services import Unsealed, append

_CALM = Storm(processes=4, threads=16, records=4000, kills=0)
_KILLED = Storm(processes=4, threads=16, records=4000, kills=5)
_ROW = "the same domain row alone, through the ORM"


def append_interactive() -> Iterator[Line]:
    """A domain row with its trail, one client, against the row alone: ours, and two others'."""
    from bench.models import Audited, Historied

    def write(model: type[Historied] | type[Audited]) -> None:
        with transaction.atomic():
            model(code=fresh_code()).save(force_insert=True)

    actions = (write_row, write_recorded, partial(write, Historied), partial(write, Audited))
    for action in actions:
        action()
    alone, ours, history, audit = in_turn(*(partial(rate, one, 20) for one in actions), rounds=25)
    unit = "transactions/s"
    yield line("append_interactive", unit, ours, alone, of=_ROW, must=">= 0.45", aim=">= 0.8")
    yield line("append_interactive_simple_history", unit, history, alone, of=_ROW)
    yield line("append_interactive_auditlog", unit, audit, alone, of=_ROW)


def append_concurrent() -> Iterator[Line]:
    """16 writers of recorded rows in one log that is sequenced meanwhile, against bare rows."""
    person()
    sequencer = SequencerProcess({})
    sequencer.start()
    try:

        def together(write: Callable[[], None]) -> float:
            return crowd(write, processes=4, threads=4, each=40)

        ours, alone = in_turn(
            partial(together, write_recorded), partial(together, write_row), rounds=5
        )
    finally:
        sequencer.kill()
    of = "16 writers of the same row alone"
    yield line(
        "append_concurrent", "transactions/s", ours, alone, of=of, must=">= 0.35", aim=">= 0.7"
    )


def sequence_under_kills() -> Iterator[Line]:
    """4,000 records by 4 × 16 writers under five kills, against the same without a kill."""
    sequencer = SequencerProcess({})
    before = Leaf.objects.count() + _waiting()
    calm = 4000 / _CALM.rage(_write, sequencer)
    killed = 4000 / _KILLED.rage(_write, sequencer)
    placed = list(Leaf.objects.order_by("index").values_list("index", flat=True))
    assert placed == list(range(before + 8000)), "a gap, a fork or a duplicate"
    of = "the same without a kill"
    yield line("append_4000_under_five_kills", "records/s", [killed], [calm], of=of)


def _write(number: int) -> None:
    with_segment = number % 16 == 0
    with transaction.atomic():
        segments = [Unsealed("subject", (HOUSE_SCOPE,), {"number": number})] * with_segment
        append(kind=THING_MEASURED, facts=Measured(number=number), segments=segments)
    # 64 threads with two connections each would be more than the embedded PostgreSQL takes.
    connections["keystore"].close()


def _waiting() -> int:
    return Record.objects.filter(leaf__isnull=True).count()
