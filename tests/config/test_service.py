import json
import logging
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from celery import Celery
from django.contrib.admin.models import LogEntry
from django.core.management import call_command
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from config import celery, health, processes
from config.logging import JSONFormatter
from config.tasks import empty_done_messages
from tests.conftest import ActingAs


@pytest.mark.django_db
def test_a_whole_service_is_ready(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.json() == {
        "ready": True,
        "reasons": [],
        "conditions": [],
        "maximum_merge_delay_seconds": 60,
    }


def test_a_service_without_database_is_alive_but_not_ready(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_checks", lambda: (lambda: ["database default does not answer"],))
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["reasons"] == ["database default does not answer"]


@pytest.mark.django_db(transaction=True)
def test_missing_migrations_are_a_reason(
    acting_as: ActingAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_migrated", set())
    with acting_as("superuser"), connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'ledger' AND name > '0002'")
        cursor.execute("DELETE FROM django_migrations WHERE app = 'ledger' AND name >= '0002'")
    assert any("run manage.py migrate" in reason for reason in health.missing_migrations())


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_gone_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "NAME", "nowhere")
    connection.close()
    assert list(health.silent_databases()) == ["database default does not answer"]
    connection.close()


def test_metrics_name_routes_and_never_paths(client: Client) -> None:
    client.get("/healthz")
    client.get("/no/such/ada-invented")
    body = client.get("/metrics").content.decode()
    assert 'muniment_requests_total{method="GET",route="healthz",status="200"}' in body
    assert "ada-invented" not in body


@pytest.mark.django_db
def test_the_schema_is_openapi_3_1_and_its_pages_need_no_network(client: Client) -> None:
    schema = client.get("/api/v1/schema/", headers={"accept": "application/json"})
    assert schema.json()["openapi"].startswith("3.1")
    page = client.get("/api/v1/docs/").content.decode()
    assert "/static/drf_spectacular_sidecar/" in page
    assert "https://" not in page


def test_the_pages_assets_are_served(client: Client) -> None:
    answer = client.get("/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui.css")
    assert answer.status_code == 200
    assert "no-store" not in answer["Cache-Control"]
    answer.close()


@pytest.mark.django_db
def test_no_system_check_complains() -> None:
    call_command("check", databases=["default", "keystore"], fail_level="WARNING")


@pytest.mark.django_db(transaction=True)
def test_a_login_that_no_trigger_binds_is_an_error(acting_as: ActingAs) -> None:
    from config.checks import check_role

    with acting_as("superuser"):
        assert [found.id for found in check_role(databases=["default"])] == ["config.E003"]


def test_a_queue_in_a_folder_is_no_queue_for_production(settings: Settings) -> None:
    from config.checks import check_queue

    settings.MUNIMENT_EMBEDDED = False
    assert [found.id for found in check_queue()] == ["config.E002"]
    settings.CELERY_BROKER_URL = "redis://queue.example"
    assert check_queue() == []


def test_the_admin_keeps_no_log_of_its_own() -> None:
    from django.contrib.admin import ModelAdmin, site

    assert ModelAdmin(LogEntry, site).log_change(None, None, "Ada Invented") is None  # type: ignore[arg-type]


def test_messages_stay_below_the_home_and_hold_ids(tmp_path: Path) -> None:
    queue = Celery("test", broker="filesystem://")
    queue.conf.broker_transport_options = celery._folders(tmp_path)
    queue.send_task("a.task", args=["an id"])
    (message,) = (tmp_path / "queue").iterdir()
    assert "a.task" in message.read_text()
    assert (tmp_path / "queue").stat().st_mode & 0o077 == 0


def test_no_worker_ever_meets_half_a_message(tmp_path: Path) -> None:
    queue = Celery("test", broker="filesystem://")
    queue.conf.broker_transport = "config.filesystem:Transport"
    queue.conf.broker_transport_options = celery._folders(tmp_path)
    sent = 300
    taken: list[Any] = []
    with queue.connection_for_read() as connection, ThreadPoolExecutor(1) as pool:
        reader: Any = connection.default_channel
        sending = pool.submit(lambda: [queue.send_task("a.task") for _ in range(sent)])
        while len(taken) < sent and not (sending.done() and sending.exception()):
            with suppress(Empty):
                taken.append(reader._get("celery"))
        sending.result()
    assert all(message["headers"]["task"] == "a.task" for message in taken)


def test_messages_that_were_taken_are_emptied(tmp_path: Path, settings: Settings) -> None:
    import os

    settings.CELERY_FOLDER = tmp_path
    (tmp_path / "done").mkdir()
    for name, age in (("old.msg", 100), ("new.msg", 0)):
        (tmp_path / "done" / name).touch()
        stamp = (tmp_path / "done" / name).stat().st_mtime - age
        os.utime(tmp_path / "done" / name, (stamp, stamp))
    assert empty_done_messages() == 1
    assert [path.name for path in (tmp_path / "done").iterdir()] == ["new.msg"]


def test_the_clock_knows_the_tasks_of_every_app() -> None:
    celery.app.loader.import_default_modules()
    schedule = celery.app.conf.beat_schedule
    assert "config.empty_done" in schedule
    assert {entry["task"] for entry in schedule.values()} <= celery.app.tasks.keys()


def format_error(raises: Callable[[], object]) -> dict[str, object]:
    try:
        raises()
    except Exception:
        record = logging.LogRecord("a", logging.ERROR, "", 0, "failed", (), sys.exc_info())
        record.run = "an id"
    line: dict[str, object] = json.loads(JSONFormatter().format(record))
    return line


def test_a_log_line_tells_where_and_never_what() -> None:
    line = format_error(lambda: int("Ada Invented"))
    assert (line["exception"], line["message"], line["run"]) == ("ValueError", "failed", "an id")
    assert "Ada" not in json.dumps(line)


def test_a_recorded_process_is_known_by_its_start_too(tmp_path: Path) -> None:
    processes.enrol(tmp_path, "this", 15)
    assert processes.find(tmp_path, "this")
    stored = json.loads((tmp_path / "this.json").read_text())
    for change in ({"started": stored["started"] + 1}, {"boot": "another"}):
        (tmp_path / "this.json").write_text(json.dumps(stored | change))
        assert processes.find(tmp_path, "this") is None


@pytest.mark.parametrize("content", ["", "{}", "nonsense", '{"pid": 1}'])
def test_a_damaged_record_of_a_process_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "this.json").write_text(content)
    assert processes.find(tmp_path, "this") is None
