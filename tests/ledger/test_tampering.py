"""What a database superuser can do with the triggers off, and how it is found and named."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from ledger.commitment import fresh_randomness
from ledger.models import HOUSE_SCOPE, Checkpoint, Leaf, Log, Record, Tombstone
from ledger.services import close_epoch, destroy_scopes
from ledger.services.keys import compromise_log_key
from ledger.signing import read_verifiers
from ledger.verification import LogVerdict, verify_log
from tests.conftest import ActingAs
from tests.ledger.acts import about, person, record
from tests.ledger.forging import forge

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.superuser]

OF_LEAF = "(SELECT record_id FROM ledger_leaf WHERE index = {})"
EDIT = "UPDATE ledger_record SET body = {} WHERE id = " + OF_LEAF
OTHER_BODY = (
    "convert_to(replace(convert_from(body, 'UTF8'), '\"tries\":{}', '\"tries\":9{}'), 'UTF8')"
)


@pytest.fixture
def log_of_five(log: Log, sequence: Callable[[], int]) -> Log:
    """Leaves 0 to 4, leaf 3 with two segments; a checkpoint behind each leaf."""
    sequence()
    whose = person()
    for tries in (1, 2, 3, 4):
        segments = [about(whose, n="1"), about(HOUSE_SCOPE, n="2")] if tries == 3 else []
        record(*segments, tries=tries)
        sequence()
    return log


def _edit(index: int) -> str:
    return EDIT.format(OTHER_BODY.format(index, index), index)


@pytest.mark.parametrize(
    ("statements", "code", "complaint"),
    [
        ([_edit(2)], "root_differs", "leaf 2 do not give the root signed at size 3"),
        (
            ["UPDATE ledger_record SET body = '{}' WHERE id = " + OF_LEAF.format(2)],
            "record_malformed",
            "the record of leaf 2",
        ),
        (["DELETE FROM ledger_leaf WHERE index = 3"], "leaf_missing", "leaf 3 is missing"),
        (
            ["DELETE FROM ledger_record WHERE id = " + OF_LEAF.format(3)],
            "record_missing",
            "the record of leaf 3 is missing",
        ),
        (
            [
                "UPDATE ledger_leaf SET index = 99 WHERE index = 2",
                "UPDATE ledger_leaf SET index = 2 WHERE index = 3",
                "UPDATE ledger_leaf SET index = 3 WHERE index = 99",
            ],
            "root_differs",
            "leaf 2 do not give the root signed at size 3",
        ),
        (
            ["DELETE FROM ledger_leaf WHERE index = 4"],
            "tail_cut",
            "holds 4 leaves, its checkpoint counts 5",
        ),
        (
            [
                "DELETE FROM ledger_leaf WHERE index = 4",
                "DELETE FROM ledger_anchored WHERE checkpoint_id = "
                "(SELECT id FROM ledger_checkpoint WHERE size = 5)",
                "DELETE FROM ledger_checkpoint WHERE size = 5",
            ],
            "rolled_back",
            "holds 4 leaves, the anchor saw 5",
        ),
        (
            [
                "DELETE FROM ledger_anchored WHERE checkpoint_id = "
                "(SELECT id FROM ledger_checkpoint WHERE size = 5)",
                "DELETE FROM ledger_checkpoint WHERE size = 5",
            ],
            "leaf_unsigned",
            "leaf 4 and later are under no signed checkpoint",
        ),
        (
            [
                "INSERT INTO ledger_record (uuid, log_id, body) SELECT gen_random_uuid(), log_id, "
                "body FROM ledger_record WHERE id = " + OF_LEAF.format(4),
                "INSERT INTO ledger_leaf (record_id, incarnation_id, index) "
                "SELECT max(id), 1, 5 FROM ledger_record",
            ],
            "leaf_unsigned",
            "leaf 5 and later are under no signed checkpoint",
        ),
        (
            ["DELETE FROM ledger_segment WHERE record_id = " + OF_LEAF.format(3)],
            "segment_missing",
            "segment 0 of leaf 3 is missing without cause",
        ),
        (
            [
                "UPDATE ledger_segment SET ciphertext = ciphertext || '\\x00' WHERE position = 1 "
                "AND record_id = " + OF_LEAF.format(3)
            ],
            "segment_replaced",
            "segment 1 of leaf 3 does not open",
        ),
        (
            ["UPDATE ledger_checkpoint SET note = replace(note, 'log.example', 'log.elsewhere')"],
            "checkpoint_invalid",
            "checkpoint of size 1",
        ),
        (
            [
                "INSERT INTO ledger_log (name) VALUES ('second')",
                "INSERT INTO ledger_record (uuid, log_id, body) SELECT gen_random_uuid(), "
                "(SELECT id FROM ledger_log WHERE name = 'second'), body FROM ledger_record "
                "LIMIT 1",
                "INSERT INTO ledger_pending (record_id) SELECT max(id) FROM ledger_record",
            ],
            "log_unannounced",
            "log second exists, but was never announced",
        ),
    ],
)
def test_forgery_is_found_and_its_place_named(  # type: ignore[no-untyped-def]
    log_of_five: Log, acting_as, statements: list[str], code: str, complaint: str
) -> None:
    assert verify_log(log_of_five).findings == []
    with acting_as("superuser"):
        forge(*statements)
    assert complaint in _messages(verify_log(log_of_five), code)


def test_deleted_pending_row_is_a_lost_record(log_of_five: Log, acting_as) -> None:  # type: ignore[no-untyped-def]
    lost = record()
    with acting_as("superuser"):
        forge("DELETE FROM ledger_pending")
    messages = _messages(verify_log(log_of_five), "record_lost")
    assert messages == f"record {lost.pk} has no leaf and waits for none"


def test_segment_swapped_within_its_record_is_found(log_of_five: Log, acting_as) -> None:  # type: ignore[no-untyped-def]
    where = "record_id = " + OF_LEAF.format(3)
    with acting_as("superuser"):
        forge(
            f"UPDATE ledger_segment SET position = 9 WHERE position = 0 AND {where}",
            f"UPDATE ledger_segment SET position = 0 WHERE position = 1 AND {where}",
            f"UPDATE ledger_segment SET position = 1 WHERE position = 9 AND {where}",
        )
    assert "segment 0 of leaf 3 does not open" in _messages(
        verify_log(log_of_five), "segment_replaced"
    )


def test_forged_tombstone_does_not_pass_as_destruction(log_of_five: Log, acting_as) -> None:  # type: ignore[no-untyped-def]
    whose = Record.objects.get(leaf__index=3)
    with acting_as("superuser"):
        forge(f"DELETE FROM ledger_segment WHERE record_id = {whose.pk}")
        Tombstone.objects.create(
            record=whose, position=0, epoch=1, entry=0, salt=fresh_randomness(), path=[]
        )
    verdict = verify_log(log_of_five)
    assert "names epoch 1, never recorded" in _messages(verdict, "tombstone_forged")
    assert "segment 1 of leaf 3 is missing without cause" in _messages(verdict, "segment_missing")


def test_tombstone_moved_to_another_segment_does_not_hold(  # type: ignore[no-untyped-def]
    log: Log, sequence, acting_as
) -> None:
    gone, stays = person(), person()
    record(about(gone, n="1"))
    record(about(stays, n="2"))
    with acting_as("eraser"):
        destroy_scopes([gone])
        close_epoch()
    sequence()
    assert verify_log(log).findings == []
    with acting_as("superuser"):
        forge(
            "DELETE FROM ledger_segment WHERE record_id = " + OF_LEAF.format(2),
            "UPDATE ledger_tombstone SET record_id = " + OF_LEAF.format(2),
        )
    verdict = verify_log(log)
    assert "of leaf 2 does not hold" in _messages(verdict, "tombstone_forged")
    assert "segment 0 of leaf 1 is missing" in _messages(verdict, "segment_missing")


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        (
            "UPDATE ledger_tile SET hashes = overlay(hashes placing '\\x0000' from 321) "
            "WHERE level = 0",
            "the tile of leaf 10 was changed: the records give the signed root",
        ),
        ("UPDATE ledger_tile SET root = sha256(root)", "tile 0/0 differs from the records"),
        ("DELETE FROM ledger_tile", "tile 0/0 is missing"),
    ],
)
def test_tile_left_of_the_right_edge_is_checked(  # type: ignore[no-untyped-def]
    log: Log, sequence, acting_as, statement: str, complaint: str
) -> None:
    for tries in range(260):
        record(tries=tries)
    sequence()
    with acting_as("superuser"):
        forge(statement)
    findings = verify_log(log).findings
    assert [complaint in finding.message for finding in findings] == [True]


def test_edited_record_under_a_full_tile_is_named_exactly(log: Log, sequence, acting_as) -> None:  # type: ignore[no-untyped-def]
    for tries in range(300):
        record(tries=tries)
    sequence()
    with acting_as("superuser"):
        forge(_edit(77).replace('"tries":77', '"tries":76').replace('"tries":977', '"tries":976'))
    assert [finding.message for finding in verify_log(log).findings] == [
        "the record of leaf 77 was changed after it was signed"
    ]


def test_whole_log_rewritten_with_its_keys_contradicts_the_anchor(  # type: ignore[no-untyped-def]
    log_of_five: Log, acting_as, settings
) -> None:
    from ledger.anchor import Anchor
    from ledger.note import Checkpoint as TreeHead
    from ledger.note import sign_note
    from ledger.receipt import sign_root
    from ledger.signing import read_signers
    from ledger.tree import StoredTree

    with acting_as("superuser"):
        forge(
            _edit(4), "DELETE FROM ledger_anchored", "DELETE FROM ledger_checkpoint WHERE size = 5"
        )
        incarnation = Leaf.objects.get(index=4).incarnation
        root = StoredTree(incarnation).root(5)
        head, signers = TreeHead(incarnation.origin, 5, root), read_signers(incarnation.origin)
        Checkpoint.objects.create(
            incarnation=incarnation,
            size=5,
            note=str(sign_note(head.text, signers)),
            signed_root=bytes(sign_root(head, signers)),
        )
    messages = _messages(verify_log(log_of_five), "forked")
    assert messages == "has another root of size 5 than the anchor"
    assert Anchor(settings.MUNIMENT_ANCHOR, incarnation.origin).size() == 5


def _messages(verdict: LogVerdict, code: str) -> str:
    return "; ".join(finding.message for finding in verdict.findings if finding.code == code)


def test_epoch_whose_record_still_waits_for_its_place_is_no_alarm(  # type: ignore[no-untyped-def]
    log: Log, sequence, acting_as
) -> None:
    gone = person()
    record(about(gone, n="1"))
    sequence()
    with acting_as("eraser"):
        destroy_scopes([gone])
        close_epoch()
    verdict = verify_log(log)
    assert (verdict.findings, dict(verdict.segments)) == ([], {"destroyed (epoch 1)": 1})


@pytest.mark.parametrize(
    ("index", "old", "new", "code"),
    [
        (2, '"keys":[', '"keys":7,"list":[', "leaf_unsigned"),
        (2, '"keys":[', '"keys":null,"list":[', "leaf_unsigned"),
        (2, '"replaces":[', '"replaces":7,"reverts":[', "leaf_unsigned"),
        (1, '"since":', '"sinse":', "root_differs"),
        (1, '"since":"2', '"since":"x', "root_differs"),
        (1, '"key":"', '"kex":"', "root_differs"),
        (1, "{", "[", "record_malformed"),
    ],
)
def test_record_about_keys_that_makes_no_sense_is_a_finding(
    log: Log,
    sequence: Callable[[], int],
    acting_as: ActingAs,
    index: int,
    old: str,
    new: str,
    code: str,
) -> None:
    sequence()
    (key, _) = read_verifiers("log.example/default")
    compromise_log_key(key.key_id.hex(), datetime(2026, 11, 20, tzinfo=UTC))
    sequence()
    said = f"replace(convert_from(body, 'UTF8'), '{old}', '{new}')"
    with acting_as("superuser"):
        forge(EDIT.format(f"convert_to({said}, 'UTF8')", index))
    assert code in {finding.code for finding in verify_log(log).findings}
