"""Who is refused is put on record, once for each page."""

import pytest
from django.test import Client

from consent.models import Account
from ledger import vault
from ledger.commitment import Opening
from ledger.leaf import parse_body
from ledger.models import Log, Record, Segment
from tests.consent.factories import House, open_house

pytestmark = pytest.mark.django_db(transaction=True)
PAGE = "/admin/consent/subject/"
JSON = "application/json"


@pytest.fixture
def house(log: Log) -> House:
    return open_house()


@pytest.fixture
def stranger(house: House) -> Client:
    client = Client()
    client.force_login(house.account("eve"))
    return client


def denials() -> list[Record]:
    records = Record.objects.order_by("pk")
    return [record for record in records if parse_body(record.body).kind == "access.denied"]


def openings(record: Record) -> list[Opening]:
    return [
        vault.keys(segment.scopes).open_segment(
            segment.scopes, record.uuid, segment.position, "access.denied", segment.ciphertext
        )
        for segment in Segment.objects.filter(record=record)
    ]


def test_refused_page_is_on_record_with_its_name_in_the_persons_own_segment(
    stranger: Client,
) -> None:
    assert stranger.get(PAGE).status_code == 403
    (record,) = denials()
    (opening,) = openings(record)
    eve = Account.objects.get(pk=str(opening.payload["account"]))
    assert parse_body(record.body).facts == {"face": "pages"}
    assert opening.payload["view"] == "admin:consent_subject_changelist"
    assert Segment.objects.get(record=record).scopes == [eve.scope_id]


def test_clicking_again_adds_nothing_and_another_page_does(stranger: Client) -> None:
    for _ in range(3):
        stranger.get(PAGE)
    assert len(denials()) == 1
    stranger.get("/admin/consent/grant/")
    assert len(denials()) == 2


def test_refused_program_is_on_record_by_its_api(house: House) -> None:
    client = Client()
    client.force_login(house.account("kim"))
    assert client.post("/api/v1/subjects/search", {"term": "x"}, JSON).status_code == 403
    (record,) = denials()
    assert parse_body(record.body).facts == {"face": "api"}


def test_stranger_without_an_account_leaves_no_record(house: House) -> None:
    assert Client().get(PAGE).status_code == 302
    assert denials() == []
