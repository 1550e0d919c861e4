import json
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from consent import services
from consent.impact_report import draw_case, report_case
from consent.lineage import Node, find_impact
from consent.models import (
    Account,
    DatasetVersion,
    Grant,
    ImpactCase,
    ImpactState,
    LineState,
    Subject,
)
from consent.roles import RoleCode
from consent.uses import Measure
from ledger.inbox import INBOX
from ledger.models import Record
from tests.consent.factories import House
from tests.consent.test_admin import browser, do, list_url, offered, row_url

pytestmark = pytest.mark.django_db(transaction=True)


def ask(client: Client, path: str, **query: Any) -> Any:
    return client.get(f"/api/v1/{path}", query)


def post(client: Client, path: str, said: dict[str, Any]) -> Any:
    headers = {"Idempotency-Key": uuid4().hex}
    return client.post(
        f"/api/v1/{path}", json.dumps(said), content_type="application/json", headers=headers
    )


def test_a_case_is_decided_and_done_on_its_page(officer: Account, case: ImpactCase) -> None:
    client = browser(officer)
    page = client.get(row_url(case)).content.decode()
    assert ("faces v1" in page, "<svg" in page, 'href="?reasons=1"' in page) == (True, True, True)
    assert offered(client, case) == {"decide", "assign"}
    line = str(case.lines.get().pk)
    said = {"line": line, "decision": "retrain", "reason": "Asked for by the person."}
    assert do(client, case, "decide", said).status_code == 302
    assert do(
        client, case, "assign", {"line": line, "owner": str(officer.pk), "due": "2099-01-31"}
    ).status_code == 302  # fmt: skip
    records = Record.objects.count()
    opened = client.get(f"{row_url(case)}?reasons=1").content.decode()
    assert "Asked for by the person." in opened
    assert Record.objects.count() == records + 1
    done = {"line": line, "evidence": "Ticket 7."}
    assert do(client, case, "complete", done).status_code == 302
    case.refresh_from_db()
    assert (case.state, case.lines.get().state) == (ImpactState.DONE, LineState.DONE)
    assert offered(client, case) == set()


def test_a_case_that_is_overdue_shows(officer: Account, case: ImpactCase) -> None:
    waiting = {basket.name: found for basket, found in INBOX.look(officer)}["Impact cases"]
    assert (waiting.count, waiting.overdue, waiting.due_at) == (1, 0, case.due_at)
    client = browser(officer)
    assert str(case) not in client.get(f"{list_url(ImpactCase)}?overdue=1").content.decode()
    assert str(case) in client.get(list_url(ImpactCase)).content.decode()
    late = ImpactCase.objects.overdue(case.due_at)
    assert list(late) == [case]


@pytest.mark.parametrize("look", ["downstream", "upstream"])
def test_every_kind_of_thing_has_its_page(
    officer: Account,
    cleo: Subject,
    grant: Grant,
    version: DatasetVersion,
    look: str,
) -> None:
    client = browser(officer)
    item = version.items.get(depictions__subject=cleo)
    for kind, pk in (
        ("subject", cleo.pk), ("grant", grant.pk), ("item", item.pk), ("version", version.pk),
        ("dataset", version.dataset_id),
    ):  # fmt: skip
        url = reverse("admin:consent_lineage", args=[kind, pk])
        answer = client.get(url, {"look": look})
        assert answer.status_code == 200
        assert "Cleo Invented" not in answer.content.decode()
    assert (
        client.get(reverse("admin:consent_lineage", args=["subject", uuid4()])).status_code == 404
    )
    assert (
        client.get(reverse("admin:consent_lineage", args=["nothing", uuid4()])).status_code == 404
    )


def test_a_node_leads_to_its_leaves_and_to_its_files(
    officer: Account,
    version: DatasetVersion,
) -> None:
    client = browser(officer)
    url = reverse("admin:consent_lineage", args=["dataset", version.dataset_id])
    page = client.get(url, {"look": "upstream"}).content.decode()
    assert f"leaf=item&amp;at=version:{version.pk}" in page
    at = {"look": "upstream", "leaf": "item", "at": f"version:{version.pk}"}
    leaves = client.get(url, at).content.decode()
    assert all(str(item.pk) in leaves for item in version.items.all())
    assert client.get(url, {**at, "leaf": "model"}).status_code == 404
    assert client.get(url, {**at, "after": "x"}).status_code == 404
    assert client.get(url, {"form": "svg"})["Content-Type"] == "image/svg+xml"
    assert client.get(url, {"form": "json"}).json()["schema"] == "urn:muniment:impact:1"


def test_who_may_not_see_lineage_gets_no_page(house: House, version: DatasetVersion) -> None:
    manager = browser(house.account("Mia", RoleCode.MANAGER))
    url = reverse("admin:consent_lineage", args=["version", version.pk])
    assert manager.get(url).status_code == 403
    assert ask(manager, "lineage/impact", kind="version", id=version.pk).status_code == 403
    assert ask(manager, "impact-cases").status_code == 403


def test_the_api_tells_what_came_of_a_person(
    officer: Account,
    cleo: Subject,
    version: DatasetVersion,
) -> None:
    client = browser(officer)
    said = ask(client, "lineage/impact", kind="subject", id=cleo.pk).json()
    assert said["impact"]["counts"] == {"dataset": 1, "item": 1, "version": 1}
    assert said["impact"] == json.loads(json.dumps(find_impact(Node("subject", cleo.pk)).as_json()))
    graph = ask(client, "lineage/graph", kind="subject", id=cleo.pk)
    assert graph["Content-Type"] == "image/svg+xml"
    assert ask(client, "lineage/impact", kind="subject", id=uuid4()).status_code == 404
    assert ask(client, "lineage/impact", kind="house", id=uuid4()).status_code == 400


def test_leaves_are_paged_without_a_gap(officer: Account, version: DatasetVersion) -> None:
    client, seen, after = browser(officer), [], ""
    asked = {"kind": "version", "id": version.pk, "direction": "upstream", "leaf": "item"}
    while after is not None:
        more = {"after": after} if after else {}
        page = ask(client, "lineage/leaves", **asked, limit=1, **more).json()
        seen += page["ids"]
        after = page["after"]
    assert seen == sorted(str(item.pk) for item in version.items.all())
    refused = ask(client, "lineage/leaves", **{**asked, "leaf": "output"})
    assert (refused.status_code, refused.json()["type"].rsplit(":", 1)[-1]) == (422, "TermsRefused")


def test_a_case_is_worked_through_by_the_api(officer: Account, case: ImpactCase) -> None:
    client = browser(officer)
    (listed,) = ask(client, "impact-cases", state="assessed").json()["results"]
    assert (listed["id"], listed["found"]["items"]) == (str(case.pk), 1)
    assert ask(client, "impact-cases", overdue="true").json()["results"] == []
    line = listed["lines"][0]["id"]
    due = "2099-01-31T00:00:00Z"
    said = {"owner": str(officer.pk), "due_at": due}
    assert post(client, f"impact-lines/{line}/assign", said).json()["due_at"] == due
    decided = post(client, f"impact-lines/{line}/decide", {"decision": "filter", "reason": "So."})
    assert (decided.status_code, decided.json()["decision"]) == (201, "filter")
    done = post(client, f"impact-lines/{line}/complete", {"evidence": "Ticket 7."})
    assert done.json()["state"] == "done"
    assert post(client, f"impact-cases/{case.pk}/close", {}).status_code == 409
    report = ask(client, f"impact-cases/{case.pk}/report").json()
    assert (report["case"]["state"], report["decisions"][0]["label"]) == ("done", "faces v1")
    assert ask(client, f"impact-cases/{case.pk}/graph")["Content-Type"] == "image/svg+xml"


def test_an_erased_person_leaves_counts_and_decisions_that_name_nobody(
    officer: Account,
    case: ImpactCase,
    cleo: Subject,
) -> None:
    line = case.lines.get()
    services.decide_impact(
        actor=officer, line_id=line.pk, decision=Measure.STOP_USE, reason="Asked for."
    )
    with connection.cursor() as cursor:
        cursor.execute("UPDATE consent_impactcase SET subject_id = NULL")
    case.refresh_from_db()
    told = json.dumps(report_case(case))
    assert (str(cleo.pk) in told, cleo.handle in told) == (False, False)
    assert report_case(case)["impact"]["counts"] == {"item": 1, "version": 1}
    assert "an erased person" in draw_case(case)
    assert "erased" in browser(officer).get(row_url(case)).content.decode()


def test_a_persons_pages_lead_to_what_came_of_them(officer: Account, cleo: Subject) -> None:
    page = browser(officer).get(row_url(cleo)).content.decode()
    assert reverse("admin:consent_lineage", args=["subject", cleo.pk]) in page
