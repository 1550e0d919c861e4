"""The life of an answer by API: asked for, answered, moved; who speaks for whom."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from consent.models import Account, Subject
from consent.roles import RoleCode
from tests.consent.factories import House, consent_of, publish, register
from tests.consent.test_api import Api, of_person, problem, yes


@pytest.fixture
def api(officer: Account) -> Api:
    return of_person(officer)


@pytest.fixture
def post(api: Api) -> Callable[..., Any]:
    """Post with a key of its own each time."""

    def send(path: str, said: Any) -> Any:
        return api.post(path, said, key=f"key-{uuid4()}")

    return send


def without_notice(said: dict[str, Any], **changes: Any) -> dict[str, Any]:
    answer = {key: value for key, value in said.items() if key not in {"subject", "notice"}}
    return {**answer, **changes}


def test_a_request_is_put_off_sent_again_and_answered(
    officer: Account, post: Callable[..., Any]
) -> None:
    said = yes(register(officer), publish(officer))
    asked = post("grants/requests", said)
    assert (asked.status_code, asked.json()["state"]) == (201, "requested")
    path = f"grants/{asked.json()['id']}"
    assert [post(f"{path}/{act}", {}).json()["state"] for act in ("defer", "send")] == [
        "deferred",
        "requested",
    ]
    answered = post(f"{path}/answer", without_notice(said, uses=["depict"]))
    assert (answered.status_code, answered.json()["uses"]) == (200, ["depict"])
    assert answered.json()["recipients"] == answered.json()["families"] == ["ANY"]
    assert problem(post(f"{path}/answer", without_notice(said))) == (409, "WrongState")


def test_what_is_prepared_is_sent_later(officer: Account, post: Callable[..., Any]) -> None:
    drafted = post("grants/drafts", yes(register(officer), publish(officer)))
    assert (drafted.status_code, drafted.json()["state"]) == (201, "draft")
    sent = post(f"grants/{drafted.json()['id']}/send", {})
    assert sent.json()["state"] == "requested"


def test_a_no_to_a_request_says_how_it_came(officer: Account, post: Callable[..., Any]) -> None:
    asked = post("grants/requests", yes(register(officer), publish(officer))).json()
    assert problem(post(f"grants/{asked['id']}/refuse", {})) == (400, "ValidationError")
    refused = post(f"grants/{asked['id']}/refuse", {"method": "letter"}).json()
    assert (refused["state"], refused["uses"]) == ("refused", [])
    assert refused["refused"] == ["depict", "train"]


@pytest.mark.parametrize(
    ("acts", "state"),
    [
        (["suspend"], "suspended"),
        (["suspend", "resume"], "given"),
        (["revoke"], "revoked"),
        (["suspend", "invalidate"], "invalidated"),
    ],
)
def test_an_answer_is_moved_by_one_word(
    officer: Account, post: Callable[..., Any], acts: list[str], state: str
) -> None:
    grant = consent_of(officer, register(officer))
    said = [post(f"grants/{grant.pk}/{act}", {}).json()["state"] for act in acts]
    assert said[-1] == state
    illegal = "send" if state == "given" else "suspend"
    assert problem(post(f"grants/{grant.pk}/{illegal}", {})) == (409, "WrongState")


def test_a_repeated_move_is_answered_alike(officer: Account, api: Api) -> None:
    grant = consent_of(officer, register(officer))
    path = f"grants/{grant.pk}/suspend"
    first, again = api.post(path, {}), api.post(path, {})
    assert (again.status_code, again.json()) == (200, first.json())


def test_all_alike_is_withdrawn_by_one_word(officer: Account, post: Callable[..., Any]) -> None:
    subject = register(officer)
    grant, other = consent_of(officer, subject), consent_of(officer, subject)
    both = post(f"grants/{grant.pk}/withdraw", {"alike": True, "uses": ["train"]})
    assert problem(both) == (400, "ValidationError")
    assert post(f"grants/{grant.pk}/withdraw", {"alike": True}).json()["state"] == "withdrawn"
    other.refresh_from_db()
    assert other.state == "withdrawn"


def test_an_answer_is_renewed(officer: Account, post: Callable[..., Any]) -> None:
    grant = consent_of(officer, register(officer))
    until = "2999-01-01T00:00:00Z"
    again = post(
        f"grants/{grant.pk}/renew", {"method": "email", "valid_until": until, "assurance": "eid"}
    )
    assert again.status_code == 200
    assert (again.json()["supersedes"], again.json()["valid_until"]) == (str(grant.pk), until)


def test_a_guardian_is_recorded_speaks_and_falls_silent(
    officer: Account, post: Callable[..., Any]
) -> None:
    child, parent = register(officer), register(officer, "Pat Invented")
    said = {"subject": str(child.pk), "representative": str(parent.pk), "capacity": "guardian"}
    until = "2999-01-01T00:00:00Z"
    speaker = post("representations", {**said, "ends_at": until})
    assert speaker.status_code == 201
    given = post(
        "grants", {**yes(child, publish(officer)), "representation": speaker.json()["id"]}
    ).json()
    assert (given["capacity"], given["power_until"]) == ("guardian", until)
    path = f"representations/{speaker.json()['id']}/end"
    assert post(path, {}).json()["ended_at"] is not None
    assert problem(post(path, {})) == (409, "WrongState")
    problem_of_self = post("representations", {**said, "representative": str(child.pk)})
    assert problem(problem_of_self) == (422, "TermsRefused")


def decided(api: Api, subject: Subject, **changes: Any) -> dict[str, Any]:
    said = {"subjects": [str(subject.pk)], "uses": ["train"], **changes}
    answer: dict[str, Any] = api.post("decisions", said, key=None).json()
    return answer


def test_works_are_decided_by_title_and_any_profile(
    officer: Account, api: Api, post: Callable[..., Any]
) -> None:
    artist, agency = register(officer), register(officer, "An Invented Agency")
    said = {"origin": str(artist.pk), "holder": str(agency.pk), "right": "works"}
    title = post("titles", said)
    assert title.status_code == 201
    post("grants", {**yes(agency, publish(officer)), "right": "works", "families": ["shapes"]})
    works = {"right": "works", "family": "shapes"}
    # A holder of several people's rights may not have meant this one.
    assert decided(api, artist, **works)["reasons"][0]["code"] == "by_title"
    assert decided(api, artist, **works, profile="gdpr/1")["profile"] == "gdpr/1"
    assert decided(api, artist, right="works", family="faces")["outcome"] == "refused"
    assert decided(api, artist)["reasons"][0]["code"] == "never_given"
    post(f"titles/{title.json()['id']}/end", {})
    assert decided(api, artist, **works)["outcome"] == "refused"
    unknown = api.post("decisions", {"subjects": [], "uses": ["train"], "profile": "nowhere/1"})
    assert unknown.status_code in range(400, 500)
    assert problem(unknown)[1] == "ProfileRefused"


WRITES = (
    *(f"grants/{{}}/{act}" for act in ("send", "defer", "lapse", "suspend", "resume", "revoke")),
    *(f"grants/{{}}/{act}" for act in ("invalidate", "refuse", "renew", "answer")),
    *("representations/{}/end", "titles/{}/end"),
)


@pytest.mark.parametrize("path", WRITES)
def test_only_officers_write(house: House, officer: Account, path: str) -> None:
    said = {**without_notice(yes(register(officer), publish(officer))), "method": "letter"}
    for role in (RoleCode.AUDITOR, RoleCode.MANAGER, RoleCode.APPROVER):
        answer = of_person(house.account(role.value.replace("_", "-"), role)).post(
            path.format(uuid4()), said
        )
        assert problem(answer) == (403, "NotPermitted")
    assert problem(of_person(officer).post(path.format(uuid4()), said)) == (404, "Unknown")
    assert problem(Api().post(path.format(uuid4()), said))[0] == 401
