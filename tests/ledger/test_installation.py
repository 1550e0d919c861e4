"""The installation's own life stands in the log."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from ledger import installation
from ledger.leaf import parse_body
from ledger.models import Log, Observation, Partition, Record, VerificationRun
from ledger.services.installation import record_installation
from ledger.services.watch import check_due_logs
from ledger.verification import verify_log
from tests.conftest import ActingAs

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def started(log: Log) -> Log:
    record_installation()
    return log


def facts_since(known: int) -> dict[str, Any]:
    bodies = [parse_body(record.body) for record in Record.objects.order_by("pk")[known:]]
    return {body.kind: body.facts for body in bodies}


def test_first_start_records_code_tables_settings_and_controls(log: Log) -> None:
    assert record_installation() == 4
    said = facts_since(1)
    assert "ledger.0001_initial" in said["migration.applied"]["migrations"]
    assert "keystore.0001_initial" in said["migration.applied"]["migrations"]
    assert said["system.deployed"]["build"] == installation.build_digest()
    assert "MUNIMENT_PUBLIC_LOG" in said["setting.changed"]["settings"]
    assert said["control.checked"]["faults"] == 0


def test_second_start_of_the_same_records_nothing(started: Log) -> None:
    assert record_installation() == 0


def test_changed_setting_is_named_and_its_value_is_not(started: Log, settings: Any) -> None:
    known = Record.objects.count()
    settings.MUNIMENT_PUBLIC_LOG = "entries"
    assert record_installation() == 1
    assert facts_since(known) == {"setting.changed": {"settings": ["MUNIMENT_PUBLIC_LOG"]}}


def test_controls_are_recorded_again_after_a_day(started: Log) -> None:
    known = Record.objects.count()
    Observation.objects.update(recorded_at=timezone.now() - timedelta(days=1, minutes=1))
    assert record_installation() == 1
    assert list(facts_since(known)) == ["control.checked"]


@pytest.mark.superuser
def test_disabled_trigger_shows_in_the_controls_at_once(started: Log, acting_as: ActingAs) -> None:
    known = Record.objects.count()
    with acting_as("superuser"), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_record DISABLE TRIGGER ledger_record_append_only")
    assert record_installation() == 1
    # The table, and each of its partitions.
    assert facts_since(known)["control.checked"]["faults"] == 1 + Partition.objects.count()


def test_verification_is_recorded_once_until_its_verdict_changes(
    started: Log, sequence: Callable[[], int], acting_as: ActingAs
) -> None:
    sequence()
    known = Record.objects.count()
    with acting_as("eraser"):
        assert [check_due_logs(), check_due_logs()] == [1, 0]
        VerificationRun.objects.all().delete()
        assert check_due_logs() == 1
    said = facts_since(known)["log.verified"]
    assert Record.objects.count() == known + 1
    assert (said["log"], said["size"], said["is_sound"]) == (started.name, known, True)


def test_log_with_its_own_life_on_record_verifies(
    started: Log, sequence: Callable[[], int]
) -> None:
    sequence()
    assert verify_log(started).findings == []
