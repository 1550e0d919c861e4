import os
import time
from collections.abc import Callable
from functools import partial
from signal import SIGCONT
from threading import Event

import pytest

from ledger import sequencer
from ledger.anchor import Anchor
from ledger.models import Leaf, Log
from ledger.proofs import prove_record, wait_for_record
from ledger.sequencer import Sequencer
from ledger.verification import verify_log
from tests.conftest import ActingAs
from tests.ledger.acts import record
from tests.ledger.dying import COMMIT, die, end, frozen
from tests.ledger.served import Served

pytestmark = pytest.mark.django_db(transaction=True)

OPEN = "ledger.anchor:Anchor.open"
ADVANCE = "ledger.anchor:Anchor.advance"
RENAME = "pathlib:Path.replace"
PUBLISH = "django.db.models.query:QuerySet.get_or_create"

# Each outside step of a batch of two behind leaf 0, and what stands behind its death there:
# leaves in the database, size in the anchor, size published.
FAULTS = [
    (COMMIT, "before", (1, 1, 1)),
    (COMMIT, "after", (3, 1, 1)),
    (ADVANCE, "before", (3, 1, 1)),
    (RENAME, "before", (3, 1, 1)),
    (RENAME, "after", (3, 3, 1)),
    (ADVANCE, "after", (3, 3, 1)),
    (PUBLISH, "before", (3, 3, 1)),
    (PUBLISH, "after", (3, 3, 3)),
]
# The same for the batch that opens the log with its leaf 0.
OPENING_FAULTS = [
    (OPEN, "before", (0, None, 0)),
    (OPEN, "after", (0, 0, 0)),
    (COMMIT, "before", (0, 0, 0)),
    (COMMIT, "after", (1, 0, 0)),
    (ADVANCE, "after", (1, 1, 0)),
    (PUBLISH, "after", (1, 1, 1)),
]


@pytest.mark.parametrize("more", [0, 1], ids=["idle", "busy"])
@pytest.mark.parametrize(("at", "when", "left"), FAULTS)
def test_log_goes_on_from_a_sequencer_killed_anywhere(
    log: Log,
    sequence: Callable[[], int],
    acting_as: ActingAs,
    at: str,
    when: str,
    left: tuple[int, int, int],
    more: int,
) -> None:
    sequence()
    served = Served()
    for tries in (1, 2):
        record(tries=tries)
    with acting_as("sequencer"):
        die(Sequencer(log).step, at=at, when=when)
    assert (Leaf.objects.count(), _anchored(), served.look()) == left
    for tries in range(more):
        record(tries=tries)
    sequence()
    assert (Leaf.objects.count(), _anchored(), served.look()) == (3 + more,) * 3
    assert verify_log(log).findings == []


@pytest.mark.parametrize(("at", "when", "left"), OPENING_FAULTS)
def test_log_opens_after_a_sequencer_killed_anywhere(
    log: Log, sequence: Callable[[], int], acting_as: ActingAs, at: str, when: str, left: object
) -> None:
    served = Served()
    with acting_as("sequencer"):
        die(Sequencer(log).step, at=at, when=when)
    assert (Leaf.objects.count(), _anchored(), served.look()) == left
    record()
    sequence()
    sequence()
    assert (Leaf.objects.count(), _anchored(), served.look()) == (2, 2, 2)
    assert verify_log(log).findings == []


@pytest.mark.parametrize("at", [COMMIT, "ledger.sequencer:sign_note"])
def test_leader_frozen_in_its_transaction_is_replaced_and_lets_nothing_out(
    log: Log,
    sequence: Callable[[], int],
    acting_as: ActingAs,
    monkeypatch: pytest.MonkeyPatch,
    at: str,
) -> None:
    sequence()
    served = Served()
    record(tries=1)
    monkeypatch.setattr(sequencer, "TRANSACTION_TIMEOUT", "1s")
    with acting_as("sequencer"), frozen(Sequencer(log).step, at=at) as leader:
        _take_over(log)
        assert served.look() == 2
        os.kill(leader, SIGCONT)
        assert end(leader) == 1
    assert (Leaf.objects.count(), _anchored(), served.look()) == (2, 2, 2)
    assert verify_log(log).findings == []


def test_running_sequencer_that_froze_past_its_time_goes_on(
    log: Log, sequence: Callable[[], int], acting_as: ActingAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    sequence()
    record(tries=1)
    monkeypatch.setattr(sequencer, "TRANSACTION_TIMEOUT", "1s")
    with acting_as("sequencer"), frozen(partial(sequencer.run, Event()), at=COMMIT) as leader:
        _take_over(log)
        with acting_as("app"):
            written = record(tries=2)
        os.kill(leader, SIGCONT)
        assert wait_for_record(written.uuid, timeout_seconds=60).index == 2
    assert verify_log(log).findings == []


def test_leader_frozen_before_the_anchor_does_not_take_it_back(
    log: Log, sequence: Callable[[], int], acting_as: ActingAs
) -> None:
    sequence()
    served = Served()
    record(tries=1)
    with acting_as("sequencer"), frozen(Sequencer(log).step, at=ADVANCE) as leader:
        with acting_as("app"):
            record(tries=2)
        assert sequence() == 1
        os.kill(leader, SIGCONT)
        assert end(leader) == 0
    assert (_anchored(), served.look()) == (3, 3)
    assert verify_log(log).findings == []


def test_killed_writer_leaves_nothing_or_a_record_that_gets_its_place(
    log: Log, sequence: Callable[[], int]
) -> None:
    die(record, at=COMMIT, when="before")
    die(record, at=COMMIT, when="after")
    assert sequence() == 2
    assert prove_record(Leaf.objects.get(index=1).record.uuid).index == 1
    assert verify_log(log).findings == []


def _take_over(log: Log) -> None:
    """Stand by until the frozen leader's transaction times out, and then lead."""
    deadline = time.monotonic() + 60
    while not Sequencer(log).step().published:
        assert time.monotonic() < deadline, "the frozen leader keeps its lock"


def _anchored() -> int | None:
    from django.conf import settings

    anchor = Anchor(settings.MUNIMENT_ANCHOR, "log.example/default")
    return anchor.size() if anchor.path.exists() else None
