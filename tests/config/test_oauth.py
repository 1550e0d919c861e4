import base64
from typing import Any

import pytest
from django.test import Client
from oauth2_provider.models import AccessToken, Application

SECRET = "a secret"
pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.config.views")]


@pytest.fixture
def generator() -> Application:
    return Application.objects.create(
        name="generator",
        client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS,
        client_id="sdk-1",
        client_secret=SECRET,
    )


def ask(client: Client, secret: str = SECRET, **form: str) -> Any:
    basic = base64.b64encode(f"sdk-1:{secret}".encode()).decode()
    body = {"grant_type": "client_credentials"} | form
    return client.post("/oauth/token/", body, headers={"authorization": f"Basic {basic}"})


def scopes_of(client: Client, token: str) -> Any:
    return client.get("/api/test/guarded/", headers={"authorization": f"Bearer {token}"})


def test_a_client_gets_the_scopes_it_asks_for(client: Client, generator: Application) -> None:
    token = ask(client, scope="runs:write runs:read").json()["access_token"]
    assert scopes_of(client, token).json() == {"scopes": ["runs:write", "runs:read"]}


def test_a_client_that_asks_for_no_scope_gets_none(client: Client, generator: Application) -> None:
    answer = ask(client)
    assert answer.status_code == 200
    assert answer.json()["scope"] == ""
    assert scopes_of(client, answer.json()["access_token"]).json() == {"scopes": []}


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"scope": "everything"}, "invalid_scope"),
        ({"grant_type": "password", "username": "a", "password": "b"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code", "code": "x"}, "unsupported_grant_type"),
        ({"secret": "wrong"}, "invalid_client"),
    ],
)
def test_anything_else_is_refused(
    client: Client, generator: Application, form: dict[str, str], error: str
) -> None:
    answer = ask(client, **form)
    assert answer.status_code in (400, 401)
    assert answer.json()["error"] == error


def test_neither_token_nor_secret_is_stored(client: Client, generator: Application) -> None:
    token = ask(client).json()["access_token"]
    stored = AccessToken.objects.values_list("token", "token_checksum").get()
    assert token not in stored
    assert SECRET not in Application.objects.get().client_secret


def test_a_token_lives_ten_minutes(client: Client, generator: Application) -> None:
    assert ask(client).json()["expires_in"] == 600


def test_a_made_up_token_is_refused(client: Client) -> None:
    answer = scopes_of(client, "made-up")
    assert answer.status_code == 401
    assert answer.json()["type"] == "NotAuthenticated"
