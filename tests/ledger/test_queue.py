"""The queue is read behind a floor: what is long gone costs nothing, and nothing is passed over."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

import pytest
from django.db import connection, transaction

from ledger import queue as module
from ledger.models import Leaf, Log, Pending
from ledger.queue import Queue
from ledger.sequencer import Sequencer
from ledger.verification import verify_log
from tests.conftest import ActingAs
from tests.ledger.acts import record

pytestmark = pytest.mark.django_db(transaction=True)
# A year's churn at one record each 30 seconds; each entry is inserted and deleted for itself.
YEAR = 1_000_000


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for a higher floor with every poll."""
    monkeypatch.setattr(module, "FLOOR_SECONDS", 0.0)


def _step_until_floor(sequencer: Sequencer, floor: int) -> None:
    """Step until the floor is there: other databases' transactions hold it up for a moment."""
    deadline = time.monotonic() + 60
    while sequencer.queue.floor != floor:
        assert time.monotonic() < deadline, "the floor does not rise"
        assert sequencer.step().sequenced == 0


@contextmanager
def _in_another_session(work: Callable[[], object]) -> Iterator[Callable[[], None]]:
    """Do ``work`` in a transaction that stays open until the yielded function is called."""
    done, may_end = Event(), Event()

    def run() -> None:
        try:
            with transaction.atomic():
                work()
                done.set()
                assert may_end.wait(60)
        finally:
            done.set()
            connection.close()

    thread = Thread(target=run)
    thread.start()
    assert done.wait(60)

    def end() -> None:
        may_end.set()
        thread.join()

    try:
        yield end
    finally:
        end()


def test_floor_rises_with_what_is_taken(log: Log, acting_as: ActingAs) -> None:
    newest = record().pk
    with acting_as("sequencer"):
        sequencer = Sequencer(log)
        assert sequencer.step().sequenced == 2
        _step_until_floor(sequencer, newest)


def test_record_whose_transaction_commits_late_is_not_passed_over(
    log: Log, acting_as: ActingAs
) -> None:
    with acting_as("sequencer"):
        sequencer = Sequencer(log)
        sequencer.step()
    late: list[int] = []
    with _in_another_session(lambda: late.append(record().pk)) as end:
        young = record().pk
        assert young > late[0]
        with acting_as("sequencer"):
            assert sequencer.step().sequenced == 1
            assert sequencer.step().sequenced == 0
            assert sequencer.queue.floor < late[0]
            end()
            assert sequencer.step().sequenced == 1
            _step_until_floor(sequencer, young)
    assert list(Leaf.objects.order_by("index").values_list("record_id", flat=True)[1:]) == [
        young,
        late[0],
    ]


def test_floor_stays_below_what_a_batch_left_over(log: Log, acting_as: ActingAs) -> None:
    ids = [record().pk for _ in range(4)]
    with acting_as("sequencer"):
        queue = Queue(log.pk)
        with transaction.atomic():
            assert len(queue.read(3)) == 3
        queue.taken()
        assert queue.floor == 0
        with transaction.atomic():
            assert [pk for pk, _ in queue.read(10)][-4:] == ids
        queue.taken()
        # As soon as nobody else's transaction is in progress.
        assert queue.floor in {0, ids[-1]}


def test_floor_does_not_rise_with_a_batch_that_was_not_committed(
    log: Log, acting_as: ActingAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = record().pk
    with acting_as("sequencer"):
        sequencer = Sequencer(log)
        with monkeypatch.context() as patch:
            patch.setattr(Sequencer, "_write", _refuse)
            with pytest.raises(RuntimeError):
                sequencer.step()
        assert sequencer.queue.floor == 0
        assert sequencer.step().sequenced == 2
        _step_until_floor(sequencer, newest)


def test_held_snapshot_over_a_year_of_churn_does_not_slow_the_queue(
    log: Log, acting_as: ActingAs
) -> None:
    """A poll touches a handful of pages, however many dead entries the snapshot keeps."""
    with acting_as("sequencer"):
        sequencer = Sequencer(log)
        sequencer.step()
    with _in_another_session(_take_snapshot):
        with acting_as("superuser"):
            _churn()
        newest = record().pk
        with acting_as("sequencer"):
            assert sequencer.step().sequenced == 1
            _step_until_floor(sequencer, newest)
            behind = _pages(sequencer.queue.floor)
            assert _pages(0) > 50 * behind
            assert behind < 20
        record()
        with acting_as("sequencer"):
            assert sequencer.step().sequenced == 1
    assert verify_log(log).is_sound


def _take_snapshot() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT count(*) FROM ledger_pending")


def _churn() -> None:
    """Queue and take out as many entries as a year has, with ids behind the newest record's."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM ledger_record_id_seq")
        (newest,) = cursor.fetchone()
        cursor.execute(
            "INSERT INTO ledger_pending (record_id) SELECT generate_series(%s + 1, %s + %s)",
            [newest, newest, YEAR],
        )
        cursor.execute("DELETE FROM ledger_pending WHERE record_id > %s", [newest])
        cursor.execute("SELECT setval('ledger_record_id_seq', %s)", [newest + YEAR])
    assert not Pending.objects.exists()


def _pages(floor: int) -> int:
    """Return how many pages a poll behind ``floor`` touches."""
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        cursor.execute(
            "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT record_id FROM ledger_pending "
            "WHERE record_id > %s ORDER BY record_id LIMIT 10000",
            [floor],
        )
        (plan,) = cursor.fetchone()
    plan = json.loads(plan) if isinstance(plan, str) else plan
    top = plan[0]["Plan"]
    return int(top["Shared Hit Blocks"] + top["Shared Read Blocks"])


def _refuse(*_: object) -> None:
    raise RuntimeError("invented failure")
