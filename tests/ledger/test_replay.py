"""Drills: real backups, an erasure in between, a restore of one database or both, a replay."""

import base64
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django.fixtures import Settings

from consent.models import Identifier
from ledger import checks, journal, list_copies
from ledger.errors import JournalBroken
from ledger.keystore.models import DataKey, ShredList
from ledger.models import Log, Scope, SealedFile, Segment
from ledger.services import close_epoch, destroy_scopes, store_file
from ledger.services.incarnations import continue_log
from ledger.services.replay import count_survivors, replay_journal
from ledger.tasks import replay_journal as replay_task
from ledger.verification import verify_log
from tests.conftest import ActingAs
from tests.databases import Databases
from tests.dumps import dump, load
from tests.ledger.acts import about, person, record
from tests.ledger.dying import COMMIT, die
from tests.ledger.test_shred import relinked as relinked

pytestmark = pytest.mark.django_db(transaction=True)

MAIN, KEYS = "default", "keystore"
Sequence = Callable[[], int]


@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed"])
@pytest.mark.parametrize(
    "restored", [(MAIN,), (KEYS,), (MAIN, KEYS)], ids=["main", "keystore", "both"]
)
def test_drill_leaves_no_key_and_no_segment_of_an_erased_person(
    log: Log,
    sequence: Sequence,
    acting_as: ActingAs,
    databases: Databases,
    tmp_path: Path,
    restored: tuple[str, ...],
    closed: bool,
) -> None:
    gone, stays = person(), person()
    record(about(gone, n="1"), about(gone, stays, n="2"), about(stays, n="3"))
    sequence()
    backups = {alias: dump(databases, alias, tmp_path) for alias in (MAIN, KEYS)}
    record(about(gone, n="4"))
    sequence()
    with acting_as("eraser"):
        destroy_scopes([gone])
        assert not closed or close_epoch()
    sequence()
    for alias in restored:
        load(databases, alias, backups[alias])
    assert count_survivors() == 1
    with acting_as("eraser"):
        assert replay_journal().repeated == 1
        assert (count_survivors(), replay_journal().repeated) == (0, 0)
    _assert_gone(gone)
    if MAIN in restored:
        continue_log("default")
    sequence()
    assert verify_log(log).findings == []
    with acting_as("eraser"):
        close_epoch()
    record(about(stays, n="5"))
    sequence()
    verdict = verify_log(log)
    assert verdict.findings == []
    assert verdict.segments["open"] == 2
    assert verdict.segments["destroying"] == 0
    assert sum(n for what, n in verdict.segments.items() if "destroyed" in what) == (
        2 if MAIN in restored else 3
    )
    _assert_gone(gone)
    assert DataKey.objects.filter(scope=stays).exists()


def test_main_backup_of_between_erasure_and_close_still_proves_what_is_gone(
    log: Log, sequence: Sequence, acting_as: ActingAs, databases: Databases, tmp_path: Path
) -> None:
    gone = person()
    record(about(gone))
    sequence()
    with acting_as("eraser"):
        destroy_scopes([gone])
        backup = dump(databases, MAIN, tmp_path)
        close_epoch()
    sequence()
    load(databases, MAIN, backup)
    codes = [one.code for one in verify_log(log).findings]
    assert codes == ["rolled_back", "segment_missing"]
    with acting_as("eraser"):
        assert replay_journal().lists == 1
    continue_log("default")
    sequence()
    assert verify_log(log).findings == []
    with acting_as("eraser"):
        assert close_epoch()
    sequence()
    verdict = verify_log(log)
    assert (verdict.findings, dict(verdict.segments)) == ([], {"destroyed (epoch 1)": 1})


def test_row_that_was_relinked_in_the_backup_is_told_of_at_the_next_close(
    log: Log,
    relinked: Identifier,
    sequence: Sequence,
    acting_as: ActingAs,
    databases: Databases,
    tmp_path: Path,
    settings: Settings,
) -> None:
    gone = person()
    record(about(gone))
    sequence()
    with acting_as("eraser"):
        destroy_scopes([gone])
        backup = dump(databases, MAIN, tmp_path)
        close_epoch()
    sequence()
    for path in (settings.MUNIMENT_JOURNAL / "closed").iterdir():
        assert str(relinked.pk).encode() not in base64.b64decode(
            json.loads(path.read_bytes())["rows"]
        )
    load(databases, MAIN, backup)
    with acting_as("eraser"):
        assert replay_journal().lists == 1
    continue_log("default")
    sequence()
    assert verify_log(log).findings == []
    with acting_as("eraser"):
        close_epoch()
    sequence()
    assert verify_log(log).findings == []
    relinked.refresh_from_db()
    assert (relinked.value, relinked.record is None) == (None, False)


def test_ids_that_a_restored_database_gives_anew_are_not_taken_for_destroyed(
    log: Log, sequence: Sequence, acting_as: ActingAs, databases: Databases, tmp_path: Path
) -> None:
    sequence()
    backup = dump(databases, MAIN, tmp_path)
    gone = person()
    lost = record(about(gone))
    sequence()
    with acting_as("eraser"):
        destroy_scopes([gone])
    load(databases, MAIN, backup)
    with acting_as("eraser"):
        assert (count_survivors(), replay_journal().lists) == (0, 1)
        assert not ShredList.objects.exists()
    continue_log("default")
    again = record(about(person()))
    sequence()
    assert lost.pk in (again.pk, again.pk - 1)
    assert dict(verify_log(log).segments) == {"open": 1}


def test_destruction_cut_off_in_the_backup_is_finished(
    log: Log, sequence: Sequence, acting_as: ActingAs, databases: Databases, tmp_path: Path
) -> None:
    gone = person()
    record(about(gone))
    sequence()
    with acting_as("eraser"):
        die(lambda: destroy_scopes([gone]), at="ledger.journal:write", when="after")
    assert count_survivors() == 0
    with acting_as("eraser"):
        assert replay_journal().repeated == 1
        epoch = close_epoch()
        assert epoch is not None
        assert (epoch.count, epoch.people) == (1, 1)
    _assert_gone(gone)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("time", [1, 2, 3, 4])
def test_replay_cut_off_anywhere_ends_the_same(
    log: Log, sequence: Sequence, acting_as: ActingAs, databases: Databases, when: str, time: int
) -> None:
    gone = person()
    record(about(gone))
    sequence()
    databases.back_up(MAIN)
    databases.back_up(KEYS)
    with acting_as("eraser"):
        destroy_scopes([gone])
    databases.restore(MAIN)
    databases.restore(KEYS)
    with acting_as("eraser"):
        die(replay_journal, at=COMMIT, when=when, time=time)
        replay_journal()
        assert close_epoch()
    sequence()
    _assert_gone(gone)
    assert verify_log(log).findings == []


def test_files_that_came_back_go_again(
    log: Log, acting_as: ActingAs, databases: Databases, settings: Settings
) -> None:
    from django.db import transaction

    gone = person()
    with transaction.atomic():
        store_file([gone], b"gone")
    databases.back_up(MAIN)
    with acting_as("eraser"):
        destroy_scopes([gone])
    databases.restore(MAIN)
    with acting_as("eraser"):
        replay_journal()
    assert not SealedFile.objects.exists()
    assert not [path for path in settings.MUNIMENT_FILES.rglob("*") if path.is_file()]


def test_second_destruction_has_a_line_and_a_list_of_its_own(
    log: Log, acting_as: ActingAs, databases: Databases, settings: Settings
) -> None:
    gone = person()
    record(about(gone))
    databases.back_up(MAIN)
    with acting_as("eraser"):
        destroy_scopes([gone])
        close_epoch()
    databases.restore(MAIN)
    with acting_as("eraser"):
        replay_journal()
        (kept,) = ShredList.objects.filter(people=1)
    first, second = journal.read(settings.MUNIMENT_JOURNAL / journal.NAME)
    assert first.scopes == second.scopes == (gone,)
    assert first.destruction != second.destruction == kept.pk
    assert first.mac != second.mac


def test_service_answers_nobody_until_the_replay_is_done(
    log: Log, acting_as: ActingAs, databases: Databases
) -> None:
    gone = person()
    record(about(gone))
    client = Client()
    databases.back_up(KEYS)
    with acting_as("eraser"):
        destroy_scopes([gone])
    assert client.get("/api/v1/kinds/").status_code == 200
    assert client.get("/readyz").status_code == 200
    databases.restore(KEYS)
    _forget_belief()
    answer = client.get("/api/v1/kinds/")
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (503, "Replaying")
    ready = client.get("/readyz")
    assert ready.status_code == 503
    assert json.loads(ready.content)["reasons"] == [
        "replaying 1 destructions that a restored backup has undone"
    ]
    assert client.get("/healthz").status_code == 200
    with acting_as("eraser"):
        assert replay_task() == 1
        assert replay_task() == 0
    assert client.get("/api/v1/kinds/").status_code == 200
    assert client.get("/readyz").status_code == 200


def test_command_says_what_it_did(log: Log, acting_as: ActingAs, databases: Databases) -> None:
    gone = person()
    record(about(gone))
    databases.back_up(KEYS)
    with acting_as("eraser"):
        destroy_scopes([gone])
        databases.restore(KEYS)
        seen = dict(checks.examine_journal())
        assert seen == {
            "shred journal of 1 lines": "",
            "a restored backup has undone 1 destructions": "run manage.py replay_journal",
        }
        databases.log_in("eraser")
        told = [_called() for _ in range(2)]
    assert told == ["1 destructions on record, 1 repeated, 1 lists mended\n", ""]
    _assert_gone(gone)


def test_broken_journal_stops_the_replay_and_the_service(
    log: Log, acting_as: ActingAs, settings: Settings
) -> None:
    (settings.MUNIMENT_JOURNAL / journal.NAME).write_bytes(b"{}\n")
    with acting_as("eraser"), pytest.raises(CommandError, match="line 1 of the shred journal"):
        _called()
    ready = Client().get("/readyz")
    assert json.loads(ready.content)["reasons"] == ["line 1 of the shred journal is malformed"]
    assert Client().get("/api/v1/kinds/").status_code == 503


def test_copies_of_lists_are_private_and_go_when_their_epoch_closes(
    log: Log, acting_as: ActingAs, settings: Settings
) -> None:
    one, other = person(), person()
    for whose in (one, other, one):
        record(about(whose))
    with acting_as("eraser"):
        destroy_scopes([one])
        destroy_scopes([other])
        paths = list((settings.MUNIMENT_JOURNAL / "open").iterdir())
        assert {path.stat().st_mode & 0o777 for path in paths} == {0o600}
        assert len(paths) == 2
        close_epoch()
    assert list_copies.find(list_copies.OPEN) == set()
    (closed,) = list_copies.read(list_copies.CLOSED, list_copies.find(list_copies.CLOSED))
    assert (closed.people, len(closed.entries)) == (0, 3 * 42)


@pytest.mark.parametrize(
    ("old", "new"), [(b'"id"', b'"ix"'), (b'"people":1', b'"people":"x"'), (b"{", b"[")]
)
def test_damaged_copy_is_named(
    log: Log, acting_as: ActingAs, settings: Settings, old: bytes, new: bytes
) -> None:
    gone = person()
    record(about(gone))
    with acting_as("eraser"):
        destroy_scopes([gone])
        (path,) = (settings.MUNIMENT_JOURNAL / "open").iterdir()
        path.write_bytes(path.read_bytes().replace(old, new, 1))
        with pytest.raises(JournalBroken, match=f"{path.name}, is damaged"):
            replay_journal()


def test_copy_that_the_journal_does_not_vouch_for_hides_nothing(
    log: Log, sequence: Sequence, acting_as: ActingAs, databases: Databases, settings: Settings
) -> None:
    gone, lost = person(), person()
    record(about(gone))
    record(about(lost))
    sequence()
    databases.back_up(KEYS)
    with acting_as("eraser"):
        destroy_scopes([gone])
        (kept,) = ShredList.objects.all()
        Segment.objects.filter(scopes__contains=[lost]).delete()
        kept.entries += kept.entries
        list_copies.keep(kept)
    databases.restore(KEYS)
    with acting_as("eraser"):
        assert replay_journal().lists == 0
    codes = [one.code for one in verify_log(log).findings]
    assert codes == ["segment_missing", "segment_missing"]


def _assert_gone(gone: UUID) -> None:
    assert not DataKey.objects.filter(scope=gone).exists()
    assert not Segment.objects.filter(scopes__contains=[gone]).exists()
    assert not Scope.objects.filter(pk=gone).exclude(state="destroyed").exists()


def _forget_belief() -> None:
    from ledger.services import replay

    replay._believed.clear()


def _called() -> str:
    out = StringIO()
    call_command("replay_journal", stdout=out)
    return out.getvalue()
