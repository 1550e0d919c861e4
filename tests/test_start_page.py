"""The start page answers in five seconds; here it answers truly, and with few queries."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from consent.roles import RoleCode
from ledger import charts, tasks, turns
from ledger.inbox import INBOX, Basket, Inbox, Waiting
from ledger.keystore.models import ShredList
from ledger.models import Log, RequestKey, VerificationRun
from ledger.services import destroy_scopes, watch
from ledger.services.watch import check_due_logs, check_log, forget_old_checks
from tests.conftest import ActingAs
from tests.consent.factories import House, open_house
from tests.ledger.acts import about, person, record

pytestmark = pytest.mark.django_db(transaction=True)
QUERIES = 25


@pytest.fixture
def house(db: None, log: Log) -> House:
    return open_house()


@pytest.fixture
def officer(house: House) -> Client:
    client = Client()
    client.force_login(house.account("Olga", RoleCode.OFFICER))
    return client


@pytest.fixture
def basket() -> Iterator[Callable[..., None]]:
    """``basket(waiting)`` makes something wait for everybody, until the test ends."""
    before = dict(INBOX._baskets)

    def add(waiting: Waiting | None, urgency: int = 0) -> None:
        INBOX.register(Basket("Tests to read", lambda _: waiting, "admin:index", "a=b", urgency))

    yield add
    INBOX._baskets = before


def _page(client: Client) -> str:
    answer = client.get("/admin/")
    assert answer.status_code == 200
    return str(answer.content.decode())


def _age(acting_as: ActingAs, table: str, *columns: str) -> None:
    moved = ", ".join(f"{column} = {column} - interval '1 day'" for column in columns)
    with acting_as("superuser"), connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        cursor.execute(f"UPDATE {table} SET {moved}")


def test_new_service_says_that_it_was_not_checked_yet(officer: Client) -> None:
    page = _page(officer)
    assert "The log is not checked yet" in page
    assert "No records yet, or none checked yet." in page


def test_sound_log_says_when_it_was_checked_and_what_that_rests_on(
    officer: Client, sequence: Callable[[], int], log: Log
) -> None:
    sequence()
    check_log(log)
    page = _page(officer)
    assert "The log is sound" in page
    assert "operator&#x27;s word only" in page
    assert ">just now</time>" in page


@pytest.mark.superuser
def test_tampered_log_is_named_not_sound_with_a_way_to_what_was_found(
    officer: Client, sequence: Callable[[], int], log: Log, acting_as: ActingAs
) -> None:
    record()
    sequence()
    with acting_as("superuser"), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_leaf DISABLE TRIGGER ALL")
        cursor.execute("DELETE FROM ledger_leaf WHERE index = 1")
    check_log(log)
    page = _page(officer)
    assert "The log is not sound" in page
    run = VerificationRun.objects.get()
    assert f"/admin/ledger/verificationrun/{run.pk}/change/" in page
    found = officer.get(f"/admin/ledger/verificationrun/{run.pk}/change/").content.decode()
    assert "leaf 1 is missing" in found


@pytest.mark.superuser
def test_checks_that_stopped_coming_raise_an_alarm(
    officer: Client, sequence: Callable[[], int], log: Log, acting_as: ActingAs
) -> None:
    sequence()
    check_log(log)
    _age(acting_as, "ledger_verificationrun", "started_at", "ended_at")
    page = _page(officer)
    assert "The log is in need of attention" in page
    assert "is a worker running?" in page


@pytest.mark.superuser
def test_queue_that_does_not_move_raises_an_alarm(officer: Client, acting_as: ActingAs) -> None:
    _age(acting_as, "ledger_pending", "queued_at")
    page = _page(officer)
    assert "Records wait too long" in page
    assert "See that a sequencer runs" in page
    assert "<code>queue_growing</code>" in page


def test_what_waits_is_shown_with_its_deadline(officer: Client, basket: Any) -> None:
    basket(Waiting(3, due_at=datetime(2026, 12, 24, tzinfo=UTC)))
    page = _page(officer)
    assert "Tests to read" in page
    assert "due 24 December" in page
    assert '<a href="/admin/?a=b">' in page


def test_what_is_overdue_is_said_first(officer: Client, basket: Any) -> None:
    basket(Waiting(3, due_at=datetime(2026, 12, 24, tzinfo=UTC), overdue=2))
    assert "2 overdue" in _page(officer)


def test_what_is_not_theirs_is_not_shown(officer: Client, basket: Any) -> None:
    basket(None)
    assert "Tests to read" not in _page(officer)


def test_baskets_come_most_urgent_first_and_once() -> None:
    inbox = Inbox()
    inbox.register(Basket("later", lambda _: Waiting(1), "admin:index", urgency=9))
    inbox.register(Basket("now", lambda _: Waiting(1), "admin:index", urgency=1))
    assert [basket.name for basket, _ in inbox.look(None)] == ["now", "later"]
    with pytest.raises(ValueError, match="basket now is registered twice"):
        inbox.register(Basket("now", lambda _: None, "admin:index"))


def test_start_page_asks_few_queries(
    officer: Client,
    sequence: Callable[[], int],
    log: Log,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    sequence()
    check_log(log)
    with django_assert_max_num_queries(QUERIES):
        _page(officer)


def test_person_without_the_ledger_sees_their_work_only(house: House, basket: Any) -> None:
    client = Client()
    client.force_login(house.account("Mona", RoleCode.MODERATOR))
    basket(Waiting(1))
    page = _page(client)
    assert "Tests to read" in page
    assert "The log is" not in page
    assert "Records of the last" not in page


def test_no_password_is_changed_off_the_record(officer: Client) -> None:
    assert officer.get("/admin/password_change/").status_code == 404
    assert "password_change" not in _page(officer)


def test_due_log_is_checked_once_and_again_only_after_its_pause(
    log: Log, sequence: Callable[[], int], acting_as: ActingAs
) -> None:
    sequence()
    with acting_as("eraser"):
        assert [tasks.check_logs(), tasks.check_logs()] == [1, 0]
    run = VerificationRun.objects.get()
    assert (run.is_sound, run.size, run.is_openness_checked) == (True, 1, True)
    assert run.read_days() == {timezone.now().date().isoformat(): {"log": 1}}


def test_log_under_check_is_left_to_whoever_checks_it(
    log: Log, sequence: Callable[[], int]
) -> None:
    sequence()
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", [turns.CHECKING, log.pk])
            assert check_due_logs() == 0
            # A server lets go of a lock some time after its client has gone.
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [turns.CHECKING, log.pk])
    finally:
        other.close()
    assert check_due_logs() == 1


def test_long_check_waits_longer_for_the_next() -> None:
    now = timezone.now()
    short = VerificationRun(started_at=now, ended_at=now + timedelta(seconds=2))
    long = VerificationRun(started_at=now, ended_at=now + timedelta(minutes=10))
    assert (short.pause, long.pause) == (timedelta(minutes=5), timedelta(minutes=40))
    assert not long.is_stale(now + timedelta(hours=2))
    assert long.is_stale(now + timedelta(hours=3))


def test_old_checks_are_forgotten(
    log: Log, sequence: Callable[[], int], acting_as: ActingAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    sequence()
    monkeypatch.setattr(watch, "KEPT_RUNS", 2)
    for _ in range(4):
        check_log(log)
    newest = list(VerificationRun.objects.order_by("-pk").values_list("pk", flat=True)[:2])
    with acting_as("eraser"):
        assert forget_old_checks() == 2
    assert list(VerificationRun.objects.order_by("-pk").values_list("pk", flat=True)) == newest


def test_auditor_checks_and_keeps_nothing(
    log: Log, sequence: Callable[[], int], acting_as: ActingAs
) -> None:
    sequence()
    with acting_as("auditor"):
        connection.ensure_connection()
        assert watch._may_keep() is False


def test_epoch_closes_at_five_people(log: Log, acting_as: ActingAs) -> None:
    people = [person() for _ in range(5)]
    for one in people:
        record(about(one))
    with acting_as("eraser"):
        destroy_scopes(people[:4])
        assert tasks.close_due_epoch() is False
        destroy_scopes(people[4:])
        assert tasks.close_due_epoch() is True
        assert tasks.close_due_epoch() is False


def test_epoch_closes_after_thirty_days(log: Log, acting_as: ActingAs) -> None:
    one = person()
    record(about(one))
    with acting_as("eraser"):
        destroy_scopes([one])
    with acting_as("superuser"):
        ShredList.objects.update(created_at=timezone.now() - timedelta(days=31))
    with acting_as("eraser"):
        assert tasks.close_due_epoch() is True


def test_request_keys_past_their_term_are_forgotten(log: Log, acting_as: ActingAs) -> None:
    now = timezone.now()
    for number, term in enumerate((now - timedelta(days=1), now + timedelta(days=1))):
        RequestKey.objects.create(client=person(), key=str(number), mac=bytes(32), expires_at=term)
    with acting_as("eraser"):
        assert tasks.sweep_request_keys() == 1
        assert tasks.sweep_orphan_keys() == 0
    assert RequestKey.objects.get().key == "1"


DAY = date(2026, 11, 20)


def test_chart_stacks_families_and_names_each_block() -> None:
    chart = charts.stack_days(
        {"2026-11-20": {"run": 3, "grant": 1}, "2026-11-19": {"run": 4}}, until=DAY
    )
    assert chart
    assert chart.families == ("run 7", "grant 1")
    assert [block.title for block in chart.blocks] == [
        "19 November, run: 4",
        "20 November, run: 3",
        "20 November, grant: 1",
    ]
    under, over = chart.blocks[1:]
    assert over.y + over.height == pytest.approx(under.y)


def test_chart_gathers_small_families() -> None:
    many = {f"kind{number}": number for number in range(1, 9)}
    chart = charts.stack_days({"2026-11-20": many}, until=DAY)
    assert chart
    assert chart.families == ("kind8 8", "kind7 7", "kind6 6", "kind5 5", "kind4 4", "others 6")


def test_chart_of_nothing_is_none() -> None:
    assert charts.stack_days({"2026-01-01": {"run": 3}}, until=DAY) is None
    assert charts.share([("readable", "readable", 0)]) == ()


@pytest.mark.parametrize(("value", "top"), [(0, 5), (4, 5), (11, 20), (200, 200), (201, 500)])
def test_scale_ends_in_a_round_number(value: int, top: int) -> None:
    assert charts.round_up(value) == top
