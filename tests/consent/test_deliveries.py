"""To whom something was given, and whom an impact case says to tell."""

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from rest_framework.test import APIRequestFactory

from consent import lineage, services
from consent.errors import (
    AlreadyKnown,
    NotPermitted,
    TermsRefused,
    Unknown,
    UseStopped,
    WrongState,
)
from consent.impact_report import draw_case, draw_impact, report_case
from consent.lineage import Node, find_impact, find_origins
from consent.models import (
    Account,
    DatasetVersion,
    Delivery,
    Grant,
    ImpactCase,
    ImpactDecision,
    Recipient,
    Subject,
)
from consent.moment import database_now
from consent.roles import RoleCode
from consent.services import ExportForm, exports
from consent.tasks import assess_impacts
from consent.uses import Handover, Measure, Method
from consent.views.access import Access
from consent.views.datasets import VersionExportView
from ledger import vault
from ledger.models import HOUSE_SCOPE, Record
from tests.consent.factories import House, body_of, openings_of
from tests.consent.test_admin import browser, do, row_url
from tests.consent.test_impact_faces import ask, post

pytestmark = pytest.mark.django_db(transaction=True)
DETAILS = "Studio Invented, studio@recipient.example"


@pytest.fixture
def studio(officer: Account) -> Recipient:
    return services.name_recipient(actor=officer, code="studio", details=DETAILS)


@pytest.fixture
def given(officer: Account, studio: Recipient, version: DatasetVersion) -> Delivery:
    return services.record_delivery(
        actor=officer,
        what=Node("version", version.pk),
        recipient_id=studio.pk,
        how=Handover.UPLOAD,
    )


@pytest.fixture
def line(officer: Account, grant: Grant, given: Delivery) -> ImpactDecision:
    """What an assessed case says of the recipient."""
    services.withdraw(actor=officer, grant_id=grant.pk)
    assess_impacts()
    return ImpactDecision.objects.get(kind="recipient")


def test_whoever_received_a_version_is_downstream_of_all_that_is_in_it(
    cleo: Subject, grant: Grant, version: DatasetVersion, studio: Recipient, given: Delivery
) -> None:
    assert body_of(given).kind == "delivery.recorded"
    item = version.items.get(people=1)
    for start in (
        Node("subject", cleo.pk), Node("grant", grant.pk), Node("item", item.pk),
        Node("version", version.pk),
    ):  # fmt: skip
        impact = find_impact(start)
        assert (impact.of("recipient"), impact.counts["recipient"]) == ([studio.pk], 1)
        assert (Node("version", version.pk), Node("recipient", studio.pk)) in impact.edges
        assert "studio" in draw_impact(impact)
    origins = find_origins(Node("recipient", studio.pk))
    assert origins.of("version") == [version.pk]
    assert origins.counts["subject"] == 1


def test_a_case_lists_whom_to_tell_and_is_done_when_they_were_told(
    officer: Account, line: ImpactDecision, studio: Recipient
) -> None:
    case = line.case
    assert (line.node, case.found_recipients) == (studio.pk, 1)
    other = case.lines.get(kind="version")
    services.decide_impact(actor=officer, line_id=other.pk, decision=Measure.KEEP, reason="So.")
    services.complete_impact(actor=officer, line_id=other.pk, evidence="Ticket 7.")
    services.decide_impact(actor=officer, line_id=line.pk, decision=Measure.TELL, reason="So.")
    case.refresh_from_db()
    assert case.state == "decided"
    told = services.complete_impact(
        actor=officer, line_id=line.pk, evidence="Letter 12.", channel=Method.LETTER
    )
    case.refresh_from_db()
    assert told.done_at
    assert (told.channel, case.state) == ("letter", "done")
    (said,) = [one for one in report_case(case)["decisions"] if one["told_by"]]
    assert (said["about"]["kind"], said["label"], said["told_by"]) == (
        "recipient", "studio", "letter",
    )  # fmt: skip
    assert "studio" in draw_case(case)


def test_what_is_decided_fits_what_it_is_decided_of(officer: Account, line: ImpactDecision) -> None:
    said: dict[str, Any] = {"actor": officer, "line_id": line.pk, "reason": "So."}
    with pytest.raises(TermsRefused, match="is told, or left out with a reason"):
        services.decide_impact(**said, decision=Measure.RETRAIN)
    version = line.case.lines.get(kind="version")
    with pytest.raises(TermsRefused, match="nobody can tell a version anything"):
        services.decide_impact(**{**said, "line_id": version.pk}, decision=Measure.TELL)
    services.decide_impact(**said, decision=Measure.TELL)
    with pytest.raises(TermsRefused, match="say how a recipient was told"):
        services.complete_impact(actor=officer, line_id=line.pk, evidence="Ticket 7.")
    services.decide_impact(**said, decision=Measure.KEEP)
    with pytest.raises(TermsRefused, match="say how a recipient was told"):
        services.complete_impact(
            actor=officer, line_id=line.pk, evidence="Ticket 7.", channel=Method.EMAIL
        )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE consent_impactdecision SET state = 'decided', decision = 'stop_use', reason = 'x',"
        " decided_at = now() WHERE kind = 'recipient'",
        "UPDATE consent_impactdecision SET state = 'decided', decision = 'tell', reason = 'x',"
        " decided_at = now() WHERE kind = 'version'",
        "UPDATE consent_impactdecision SET channel = 'letter' WHERE kind = 'recipient'",
        "UPDATE consent_delivery SET recipient_id = NULL",
        "UPDATE consent_delivery SET node = gen_random_uuid()",
        "UPDATE consent_recipient SET code = 'other'",
        "UPDATE consent_recipient SET named_at = now()",
        "DELETE FROM consent_recipient",
        "DELETE FROM consent_delivery",
    ],
)
def test_postgresql_refuses_what_the_services_would(line: ImpactDecision, statement: str) -> None:
    assert line.kind == "recipient"
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_only_what_is_ready_is_given_and_by_whom_it_is_theirs(
    house: House, officer: Account, version: DatasetVersion, studio: Recipient
) -> None:
    draft = services.open_version(actor=officer, dataset_id=version.dataset_id)
    said: dict[str, Any] = {"actor": officer, "recipient_id": studio.pk, "how": Handover.MEDIUM}
    for what, error, words in (
        (Node("version", draft.pk), Unknown, "can have been given"),
        (Node("version", uuid4()), Unknown, "can have been given"),
        (Node("subject", uuid4()), TermsRefused, "no subject is given to anybody"),
    ):
        with pytest.raises(error, match=words):
            services.record_delivery(**said, what=what)
    what = Node("version", version.pk)
    later = database_now() + timedelta(hours=1)
    with pytest.raises(TermsRefused, match="yet to come"):
        services.record_delivery(**said, what=what, delivered_at=later)
    with pytest.raises(Unknown):
        services.record_delivery(**{**said, "recipient_id": uuid4()}, what=what)
    other = services.open_project(actor=house.ada, code="other")
    stranger = house.account("Sten", RoleCode.DATA_SCIENTIST, project=other)
    with pytest.raises(NotPermitted):
        services.record_delivery(**{**said, "actor": stranger}, what=what)
    assert not Delivery.objects.exists()
    with pytest.raises(AlreadyKnown):
        services.name_recipient(actor=stranger, code="studio")
    with pytest.raises(TermsRefused, match="code is malformed"):
        services.name_recipient(actor=stranger, code="Studio Invented")
    with pytest.raises(TermsRefused, match="2000 at most"):
        services.name_recipient(actor=stranger, code="other", details="x" * 2001)


def test_an_export_is_recorded_with_whom_it_is_for(
    officer: Account, version: DatasetVersion, studio: Recipient, grant: Grant
) -> None:
    said: dict[str, Any] = {"actor": officer, "version_id": version.pk, "form": ExportForm.PROV}
    assert b"".join(services.export_version(**said))
    wanted = exports.Wanted(version.pk, ExportForm.PROV)
    theirs_too: dict[str, Any] = {"actor": officer, "wanted": wanted}
    exports.hand_over(**theirs_too, recipient_id=studio.pk)
    told = b"".join(exports.export_delivered(**theirs_too))
    ours, theirs = Delivery.objects.order_by("delivered_at")
    assert (ours.recipient, theirs.recipient) == (None, studio)
    assert (ours.handed_by, theirs.how) == (officer, "export")
    assert find_impact(Node("version", version.pk)).of("recipient") == [studio.pk]
    # To whom else it was given is nobody else's business.
    assert (b"studio" in told, str(studio.pk).encode() in told) == (False, False)
    services.withdraw(actor=officer, grant_id=grant.pk)
    assess_impacts()
    line = ImpactCase.objects.get().lines.get(kind="version")
    services.decide_impact(actor=officer, line_id=line.pk, decision=Measure.STOP_USE, reason="So.")
    with pytest.raises(UseStopped, match="given to nobody"):
        exports.hand_over(**theirs_too, recipient_id=studio.pk)
    with pytest.raises(UseStopped, match="given to nobody"):
        exports.export_delivered(**theirs_too)
    assert b"".join(services.export_version(**said))


def test_nothing_is_closed_while_somebody_is_to_be_told(
    officer: Account, line: ImpactDecision
) -> None:
    with pytest.raises(WrongState, match="only an assessed case without"):
        services.close_impact(actor=officer, case_id=line.case_id)


def test_who_a_recipient_is_is_set_right_and_what_stood_before_stays_provable(
    house: House, officer: Account, studio: Recipient
) -> None:
    named = studio.record
    said: dict[str, Any] = {"actor": officer, "recipient_id": studio.pk}
    now = services.correct_recipient(**said, details="Studio Renamed,\r\nmail@new.example\r\n")
    (told,) = [one.payload for one in openings_of(now) if one.role == "recipient"]
    assert (body_of(now).kind, told["instead_of"]) == ("recipient.corrected", DETAILS)
    assert (now.code, now.record != named) == ("studio", True)
    studio.refresh_from_db()
    opened = vault.keys([HOUSE_SCOPE]).open(studio, "details")
    assert opened == b"Studio Renamed,\nmail@new.example"
    with pytest.raises(AlreadyKnown, match="just these details are on record"):
        services.correct_recipient(**said, details=opened.decode())
    for details, words in (("  ", "wanted who they are"), ("x" * 2_001, "2000 at most")):
        with pytest.raises(TermsRefused, match=words):
            services.correct_recipient(**said, details=details)
    with pytest.raises(WrongState, match="meanwhile: read what stands there now"):
        services.correct_recipient(**said, details="Studio Again", seen=named)
    assert services.correct_recipient(**said, details="Studio Again", seen=now.record)
    with pytest.raises(Unknown):
        services.correct_recipient(**{**said, "recipient_id": uuid4()}, details="Agency")
    scientist = house.account("Sten", RoleCode.DATA_SCIENTIST)
    with pytest.raises(NotPermitted):
        services.correct_recipient(**{**said, "actor": scientist}, details="Agency")


def test_the_api_names_recipients_records_and_tells(
    officer: Account, version: DatasetVersion, grant: Grant
) -> None:
    client = browser(officer)
    named = post(client, "recipients", {"code": "studio", "details": DETAILS})
    assert (named.status_code, "details" in named.json()) == (201, False)
    path = f"recipients/{named.json()['id']}/correct"
    assert post(client, path, {"details": ""}).status_code == 400
    assert post(client, path, {"details": DETAILS}).status_code == 409
    corrected = post(client, path, {"details": "Studio Renamed"})
    assert (corrected.status_code, "details" in corrected.json()) == (200, False)
    named = corrected
    said = {"recipient": named.json()["id"], "kind": "version", "id": str(version.pk)}
    assert post(client, "deliveries", said | {"how": "pigeon"}).status_code == 400
    made = post(client, "deliveries", said | {"how": "medium"})
    assert (made.status_code, made.json()["node"]) == (201, str(version.pk))
    assert ask(client, "deliveries").json()["results"] == [made.json()]
    assert ask(client, "recipients").json()["results"] == [named.json()]
    found = ask(client, "lineage/impact", kind="version", id=str(version.pk)).json()["impact"]
    assert found["counts"]["recipient"] == 1
    path = f"datasets/{version.dataset_id}/versions/{version.pk}/export"
    wanted = {"form": "prov", "recipient": named.json()["id"]}
    assert ask(client, path, **wanted).status_code == 400
    assert post(client, path, wanted).getvalue()
    assert Delivery.objects.filter(how="export", recipient__code="studio").count() == 1
    services.withdraw(actor=officer, grant_id=grant.pk)
    assess_impacts()
    (case,) = ask(client, "impact-cases").json()["results"]
    assert case["found"]["recipients"] == 1
    (line,) = [one["id"] for one in case["lines"] if one["kind"] == "recipient"]
    post(client, f"impact-lines/{line}/decide", {"decision": "tell", "reason": "So."})
    assert post(client, f"impact-lines/{line}/complete", {"evidence": "So."}).status_code == 422
    done = post(client, f"impact-lines/{line}/complete", {"evidence": "So.", "channel": "email"})
    assert (done.json()["state"], done.json()["channel"]) == ("done", "email")


def test_an_export_for_somebody_is_recorded_once_for_each_key_and_needs_both_scopes(
    officer: Account, version: DatasetVersion, studio: Recipient
) -> None:
    client, path = browser(officer), f"datasets/{version.dataset_id}/versions/{version.pk}/export"
    said: dict[str, Any] = {
        "data": json.dumps({"form": "prov", "recipient": str(studio.pk)}),
        "content_type": "application/json",
    }
    assert client.post(f"/api/v1/{path}", **said).status_code == 400
    headers = {"Idempotency-Key": "one"}
    first, again = (client.post(f"/api/v1/{path}", **said, headers=headers) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.getvalue() == again.getvalue() != b""
    assert Delivery.objects.count() == 1
    call_command("export_lineage", str(version.pk), "--for=studio", format="prov")
    assert Delivery.objects.filter(recipient=studio).count() == 2
    view = VersionExportView()
    wanted = Access().get_scopes(APIRequestFactory().post("/"), view)
    assert wanted == ["datasets:read", "deliveries:write"]


def test_recipients_have_their_screen_and_their_details_are_opened_on_the_record(
    officer: Account, version: DatasetVersion, line: ImpactDecision, studio: Recipient
) -> None:
    client = browser(officer)
    page = client.get(row_url(studio)).content.decode()
    assert ("faces v1" in page, "studio@recipient.example" in page) == (True, False)
    before = Record.objects.count()
    assert "studio@recipient.example" in client.get(f"{row_url(studio)}?details=1").content.decode()
    assert Record.objects.count() == before + 1
    said = {"kind": "version", "node": str(version.pk), "how": "medium", "day": "2026-01-31"}
    assert do(client, studio, "deliver", said).status_code == 302
    assert Delivery.objects.get(how="medium").delivered_at.year == 2026
    chosen = {"line": str(line.pk), "decision": "tell", "reason": "So."}
    assert do(client, line.case, "decide", chosen).status_code == 302
    done = {"line": str(line.pk), "channel": "letter", "evidence": "Letter 12."}
    assert do(client, line.case, "complete", done).status_code == 302
    page = client.get(row_url(line.case)).content.decode()
    assert ("recipient studio" in page, "Told by letter" in page) == (True, True)
    named = do(client, Recipient, "name", {"code": "agency", "details": "Agency Invented"})
    assert named.status_code == 302
    assert json.loads(client.get(_json(studio)).content)["impact"]["counts"]["version"] == 1


def test_the_form_that_sets_a_recipient_right_shows_what_is_on_record(
    house: House, officer: Account, studio: Recipient
) -> None:
    client, before = browser(officer), Record.objects.count()
    address = f"/admin/consent/recipient/{studio.pk}/do/correct/"
    assert DETAILS in client.get(address).content.decode()
    assert Record.objects.count() == before + 1
    seen = studio.record
    assert f'value="{seen}"' in client.get(address).content.decode()
    before = Record.objects.count()
    said = {"details": "Studio Renamed", "seen": str(seen)}
    assert client.post(address, said).status_code == 302
    # Somebody else, who had opened the page before that.
    late = client.post(address, said | {"details": "Studio Moved"}).content.decode()
    assert "Somebody has set it right meanwhile" in late
    assert "This field is required" in client.post(address, {"details": "x"}).content.decode()
    # Sending it opens nothing, whatever becomes of it.
    assert Record.objects.count() == before + 1
    assert "Studio Renamed" in client.get(f"{row_url(studio)}?details=1").content.decode()
    scientist = browser(house.account("Sten", RoleCode.DATA_SCIENTIST))
    assert "Set right" not in scientist.get(row_url(studio)).content.decode()
    assert scientist.get(address).status_code == 403


def _json(studio: Recipient) -> str:
    assert lineage.exists(Node("recipient", studio.pk))
    return f"/admin/consent/impactcase/of/recipient/{studio.pk}/?look=upstream&form=json"


def test_whoever_receives_something_before_a_case_is_done_is_told_too(
    officer: Account, case: ImpactCase, version: DatasetVersion, studio: Recipient
) -> None:
    what = Node("version", version.pk)
    line = case.lines.get()
    services.decide_impact(actor=officer, line_id=line.pk, decision=Measure.KEEP, reason="So.")
    said: dict[str, Any] = {"recipient_id": studio.pk, "how": Handover.MEDIUM}
    services.record_delivery(actor=officer, what=what, **said)
    services.complete_impact(actor=officer, line_id=line.pk, evidence="Ticket 7.")
    case.refresh_from_db()
    late = case.lines.get(kind="recipient")
    assert (case.state, late.node, late.state) == ("decided", studio.pk, "open")
    services.decide_impact(actor=officer, line_id=late.pk, decision=Measure.TELL, reason="So.")
    services.complete_impact(
        actor=officer, line_id=late.pk, evidence="Letter 12.", channel=Method.LETTER
    )
    case.refresh_from_db()
    assert case.state == "done"
