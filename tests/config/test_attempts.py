"""Who guesses passwords or secrets is slowed down; who has the right one is not."""

from typing import Any

import pytest
from django.test import Client
from oauth2_provider.models import Application

from consent import services
from ledger.models import Log
from tests.consent.factories import House, open_house

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("log")]
ALLOWED = 20
SECRET = "a secret"
PASSWORD = "an-invented-password-2026"


@pytest.fixture
def house(log: Log) -> House:
    return open_house()


def sign_in(client: Client) -> Any:
    return client.post("/admin/login/", {"username": "eve@people.example", "password": "guess"})


def ask_token(client: Client, secret: str) -> Any:
    form = {"grant_type": "client_credentials", "client_id": "sdk-1", "client_secret": secret}
    return client.post("/oauth/token/", form)


def test_guessing_a_password_is_slowed_down_with_a_page_that_says_so(client: Client) -> None:
    assert {sign_in(client).status_code for _ in range(ALLOWED)} == {200}
    refused = sign_in(client)

    assert refused.status_code == 429
    assert "too many failed attempts" in refused.content.decode()
    assert 0 < int(refused["Retry-After"]) <= 61
    assert client.get("/admin/login/").status_code == 200


def test_signing_in_at_the_forms_own_address_leads_to_the_start_page(
    client: Client, house: House
) -> None:
    account = house.account("eve")
    renewed = services.renew_sign_in(actor=house.ada, account_id=account.pk)
    services.set_password(account_id=account.pk, token=renewed.token, password=PASSWORD)

    signed_in = client.post(
        "/admin/login/", {"username": "eve@house.example", "password": PASSWORD}
    )

    assert (signed_in.status_code, signed_in["Location"]) == (302, "/admin/")


def test_guessing_a_secret_is_slowed_down_with_a_problem_document(client: Client) -> None:
    assert {ask_token(client, "guess").status_code for _ in range(ALLOWED)} == {401}
    refused = ask_token(client, "guess")

    assert (refused.status_code, refused.json()["type"]) == (429, "Throttled")
    assert sign_in(client).status_code == 200, "the doors count for themselves"


def test_a_program_with_the_right_secret_asks_as_often_as_it_likes(client: Client) -> None:
    Application.objects.create(
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
        client_id="sdk-1",
        client_secret=SECRET,
    )

    assert {ask_token(client, SECRET).status_code for _ in range(ALLOWED + 5)} == {200}


@pytest.mark.parametrize("path", ["/nowhere", "/admin/password_change/"])
def test_a_missing_page_is_a_page_with_the_way_back(client: Client, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code == 404
    assert "There is nothing at this address" in answer.content.decode()
    assert 'href="/admin/"' in answer.content.decode()
