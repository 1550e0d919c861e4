"""The API as a generator meets it: real tokens, real uploads, every bad input of the issue."""

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from consent.roles import RoleCode
from consent.services import withdraw
from consent.services.people import Newcomer, end_account, issue_credentials
from generation import c2pa, services
from generation.models import Case, Job, Output, Run
from generation.states import CaseOutcome, DecisionReason
from ledger.models import Record
from tests.generation.acts import DETAILS, EFFECTIVE, House
from tests.generation.images import encoded
from tests.generation.test_outputs import process

pytestmark = pytest.mark.django_db(transaction=True)
SCOPES = "models:write models:read runs:write runs:read outputs:read"


class Generator:
    """A client program: it has a token and sends what it is told to."""

    def __init__(self, house: House, scopes: str = SCOPES) -> None:
        self.house = house
        self.http = Client(raise_request_exception=False)
        credentials = issue_credentials(actor=house.founders[0], account_id=house.client.pk)
        answer = self.http.post(
            "/oauth/token/",
            {
                "grant_type": "client_credentials",
                "client_id": credentials.client_id,
                "client_secret": credentials.client_secret,
                "scope": scopes,
            },
        )
        self.token = answer.json()
        self.headers = {"Authorization": f"Bearer {self.token.get('access_token', '')}"}

    def post(self, path: str, content: Any, key: str | None = "", **other: Any) -> Any:
        headers = dict(self.headers)
        if key is not None:
            headers["Idempotency-Key"] = key or uuid4().hex
        body = content if isinstance(content, str | bytes) else json.dumps(content)
        return self.http.post(
            f"/api/v1/{path}", body, content_type="application/json", headers=headers
        )

    def hand_in(self, run_id: str, *images: bytes, key: str = "", details: Any = DETAILS) -> Any:
        files = [SimpleUploadedFile(f"{n}.png", image) for n, image in enumerate(images)]
        text = details if isinstance(details, str) else json.dumps(details)
        return self.http.post(
            f"/api/v1/runs/{run_id}/complete",
            {"image": files, "details": text},
            headers=self.headers | {"Idempotency-Key": key or uuid4().hex},
        )

    def get(self, path: str) -> Any:
        return self.http.get(f"/api/v1/{path}", headers=self.headers)

    def asked(self, **other: Any) -> dict[str, Any]:
        request = self.house.request()
        return {
            "model": str(request.model),
            "project": str(request.project),
            "prompt": request.prompt,
            "parameters": dict(request.parameters),
            "depicts": [],
            "instance": str(request.instance),
            "sequence": request.sequence,
        } | other

    def run(self, **other: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.post("runs", self.asked(**other)).json()
        return answer


@pytest.fixture
def generator(house: House) -> Generator:
    assert house.policy
    return Generator(house)


def problem(answer: Any, status: int, name: str) -> str:
    """Check that ``answer`` is a problem document and return all of its text."""
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert (answer.status_code, body["status"], body["type"]) == (status, status, name)
    return json.dumps(body)


def test_one_image_from_question_to_delivery(
    generator: Generator, sequence: Callable[[], int]
) -> None:
    asked = generator.post("runs", generator.asked())
    assert asked.status_code == 201
    assert (asked.json()["outcome"], asked.json()["reasons"]) == ("allowed", [])
    handed = generator.hand_in(asked.json()["id"], encoded())
    assert handed.status_code == 202
    (output,) = handed.json()["outputs"]
    waiting = generator.get(f"outputs/{output['id']}/content")
    assert "wanted released" in problem(waiting, 409, "OutputNotReady")
    process(Output.objects.get(pk=output["id"]), sequence)
    seen = generator.get(f"outputs/{output['id']}").json()
    content = generator.get(f"outputs/{output['id']}/content")
    assert (seen["state"], content["Content-Type"]) == ("released", "image/png")
    assert c2pa.read_back(content.content, "image/png").manifest_id == seen["manifest"]
    assert generator.get(f"runs/{asked.json()['id']}").json()["state"] == "completed"


def test_refused_run_is_answered_with_its_reasons(generator: Generator) -> None:
    ada = generator.house.subject()
    answer = generator.run(depicts=[str(ada.pk)])
    assert answer["outcome"] == "refused"
    assert answer["reasons"] == [
        {
            "code": "consent.never_given",
            "detail": "the person never consented to being depicted",
        }
    ]


def test_held_run_follows_the_decision_of_a_person(generator: Generator) -> None:
    house, answer = generator.house, generator.run(prompt="a politician")
    assert (answer["outcome"], answer["authorised_until"]) == ("held", None)
    case = services.claim_case(actor=house.moderator, case_id=Case.objects.get(run=answer["id"]).pk)
    services.decide_case(
        actor=house.moderator,
        case_id=case.pk,
        outcome=CaseOutcome.REFUSED,
        reason=DecisionReason.AGAINST_POLICY,
    )
    later = generator.get(f"runs/{answer['id']}").json()
    assert later["outcome"] == "refused"
    assert later["reasons"][-1]["code"] == "decision.against_policy"


def test_model_is_registered_and_read(generator: Generator) -> None:
    asked = {
        "name": "squares",
        "version": "1",
        "weights": [{"path": "w", "sha256": f"sha256:{'00' * 32}"}],
        "effective_digest": EFFECTIVE,
        "config_digest": EFFECTIVE,
        "dataset_version": None,
    }
    made = generator.post("models", asked)
    assert made.status_code == 201
    assert generator.get(f"models/{made.json()['id']}").json() == made.json()


def test_failure_is_reported_once(generator: Generator) -> None:
    run = generator.run()
    said = generator.post(f"runs/{run['id']}/fail", {"reason": "aborted"})
    assert said.json()["state"] == "failed"
    again = generator.post(f"runs/{run['id']}/fail", {"reason": "aborted"})
    assert "run is failed" in problem(again, 409, "RunClosed")


def test_withdrawal_after_the_release_stops_delivery(
    generator: Generator, sequence: Callable[[], int]
) -> None:
    house = generator.house
    ada = house.subject()
    grant = house.grant(ada)
    run = generator.run(depicts=[str(ada.pk)])
    (output,) = generator.hand_in(run["id"], encoded()).json()["outputs"]
    process(Output.objects.get(pk=output["id"]), sequence)
    assert generator.get(f"outputs/{output['id']}/content").status_code == 200
    withdraw(actor=house.officer, grant_id=grant.pk)
    refused = generator.get(f"outputs/{output['id']}/content")
    assert "withdrawn since" in problem(refused, 403, "ConsentMissing")


def test_upload_is_announced_to_the_workers(generator: Generator, sent: list[str]) -> None:
    handed = generator.hand_in(generator.run()["id"], encoded())
    assert sent == [handed.json()["outputs"][0]["id"]]


def test_broker_that_is_away_costs_nobody_an_answer(
    generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_output_id: str) -> None:
        raise ConnectionError("broker is away")

    monkeypatch.setattr("generation.tasks.process_output.delay", refuse)
    assert generator.hand_in(generator.run()["id"], encoded()).status_code == 202
    assert Job.objects.filter(due_at__isnull=False).count() == 1


@pytest.mark.parametrize(
    ("images", "status", "name", "complaint"),
    [
        ([b"no image"], 422, "ImageRefused", "no image, wanted PNG"),
        ([encoded()[:-99]], 422, "ImageRefused", "truncated or damaged, wanted a whole PNG"),
        ([encoded(form="JPEG")], 422, "ImageRefused", "wanted PNG"),
        ([b""], 422, "ImageRefused", "0 bytes are no image"),
        ([b"\0" * (16 * 2**20 + 1)], 413, "ImageTooLarge", "at most 16777216"),
        ([b"\0" * (22 * 2**20)], 413, "BodyTooLarge", "a body here may have"),
        ([], 400, "ValidationError", "image"),
    ],
)
def test_bad_uploads(
    generator: Generator, images: list[bytes], status: int, name: str, complaint: str
) -> None:
    run = generator.run()
    assert complaint in problem(generator.hand_in(run["id"], *images), status, name)
    assert not Output.objects.exists()
    assert Run.objects.get().state == "allowed"


@pytest.mark.parametrize(
    ("details", "status", "name", "complaint"),
    [
        ("{", 400, "ValidationError", "this is no JSON"),
        ("[]", 400, "ValidationError", "no JSON object"),
        ({}, 422, "RequestRefused", "no effective_digest"),
        (DETAILS | {"guidance": 7.5}, 422, "CanonicalError", "float"),
        (DETAILS | {"seed": 2**53}, 422, "CanonicalError", "2**53"),
    ],
)
def test_bad_details(
    generator: Generator, details: Any, status: int, name: str, complaint: str
) -> None:
    run = generator.run()
    answer = generator.hand_in(run["id"], encoded(), details=details)
    assert complaint in problem(answer, status, name)
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("values", "status", "name", "complaint"),
    [
        ({"model": str(uuid4())}, 404, "Unknown", "no model version has this id"),
        ({"project": str(uuid4())}, 404, "Unknown", "no project has this id"),
        ({"depicts": [str(uuid4())]}, 404, "Unknown", "1 of 1 people are not known"),
        ({"model": "shapes"}, 400, "ValidationError", "Must be a valid UUID"),
        ({"parameters": {"scale": 7.5}}, 400, "ParseError", "write it as text"),
        ({"parameters": {"steps": 2**53}}, 400, "ParseError", "2^53"),
        ({"parameters": {"Steps": 1}}, 422, "CanonicalError", "key does not match"),
        ({"parameters": []}, 400, "ValidationError", "no JSON object"),
        ({"prompt": "x" * 10_001}, 400, "ValidationError", "no more than 10000"),
        ({"prompt": None}, 400, "ValidationError", "prompt"),
        ({"sequence": 0}, 400, "ValidationError", "greater than or equal to 1"),
        ({"depicts": "everybody"}, 400, "ValidationError", "depicts"),
    ],
)
def test_bad_runs(
    generator: Generator, values: dict[str, Any], status: int, name: str, complaint: str
) -> None:
    asked = generator.asked(**values)
    records = Record.objects.count()
    assert complaint in problem(generator.post("runs", asked), status, name)
    assert (Run.objects.count(), Record.objects.count()) == (0, records)


@pytest.mark.parametrize("body", ["", "{", "[]", "null", '{"a":1,"a":2}', b"\xff", "NaN"])
def test_bad_bodies(generator: Generator, body: str | bytes) -> None:
    answer = generator.post("runs", body)
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


def test_second_use_of_a_key_with_other_content(generator: Generator) -> None:
    asked = generator.asked()
    first = generator.post("runs", asked, key="k")
    assert generator.post("runs", asked, key="k").json() == first.json()
    other = generator.post("runs", asked | {"prompt": "another"}, key="k")
    assert "used before with other content" in problem(other, 422, "IdempotencyConflict")
    assert Run.objects.count() == 1


@pytest.mark.parametrize("key", [None, " \n", "ä", "x" * 256])
def test_writes_need_a_usable_key(generator: Generator, key: str | None) -> None:
    answer = generator.post("runs", generator.asked(), key=key)
    assert "Idempotency-Key" in problem(answer, 400, "ParseError")


@pytest.mark.parametrize(
    ("scopes", "path"),
    [("runs:read", "runs"), ("runs:write", "models"), ("outputs:read", "runs")],
)
def test_tokens_open_only_what_was_asked_for(house: House, scopes: str, path: str) -> None:
    generator = Generator(house, scopes)
    problem(generator.post(path, {}), 403, "PermissionDenied")


def test_client_that_asks_for_no_scope_gets_none(house: House) -> None:
    generator = Generator(house, "")
    assert generator.token.get("scope", "") == ""
    assert generator.post("runs", {}).status_code in (401, 403)


def test_without_a_token_nothing_opens(generator: Generator) -> None:
    generator.headers = {}
    answer = generator.post("runs", generator.asked())
    problem(answer, 401, "NotAuthenticated")


def test_ended_account_is_shut_out_at_once(generator: Generator) -> None:
    house = generator.house
    end_account(actor=house.founders[0], account_id=house.client.pk)
    assert generator.post("runs", {}).status_code == 401


def test_client_sees_only_its_own(generator: Generator) -> None:
    run = generator.run()
    house = generator.house
    newcomer = Newcomer("Another generator")
    house.client = house.account(newcomer, RoleCode.GENERATOR, house.project)
    stranger = Generator(house)
    problem(stranger.get(f"runs/{run['id']}"), 404, "Unknown")
    problem(stranger.hand_in(run["id"], encoded()), 409, "RunClosed")


@pytest.mark.parametrize("path", ["runs", "outputs", "models"])
def test_unknown_rows_are_not_found(generator: Generator, path: str) -> None:
    problem(generator.get(f"{path}/{uuid4()}"), 404, "Unknown")
    problem(generator.get(f"{path}/x"), 404, "NotFound")


def test_schema_describes_every_address(generator: Generator) -> None:
    answer = generator.http.get("/api/v1/schema/?format=json")
    paths = answer.json()["paths"]
    for path in ("models", "runs", "runs/{run_id}/complete", "outputs/{output_id}/content"):
        assert f"/api/v1/{path}" in paths
    parameters = paths["/api/v1/runs"]["post"]["parameters"]
    assert any(each["name"] == "Idempotency-Key" and each["required"] for each in parameters)
