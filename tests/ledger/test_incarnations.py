import json
import os
from collections.abc import Callable
from io import StringIO
from signal import SIGCONT
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from ledger import checks
from ledger.admin.technical import IncarnationAdmin
from ledger.anchor import Anchor
from ledger.errors import AnchorRefused, LogContinued, LogGoesOn, LogRolledBack
from ledger.incarnations import read_lives, read_predecessors, tell_loss
from ledger.leaf import parse_leaf
from ledger.models import Checkpoint, Incarnation, Log, Pending
from ledger.note import Checkpoint as TreeHead
from ledger.note import Note
from ledger.proofs import current_incarnation, prove_record, published_checkpoint
from ledger.record_kinds import Predecessor
from ledger.sequencer import Sequencer
from ledger.services import open_log
from ledger.services.incarnations import continue_log, plan_continuation
from ledger.services.report import find_unfinished, issue_report, order_report
from ledger.signing import create_log_keys, read_verifiers
from ledger.verification import verify_log
from tests.conftest import ActingAs
from tests.databases import Databases
from tests.ledger.acts import about, person, record
from tests.ledger.dying import COMMIT, die, end, frozen
from tests.ledger.forging import forge
from tests.ledger.test_crashes import ADVANCE

pytestmark = pytest.mark.django_db(transaction=True)

ORIGIN = "log.example/default"
Sequence = Callable[[], int]


@pytest.fixture
def rolled_back(log: Log, sequence: Sequence, databases: Databases) -> UUID:
    """A log of 2 leaves whose anchor saw 4; return the record of leaf 1."""
    kept = record(tries=1)
    sequence()
    databases.back_up("default")
    for tries in (2, 3):
        record(tries=tries)
    sequence()
    databases.restore("default")
    return kept.uuid


def test_continued_log_names_its_origin_both_sizes_and_the_last_anchored_checkpoint(
    rolled_back: UUID, sequence: Sequence
) -> None:
    kept, anchored = _head(ORIGIN), _anchor(ORIGIN).checkpoint()
    assert anchored is not None
    continue_log("default")
    assert sequence() == 1
    incarnation = current_incarnation("default")
    assert (incarnation.origin, incarnation.ordinal) == (f"{ORIGIN}.2", 2)
    (said,) = read_predecessors(incarnation)
    assert (said.origin, said.size, said.anchored_size) == (ORIGIN, 2, 4)
    assert said.root == f"sha256:{kept.root.hex()}"
    assert said.anchored_root == f"sha256:{anchored.root.hex()}"
    assert tell_loss(said).endswith("2 lost, with the receipts for index 2 to 3")


def test_each_origin_keeps_its_keys_its_anchor_and_its_proofs(
    rolled_back: UUID, sequence: Sequence
) -> None:
    before = _anchor(ORIGIN).path.read_text()
    continue_log("default")
    later = record(tries=4)
    sequence()
    old, new = prove_record(rolled_back), prove_record(later.uuid)
    assert (old.origin, old.index, new.origin, new.index) == (ORIGIN, 1, f"{ORIGIN}.2", 1)
    for proved in (old, new):
        proved.proof.verify(parse_leaf(proved.leaf).hash)
        proved.proof.note.verify(read_verifiers(proved.origin))
    keys = {key.public for name in (ORIGIN, f"{ORIGIN}.2") for key in read_verifiers(name)}
    assert len(keys) == 4
    assert _anchor(ORIGIN).path.read_text() == before
    assert _anchor(f"{ORIGIN}.2").size() == 2


def test_continued_log_verifies_and_says_what_was_lost(
    rolled_back: UUID, log: Log, sequence: Sequence
) -> None:
    record(about(person()), tries=4)
    continue_log("default")
    sequence()
    verdict = verify_log(log)
    assert (verdict.findings, verdict.origin, verdict.size) == ([], f"{ORIGIN}.2", 2)
    told = _called("verify_log")
    assert f"{ORIGIN}: 2 leaves kept, 4 anchored, 2 lost" in told
    answer = json.loads(_called("verify_log", "--json"))
    assert answer["predecessors"][0]["orphaned"] == [2, 4]
    register = IncarnationAdmin(Incarnation, _site())
    assert "2 lost" in str(register.register(current_incarnation("default")))
    said = [one for one in checks.EXAMINATIONS.run() if one.topic == "safe copies"]
    assert [one.cure for one in said] == ["", ""]
    assert said[0].said == f"{ORIGIN}: continued as {ORIGIN}.2"


def test_records_that_wait_in_the_backup_get_their_places_behind_the_new_leaf_0(
    log: Log, sequence: Sequence, databases: Databases
) -> None:
    sequence()
    waiting = record(tries=1)
    databases.back_up("default")
    sequence()
    databases.restore("default")
    continue_log("default")
    assert sequence() == 2
    assert prove_record(waiting.uuid).index == 1
    assert verify_log(log).findings == []


def test_epochs_and_rows_are_joined_across_incarnations(
    log: Log, sequence: Sequence, databases: Databases, acting_as: ActingAs
) -> None:
    from ledger.services import close_epoch, destroy_scopes

    gone = person()
    record(about(gone))
    sequence()
    databases.back_up("default")
    record()
    sequence()
    databases.restore("default")
    continue_log("default")
    sequence()
    with acting_as("eraser"):
        destroy_scopes([gone])
        close_epoch()
    sequence()
    verdict = verify_log(log)
    assert (verdict.findings, dict(verdict.segments)) == ([], {"destroyed (epoch 1)": 1})


@pytest.mark.parametrize("times", [1, 2])
def test_command_asked_again_queues_its_record_once(rolled_back: UUID, times: int) -> None:
    for _ in range(times):
        continue_log("default")
    assert Pending.objects.count() == 1


def test_command_tells_what_it_would_do_and_does_nothing(rolled_back: UUID) -> None:
    told = _called("continue_log", "--dry-run")
    assert told.splitlines()[1] == f"log default would be continued as {ORIGIN}.2"
    assert not Pending.objects.exists()
    with pytest.raises(Exception, match="has no keys"):
        read_verifiers(f"{ORIGIN}.2")
    assert f"is continued as {ORIGIN}.2" in _called("continue_log")


def test_log_that_goes_on_is_not_continued(log: Log, sequence: Sequence) -> None:
    with pytest.raises(LogGoesOn, match="was never opened"):
        plan_continuation("default")
    sequence()
    with pytest.raises(LogGoesOn, match="there is nothing to continue"):
        plan_continuation("default")
    with pytest.raises(CommandError, match="there is nothing to continue"):
        _called("continue_log")


def test_log_whose_anchor_is_the_older_copy_is_not_continued(
    log: Log, sequence: Sequence, settings: Settings
) -> None:
    sequence()
    older = _anchor(ORIGIN).path.read_text()
    record()
    sequence()
    _anchor(ORIGIN).path.write_text(older)
    with pytest.raises(AnchorRefused, match="but size 2 was published") as refused:
        plan_continuation("default")
    assert not isinstance(refused.value, LogRolledBack)
    _anchor(ORIGIN).path.unlink()
    with pytest.raises(AnchorRefused, match="is missing: restore"):
        plan_continuation("default")


def test_nothing_but_the_explicit_record_continues_a_log(
    rolled_back: UUID, sequence: Sequence
) -> None:
    record(tries=4)
    for _ in range(2):
        with pytest.raises(LogRolledBack, match="manage.py continue_log default"):
            sequence()
    assert Incarnation.objects.count() == 1


def test_continuation_that_the_anchor_has_overtaken_is_refused(
    rolled_back: UUID, log: Log, sequence: Sequence
) -> None:
    continue_log("default")
    # Somebody who slept through the restore stores what they had signed before.
    held = _anchor(ORIGIN).path.read_text()
    _anchor(ORIGIN).path.write_text(held.replace(f"{ORIGIN}\n4\n", f"{ORIGIN}\n5\n"))
    with pytest.raises(LogRolledBack, match="the anchor holds 5"):
        sequence()
    continue_log("default")
    assert sequence() == 2
    assert read_predecessors(current_incarnation("default"))[0].anchored_size == 5
    assert verify_log(log).findings == []


def test_leader_that_slept_through_the_continuation_lets_nothing_out(
    log: Log, sequence: Sequence, acting_as: ActingAs, databases: Databases
) -> None:
    sequence()
    databases.back_up("default")
    record(tries=1)
    sequence()
    record(tries=2)
    with acting_as("sequencer"), frozen(Sequencer(log).step, at=ADVANCE) as leader:
        databases.restore("default")
        continue_log("default")
        sequence()
        os.kill(leader, SIGCONT)
        assert end(leader) == 1
    assert _anchor(ORIGIN).size() == 2
    assert verify_log(log).findings == []
    with pytest.raises(AnchorRefused, match=f"was continued as {ORIGIN}.2"):
        _anchor(ORIGIN).advance(_anchor(ORIGIN).path.read_text())


CLOSE, OPEN = "ledger.anchor:Anchor.close", "ledger.anchor:Anchor.open"


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", [CLOSE, OPEN, COMMIT, ADVANCE])
def test_continuation_cut_off_anywhere_ends_the_same(
    rolled_back: UUID, log: Log, sequence: Sequence, acting_as: ActingAs, at: str, when: str
) -> None:
    continue_log("default")
    with acting_as("sequencer"):
        die(Sequencer(log).step, at=at, when=when)
    record(tries=4)
    sequence()
    incarnation = current_incarnation("default")
    assert (incarnation.ordinal, published_checkpoint(incarnation).size) == (2, 2)
    assert verify_log(log).findings == []


def test_backup_of_before_a_continuation_goes_on_as_the_third(
    rolled_back: UUID, log: Log, sequence: Sequence, databases: Databases
) -> None:
    continue_log("default")
    record(tries=4)
    sequence()
    databases.restore("default")
    with pytest.raises(LogRolledBack, match=f"was continued as {ORIGIN}.2, which this database"):
        sequence()
    continue_log("default")
    sequence()
    said = read_predecessors(current_incarnation("default"))
    assert current_incarnation("default").origin == f"{ORIGIN}.3"
    assert [(one.origin, one.size, one.anchored_size) for one in said] == [
        (ORIGIN, 2, 4),
        (f"{ORIGIN}.2", 0, 2),
    ]
    assert verify_log(log).findings == []


def test_empty_database_goes_on_without_a_leaf_of_what_was(
    log: Log, sequence: Sequence, databases: Databases
) -> None:
    record()
    sequence()
    databases.renew()
    open_log()
    with pytest.raises(LogRolledBack, match="is new in this database, but its anchor holds size 2"):
        sequence()
    continue_log("default")
    assert sequence() == 2
    (said,) = read_predecessors(current_incarnation("default"))
    assert (said.size, said.root, said.anchored_size) == (0, None, 2)
    assert verify_log(Log.objects.get()).findings == []


def test_fork_stays_a_finding_of_the_origin_that_forked(
    log: Log, sequence: Sequence, databases: Databases
) -> None:
    sequence()
    databases.back_up("default")
    anchor = _anchor(ORIGIN)
    before = anchor.path.read_text()
    record(tries=1)
    sequence()
    one = anchor.path.read_text()
    databases.restore("default")
    anchor.path.write_text(before)
    record(tries=2)
    sequence()
    anchor.path.write_text(one)
    continue_log("default")
    sequence()
    verdict = verify_log(log)
    assert [(found.origin, found.code) for found in verdict.findings] == [(ORIGIN, "forked")]
    assert "another history than its anchor saw" in tell_loss(verdict.predecessors[0])


def test_further_log_is_continued_and_announced(
    log: Log, sequence: Sequence, acting_as: ActingAs, databases: Databases, settings: Settings
) -> None:
    origin = f"{settings.MUNIMENT_ORIGIN}/second"
    create_log_keys(origin)
    second = open_log("second")
    sequence()
    with acting_as("sequencer"):
        Sequencer(second).step()
    databases.back_up("default")
    record(log="second")
    with acting_as("sequencer"):
        Sequencer(second).step()
    databases.restore("default")
    continue_log("second")
    sequence()
    with acting_as("sequencer"):
        Sequencer(second).step()
    assert [life.origin for life in read_lives("second")] == [origin, f"{origin}.2"]
    assert (verify_log(log).findings, verify_log(second).findings) == ([], [])


def test_report_on_an_origin_that_goes_on_no_more_must_be_ordered_again(
    log: Log, sequence: Sequence, databases: Databases
) -> None:
    sequence()
    report = order_report(officer=person())
    sequence()
    databases.back_up("default")
    record()
    sequence()
    databases.restore("default")
    continue_log("default")
    sequence()
    with pytest.raises(LogContinued, match=f"goes on as {ORIGIN}.2 since: order this report again"):
        issue_report(report)
    assert find_unfinished() == []
    assert order_report(officer=person()).incarnation.origin == f"{ORIGIN}.2"


@pytest.mark.superuser
@pytest.mark.parametrize(
    ("statements", "codes"),
    [
        (
            ["DELETE FROM ledger_leaf WHERE index = 1 AND incarnation_id = {old}"],
            {"tail_cut", "predecessor_differs", "record_lost"},
        ),
        (
            [
                "DELETE FROM ledger_anchored WHERE checkpoint_id IN "
                "(SELECT id FROM ledger_checkpoint WHERE incarnation_id = {old})",
                "DELETE FROM ledger_checkpoint WHERE incarnation_id = {old}",
            ],
            {"leaf_unsigned", "predecessor_differs"},
        ),
    ],
)
def test_more_that_goes_missing_of_an_earlier_origin_is_found(
    rolled_back: UUID,
    log: Log,
    sequence: Sequence,
    acting_as: ActingAs,
    statements: list[str],
    codes: set[str],
) -> None:
    continue_log("default")
    sequence()
    old = Incarnation.objects.get(origin=ORIGIN).pk
    with acting_as("superuser"):
        forge(*(one.format(old=old) for one in statements))
    found = verify_log(log).findings
    assert {one.code for one in found} == codes


def test_anchor_of_an_earlier_origin_is_compared_for_ever(
    rolled_back: UUID, log: Log, sequence: Sequence
) -> None:
    continue_log("default")
    sequence()
    path = _anchor(ORIGIN).path
    held = path.read_text()
    path.write_text(held.replace(f"{ORIGIN}\n4\n", f"{ORIGIN}\n9\n"))
    assert [one.code for one in verify_log(log).findings] == ["anchor_differs"]
    path.unlink()
    assert [one.code for one in verify_log(log).findings] == ["anchor_missing"]


def test_loss_is_told_in_words() -> None:
    def told(size: int, anchored: int, root: str = "a") -> str:
        digest, other = f"sha256:{root * 64}", f"sha256:{'a' * 64}"
        said = Predecessor(
            origin=ORIGIN, size=size, root=digest, anchored_size=anchored, anchored_root=other
        )
        return tell_loss(said).removeprefix(f"{ORIGIN}: ")

    assert told(3, 4) == "3 leaves kept, 4 anchored, 1 lost, with the receipts for index 3"
    assert told(4, 4) == "4 leaves kept, 4 anchored, nothing lost"
    assert told(4, 4, "b") == "4 leaves kept, 4 anchored, another history than its anchor saw"


def _anchor(origin: str) -> Anchor:
    from django.conf import settings

    return Anchor(settings.MUNIMENT_ANCHOR, origin)


def _head(origin: str) -> TreeHead:
    last = Checkpoint.objects.filter(incarnation__origin=origin).order_by("-size").first()
    assert last is not None
    return TreeHead.parse(Note.parse(last.note).text)


def _called(*command: str) -> str:
    out = StringIO()
    call_command(*command, stdout=out)
    return out.getvalue()


def _site() -> Any:
    from django.contrib import admin

    return admin.site
