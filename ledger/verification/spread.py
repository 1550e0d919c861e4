"""Spread work over all cores, in the one snapshot that the verification reads."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.db import connection

from ledger.archive.reading import read_bundle
from ledger.models import Incarnation
from ledger.spans.pool import cores, workers
from ledger.spans.work import Answer, Task, Work, fetch, keep_to_indexes

Progress = Callable[[int], None]
# Fewer tasks are done sooner than processes start.
WORTH_WORKERS = 3


@contextmanager
def spread(
    work: Work[Task, Answer], incarnation: Incarnation, tasks: Iterable[Task], number: int
) -> Iterator[Iterator[tuple[Task, Answer]]]:
    """Give each of ``number`` tasks with its answer, in order: done here, or by workers.

    Workers do without Django and its storages: what needs the archive is done here. Raises
    VerificationBroken when a worker ends.
    """
    raw = connection.connection
    archived = partial(read_bundle, incarnation)
    count = min(cores(), number)
    keep_to_indexes(raw)
    if number < WORTH_WORKERS or count < 2:
        yield ((task, work.do(raw, task, archived)) for task in tasks)
    else:
        database: dict[str, Any] = {**raw.info.get_parameters(), "password": raw.info.password}
        ((snapshot,),) = fetch(raw, "SELECT pg_export_snapshot()", [])
        with workers(work, database, snapshot, count) as pool:
            yield (
                (task, work.do(raw, task, archived) if answer is None else answer)
                for task, answer in pool.do(tasks)
            )
    keep_to_indexes(raw, is_kept=False)
