"""The ledger's part of the API: real tokens, real sessions."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

from consent.roles import RoleCode
from consent.services import issue_credentials
from ledger.kinds import KINDS
from ledger.merkle import leaf_hash
from ledger.models import Log
from ledger.note import Note
from ledger.signing import read_verifiers
from ledger.tlogproof import TlogProof
from tests.consent.factories import House, open_house
from tests.ledger.acts import record

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def house(db: None, log: Log) -> House:
    return open_house()


def _headers(house: House, scope: str = "records:read") -> dict[str, str]:
    program = house.client("A program", RoleCode.GENERATOR)
    credentials = issue_credentials(actor=house.ada, account_id=program.pk)
    answer = Client().post(
        "/oauth/token/",
        {
            "grant_type": "client_credentials",
            "client_id": credentials.client_id,
            "client_secret": credentials.client_secret,
            "scope": scope,
        },
    )
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def _get(path: str, headers: dict[str, str]) -> Any:
    return Client(raise_request_exception=False).get(f"/api/v1/{path}", headers=headers)


def test_proof_holds_for_the_leaf_that_the_record_gives(
    house: House, sequence: Callable[[], int], log: Log
) -> None:
    written = record(tries=2)
    sequence()
    headers = _headers(house)
    told = _get(f"records/{written.uuid}", headers).json()
    assert (told["state"], told["kind"], told["facts"]) == (
        "published",
        "thing.tested",
        {"tries": 2},
    )
    answer = _get(f"records/{written.uuid}/proof", headers)
    assert answer["Content-Type"].startswith("text/plain")
    proof = TlogProof.parse(answer.content)
    checkpoint = proof.verify(leaf_hash(told["leaf"].encode()))
    assert proof.index == told["index"]
    verifiers = read_verifiers(told["origin"])
    assert len(proof.note.verify(verifiers)) == len(verifiers)
    assert checkpoint.origin == told["origin"]


def test_record_that_waits_has_no_proof_yet(house: House) -> None:
    written = record()
    headers = _headers(house)
    told = _get(f"records/{written.uuid}", headers).json()
    assert (told["state"], told["index"], told["leaf"]) == ("waiting", None, None)
    answer = _get(f"records/{written.uuid}/proof", headers)
    assert (answer.status_code, answer.json()["type"]) == (409, "NotYetPublished")


@pytest.mark.parametrize("tail", ["", "/proof"])
def test_unknown_record_is_a_problem_document(tail: str, house: House) -> None:
    answer = _get(f"records/{uuid4()}{tail}", _headers(house))
    assert (answer.status_code, answer.json()["type"]) == (404, "UnknownRecord")
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("tail", ["", "/proof"])
def test_records_need_a_scope_or_a_role(tail: str, house: House) -> None:
    path = f"records/{record().uuid}{tail}"
    assert _get(path, {}).status_code == 401
    assert _get(path, _headers(house, "runs:read")).status_code == 403
    client = Client()
    client.force_login(house.account("Mona", RoleCode.MODERATOR))
    assert client.get(f"/api/v1/{path}").status_code == 403


def test_person_with_a_role_downloads_a_proof(house: House, sequence: Callable[[], int]) -> None:
    written = record()
    sequence()
    client = Client()
    client.force_login(house.account("Una", RoleCode.AUDITOR))
    answer = client.get(f"/api/v1/records/{written.uuid}/proof")
    assert answer.status_code == 200
    assert Note.parse(answer.content.decode().split("\n\n", 1)[1])


def test_kinds_are_published_with_their_schemas(db: None) -> None:
    kinds = {kind["name"]: kind for kind in _get("kinds/", {}).json()}
    assert kinds.keys() == {kind.name for kind in KINDS}
    assert kinds["segments.destroyed"]["cut"] == "hour"
    assert "root" in kinds["segments.destroyed"]["facts"]["properties"]


def test_schema_describes_records_proofs_and_kinds() -> None:
    generator: Any = SchemaGenerator
    schema = generator().get_schema(request=None, public=True)
    paths = schema["paths"]
    proof = paths["/api/v1/records/{record}/proof"]["get"]
    assert list(proof["responses"]["200"]["content"]) == ["text/plain"]
    assert {"oauth2": ["records:read"]} in proof["security"]
    answer = paths["/api/v1/records/{record}"]["get"]["responses"]["200"]["content"]
    assert answer["application/json"]["schema"]["$ref"].endswith("/Record")
    assert "/api/v1/kinds/" in paths
