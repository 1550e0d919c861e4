from itertools import product
from uuid import UUID

import pytest
from django.db import DatabaseError

from ledger.anchor import Anchor
from ledger.errors import AnchorRefused, LogTampered, NotYetPublished
from ledger.leaf import parse_leaf
from ledger.models import Anchored, Checkpoint, Leaf, Log, Pending, Tile
from ledger.note import Checkpoint as TreeHead
from ledger.note import Note
from ledger.proofs import prove_record, wait_for_record
from ledger.sequencer import Sequencer
from ledger.signing import read_verifiers
from ledger.verification import verify_log
from tests.ledger.acts import about, person, record

pytestmark = pytest.mark.django_db(transaction=True)


def test_first_leaf_opens_the_log_and_names_its_keys(log: Log, sequence) -> None:  # type: ignore[no-untyped-def]
    assert sequence() == 1
    head = _head()
    leaf = parse_leaf(prove_record(_opening()).leaf)
    assert (head.origin, head.size) == ("log.example/default", 1)
    assert leaf.body.facts["keys"] == [v.vkey for v in read_verifiers("log.example/default")]


def test_places_are_gapless_in_the_order_of_records(log: Log, sequence) -> None:  # type: ignore[no-untyped-def]
    for _ in range(3):
        record()
    sequence()
    assert list(Leaf.objects.order_by("index").values_list("index", flat=True)) == [0, 1, 2, 3]
    assert not Pending.objects.exists()


def test_tree_over_several_tiles_verifies_and_every_proof_holds(log: Log, sequence) -> None:  # type: ignore[no-untyped-def]
    uuids = [record(tries=n).uuid for n in range(300)]
    sequence()
    uuids += [record(tries=n).uuid for n in range(260)]
    sequence()
    assert Tile.objects.count() == 2
    for uuid in (uuids[0], uuids[254], uuids[255], uuids[299], uuids[-1]):
        proved = prove_record(uuid)
        proved.proof.verify(parse_leaf(proved.leaf).hash)
    assert verify_log(log).findings == []


def test_unpublished_record_has_no_proof_yet(log: Log, sequence) -> None:  # type: ignore[no-untyped-def]
    sequence()
    with pytest.raises(NotYetPublished, match="waits for its place"):
        wait_for_record(record().uuid, timeout_seconds=0.05)


def test_checkpoint_is_published_only_once_the_anchor_has_it(log: Log, sequence, acting_as) -> None:  # type: ignore[no-untyped-def]
    sequence()
    written = record()
    with acting_as("sequencer"), pytest.raises(OSError, match="anchor is away"):
        Sequencer(log, anchors=_Unreachable).step()
    assert Checkpoint.objects.count() == 2
    with pytest.raises(NotYetPublished, match="is not published yet"):
        prove_record(written.uuid)
    with acting_as("sequencer"):
        assert Sequencer(log).step().published == 2
    assert prove_record(written.uuid).index == 1


def test_log_behind_its_anchor_is_not_continued(log: Log, sequence, settings, tmp_path) -> None:  # type: ignore[no-untyped-def]
    sequence()
    record()
    ahead = _anchor_of(settings).path.read_text
    sequence()
    kept = ahead()
    settings.MUNIMENT_ANCHOR = tmp_path / "other"
    settings.MUNIMENT_ANCHOR.mkdir()
    larger = kept.replace("log.example/default\n2\n", "log.example/default\n9\n")
    _anchor_of(settings).path.write_text(larger)
    with pytest.raises(AnchorRefused, match="ends at size 2, the anchor holds 9"):
        sequence()


def test_missing_anchor_is_a_loss_never_a_new_log(log: Log, sequence, settings) -> None:  # type: ignore[no-untyped-def]
    sequence()
    record()
    _anchor_of(settings).path.unlink()
    with pytest.raises(AnchorRefused, match="is missing: restore"):
        sequence()


def test_changed_tail_stops_the_sequencer(log: Log, sequence, acting_as) -> None:  # type: ignore[no-untyped-def]
    record(tries=1)
    sequence()
    with acting_as("superuser"):
        _superuser(
            "UPDATE ledger_record SET body = "
            "replace(encode(body, 'escape'), ':1}', ':2}')::bytea WHERE id = 2"
        )
    record()
    with pytest.raises(LogTampered, match="does not give the root"):
        sequence()


@pytest.mark.parametrize("role", ["app", "sequencer", "eraser"])
def test_no_role_changes_what_is_written_once(log: Log, acting_as, role: str) -> None:  # type: ignore[no-untyped-def]
    tables = ["record", "leaf", "checkpoint", "tile", "anchored", "incarnation", "log", "tombstone"]
    columns = {"leaf": "index", "anchored": "checkpoint_id", "record": "body"}
    # test_thinning.py says which of these it may delete.
    thinned = {("sequencer", "checkpoint"), ("sequencer", "anchored")}
    with acting_as(role):
        for table, statement in product(
            tables, ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {}"]
        ):
            if (role, table) in thinned and statement.startswith("DELETE"):
                continue
            column = columns.get(table, "id")
            with pytest.raises(DatabaseError, match="permission denied|append-only|must be owner"):
                _execute(statement.format(f"ledger_{table}", column, column))
            with pytest.raises(DatabaseError, match="must be owner"):
                _execute(f"ALTER TABLE ledger_{table} DISABLE TRIGGER ALL")


def test_segment_of_a_person_can_be_read_beside_a_proof(log: Log, sequence) -> None:  # type: ignore[no-untyped-def]
    whose = person()
    written = record(about(whose, colour="red"))
    sequence()
    assert prove_record(written.uuid).index == 1
    verdict = verify_log(log)
    assert (verdict.findings, dict(verdict.segments)) == ([], {"open": 1})


class _Unreachable(Anchor):
    def __init__(self, origin: str) -> None:
        from django.conf import settings

        super().__init__(settings.MUNIMENT_ANCHOR, origin)

    def advance(self, note: str) -> None:
        raise OSError("the anchor is away")


def _anchor_of(settings) -> Anchor:  # type: ignore[no-untyped-def]
    return Anchor(settings.MUNIMENT_ANCHOR, "log.example/default")


def _head() -> TreeHead:
    newest = Checkpoint.objects.order_by("-size").first()
    assert newest is not None
    assert Anchored.objects.filter(checkpoint=newest).exists()
    return TreeHead.parse(Note.parse(newest.note).text)


def _opening() -> UUID:
    return Leaf.objects.select_related("record").get(index=0).record.uuid


def _execute(sql: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql)


def _superuser(sql: str) -> None:
    _execute("SET session_replication_role = replica")
    _execute("ALTER TABLE ledger_record DISABLE TRIGGER ALL")
    _execute(sql)
