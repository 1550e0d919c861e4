"""The ledger's screens, as a person with a role meets them."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from consent.models import Account
from consent.roles import RoleCode
from ledger.admin import records
from ledger.models import Checkpoint, Leaf, Log, Partition, Record, Segment, VerificationRun
from ledger.services import close_epoch, destroy_scopes
from ledger.services.watch import check_log
from ledger.standing import Standing
from tests.conftest import ActingAs
from tests.consent.factories import House, open_house
from tests.ledger.acts import about, person, record

pytestmark = pytest.mark.django_db(transaction=True)
LISTS = "log record checkpoint verificationrun incarnation leaf tile partition tombstone scope"
QUERIES_OF_A_LIST = 8


@pytest.fixture
def house(db: None, log: Log) -> House:
    return open_house()


@pytest.fixture
def auditor(house: House) -> Client:
    return _signed_in(house.account("Una", RoleCode.AUDITOR))


def _signed_in(account: Account) -> Client:
    client = Client()
    client.force_login(account)
    return client


def _page(client: Client, shown: Record) -> str:
    answer = client.get(reverse("admin:ledger_record_change", args=[shown.uuid]))
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


@pytest.mark.parametrize("name", LISTS.split())
def test_lists_open_with_few_queries(
    name: str,
    auditor: Client,
    sequence: Callable[[], int],
    log: Log,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for _ in range(12):
        record(about(person()), about(person()))
    sequence()
    check_log(log)
    with django_assert_max_num_queries(QUERIES_OF_A_LIST):
        answer = auditor.get(reverse(f"admin:ledger_{name}_changelist"))
    assert answer.status_code == 200


@pytest.mark.parametrize("model", [Log, Record, Checkpoint, VerificationRun, Leaf, Partition])
def test_pages_of_stored_rows_open_and_offer_nothing_to_save(
    model: Any, auditor: Client, sequence: Callable[[], int], log: Log
) -> None:
    record(about(person()))
    sequence()
    check_log(log)
    row = model.objects.first()
    url = reverse(f"admin:ledger_{model._meta.model_name}_change", args=[row.pk])
    answer = auditor.get(url)
    assert answer.status_code == 200
    assert 'name="_save"' not in answer.content.decode()
    assert auditor.post(url, {"uuid": "0"}).status_code == 403


def test_no_screen_of_the_ledger_lets_anybody_change_or_delete(rf: Any, house: House) -> None:
    request = rf.get("/")
    request.user = house.ada
    screens = [
        screen
        for model, screen in admin.site._registry.items()
        if model._meta.app_label == "ledger"
    ]
    assert len(screens) >= len(LISTS.split())
    for screen in screens:
        allowed = [
            screen.has_add_permission(request),
            screen.has_change_permission(request),
            screen.has_delete_permission(request),
        ]
        assert allowed == [False, False, False], screen


def test_who_may_not_see_the_ledger_gets_no_list_and_no_menu(house: House) -> None:
    client = _signed_in(house.account("Mona", RoleCode.MODERATOR))
    assert client.get(reverse("admin:ledger_record_changelist")).status_code == 403
    assert reverse("admin:ledger_record_changelist") not in client.get("/admin/").content.decode()


def test_history_of_a_row_is_the_log_itself(auditor: Client) -> None:
    shown = Record.objects.first()
    assert shown
    url = reverse("admin:ledger_record_history", args=[shown.uuid])
    assert auditor.get(url).status_code == 404


def test_record_that_waits_says_so(auditor: Client) -> None:
    page = _page(auditor, record(tries=3))
    assert "Thing tested" in page
    assert "waits for its place" in page
    assert "as soon as the record is published" in page


def test_published_record_shows_facts_and_proof(
    auditor: Client, sequence: Callable[[], int]
) -> None:
    written = record(tries=3)
    sequence()
    page = _page(auditor, written)
    assert '<th scope="row">Tries</th><td>3</td>' in page
    assert "c2sp.org/tlog-proof@v1" in page
    assert reverse("ledger:record-proof", args=[written.uuid]) in page


def test_sealed_parts_are_told_apart_without_being_opened(
    auditor: Client, sequence: Callable[[], int], acting_as: ActingAs
) -> None:
    gone, here = person(), person()
    written = record(about(gone), about(here), about(here))
    sequence()
    assert _states(auditor, written) == ["padding", "readable", "readable", "readable"]
    with acting_as("eraser"):
        destroy_scopes([gone])
    assert _states(auditor, written) == ["being destroyed", "padding", "readable", "readable"]
    with acting_as("eraser"):
        close_epoch()
    assert _states(auditor, written) == [
        "destroyed (epoch 1)",
        "padding",
        "readable",
        "readable",
    ]


@pytest.mark.superuser
def test_part_that_is_gone_without_cause_reads_missing(
    auditor: Client, sequence: Callable[[], int], acting_as: ActingAs
) -> None:
    written = record(about(person()))
    sequence()
    with acting_as("superuser"):
        Segment.objects.filter(record=written).delete()
    assert _states(auditor, written) == ["missing"]


def _states(client: Client, shown: Record) -> list[str]:
    page = _page(client, shown)
    words = re.findall(r'Part \d+</th><td><span class="mu-badge mu-\w+">([^<]+)</span>', page)
    return sorted(words)


def test_record_leads_to_its_rows_and_back(auditor: Client, house: House) -> None:
    account = Account.objects.get(pk=house.ada.pk)
    assert account.record
    page = _page(auditor, Record.objects.get(uuid=account.record))
    assert str(account.pk) in page


def test_search_finds_exactly_one_record_by_id_or_number(
    auditor: Client, sequence: Callable[[], int]
) -> None:
    first, second = record(tries=1), record(tries=2)
    sequence()
    url = reverse("admin:ledger_record_changelist")
    assert _found(auditor, url, str(second.uuid)) == [str(second.uuid)]
    number = Leaf.objects.get(record=first).index
    assert _found(auditor, url, str(number)) == [str(first.uuid)]
    for nonsense in ("a name", "9" * 30, "'; --", "-1"):
        assert _found(auditor, url, nonsense) == []
    assert auditor.get(url, {"q": "\0"}).status_code == 200


def _found(client: Client, url: str, term: str) -> list[str]:
    answer = client.get(url, {"q": term})
    assert answer.status_code == 200
    return sorted(set(re.findall(r'href="([0-9a-f-]{36})/change/', answer.content.decode())))


@pytest.mark.parametrize("place", ["nonsense", "999999999999999999999", "-5", str(2**63)])
def test_page_of_no_record_leads_back(place: str, auditor: Client) -> None:
    answer = auditor.get(reverse("admin:ledger_record_change", args=[place]))
    assert answer.status_code == 302


def test_glossary_explains_the_words_of_the_screens(auditor: Client) -> None:
    answer = auditor.get(reverse("ledger:glossary"))
    for word in ("Safe copy", "Sealed part", "Destroyed", "Missing", "Continued log"):
        assert word in answer.content.decode()


def test_glossary_is_for_people_who_are_signed_in(db: None) -> None:
    assert Client().get(reverse("ledger:glossary")).status_code == 302


def test_page_of_a_record_runs_in_no_transaction(
    auditor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    real = records.describe

    def describe(stands: Standing) -> dict[str, Any]:
        seen.append(connection.in_atomic_block)
        return real(stands)

    monkeypatch.setattr(records, "describe", describe)
    _page(auditor, record())
    assert seen == [False]


@pytest.mark.superuser
def test_changed_record_is_shown_among_the_others_as_one_that_cannot_be_read(
    auditor: Client, sequence: Callable[[], int], acting_as: ActingAs
) -> None:
    spoiled = record(tries=3)
    record(tries=4)
    sequence()
    with acting_as("superuser"), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_record DISABLE TRIGGER ALL")
        cursor.execute("UPDATE ledger_record SET body = 'spoiled' WHERE id = %s", [spoiled.pk])
    page = auditor.get(reverse("admin:ledger_record_changelist")).content.decode()
    assert "Cannot be read" in page
    assert "Thing tested" in page
    page = _page(auditor, spoiled)
    assert "This record cannot be read" in page
    assert "not JSON" in page
