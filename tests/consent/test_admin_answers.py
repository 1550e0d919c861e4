"""What officers do with answers and with those who have a say, on screens."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from consent import services
from consent.models import Account, Grant, GrantState, Representation, Subject, Title
from consent.moment import database_now
from consent.receipts.verify import verify_receipt
from consent.uses import Capacity, Right, Use
from ledger.models import Log, Record
from ledger.verifier.verify import verify_bundle
from tests.conftest import ActingAs
from tests.consent.factories import answer, consent_of, grant_in, publish, register
from tests.consent.test_admin import TERMS, browser, do, list_url, offered, row_url
from tests.ledger.test_reports import sequencing

pytestmark = pytest.mark.django_db(transaction=True)

OFFERED = {
    "draft": {"answer", "send", "lapse"},
    "requested": {"answer", "refuse", "defer", "lapse"},
    "deferred": {"answer", "refuse", "send", "lapse"},
    "refused": {"withdraw"},
    "given": {"withdraw", "alike", "renew", "suspend", "revoke", "invalidate"},
    "suspended": {"withdraw", "alike", "resume", "revoke", "invalidate"},
}

# Written of an answer wherever it stands.
PAPERS = {"receipt", "proof", "evidence"}


@pytest.mark.parametrize("state", GrantState.values)
def test_each_state_offers_what_may_be_done_in_it(officer: Account, state: str) -> None:
    grant = grant_in(officer, GrantState(state))
    assert offered(browser(officer), grant) == OFFERED.get(state, set()) | PAPERS


SAID: dict[str, dict[str, Any]] = {
    "answer": {**TERMS, "uses": ["train"]},
    "refuse": {"method": "letter"},
    "withdraw": {"method": "letter"},
    "alike": {"method": "letter"},
    "renew": {"method": "letter", "assurance": "known_contact"},
}
BECOMES = {
    "answer": "given", "send": "requested", "lapse": "lapsed", "refuse": "refused",
    "defer": "deferred", "withdraw": "withdrawn", "alike": "withdrawn", "renew": "renewed",
    "suspend": "suspended", "resume": "given", "revoke": "revoked", "invalidate": "invalidated",
}  # fmt: skip


@pytest.mark.parametrize(
    ("state", "act"), [(state, act) for state, acts in OFFERED.items() for act in sorted(acts)]
)
def test_each_act_does_what_its_button_says(officer: Account, state: str, act: str) -> None:
    grant = grant_in(officer, GrantState(state))
    answer = do(browser(officer), grant, act, SAID.get(act, {}))
    assert answer.status_code == 302
    assert Grant.objects.get(pk=grant.pk).state == BECOMES[act]


def test_a_page_tells_the_whole_of_an_answer(officer: Account) -> None:
    grant = grant_in(officer, GrantState.SUSPENDED)
    page = browser(officer).get(row_url(grant)).content.decode()
    for words in ("likeness", "the person", "Suspended", "to now"):
        assert words in page


def span(other: Subject, **said: str) -> dict[str, str]:
    return {"handle": other.handle.lower(), **said}


def test_a_guardian_answers_and_is_ended(officer: Account) -> None:
    client, child, parent = browser(officer), register(officer), register(officer, "Pat Invented")
    assert (
        do(
            client, child, "represent", span(parent, capacity="guardian", ends_at="2999-01-01")
        ).status_code
        == 302
    )
    speaker = Representation.objects.get()
    terms = {**TERMS, "notice": str(publish(officer).pk), "representation": str(speaker.pk)}
    assert do(client, child, "give", terms).status_code == 302
    assert Grant.objects.get().capacity == "guardian"
    page = client.get(row_url(child)).content.decode()
    assert f"{parent.handle} speaks for this person" in page
    assert "in force" in client.get(row_url(speaker)).content.decode()
    assert do(client, speaker, "end").status_code == 302
    assert Grant.objects.get().state == GrantState.SUSPENDED
    assert offered(client, speaker) == set()


def test_an_agency_gets_a_title(officer: Account) -> None:
    client, artist, agency = browser(officer), register(officer), register(officer)
    said = span(agency, right="works", exclusive="on", ends_at="2999-01-01")
    assert do(client, artist, "title", said).status_code == 302
    title = Title.objects.get()
    assert (title.right, title.exclusive, title.holder) == ("works", True, agency)
    page = client.get(row_url(artist)).content.decode()
    assert f"{agency.handle} may dispose of it, nobody else" in page
    assert do(client, title, "end").status_code == 302
    assert offered(client, title) == set()


def test_an_unknown_handle_is_said_on_the_form(officer: Account) -> None:
    page = do(
        browser(officer), register(officer), "represent",
        {"handle": "S-0000-0000", "capacity": "agent"},
    )  # fmt: skip
    assert "Nobody here has this handle" in page.content.decode()


def test_a_person_is_asked(officer: Account) -> None:
    subject = register(officer)
    said = {**TERMS, "notice": str(publish(officer).pk)}
    assert do(browser(officer), subject, "ask", said).status_code == 302
    assert Grant.objects.get().state == GrantState.REQUESTED


def test_all_alike_is_told_before_it_is_taken_back(officer: Account) -> None:
    client, subject = browser(officer), register(officer)
    grant, other = consent_of(officer, subject), consent_of(officer, subject, answer(Use.TRAIN))
    path = row_url(grant).replace("/change/", "/do/alike/")
    assert f"With it: {other.notice}: training a model" in client.get(path).content.decode()
    do(client, grant, "alike", {"method": "letter"})
    assert not Grant.objects.filter(state="given").exists()


def test_only_those_who_still_speak_are_offered(officer: Account) -> None:
    child, parent = register(officer), register(officer)
    speaker = services.represent(
        actor=officer,
        subject_id=child.pk,
        representative_id=parent.pk,
        capacity=Capacity.AGENT,
    )
    services.pass_title(actor=officer, origin_id=child.pk, holder_id=parent.pk, right=Right.STYLE)
    path = row_url(child).replace("/change/", "/do/give/")
    assert str(speaker.pk) in browser(officer).get(path).content.decode()
    services.end_representation(actor=officer, representation_id=speaker.pk)
    assert str(speaker.pk) not in browser(officer).get(path).content.decode()
    assert consent_of(officer, child).capacity == "self"


def test_papers_are_written_and_fetched_on_the_record(
    log: Log, officer: Account, sequence: Callable[[], int], acting_as: ActingAs
) -> None:
    grant, client = consent_of(officer, register(officer)), browser(officer)
    waits = do(client, grant, "receipt")
    assert "waits for its place" in waits.content.decode()
    sequence()
    assert do(client, grant, "receipt").status_code == 302
    with acting_as("superuser"), sequencing(log):
        assert do(client, grant, "proof").status_code == 302
    page = client.get(row_url(grant)).content.decode()
    files = {}
    for address in re.findall(r'href="([^"]+/paper/[^"]+)"', page):
        seen = Record.objects.count()
        answered = client.get(address)
        assert Record.objects.count() == seen + 1
        files[answered["Content-Disposition"].split('"')[1]] = answered.content
    assert verify_receipt(files["receipt.jsonld"]).is_consistent
    assert verify_bundle(files["proof-of-consent.zip"]).is_consistent


def test_papers_are_for_officers(
    officer: Account, approver: Account, sequence: Callable[[], int]
) -> None:
    grant, client = consent_of(officer, register(officer)), browser(approver)
    sequence()
    paper = services.issue_receipt(actor=officer, grant_id=grant.pk)
    assert offered(client, grant) == set()
    assert "Papers" not in client.get(row_url(grant)).content.decode()
    address = reverse("admin:consent_grant_paper", args=[paper.pk])
    assert client.get(address).status_code == 403
    assert browser(officer).get(address.replace(str(paper.pk), str(grant.pk))).status_code == 404


def test_who_comes_of_age_soon_is_listed(officer: Account) -> None:
    handles = []
    for days in (30, 300):
        child, parent = register(officer), register(officer, "Pat Invented")
        speaker = services.represent(
            actor=officer,
            subject_id=child.pk,
            representative_id=parent.pk,
            capacity=Capacity.GUARDIAN,
            span=services.Span(ends_at=database_now() + timedelta(days=days)),
        )
        services.give(
            actor=officer,
            subject_id=child.pk,
            notice_id=publish(officer).pk,
            answer=answer(Use.TRAIN),
            representation_id=speaker.pk,
        )
        handles.append(child.handle)
    client = browser(officer)
    soon = client.get(f"{list_url(Grant)}?of_age=soon").content.decode()
    assert handles[0] in soon
    assert handles[1] not in soon
    assert handles[0] not in client.get(f"{list_url(Grant)}?of_age=past").content.decode()
