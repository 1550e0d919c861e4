"""The doctor sees what was broken on purpose, says where, and says what to do."""

import json
import os
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import override_settings

from ledger import checks
from ledger.checks import Diagnosis, Examinations
from ledger.models import Log, VerificationRun
from ledger.services.watch import check_log
from tests.conftest import ActingAs
from tests.ledger.acts import record

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def healthy(log: Log, sequence: Callable[[], int]) -> Log:
    """A log that is sequenced, anchored and checked."""
    record()
    sequence()
    check_log(log)
    return log


def _wrong() -> list[tuple[str, str]]:
    return [(one.topic, one.said) for one in checks.EXAMINATIONS.run() if not one.is_well]


def test_healthy_installation_is_well(healthy: Log) -> None:
    out = StringIO()
    call_command("doctor", stdout=out)
    text = out.getvalue()
    assert text.endswith("all is well\n")
    for topic in ("keys", "clocks", "privileges", "triggers", "safe copies", "queues", "disk"):
        assert f"\n{topic}\n" in f"\n{text}"


def test_json_names_each_thing_and_exit_status_says_whether_to_act(
    healthy: Log, home: Path
) -> None:
    (home / "keys" / "passphrase").chmod(0o644)
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("doctor", "--json", stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue())
    assert (ended.value.code, answer["well"]) == (1, False)
    (wrong,) = [one for one in answer["found"] if not one["well"]]
    assert wrong["topic"] == "keys"
    assert wrong["cure"].startswith("chmod 600 ")


def test_missing_key_files_are_named(healthy: Log, home: Path) -> None:
    (home / "keys" / "index.key").unlink()
    for path in (home / "keys" / "encryption").glob("*.key"):
        path.unlink()
    assert _wrong() == [
        ("keys", "key file index.key is missing"),
        ("keys", "key file encryption/*.key is missing"),
    ]


def test_log_without_its_public_keys_is_named(healthy: Log, home: Path) -> None:
    (vkeys,) = home.rglob("vkeys")
    vkeys.unlink()
    assert [topic for topic, _ in _wrong()] == ["keys"]


@pytest.mark.superuser
@pytest.mark.parametrize(
    ("statement", "topic", "complaint"),
    [
        (
            "GRANT UPDATE ON ledger_record TO app",
            "privileges",
            "app may UPDATE on ledger_record, which no migration gave",
        ),
        (
            "GRANT UPDATE (retention) ON ledger_scope TO app",
            "privileges",
            "app may UPDATE (retention) on ledger_scope, which no migration gave",
        ),
        (
            "GRANT SELECT ON ledger_segment TO PUBLIC",
            "privileges",
            "PUBLIC may SELECT on ledger_segment, which no migration gave",
        ),
        (
            "REVOKE INSERT ON ledger_pending FROM eraser",
            "privileges",
            "eraser may not INSERT on ledger_pending, as it should",
        ),
        (
            "ALTER TABLE ledger_leaf OWNER TO app",
            "privileges",
            "table ledger_leaf belongs to app, not to owner",
        ),
        (
            "ALTER TABLE ledger_record DISABLE TRIGGER ledger_record_append_only",
            "triggers",
            "trigger ledger_record_append_only on ledger_record is not enabled always",
        ),
        (
            "ALTER TABLE ledger_leaf ENABLE TRIGGER ledger_leaf_append_only_truncate",
            "triggers",
            "trigger ledger_leaf_append_only_truncate on ledger_leaf is not enabled always",
        ),
        (
            "DROP TRIGGER ledger_scope_state_transitions ON ledger_scope",
            "triggers",
            "trigger ledger_scope_state_transitions on ledger_scope is missing",
        ),
    ],
)
def test_what_a_superuser_loosened_is_named(
    statement: str, topic: str, complaint: str, healthy: Log, acting_as: ActingAs
) -> None:
    with acting_as("superuser"), connection.cursor() as cursor:
        cursor.execute(statement)
    assert (topic, complaint) in _wrong()


def test_safe_copy_that_is_lost_is_named(healthy: Log, home: Path) -> None:
    for path in (home / "anchor").glob("*.checkpoint"):
        path.unlink()
    (found,) = _wrong()
    assert found[0] == "safe copies"
    assert "is missing" in found[1]


@pytest.mark.superuser
def test_database_behind_its_safe_copy_is_named(healthy: Log, acting_as: ActingAs) -> None:
    with acting_as("superuser"), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_anchored DISABLE TRIGGER ALL")
        cursor.execute("ALTER TABLE ledger_checkpoint DISABLE TRIGGER ALL")
        cursor.execute("DELETE FROM ledger_anchored")
        cursor.execute("DELETE FROM ledger_checkpoint")
    assert any("copy of size 2, database ends at 0" in said for _, said in _wrong())


def test_broken_shred_journal_is_named(healthy: Log, home: Path) -> None:
    (home / "journal" / "shred.journal").write_text("{}\n")
    assert _wrong() == [("shred journal", "line 1 of the shred journal is malformed")]


def test_log_that_was_never_checked_is_named(log: Log, sequence: Callable[[], int]) -> None:
    sequence()
    assert _wrong() == [("queues", "log default was never checked")]


@pytest.mark.superuser
def test_stalled_queue_is_named(healthy: Log, acting_as: ActingAs) -> None:
    record()
    with acting_as("superuser"), connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_pending SET queued_at = now() - interval '5 minutes'")
    ((topic, said),) = _wrong()
    assert topic == "states"
    assert said.startswith("queue_growing: log default: the first record waits 5 min, at most 60 s")


@pytest.mark.superuser
def test_checks_that_stopped_are_named(healthy: Log, acting_as: ActingAs) -> None:
    with acting_as("superuser"), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_verificationrun DISABLE TRIGGER ALL")
        cursor.execute(
            "UPDATE ledger_verificationrun SET started_at = started_at - interval '1 day', "
            "ended_at = ended_at - interval '1 day'"
        )
    assert VerificationRun.objects.count() == 1
    (said,) = [said for topic, said in _wrong() if topic == "queues"]
    assert "checked 24 h ago" in said


def test_clock_that_is_off_is_named(healthy: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 90.5)
    ((topic, said),) = _wrong()
    assert (topic, said.partition(":")[0]) == ("states", "clock_jumped")
    assert "the main database is 90 s from this machine" in said
    assert "the keystore database is 90 s from this machine" in said


def test_disk_that_fills_up_is_named_long_before_it_is_full(
    healthy: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "ENOUGH_FREE_BYTES", 1 << 62)
    assert {topic for topic, _ in _wrong()} == {"disk"}


def test_message_that_nobody_takes_is_named(healthy: Log, home: Path) -> None:
    queue = home / "celery" / "queue"
    queue.mkdir(parents=True)
    (queue / "one.msg").write_text("{}")
    os.utime(queue / "one.msg", (0, 0))
    with override_settings(CELERY_FOLDER=home / "celery"):
        ((topic, said),) = _wrong()
    assert (topic, said.startswith("1 messages wait for a worker")) == ("queues", True)


def test_examination_that_fails_is_a_finding_and_the_others_go_on() -> None:
    def fail() -> Any:
        raise OSError("no such folder")

    examinations = Examinations()
    examinations.register("one", fail)
    examinations.register("other", lambda: [("looked", "")])
    first, second = examinations.run()
    assert first.said == "could not be examined: OSError: no such folder"
    assert (first.is_well, second) == (False, Diagnosis("other", "looked"))
    with pytest.raises(ValueError, match="examination one is registered twice"):
        examinations.register("one", fail)
