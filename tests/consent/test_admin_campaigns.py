"""Campaigns and questions on screens: prepared, looked at, begun, followed to their end."""

import csv
import io
from typing import Any

import pytest
from django.urls import reverse

from consent import services
from consent.identity import IdentifierKind
from consent.models import Account, AskingErrand, Campaign, Grant, Identifier, Notice
from consent.roles import RoleCode
from consent.uses import Method
from ledger.inbox import INBOX
from tests.consent.factories import House, publish
from tests.consent.test_admin import browser, do, list_url, offered, row_url
from tests.consent.test_campaigns import asked_for, begun, person, work

pytestmark = pytest.mark.django_db(transaction=True)
SAID = {
    "closes_at": "2027-01-31",
    "silence": "ends",
    "reminders": "2",
    "remind_after_days": "21",
    "territories": "",
}


@pytest.fixture
def first(officer: Account) -> Notice:
    return publish(officer)


@pytest.fixture
def ann(officer: Account, first: Notice) -> Grant:
    return person(officer, "Ann", first)


@pytest.fixture
def lost(officer: Account, first: Notice) -> Grant:
    """Somebody without an address."""
    grant = person(officer, "Lost", first)
    address = Identifier.objects.get(subject=grant.subject, kind=IdentifierKind.EMAIL.value)
    services.end_identifier(actor=officer, identifier_id=address.pk)
    return grant


def table(client: Any, campaign: Campaign, which: str) -> list[list[str]]:
    url = reverse("admin:consent_campaign_table", args=[campaign.pk, which])
    answer = client.get(url)
    assert answer["Content-Type"] == "text/csv"
    return list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))


def test_a_campaign_is_prepared_looked_at_begun_and_closed(
    officer: Account, ann: Grant, lost: Grant
) -> None:
    client, newer = browser(officer), publish(officer)
    assert do(client, Campaign, "prepare", {**SAID, "notice": str(newer.pk)}).status_code == 302
    campaign = Campaign.objects.get()
    assert campaign.closes_at.isoformat() == "2027-01-31T23:00:00+00:00"
    page = client.get(row_url(campaign)).content.decode()
    assert "To whom no letter would go" in page
    assert lost.subject.handle in page
    assert table(client, campaign, "unreachable") == [["person"], [lost.subject.handle]]
    assert offered(client, campaign) == {"begin", "extend", "drop"}
    assert do(client, campaign, "begin").status_code == 302
    work()
    services.refuse_request(actor=officer, grant_id=asked_for(ann).pk, method=Method.LETTER)
    page = client.get(row_url(campaign)).content.decode()
    assert "50 % have answered" in page
    assert "said no: 1" in page
    rows = table(client, campaign, "answers")
    assert {(row[0], row[6], row[8]) for row in rows[1:]} == {
        (ann.subject.handle, "written", "no"),
        (lost.subject.handle, "no_address", "nothing"),
    }
    for act, offers in (
        ("pause", {"resume", "extend", "close"}),
        ("resume", {"pause", "extend", "close"}),
        ("close", set()),
    ):
        assert do(client, campaign, act).status_code == 302
        assert offered(client, campaign) == offers
    work()
    assert "What came of it" in client.get(row_url(campaign)).content.decode()


def test_the_last_day_is_moved_and_an_unbegun_campaign_given_up(
    officer: Account, ann: Grant
) -> None:
    client, newer = browser(officer), publish(officer)
    do(client, Campaign, "prepare", {**SAID, "notice": str(newer.pk)})
    campaign = Campaign.objects.get()
    assert do(client, campaign, "extend", {"closes_at": "2027-02-28"}).status_code == 302
    campaign.refresh_from_db()
    assert campaign.closes_at.isoformat() == "2027-02-28T23:00:00+00:00"
    refused = do(client, campaign, "extend", {"closes_at": "2020-02-28"})
    assert "The last day must be one of the next two years." in refused.content.decode()
    assert do(client, campaign, "drop").status_code == 302
    assert offered(client, campaign) == set()
    assert "dropped" in client.get(list_url(Campaign)).content.decode()


def test_questions_are_listed_by_how_they_were_reached_and_noted_by_hand(
    officer: Account, ann: Grant, lost: Grant
) -> None:
    client, campaign = browser(officer), begun(officer)
    work()
    url = list_url(AskingErrand)
    both = client.get(f"{url}?campaign={campaign.pk}").content.decode()
    assert (ann.subject.handle in both, lost.subject.handle in both) == (True, True)
    for query in ("unreached=yes", "reached=no_address"):
        page = client.get(f"{url}?{query}").content.decode()
        assert (ann.subject.handle in page, lost.subject.handle in page) == (False, True)
    waiting = {basket.name: found.count for basket, found in INBOX.look(officer)}
    assert waiting["People whom no letter reaches"] == 1
    errand = AskingErrand.objects.get(grant__renews=lost)
    assert offered(client, errand) == {"written", "again"}
    assert do(client, errand, "written").status_code == 302
    assert lost.subject.handle not in client.get(f"{url}?unreached=yes").content.decode()
    assert offered(client, errand) == {"returned"}
    assert do(client, errand, "returned").status_code == 302
    assert do(client, errand, "again").status_code == 302
    assert AskingErrand.objects.get(pk=errand.pk).reach == "due"
    assert client.get(f"{url}?said=no&reached=nonsense").status_code in {200, 302}


def test_who_only_approves_or_runs_no_campaigns_gets_none_of_it(
    house: House, officer: Account, ann: Grant
) -> None:
    campaign = begun(officer)
    stranger = browser(house.account("Dora", RoleCode.DATA_SCIENTIST))
    assert stranger.get(list_url(Campaign)).status_code == 403
    url = reverse("admin:consent_campaign_table", args=[campaign.pk, "answers"])
    assert stranger.get(url).status_code == 403
    auditor = browser(house.account("Udo", RoleCode.AUDITOR))
    assert auditor.get(url).status_code == 200
    assert offered(auditor, campaign) == set()
    assert browser(officer).get(url.replace("answers", "secrets")).status_code == 404
