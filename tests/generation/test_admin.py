from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from consent.models import Account
from consent.roles import RoleCode
from consent.services.projects import open_project
from generation.models import Case, Decision, ModelVersion, Output, Policy, Run
from ledger.inbox import INBOX
from ledger.leaf import parse_body
from ledger.models import Record
from tests.generation.acts import House
from tests.generation.test_outputs import astronaut, process, received, released

pytestmark = pytest.mark.django_db(transaction=True)
TABLES = ("modelversion", "policy", "run", "output", "case", "decision")


def browser(account: Account) -> Client:
    client = Client()
    client.force_login(account)
    return client


@pytest.fixture
def moderator(house: House) -> Client:
    return browser(house.moderator)


@pytest.fixture
def filled(house: House, sequence: Callable[[], int]) -> House:
    """A house with a row in each table: a held run, a decided image, a released one."""
    released(house, sequence)
    house.run("a politician")
    output = process(received(house.completed(house.run(), astronaut())), sequence)
    case = Case.objects.get(output=output)
    client = browser(house.moderator)
    act(client, case, "claim")
    act(client, case, "decide", answer="approved:false_positive", note="a statue, not a person")
    return house


def page_of(row: Any, **query: str) -> str:
    stem = f"admin:generation_{row._meta.model_name}_change"
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    return f"{reverse(stem, args=[row.pk])}?{asked}"


def act(client: Client, row: Any, name: str, **said: str) -> Any:
    stem = f"admin:generation_{row._meta.model_name}_act"
    return client.post(reverse(stem, args=[row.pk, name]), said)


def read(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return str(answer.content.decode())


def disclosures() -> int:
    return sum(parse_body(bytes(r.body)).kind == "values.disclosed" for r in Record.objects.all())


def test_every_list_and_every_page_opens_and_links_its_record(filled: House) -> None:
    client = browser(filled.officer)
    for model in (ModelVersion, Policy, Run, Output, Case, Decision):
        listed = read(client, reverse(f"admin:generation_{model._meta.model_name}_changelist"))
        for row in model.objects.all():
            page = read(client, page_of(row))
            record = reverse("admin:ledger_record_change", args=[row.record])
            assert record in page
            assert record in listed
            read(client, record)


def test_record_leads_back_to_its_rows(filled: House) -> None:
    client = browser(filled.officer)
    run = Run.objects.get(state="held")
    record = read(client, reverse("admin:ledger_record_change", args=[run.record]))
    assert reverse("admin:generation_run_change", args=[run.pk]) in record


@pytest.mark.parametrize("table", TABLES)
def test_lists_cost_few_queries_whatever_their_length(filled: House, table: str) -> None:
    client = browser(filled.officer)
    address = reverse(f"admin:generation_{table}_changelist")
    client.get(address)
    with CaptureQueriesContext(connection) as before:
        client.get(address)
    for number in range(3):
        filled.run(f"a politician no. {number}")
    with CaptureQueriesContext(connection) as after:
        client.get(address)
    assert len(after) <= len(before) + 1 <= 20


def test_nothing_sealed_is_opened_by_a_mere_look(filled: House) -> None:
    client = browser(filled.officer)
    for model in (Run, Output, Case, Decision):
        for row in model.objects.all():
            page = read(client, page_of(row))
            assert "politician" not in page.replace("prompt.politician", "")
            assert "data:image" not in page
            assert "a statue" not in page
    assert disclosures() == 0


def test_prompt_is_shown_on_request_and_on_the_record(filled: House, moderator: Client) -> None:
    run = Run.objects.get(state="held")
    page = read(moderator, page_of(run, show="1"))
    assert "a politician" in page
    assert "guidance_scale" in page
    assert disclosures() == 1


def test_image_is_shown_blurred_and_on_the_record(filled: House, moderator: Client) -> None:
    page = read(moderator, page_of(Output.objects.get(state="released"), show="1"))
    assert "data:image/jpeg" in page
    assert "filter: blur(18px) grayscale(1)" in page
    assert disclosures() == 1


def test_note_is_shown_on_request(filled: House, moderator: Client) -> None:
    page = read(moderator, page_of(Decision.objects.get(), show="1"))
    assert "a statue, not a person" in page


def test_those_who_do_not_decide_open_nothing(filled: House) -> None:
    auditor = browser(filled.person(RoleCode.AUDITOR))
    for row in (Run.objects.get(state="held"), Output.objects.get(state="released")):
        page = read(auditor, page_of(row, show="1"))
        assert "Those who decide cases may open it" in page
        assert "data:image" not in page
    assert disclosures() == 0


def test_case_is_taken_and_decided_in_the_browser(house: House, moderator: Client) -> None:
    case = Case.objects.get(run=house.run("a politician"))
    assert "Take this case" in read(moderator, page_of(case))
    assert act(moderator, case, "claim").status_code == 302
    assert "Decide" in read(moderator, page_of(case))
    act(moderator, case, "decide", answer="refused:against_policy", note="")
    decision = Decision.objects.get(case=case)
    assert (decision.outcome, decision.decider) == ("refused", house.moderator)
    assert Run.objects.get().state == "refused"
    assert "refused (against policy)" in read(moderator, page_of(case))


def test_refusal_of_a_service_is_said_on_the_page(house: House, moderator: Client) -> None:
    case = Case.objects.get(run=house.run("a politician"))
    act(browser(house.officer), case, "claim")
    answer = act(moderator, case, "claim")
    assert answer.status_code == 200
    assert "The case is with somebody else" in answer.content.decode()


def test_approved_image_is_announced_to_the_workers(
    house: House, sequence: Callable[[], int], moderator: Client, sent: list[str]
) -> None:
    output = process(received(house.completed(house.run(), astronaut())), sequence)
    case = Case.objects.get(output=output)
    act(moderator, case, "claim")
    act(moderator, case, "decide", answer="approved:false_positive", note="")
    assert sent == [str(output.pk)]


def test_policy_is_published_in_the_browser(house: House) -> None:
    before = house.policy
    officer = browser(house.officer)
    address = reverse("admin:generation_policy_list_act", args=["publish"])
    assert "prompt.politician" in read(officer, address)
    bad = officer.post(address, {"rules": '{"v": 1, "rules": [{}]}'})
    assert "Rules.0" in bad.content.decode()
    assert "no JSON" in officer.post(address, {"rules": "{"}).content.decode()
    officer.post(address, {"rules": '{"v": 1, "rules": []}'})
    after = Policy.objects.find_active()
    assert after is not None
    assert (after.number, after.pk != before.pk) == (2, True)


def test_model_is_retired_in_the_browser(house: House) -> None:
    model = house.model
    assert act(browser(house.officer), model, "retire").status_code == 302
    assert ModelVersion.objects.get().state == "retired"
    assert act(browser(house.moderator), model, "retire").status_code == 403


def test_rows_of_other_projects_are_not_seen(house: House) -> None:
    run = house.run("a politician")
    other = open_project(actor=house.founders[0], code="other")
    stranger = browser(house.person(RoleCode.MODERATOR, other))
    assert str(run.pk)[:8] not in read(stranger, reverse("admin:generation_run_changelist"))
    assert stranger.get(page_of(run)).status_code in (302, 403, 404)
    case = Case.objects.get(run=run)
    assert stranger.get(page_of(case)).status_code in (302, 403, 404)
    assert act(stranger, case, "claim").status_code in (403, 404)


def test_start_page_counts_what_waits(house: House) -> None:
    house.run("a politician")
    baskets = {basket.name: waiting.count for basket, waiting in INBOX.look(house.moderator)}
    assert baskets["Cases to decide"] == 1
    auditor = house.person(RoleCode.AUDITOR)
    assert "Cases to decide" not in {basket.name for basket, _ in INBOX.look(auditor)}
