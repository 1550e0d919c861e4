"""Campaigns and questions by the API."""

from datetime import timedelta
from typing import Any

import pytest

from consent.models import Account, Grant, Notice
from consent.moment import database_now
from consent.roles import RoleCode
from tests.consent.factories import House, publish
from tests.consent.test_api import Api, of_person, problem
from tests.consent.test_campaigns import asked_for, person, work

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(officer: Account) -> Api:
    return of_person(officer)


@pytest.fixture
def ann(officer: Account) -> Grant:
    return person(officer, "Ann", publish(officer))


def said(notice: Notice, **changes: Any) -> dict[str, Any]:
    until = (database_now() + timedelta(days=30)).isoformat()
    return {"notice": str(notice.pk), "closes_at": until, "silence": "ends", **changes}


def lines(answer: Any) -> list[str]:
    return b"".join(answer.streaming_content).decode().splitlines()


def test_a_campaign_is_prepared_looked_at_begun_and_followed(
    officer: Account, api: Api, ann: Grant
) -> None:
    made = api.post("campaigns", said(publish(officer)))
    assert (made.status_code, made.json()["state"]) == (201, "prepared")
    path = f"campaigns/{made.json()['id']}"
    assert api.get(f"{path}/preview").json() == {
        "people": 1, "answers": 1, "unreachable": 0,
        "texts": [{"language": "en", "answers": 1, "is_there": True}],
    }  # fmt: skip
    assert lines(api.get(f"{path}/unreachable.csv")) == ["person"]
    for _ in range(2):
        assert api.post(f"{path}/begin", {}, key="begin").json()["answers"] == 1
    work()
    progress = api.get(f"{path}/progress").json()
    assert (progress["asked"], progress["reached"]["written"]) == (1, 1)
    assert lines(api.get(f"{path}/answers.csv"))[1].startswith(ann.subject.handle)
    page = api.get(f"questions?campaign={made.json()['id']}&said=nothing").json()
    (question,) = page["results"]
    assert question["person"] == ann.subject.handle
    assert (question["cause"], question["reached"], question["sent"]) == ("campaign", "written", 1)
    later = (database_now() + timedelta(days=60)).isoformat()
    assert api.post(f"{path}/extend", {"closes_at": later}, key="key-2").status_code == 200
    for act in ("pause", "resume", "close"):
        assert api.post(f"{path}/{act}", {}, key=act).status_code == 200
    assert api.get(path).json()["state"] == "closing"
    assert len(api.get("campaigns").json()["results"]) == 1
    assert problem(api.post(f"{path}/drop", {}, key="drop")) == (409, "WrongState")


def test_how_somebody_was_reached_is_noted(officer: Account, api: Api, ann: Grant) -> None:
    made = api.post("campaigns", said(publish(officer))).json()["id"]
    api.post(f"campaigns/{made}/begin", {}, key="begin")
    work()
    path = f"questions/{asked_for(ann).pk}"
    assert api.post(f"{path}/returned", {}, key="a").status_code == 200
    (question,) = api.get("questions?unreached=true").json()["results"]
    assert question["reached"] == "returned"
    assert api.post(f"{path}/written", {}, key="b").status_code == 200
    assert api.get("questions?unreached=true").json()["results"] == []
    assert problem(api.post(f"{path}/again", {}, key="c"))[0] == 409


def test_what_cannot_be_is_refused(officer: Account, house: House, api: Api, ann: Grant) -> None:
    newer = publish(officer)
    assert problem(api.post("campaigns", said(ann.notice)))[0] == 422
    assert problem(api.post("campaigns", said(newer, silence="death"), key="k"))[0] == 400
    assert problem(api.get(f"campaigns/{ann.pk}"))[0] == 404
    assert problem(api.get("questions?said=maybe"))[0] == 400
    moderator = of_person(house.account("Momo", RoleCode.MODERATOR))
    for path in ("campaigns", "questions", f"campaigns/{ann.pk}/progress"):
        assert problem(moderator.get(path))[0] == 403
    assert problem(moderator.post("campaigns", said(newer)))[0] == 403
