import json
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from consent import services
from consent.models import Account, Grant, GrantState, Notice, Subject
from consent.roles import RoleCode
from ledger.models import Record
from tests.consent.factories import House, consent_of, publish, register


class Api:
    """The API as one account uses it: a person in a session, a program by token."""

    def __init__(self, **headers: str) -> None:
        self.client = Client()
        self.headers = headers

    def get(self, path: str) -> Any:
        return self.client.get(f"/api/v1/{path}", headers=self.headers)

    def post(self, path: str, said: Any, key: str | None = "key-1") -> Any:
        keyed = {"Idempotency-Key": key} if key else {}
        return self.client.post(
            f"/api/v1/{path}",
            json.dumps(said),
            content_type="application/json",
            headers=self.headers | keyed,
        )


def of_person(account: Account) -> Api:
    api = Api()
    api.client.force_login(account)
    return api


def of_program(house: House, client: Account, scope: str) -> Api:
    credentials = services.issue_credentials(actor=house.ada, account_id=client.pk)
    answer = Client().post(
        "/oauth/token/",
        {
            "grant_type": "client_credentials",
            "client_id": credentials.client_id,
            "client_secret": credentials.client_secret,
            "scope": scope,
        },
    )
    return Api(Authorization=f"Bearer {answer.json()['access_token']}")


def problem(answer: Any) -> tuple[int, str]:
    assert answer["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()["type"]


SAID = {"name": "Cleo Invented", "email": "cleo@people.example"}


def yes(subject: Subject, notice: Any) -> dict[str, Any]:
    return {
        "subject": str(subject.pk),
        "notice": str(notice.pk),
        "mode": "opt_in",
        "uses": ["train", "depict"],
        "media": ["online"],
        "territories": ["WORLD"],
        "assurance": "signed_release",
        "method": "form",
    }


def test_a_person_is_registered_found_and_never_named(officer: Account) -> None:
    api = of_person(officer)
    made = api.post("subjects", SAID)
    assert made.status_code == 201
    found = api.post("subjects/search", {"term": "cleo invented"}, key=None)
    assert [row["id"] for row in found.json()["matches"]] == [made.json()["id"]]
    assert {"kind": "name", "form": "phonetic"} in found.json()["searched"]
    read = api.get(f"subjects/{made.json()['id']}").json()
    assert set(read) == {"id", "handle", "registered_at", "record"}


def test_a_repeated_key_answers_with_the_first_row(officer: Account) -> None:
    api = of_person(officer)
    first, again = api.post("subjects", SAID), api.post("subjects", SAID)
    assert (again.status_code, again.json()) == (201, first.json())
    assert Subject.objects.count() == 1
    assert problem(api.post("subjects", {**SAID, "name": "Dan"})) == (422, "IdempotencyConflict")


def test_the_same_key_serves_another_address(officer: Account) -> None:
    api, subject, notice = of_person(officer), register(officer), publish(officer)
    assert api.post("grants", yes(subject, notice)).status_code == 201
    assert problem(api.post("subjects", SAID)) == (422, "IdempotencyConflict")


@pytest.mark.parametrize("key", [None, "", "k" * 256, "ä"])
def test_a_write_without_a_usable_key_is_refused(officer: Account, key: str | None) -> None:
    if key == "ä":
        key = "\x7f"
    assert problem(of_person(officer).post("subjects", SAID, key=key)) == (400, "ParseError")


def test_consent_is_given_read_and_withdrawn(officer: Account) -> None:
    api, subject, notice = of_person(officer), register(officer), publish(officer)
    made = api.post("grants", yes(subject, notice))
    assert made.status_code == 201
    path = f"grants/{made.json()['id']}"
    assert api.get(path).json() == made.json()
    for _ in range(2):
        rest = api.post(f"{path}/withdraw", {"uses": ["train"]}, key="key-2")
        assert (rest.status_code, rest.json()["uses"]) == (200, ["depict"])
    again = api.post(f"{path}/withdraw", {"uses": ["depict"]}, key="key-3")
    assert problem(again) == (409, "WrongState")
    assert Grant.objects.get(pk=made.json()["id"]).state == GrantState.SUPERSEDED


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"uses": ["dance"]}, "uses"),
        ({"uses": "train"}, "uses"),
        ({"mode": "maybe"}, "mode"),
        ({"subject": "cleo"}, "subject"),
        ({"territories": ["Germany"]}, "territories"),
        ({"valid_until": "tomorrow"}, "valid_until"),
        ({"uses": ["train"] * 9}, "uses"),
    ],
)
def test_malformed_answers_name_the_field(
    officer: Account, change: dict[str, Any], field: str
) -> None:
    said = {**yes(register(officer), publish(officer)), **change}
    answer = of_person(officer).post("grants", said)
    assert problem(answer) == (400, "ValidationError")
    assert answer.json()["errors"][0]["at"].startswith(field)


@pytest.mark.parametrize(
    ("change", "name", "status"),
    [
        ({"media": []}, "TermsRefused", 422),
        ({"refused": ["train"]}, "TermsRefused", 422),
        ({"subject": str(uuid4())}, "Unknown", 404),
        ({"notice": str(uuid4())}, "Unknown", 404),
    ],
)
def test_answers_that_make_no_sense_leave_nothing_behind(
    officer: Account, change: dict[str, Any], name: str, status: int
) -> None:
    said = {**yes(register(officer), publish(officer)), **change}
    records = Record.objects.count()
    api = of_person(officer)
    assert problem(api.post("grants", said)) == (status, name)
    assert Record.objects.count() == records
    # The key was not spent: the corrected request may use it again.
    corrected = yes(Subject.objects.get(), Notice.objects.get())
    assert api.post("grants", corrected).status_code == 201


def test_a_decision_says_why(officer: Account) -> None:
    subject = register(officer)
    consent_of(officer, subject)
    stranger = str(uuid4())
    asked = {"subjects": [str(subject.pk), stranger], "uses": ["depict"]}
    said = of_person(officer).post("decisions", asked, key=None).json()
    assert said["outcome"] == "refused"
    assert [(r["subject"], r["code"]) for r in said["reasons"]] == [
        (str(subject.pk), "granted"),
        (stranger, "unknown_person"),
    ]
    assert said["profile"] == "strict/1"


def test_a_program_needs_its_scope(house: House, officer: Account) -> None:
    client = house.client("renderer", RoleCode.GENERATOR)
    asked = {"subjects": [], "uses": ["depict"]}
    allowed = of_program(house, client, "decisions:read")
    assert allowed.post("decisions", asked, key=None).json()["outcome"] == "allowed"
    without = of_program(house, client, "runs:read")
    assert problem(without.post("decisions", asked, key=None)) == (403, "PermissionDenied")


def test_a_program_whose_account_ended_is_nobody(house: House) -> None:
    client = house.client("renderer", RoleCode.GENERATOR)
    api = of_program(house, client, "decisions:read")
    services.end_account(actor=house.ada, account_id=client.pk)
    answer = api.post("decisions", {"subjects": [], "uses": ["depict"]}, key=None)
    assert problem(answer) == (401, "NotAuthenticated")


def test_data_sets_are_listed_by_project(house: House) -> None:
    mine, other = (services.open_project(actor=house.ada, code=code) for code in ("mine", "other"))
    dana = house.account("Dana", RoleCode.DATA_SCIENTIST, project=mine)
    mia = house.account("Mia", RoleCode.MANAGER)
    hers, not_hers = (
        services.open_dataset(actor=mia, project_id=project.pk, code="faces")
        for project in (mine, other)
    )
    api = of_person(dana)
    assert [row["id"] for row in api.get("datasets").json()["results"]] == [str(hers.pk)]
    assert api.get(f"datasets/{hers.pk}/versions").json()["results"] == []
    assert problem(api.get(f"datasets/{not_hers.pk}/versions")) == (403, "NotPermitted")
    assert problem(api.get(f"datasets/{uuid4()}/versions")) == (404, "Unknown")


def test_a_data_set_is_opened_where_one_may(house: House) -> None:
    mine, other = (services.open_project(actor=house.ada, code=code) for code in ("mine", "other"))
    api = of_person(house.account("Dana", RoleCode.DATA_SCIENTIST, project=mine))
    assert api.post("datasets", {"project": str(mine.pk), "code": "faces"}).status_code == 201
    said = {"project": str(other.pk), "code": "faces"}
    assert problem(api.post("datasets", said, key="key-2")) == (403, "NotPermitted")


READS = {
    "subjects/search": {"officer", "approver", "auditor"},
    "subjects/{subject}": {"officer", "approver", "auditor"},
    "grants/{grant}": {"officer", "approver", "auditor"},
    "notices": {role.value for role in RoleCode},
}
WRITES = {
    "subjects": {"officer"},
    "grants": {"officer"},
    "grants/{grant}/withdraw": {"officer"},
    "decisions": {"officer", "moderator", "data_scientist", "developer", "generator"},
}
PEOPLE = [role for role in RoleCode if role != RoleCode.GENERATOR]


@pytest.mark.parametrize("role", PEOPLE)
def test_each_role_reaches_what_it_may_and_nothing_else(
    house: House, officer: Account, role: RoleCode
) -> None:
    subject, notice = register(officer), publish(officer)
    grant = consent_of(officer, subject, notice=notice)
    project = services.open_project(actor=house.ada, code="mine")
    where = {"project": project} if role == RoleCode.EXTERNAL_REVIEWER else {}
    api = of_person(house.account("Eve", role, **where))
    said = {
        "subjects/search": {"term": "nobody"},
        "subjects": SAID,
        "grants": yes(subject, notice),
        "grants/{grant}/withdraw": {},
        "decisions": {"subjects": [], "uses": ["train"]},
    }
    for number, (pattern, roles) in enumerate((READS | WRITES).items()):
        path = pattern.format(subject=subject.pk, grant=grant.pk)
        answer = api.post(path, said[pattern], f"k{number}") if pattern in said else api.get(path)
        assert (answer.status_code < 400) == (role.value in roles), (pattern, answer.content)
        if role.value not in roles:
            assert problem(answer) == (403, "NotPermitted")


def test_nobody_reaches_anything_unsigned(officer: Account) -> None:
    for path in ("notices", "datasets", f"subjects/{uuid4()}", f"grants/{uuid4()}"):
        assert problem(Api().get(path))[0] == 401
    for path in ("subjects", "subjects/search", "grants", "decisions", "datasets"):
        assert problem(Api().post(path, {}))[0] == 401


@pytest.mark.parametrize("body", ["", "{", "[]", '"x"', "1.5", '{"name":"a","name":"b"}', "null"])
def test_no_body_makes_a_server_error(officer: Account, body: str) -> None:
    api = of_person(officer)
    for path in ("subjects", "subjects/search", "grants", "decisions", "datasets"):
        answer = api.client.post(
            f"/api/v1/{path}", body, content_type="application/json",
            headers={"Idempotency-Key": "k"},
        )  # fmt: skip
        assert problem(answer)[0] == 400


class TestSignIn:
    """The page where a one-time sign-in is spent."""

    PASSWORD = "correct horse battery staple"

    def way_in(self, house: House) -> services.SignIn:
        newcomer = services.Newcomer("Eve", "eve@house.example")
        eve = services.propose_account(actor=house.ada, newcomer=newcomer)
        return services.approve_account(actor=house.ben, account_id=eve.pk)

    def test_a_password_is_set_once_and_signs_in(self, house: House) -> None:
        path, browser = self.way_in(house).path, Client()
        page = browser.get(path)
        assert page.status_code == 200
        assert page["Referrer-Policy"] == "strict-origin"
        said = {"password": self.PASSWORD, "again": self.PASSWORD}
        assert browser.post(path, said).status_code == 302
        assert browser.get(path).status_code == 403
        assert browser.post(path, said).status_code == 403
        assert browser.login(username="EVE@house.example", password=self.PASSWORD)
        assert not browser.login(username="eve@house.example", password="wrong")

    @pytest.mark.parametrize(
        ("said", "complaint"),
        [
            ({"password": "short", "again": "short"}, b"too short"),
            ({"password": PASSWORD, "again": "other"}, b"do not agree"),
            ({}, b"required"),
        ],
    )
    def test_a_bad_password_leaves_the_sign_in_open(
        self, house: House, said: dict[str, str], complaint: bytes
    ) -> None:
        path, browser = self.way_in(house).path, Client()
        assert complaint in browser.post(path, said).content
        assert browser.get(path).status_code == 200

    def test_a_forged_sign_in_is_spent(self, house: House) -> None:
        assert Client().get(f"/sign-in/{house.ada.pk}/cxyz-0123/").status_code == 403
        assert Client().get(f"/sign-in/{uuid4()}/cxyz-0123/").status_code == 403
