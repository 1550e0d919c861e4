import os
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from signal import SIGCONT
from threading import Event

import pytest
from django.conf import settings

from ledger import sequencer
from ledger.anchor import PATIENCE_SECONDS, Anchor
from ledger.errors import NotYetPublished
from ledger.models import Checkpoint, Leaf, Log, Record
from ledger.note import Checkpoint as TreeHead
from ledger.note import Note
from ledger.proofs import prove_record, wait_for_record
from ledger.sequencer import POLL_SECONDS, Sequencer
from ledger.verification import verify_log
from tests.conftest import ActingAs
from tests.ledger.acts import record
from tests.ledger.dying import COMMIT, die, frozen, running
from tests.ledger.served import Served

pytestmark = pytest.mark.django_db(transaction=True)

OPEN = "ledger.anchor:Anchor.open"
ADVANCE = "ledger.anchor:Anchor.advance"
RENAME = "pathlib:Path.replace"
PUBLISH = "django.db.models.query:QuerySet.get_or_create"

# Each outside step of the batch that opens the log with its leaf 0, and what stands behind its
# death there: leaves in the database, size in the anchor, size published.
OPENING_FAULTS = [
    (OPEN, "before", (0, None, 0)),
    (OPEN, "after", (0, 0, 0)),
    (COMMIT, "before", (0, 0, 0)),
    (COMMIT, "after", (1, 0, 0)),
    (ADVANCE, "after", (1, 1, 0)),
    (PUBLISH, "after", (1, 1, 1)),
]


@pytest.mark.parametrize("more", [0, 1], ids=["idle", "busy"])
@pytest.mark.parametrize(("when", "anchored"), [("before", 1), ("after", 3)])
def test_log_goes_on_from_a_sequencer_killed_around_the_rename_of_its_anchor(
    log: Log,
    sequence: Callable[[], int],
    acting_as: ActingAs,
    when: str,
    anchored: int,
    more: int,
) -> None:
    sequence()
    served = Served()
    for tries in (1, 2):
        record(tries=tries)
    with acting_as("sequencer"):
        die(Sequencer(log).step, at=RENAME, when=when)
    assert (Leaf.objects.count(), _anchored(), served.look()) == (3, anchored, 1)
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


# Where a leader freezes in mid-batch: having read the queue, written the leaves, signed, committed,
# laid out the anchor's ticket, renamed it.
FREEZES = [
    "ledger.sequencer:Sequencer._write",
    "ledger.sequencer:sign_note",
    COMMIT,
    ADVANCE,
    RENAME,
    PUBLISH,
]
# The transaction timeout as it is set here, the anchor's patience, a poll, and a busy machine.
TAKE_OVER_SECONDS = 1 + PATIENCE_SECONDS + POLL_SECONDS[1] + 5


@pytest.mark.parametrize("at", FREEZES)
def test_standby_leads_while_the_leader_is_frozen_and_that_lets_nothing_out_when_it_wakes(
    log: Log,
    sequence: Callable[[], int],
    acting_as: ActingAs,
    monkeypatch: pytest.MonkeyPatch,
    at: str,
) -> None:
    sequence()
    served = Served()
    monkeypatch.setattr(sequencer, "TRANSACTION_TIMEOUT", "1s")
    run = partial(sequencer.run, Event())
    first = record(tries=1)
    with acting_as("sequencer"), frozen(run, at=at) as leader:
        with running(run), acting_as("app"):
            second = record(tries=2)
            assert wait_for_record(second.uuid, TAKE_OVER_SECONDS).index == 2
            assert (_anchored(), served.look()) == (3, 3)
        # The woken one is alone from here on: only itself can publish the third record.
        with acting_as("app"):
            third = record(tries=3)
            os.kill(leader, SIGCONT)
            anchored = _watch_anchor(until=third)
    assert anchored == sorted(anchored)
    assert [prove_record(one.uuid).index for one in (first, second, third)] == [1, 2, 3]
    assert (Leaf.objects.count(), _anchored(), served.look()) == (4, 4, 4)
    heads = [TreeHead.parse(Note.parse(one.note).text) for one in Checkpoint.objects.all()]
    assert len({head.size for head in heads}) == len(heads)
    assert verify_log(log).findings == []


def test_killed_writer_leaves_nothing_or_a_record_that_gets_its_place(
    log: Log, sequence: Callable[[], int]
) -> None:
    die(record, at=COMMIT, when="before")
    die(record, at=COMMIT, when="after")
    assert sequence() == 2
    assert prove_record(Leaf.objects.get(index=1).record.uuid).index == 1
    assert verify_log(log).findings == []


def _watch_anchor(until: Record) -> list[int]:
    """Return every size that is seen in the anchor until a record is published."""
    sizes, deadline = [], time.monotonic() + 60
    while time.monotonic() < deadline:
        sizes.append(_anchored() or 0)
        with suppress(NotYetPublished):
            prove_record(until.uuid)
            return sizes
    raise AssertionError("the woken leader publishes nothing")


def _anchored() -> int | None:
    anchor = Anchor(settings.MUNIMENT_ANCHOR, "log.example/default")
    return anchor.size() if anchor.path.exists() else None
