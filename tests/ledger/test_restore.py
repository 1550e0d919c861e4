import os
from collections.abc import Callable
from signal import SIGCONT

import pytest
from pytest_django.fixtures import Settings

from ledger.anchor import Anchor
from ledger.errors import AnchorRefused
from ledger.models import Leaf, Log
from ledger.sequencer import Sequencer
from ledger.services import open_log
from ledger.verification import verify_log
from tests.conftest import ActingAs
from tests.databases import Databases
from tests.ledger.acts import record
from tests.ledger.dying import COMMIT, die, end, frozen
from tests.ledger.served import Served
from tests.ledger.test_crashes import ADVANCE, PUBLISH

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("at", "when", "goes_on"),
    [
        (COMMIT, "before", True),
        (COMMIT, "after", True),
        (ADVANCE, "before", True),
        (ADVANCE, "after", False),
        (PUBLISH, "before", False),
        (PUBLISH, "after", False),
    ],
)
def test_backup_restored_between_two_sizes_makes_no_second_root(
    log: Log,
    sequence: Callable[[], int],
    acting_as: ActingAs,
    databases: Databases,
    at: str,
    when: str,
    goes_on: bool,
) -> None:
    sequence()
    served = Served()
    databases.back_up("default")
    record(tries=1)
    with acting_as("sequencer"):
        die(Sequencer(log).step, at=at, when=when)
    served.look()
    databases.restore("default")
    record(tries=2)
    if goes_on:
        assert sequence() == 1
        assert served.look() == 2
        assert verify_log(log).findings == []
    else:
        with pytest.raises(AnchorRefused, match="Restore a backup that holds size 2 or more"):
            sequence()
        assert (served.look(), Leaf.objects.count()) == (1, 1)
        assert [finding.code for finding in verify_log(log).findings] == ["rolled_back"]


def test_database_restored_to_another_history_of_the_same_size_is_refused(
    log: Log, sequence: Callable[[], int], databases: Databases, settings: Settings
) -> None:
    sequence()
    databases.back_up("default")
    anchor = Anchor(settings.MUNIMENT_ANCHOR, "log.example/default")
    before = anchor.path.read_text()
    record(tries=1)
    sequence()
    one = anchor.path.read_text()
    databases.restore("default")
    anchor.path.write_text(before)
    record(tries=2)
    sequence()
    anchor.path.write_text(one)
    record(tries=3)
    with pytest.raises(AnchorRefused, match="Restore the database that the anchor belongs to"):
        sequence()
    assert [finding.code for finding in verify_log(log).findings] == ["forked"]


def test_empty_database_beside_an_anchor_opens_no_second_log(
    log: Log, sequence: Callable[[], int], databases: Databases
) -> None:
    record()
    sequence()
    databases.renew()
    open_log()
    with pytest.raises(AnchorRefused, match="is new in this database, but its anchor holds size 2"):
        sequence()
    assert not Leaf.objects.exists()


def test_backup_that_holds_the_anchored_size_goes_on(
    log: Log, sequence: Callable[[], int], databases: Databases
) -> None:
    record(tries=1)
    sequence()
    served = Served()
    databases.back_up("default")
    record(tries=2)  # lost with the database: it was acknowledged, but never had a place
    databases.restore("default")
    record(tries=3)
    assert sequence() == 1
    assert served.look() == 3
    assert verify_log(log).findings == []


def test_frozen_leader_of_before_a_restore_publishes_nothing(
    log: Log, sequence: Callable[[], int], acting_as: ActingAs, databases: Databases
) -> None:

    sequence()
    served = Served()
    databases.back_up("default")
    record(tries=1)
    with acting_as("sequencer"), frozen(Sequencer(log).step, at=ADVANCE) as leader:
        databases.restore("default")
        record(tries=2)
        sequence()
        assert served.look() == 2
        os.kill(leader, SIGCONT)
        assert end(leader) == 1
    assert served.look() == 2
    record(tries=3)
    assert sequence() == 1
    assert served.look() == 3
    assert verify_log(log).findings == []
