"""What cases know before somebody is erased: afterwards nothing leads back. All is invented."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from consent import services, tasks
from consent.lineage import Node
from consent.models import (
    Account,
    DatasetVersion,
    Grant,
    ImpactCase,
    ImpactDecision,
    Package,
    PrivacyRequest,
    Recipient,
    RequestState,
    Subject,
)
from consent.tasks import assess_impacts
from consent.uses import Handover, Measure, Method
from ledger.canonical import parse_object
from ledger.services import open_file
from tests.conftest import ActingAs
from tests.consent.factories import register
from tests.consent.test_requests import approve, receive, state_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def carry_out(acting_as: ActingAs) -> Callable[[PrivacyRequest], None]:
    def run(request: PrivacyRequest) -> None:
        with acting_as("eraser"):
            tasks.carry_out_request(str(request.pk))

    return run


def give_to(officer: Account, version: DatasetVersion, code: str) -> Recipient:
    recipient = services.name_recipient(actor=officer, code=code)
    services.record_delivery(
        actor=officer,
        what=Node("version", version.pk),
        recipient_id=recipient.pk,
        how=Handover.UPLOAD,
    )
    return recipient


def told(case: ImpactCase) -> set[object]:
    return set(case.lines.filter(kind="recipient").values_list("node", flat=True))


def finish(officer: Account, line: ImpactDecision, measure: Measure) -> None:
    services.decide_impact(actor=officer, line_id=line.pk, decision=measure, reason="So.")
    channel = Method.LETTER if measure is Measure.TELL else None
    services.complete_impact(actor=officer, line_id=line.pk, evidence="Letter.", channel=channel)


def test_the_open_case_of_a_merged_self_is_assessed_before_the_erasure(
    officer: Account, approver: Account, cleo: Subject, grant: Grant, version: DatasetVersion,
    carry_out: Callable[[PrivacyRequest], None],
) -> None:  # fmt: skip
    twin = register(officer, "C. Invented", email=None)
    services.withdraw(actor=officer, grant_id=grant.pk)
    services.merge_subjects(
        actor=officer, keep_id=twin.pk, other_id=cleo.pk, reason="the same passport"
    )
    request = receive(officer, twin)
    approve(officer, approver, request)
    services.execute_plan(actor=officer, request_id=request.pk)
    carry_out(request)
    assert state_of(request) == RequestState.VERIFYING
    case = ImpactCase.objects.get()
    assert (case.subject, case.state, case.found_versions) == (None, "assessed", 1)
    assert case.lines.get().node == version.pk
    assess_impacts()


def test_whoever_received_something_until_the_end_gets_a_line(
    officer: Account, approver: Account, cleo: Subject, version: DatasetVersion,
    carry_out: Callable[[PrivacyRequest], None],
) -> None:  # fmt: skip
    request = receive(officer, cleo)
    assess_impacts()
    case = ImpactCase.objects.get()
    approve(officer, approver, request)
    first = give_to(officer, version, "first")
    services.execute_plan(actor=officer, request_id=request.pk)
    assert told(case) == {first.pk}
    second = give_to(officer, version, "second")
    carry_out(request)
    assert state_of(request) == RequestState.VERIFYING
    assert told(case) == {first.pk, second.pk}
    assert ImpactCase.objects.get().subject is None


def test_a_case_that_is_done_is_followed_by_one_for_whoever_received_something_since(
    officer: Account, approver: Account, cleo: Subject, version: DatasetVersion
) -> None:
    known = give_to(officer, version, "known")
    request = receive(officer, cleo)
    assess_impacts()
    done = ImpactCase.objects.get()
    finish(officer, done.lines.get(kind="version"), Measure.KEEP)
    finish(officer, done.lines.get(kind="recipient"), Measure.TELL)
    since = give_to(officer, version, "since")
    approve(officer, approver, request)
    services.execute_plan(actor=officer, request_id=request.pk)
    case = ImpactCase.objects.exclude(pk=done.pk).get()
    assert (case.cause, case.state) == ("erasure", "assessed")
    assert told(case) == {known.pk, since.pk}


def test_nothing_new_is_opened_where_everybody_was_told(
    officer: Account, approver: Account, cleo: Subject, version: DatasetVersion
) -> None:
    give_to(officer, version, "known")
    request = receive(officer, cleo)
    assess_impacts()
    case = ImpactCase.objects.get()
    finish(officer, case.lines.get(kind="version"), Measure.KEEP)
    finish(officer, case.lines.get(kind="recipient"), Measure.TELL)
    approve(officer, approver, request)
    services.execute_plan(actor=officer, request_id=request.pk)
    assert ImpactCase.objects.get().state == "done"


def test_the_certificate_says_who_received_something_and_who_was_told(
    officer: Account, approver: Account, cleo: Subject, version: DatasetVersion,
    carry_out: Callable[[PrivacyRequest], None],
) -> None:  # fmt: skip
    told, left, waiting = (give_to(officer, version, code) for code in ("told", "left", "waiting"))
    services.name_recipient(actor=officer, code="nothing-given", details="Nobody Invented")
    request = receive(officer, cleo)
    assess_impacts()
    case = ImpactCase.objects.get()
    finish(officer, case.lines.get(node=told.pk), Measure.TELL)
    finish(officer, case.lines.get(node=left.pk), Measure.KEEP)
    approve(officer, approver, request)
    services.execute_plan(actor=officer, request_id=request.pk)
    late = give_to(officer, version, "late")
    carry_out(request)
    certificate: Any = parse_object(open_file(Package.objects.get().file))
    done, due = case.lines.get(node=told.pk).done_at, case.lines.get(node=waiting.pk).due_at
    assert done is not None
    not_yet = {"told": "not yet", "until": due.isoformat()}
    assert certificate["recipients"] == [
        {"recipient": "late", **not_yet},
        {"recipient": "left", "told": "no, for a reason on record"},
        {"recipient": "told", "told": "yes", "at": done.isoformat(), "by": "letter"},
        {"recipient": "waiting", **not_yet},
    ]
    assert "Art. 19" in certificate["about_recipients"]
    said = json.dumps(certificate)
    hidden = [case, version, late, cleo, *case.lines.all()]
    assert [one for one in hidden if str(one.pk) in said] == []


def test_a_telling_before_the_newest_case_is_not_taken_for_one_of_the_erasure(
    officer: Account, approver: Account, cleo: Subject, grant: Grant, version: DatasetVersion,
    carry_out: Callable[[PrivacyRequest], None],
) -> None:  # fmt: skip
    give_to(officer, version, "studio")
    services.withdraw(actor=officer, grant_id=grant.pk)
    assess_impacts()
    before = ImpactCase.objects.get()
    finish(officer, before.lines.get(kind="version"), Measure.KEEP)
    finish(officer, before.lines.get(kind="recipient"), Measure.TELL)
    request = receive(officer, cleo)
    approve(officer, approver, request)
    services.execute_plan(actor=officer, request_id=request.pk)
    carry_out(request)
    certificate: Any = parse_object(open_file(Package.objects.get().file))
    assert [one["told"] for one in certificate["recipients"]] == ["not yet"]


def test_the_certificates_of_two_requests_that_meet_say_the_same_of_recipients(
    officer: Account, approver: Account, cleo: Subject, version: DatasetVersion,
    carry_out: Callable[[PrivacyRequest], None],
) -> None:  # fmt: skip
    give_to(officer, version, "studio")
    requests = [receive(officer, cleo) for _ in range(2)]
    for request in requests:
        approve(officer, approver, request)
    for request in requests:
        services.execute_plan(actor=officer, request_id=request.pk)
    for request in requests:
        carry_out(request)
    papers: list[Any] = [parse_object(open_file(one.file)) for one in Package.objects.all()]
    assert [[one["recipient"] for one in paper["recipients"]] for paper in papers] == [
        ["studio"],
        ["studio"],
    ]
