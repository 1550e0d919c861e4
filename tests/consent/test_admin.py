import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from consent import services, tasks
from consent.models import (
    Account,
    AccountState,
    DatasetVersion,
    Grant,
    Membership,
    Notice,
    PrivacyRequest,
    RequestState,
    Subject,
    Title,
)
from consent.roles import RoleCode
from ledger.inbox import INBOX
from ledger.models import Record
from tests.conftest import ActingAs
from tests.consent.factories import House, body_of, consent_of, picture, publish, register
from tests.consent.test_datasets import described, fill, freeze, plain

pytestmark = pytest.mark.django_db(transaction=True)


def browser(account: Account) -> Client:
    client = Client()
    client.force_login(account)
    return client


def list_url(model: type) -> str:
    return reverse(f"admin:consent_{model.__name__.lower()}_changelist")


def row_url(row: Any) -> str:
    return reverse(f"admin:consent_{row._meta.model_name}_change", args=[row.pk])


def do(client: Client, where: Any, act: str, said: dict[str, Any] | None = None) -> Any:
    """Open an act's page and send its form; ``where`` is a row, or a model for acts of a list."""
    if isinstance(where, type):
        path = f"{list_url(where)}do/{act}/"
    else:
        path = row_url(where).replace("/change/", f"/do/{act}/")
    page = client.get(path)
    assert page.status_code == 200, page.status_code
    return client.post(path, said or {})


def offered(client: Client, row: Any) -> set[str]:
    return set(re.findall(r"/do/([a-z]+)/", client.get(row_url(row)).content.decode()))


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The requests announced to the workers: no broker is there, tests play the worker."""
    announced: list[str] = []
    monkeypatch.setattr("consent.tasks.carry_out_request.delay", announced.append)
    return announced


def test_names_are_closed_until_asked_for_and_then_on_the_record(officer: Account) -> None:
    subject = register(officer, portrait=picture())
    client = browser(officer)
    for url in (list_url(Subject), row_url(subject)):
        records = Record.objects.count()
        closed = client.get(url).content.decode()
        assert ("Cleo Invented" in closed, subject.handle in closed) == (False, True)
        assert Record.objects.count() == records
        opened = client.get(f"{url}?names=1").content.decode()
        assert "Cleo Invented" in opened
        assert Record.objects.count() > records
    assert "data:image/jpeg;base64," in opened


def test_who_may_not_open_names_sees_them_closed(house: House, officer: Account) -> None:
    register(officer)
    auditor = browser(house.account("Ulf", RoleCode.AUDITOR))
    page = auditor.get(f"{list_url(Subject)}?names=1").content.decode()
    assert "Cleo Invented" not in page
    assert "Show names" not in page


TERMS = {
    "right": "likeness",
    "basis": "consent",
    "mode": "granular",
    "uses": ["train"],
    "shown_in": ["online"],
    "territories": "WORLD",
    "recipients": "ANY",
    "families": "ANY",
    "assurance": "signed_release",
    "method": "form",
    "remedy": "stop_new_use",
}


def test_a_person_is_registered_answers_and_withdraws(officer: Account) -> None:
    client = browser(officer)
    said = {"code": "release", "language": "en", "title": "A release", "text": "You may."}
    assert do(client, Notice, "publish", said).status_code == 302
    do(client, Subject, "register", {"name": "Cleo Invented", "email": "cleo@people.example"})
    subject = Subject.objects.get()
    answer = {
        **TERMS,
        "notice": str(Notice.objects.get().pk),
        "uses": ["train", "depict"],
        "refused": ["commercial"],
        "territories": "de FR",
        "remedy": "retrain",
    }
    assert do(client, subject, "give", answer).status_code == 302
    grant = Grant.objects.get()
    assert (grant.uses, grant.refused) == (["depict", "train"], ["commercial"])
    assert grant.territories == ["DE", "FR"]
    assert "being depicted, training a model" in client.get(row_url(grant)).content.decode()
    assert do(client, grant, "withdraw", {"uses": ["train"], "method": "form"}).status_code == 302
    assert Grant.objects.get(state="given").uses == ["depict"]
    assert offered(client, Grant.objects.get(state="superseded")) == {
        "evidence",
        "proof",
        "receipt",
    }


def test_what_a_service_refuses_is_said_on_the_form(officer: Account) -> None:
    notice, subject, client = publish(officer), register(officer), browser(officer)
    said = {**TERMS, "notice": str(notice.pk), "uses": ["depict"], "shown_in": []}
    page = do(client, subject, "give", said)
    assert page.status_code == 200
    assert "Answer must name media and territories" in page.content.decode()
    assert not Grant.objects.exists()


@pytest.mark.parametrize(
    ("term", "found"), [("cleo invented", True), ("CLEO@people.example", True), ("cleo", False)]
)
def test_a_person_is_found_without_the_term_in_an_address(
    officer: Account, term: str, found: bool
) -> None:
    subject, client = register(officer), browser(officer)
    answer = do(client, Subject, "search", {"term": term})
    page = answer.content.decode()
    assert (subject.handle in page) is found
    assert "What was searched" in page
    assert ("Nobody was found" in page) is not found


def test_nothing_changes_by_get_or_by_djangos_own_forms(officer: Account) -> None:
    subject, client = register(officer), browser(officer)
    grant = consent_of(officer, subject)
    client.get(row_url(grant).replace("/change/", "/do/withdraw/"))
    assert Grant.objects.get().state == "given"
    assert client.post(row_url(grant), {"state": "withdrawn"}).status_code == 403
    for model in (Subject, Grant, Notice):
        assert client.get(f"{list_url(model)}add/").status_code == 403
    assert client.get(row_url(grant).replace("/change/", "/delete/")).status_code == 403
    assert client.get(row_url(grant).replace("/change/", "/history/")).status_code == 404


def test_an_act_without_a_token_of_the_page_is_refused(officer: Account) -> None:
    grant = consent_of(officer, register(officer))
    client = Client(enforce_csrf_checks=True)
    client.force_login(officer)
    answer = client.post(row_url(grant).replace("/change/", "/do/withdraw/"), {"method": "form"})
    assert answer.status_code == 403
    assert Grant.objects.get().state == "given"


def test_two_administrators_let_somebody_in(house: House) -> None:
    ada, ben = browser(house.ada), browser(house.ben)
    do(ada, Account, "propose", {"kind": "person", "name": "Eve", "email": "eve@house.example"})
    eve = Account.objects.get(state=AccountState.PROPOSED)
    refused = do(ada, eve, "approve").content.decode()
    assert "Another person must do this" in refused
    page = do(ben, eve, "approve").content.decode()
    assert re.search(rf"/sign-in/{eve.pk}/[a-z0-9-]+/", page)
    do(ada, eve, "role", {"role": "officer"})
    membership = Membership.objects.get(account=eve)
    assert do(ben, membership, "approve").status_code == 302
    assert Account.objects.get(pk=eve.pk).has_perm("consent.give_grant")
    assert "officer organisation-wide" in ada.get(list_url(Account)).content.decode()


def test_a_manager_proposes_members_of_their_project(house: House) -> None:
    mine = services.open_project(actor=house.ada, code="mine")
    house.account("Dev")
    client = browser(house.account("Mia", RoleCode.MANAGER, project=mine))
    refused = do(client, mine, "member", {"email": "x@house.example", "role": "developer"})
    assert "No account has this e-mail address" in refused.content.decode()
    said = {"email": "DEV@house.example", "role": "developer"}
    assert do(client, mine, "member", said).status_code == 302
    membership = Membership.objects.get(role="developer")
    assert (membership.project, membership.state) == (mine, "proposed")


def test_credentials_of_a_program_are_shown_once(house: House) -> None:
    program, ada = house.client("renderer", RoleCode.GENERATOR), browser(house.ada)
    page = do(ada, program, "credentials")
    assert page.status_code == 200
    assert "Client secret" in page.content.decode()
    assert "Client secret" not in ada.get(row_url(program)).content.decode()


def test_a_person_needs_an_address_and_a_program_has_none(house: House) -> None:
    ada = browser(house.ada)
    page = do(ada, Account, "propose", {"kind": "person", "name": "Eve"}).content.decode()
    assert "needs an address" in page
    said = {"kind": "client", "name": "renderer", "email": "a@house.example"}
    assert "has no address" in do(ada, Account, "propose", said).content.decode()


def test_a_request_goes_from_receipt_to_closure(
    officer: Account, approver: Account, sent: list[str], acting_as: ActingAs
) -> None:
    subject = register(officer)
    consent_of(officer, subject)
    client, second = browser(officer), browser(approver)
    said = {"kind": "access", "channel": "letter", "identity": "in_person"}
    do(client, subject, "request", said)
    request = PrivacyRequest.objects.get()
    assert offered(client, request) == {"plan", "identify", "extend", "end"}
    do(client, request, "plan")
    assert offered(second, request) == {"approve"}
    do(second, request, "approve")
    do(client, request, "execute")
    assert sent == [str(request.pk)]
    with acting_as("eraser"):
        tasks.carry_out_request(str(request.pk))
    page = client.get(row_url(request)).content.decode()
    assert "approved by a second person" in page
    (paper,) = re.findall(r'href="([^"]*/paper/[^"]*)"', page)
    assert client.get(paper)["Content-Type"] == "application/zip"
    assert second.get(paper).status_code == 403
    do(client, request, "fulfil")
    assert PrivacyRequest.objects.get().state == RequestState.CLOSED_FULFILLED
    assert offered(client, request) == set()


def test_a_version_shows_its_pictures_when_asked(
    house: House, officer: Account, tmp_path: Path
) -> None:
    subject = register(officer)
    consent_of(officer, subject)
    project = services.open_project(actor=house.ada, code="portraits")
    dataset = services.open_dataset(actor=officer, project_id=project.pk, code="faces")
    portrait = picture("red")
    files = [
        plain("blue"), plain("green", licence=""),
        (described("cleo.png", portrait, subject.handle), portrait),
    ]  # fmt: skip
    version = freeze(officer, dataset, fill(tmp_path, files)).version
    client = browser(officer)
    records = Record.objects.count()
    closed = client.get(row_url(version)).content.decode()
    assert "data:image/jpeg" not in closed
    assert "No licence is stated." in closed
    assert "1 person" in closed
    assert Record.objects.count() == records
    opened = client.get(f"{row_url(version)}?pictures=1&from=0").content.decode()
    assert opened.count("data:image/jpeg") == 2
    assert Record.objects.count() == records + 1
    assert "Nothing here" not in client.get(list_url(DatasetVersion)).content.decode()
    assert client.get(f"{row_url(version)}?from=99999999999").status_code == 200


def test_every_row_leads_to_its_record_and_back(officer: Account) -> None:
    client = browser(officer)
    for row in (register(officer), publish(officer), consent_of(officer, register(officer))):
        page = client.get(row_url(row)).content.decode()
        record = reverse("admin:ledger_record_change", args=[row.record])
        assert record in page
        assert row_url(row) in client.get(record).content.decode()
        assert body_of(row).kind.split(".")[0] in {"subject", "notice", "grant"}


def test_the_inbox_says_what_waits_for_whom(
    house: House, officer: Account, approver: Account
) -> None:
    subject = register(officer)
    client = browser(officer)
    do(client, subject, "request", {"kind": "access", "channel": "form", "identity": "eid"})

    def waiting(account: Account) -> dict[str, int]:
        fresh = Account.objects.get(pk=account.pk)
        return {basket.name: found.count for basket, found in INBOX.look(fresh)}

    assert waiting(officer)["Privacy requests"] == 1
    assert waiting(approver)["Plans to approve"] == 0
    do(client, PrivacyRequest.objects.get(), "plan")
    assert waiting(officer)["Privacy requests"] == 0
    assert waiting(approver)["Plans to approve"] == 1
    services.propose_account(actor=house.ada, newcomer=services.Newcomer("E", "e@house.example"))
    assert waiting(house.ada)["Accounts to approve"] == 0
    assert waiting(house.ben)["Accounts to approve"] == 1
    assert "Roles to grant" not in waiting(officer)


MAY_LIST = {
    "account": {"user_administrator", "auditor"},
    "project": {
        "user_administrator", "manager", "officer", "data_scientist", "developer",
        "external_reviewer", "auditor",
    },
    "membership": {"user_administrator", "manager", "auditor"},
    "subject": {"officer", "approver", "auditor"},
    "representation": {"officer", "approver", "auditor"},
    "title": {"officer", "approver", "auditor"},
    "notice": {"officer", "approver", "auditor"},
    "identifier": {"officer", "approver", "auditor"},
    "merge": {"officer", "approver", "auditor"},
    "scan": {"officer", "auditor"},
    "serving": {"officer", "auditor"},
    "source": {"manager", "officer", "data_scientist", "external_reviewer", "auditor"},
    "intake": {"manager", "officer", "data_scientist", "external_reviewer", "auditor"},
    "grant": {"officer", "approver", "auditor"},
    "releaseimport": {"officer", "auditor"},
    "campaign": {"officer", "auditor"},
    "askingerrand": {"officer", "auditor"},
    "dataset": {"manager", "officer", "data_scientist", "external_reviewer", "auditor"},
    "datasetversion": {"manager", "officer", "data_scientist", "external_reviewer", "auditor"},
    "vetting": {"manager", "officer", "data_scientist", "external_reviewer", "auditor"},
    "privacyrequest": {"officer", "approver", "auditor"},
    "impactcase": {"officer", "approver", "auditor"},
    "recipient": {"officer", "approver", "data_scientist", "auditor"},
    "delivery": {"officer", "approver", "data_scientist", "auditor"},
}  # fmt: skip


@pytest.mark.parametrize("role", [role for role in RoleCode if role != RoleCode.GENERATOR])
def test_each_role_sees_its_lists_and_no_others(house: House, role: RoleCode) -> None:
    project = services.open_project(actor=house.ada, code="mine")
    where = {"project": project} if role == RoleCode.EXTERNAL_REVIEWER else {}
    client = browser(house.account("Eve", role, **where))
    for model, roles in MAY_LIST.items():
        answer = client.get(reverse(f"admin:consent_{model}_changelist"))
        assert answer.status_code == (200 if role.value in roles else 403), model


def test_a_reviewer_from_outside_sees_their_own_project_only(house: House) -> None:
    mine, other = (services.open_project(actor=house.ada, code=code) for code in ("mine", "other"))
    reviewer = house.account("Rex", RoleCode.EXTERNAL_REVIEWER, project=mine)
    page = browser(reviewer).get(reverse("admin:consent_project_changelist")).content.decode()
    assert ("mine" in page, str(other.pk) in page) == (True, False)
    assert browser(reviewer).get(row_url(other)).status_code == 302


def test_every_screen_is_listed_in_the_table_of_roles() -> None:
    screens = {
        model._meta.model_name
        for model in admin.site._registry
        if model._meta.app_label == "consent"
    }
    assert screens == set(MAY_LIST)


@pytest.mark.parametrize("model", [Subject, Grant, Notice, PrivacyRequest, Title])
def test_lists_say_so_when_they_are_empty(officer: Account, model: type) -> None:
    assert "Nothing here yet" in browser(officer).get(list_url(model)).content.decode()


def test_a_list_of_people_takes_a_fixed_number_of_queries(
    officer: Account, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    for number in range(12):
        register(officer, f"Person {number}")
    client = browser(officer)
    client.get(list_url(Subject))
    with django_assert_max_num_queries(12):
        client.get(list_url(Subject))
    with django_assert_max_num_queries(24):
        client.get(f"{list_url(Subject)}?names=1")
