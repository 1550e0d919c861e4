import csv
import io
import itertools
import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from consent import services, tasks
from consent.decision import Code
from consent.decisions import decide_uses
from consent.errors import (
    IdentityNotShown,
    NotPermitted,
    PlanOutdated,
    TermsRefused,
    TwoPeopleNeeded,
    WrongState,
)
from consent.kinds import CloseOutcome
from consent.lineage import Node
from consent.models import (
    Account,
    Dataset,
    DatasetVersion,
    Errand,
    Evidence,
    GivenBy,
    Grant,
    Item,
    Package,
    Plan,
    PlanState,
    PrivacyRequest,
    Representation,
    RequestKind,
    RequestState,
    Step,
    Subject,
    Title,
)
from consent.models.errands import ErrandQuerySet
from consent.moment import database_now
from consent.roles import RoleCode
from consent.services import Piece, Span
from consent.uses import Assurance, Capacity, Handover, Method, Right, Use
from ledger.canonical import parse_object
from ledger.leaf import parse_leaf
from ledger.merkle import leaf_hash
from ledger.models import Log, Scope, SealedFile, Segment
from ledger.record_kinds import DisclosureReason
from ledger.services import close_epoch, open_file
from ledger.tlogproof import TlogProof
from ledger.verification import verify_log
from ledger.verifier.bundle import PlacedOpening
from tests.conftest import ActingAs
from tests.consent.factories import House, answer, consent_of, picture, publish, register
from tests.consent.test_datasets import described, fill, freeze, held, plain

pytestmark = pytest.mark.django_db(transaction=True)


def receive(
    officer: Account, subject: Subject, kind: str = "erasure", **changes: Any
) -> PrivacyRequest:
    said = {
        "actor": officer,
        "subject_id": subject.pk,
        "kind": RequestKind(kind),
        "channel": Method.LETTER,
        "identity": Assurance.IN_PERSON,
    }
    return services.open_request(**{**said, **changes})


def approve(officer: Account, approver: Account, request: PrivacyRequest) -> Plan:
    plan = services.plan_request(actor=officer, request_id=request.pk)
    return services.approve_plan(actor=approver, plan_id=plan.pk)


def state_of(request: PrivacyRequest) -> str:
    return PrivacyRequest.objects.get(pk=request.pk).state


@pytest.fixture
def cleo(officer: Account) -> Subject:
    subject = register(officer, portrait=picture())
    consent_of(officer, subject)
    return subject


@pytest.fixture
def carry_out(acting_as: ActingAs) -> Callable[[PrivacyRequest], None]:
    def run(request: PrivacyRequest) -> None:
        with acting_as("eraser"):
            tasks.carry_out_request(str(request.pk))

    return run


def test_the_clock_starts_at_receipt(officer: Account, cleo: Subject) -> None:
    received = database_now() - timedelta(days=20)
    request = receive(officer, cleo, received_at=received)
    assert timedelta(days=7) < request.due_at - database_now() < timedelta(days=17)


def test_a_receipt_in_the_future_is_refused(officer: Account, cleo: Subject) -> None:
    with pytest.raises(TermsRefused, match="receipt lies in the future"):
        receive(officer, cleo, received_at=database_now() + timedelta(hours=1))


def test_an_extension_comes_once_and_before_the_due_date(officer: Account, cleo: Subject) -> None:
    request = receive(officer, cleo)
    extended = services.extend(actor=officer, request_id=request.pk)
    assert extended.due_at - request.due_at > timedelta(days=50)
    with pytest.raises(WrongState, match="extended already"):
        services.extend(actor=officer, request_id=request.pk)
    late = receive(officer, cleo, received_at=database_now() - timedelta(days=60))
    with pytest.raises(WrongState, match="due date has passed"):
        services.extend(actor=officer, request_id=late.pk)


def test_nothing_is_planned_for_somebody_not_identified(officer: Account, cleo: Subject) -> None:
    request = receive(officer, cleo, identity=Assurance.SELF_ASSERTED)
    with pytest.raises(IdentityNotShown, match="own word, wanted a known contact"):
        services.plan_request(actor=officer, request_id=request.pk)
    services.identify(actor=officer, request_id=request.pk, identity=Assurance.EID)
    assert services.plan_request(actor=officer, request_id=request.pk).number == 1


def test_identity_only_gets_better(officer: Account, cleo: Subject) -> None:
    request = receive(officer, cleo)
    with pytest.raises(TermsRefused, match="rests on in person already"):
        services.identify(actor=officer, request_id=request.pk, identity=Assurance.KNOWN_CONTACT)


def test_from_the_plan_of_an_erasure_on_nothing_new_is_made_of_the_person(
    officer: Account, cleo: Subject
) -> None:
    request = receive(officer, cleo)
    assert decide_uses([cleo.pk], [Use.TRAIN]).outcome == "allowed"
    services.plan_request(actor=officer, request_id=request.pk)
    planned = decide_uses([cleo.pk], [Use.TRAIN])
    assert planned.reasons[0].code is Code.RESTRICTED
    services.close_request(actor=officer, request_id=request.pk, outcome=CloseOutcome.WITHDRAWN)
    assert decide_uses([cleo.pk], [Use.TRAIN]).outcome == "allowed"
    assert decide_uses([cleo.pk], [Use.TRAIN], at=planned.at).outcome == "refused"


def test_the_planner_does_not_approve(house: House, officer: Account, cleo: Subject) -> None:
    plan = services.plan_request(actor=officer, request_id=receive(officer, cleo).pk)
    with pytest.raises(NotPermitted, match=r"consent\.approve_plan"):
        services.approve_plan(actor=officer, plan_id=plan.pk)
    # Even somebody who came to hold both roles one after the other.
    services.end_membership(actor=house.ada, membership_id=officer.memberships.get().pk)
    house.grant_role(officer, RoleCode.APPROVER)
    with pytest.raises(TwoPeopleNeeded, match="another person than its planner"):
        services.approve_plan(actor=Account.objects.get(pk=officer.pk), plan_id=plan.pk)


def test_a_new_plan_voids_the_old_one(officer: Account, approver: Account, cleo: Subject) -> None:
    request = receive(officer, cleo)
    old = approve(officer, approver, request)
    new = services.plan_request(actor=officer, request_id=request.pk)
    assert (new.number, new.digest) == (2, old.digest)
    assert Plan.objects.get(pk=old.pk).state == PlanState.VOID
    with pytest.raises(WrongState, match="plan is void"):
        services.approve_plan(actor=approver, plan_id=old.pk)


def test_a_plan_is_void_when_there_is_more_to_do_by_now(
    officer: Account, approver: Account, cleo: Subject
) -> None:
    request = receive(officer, cleo)
    plan = approve(officer, approver, request)
    consent_of(officer, cleo)
    with pytest.raises(PlanOutdated, match="has changed since the plan was approved"):
        services.execute_plan(actor=officer, request_id=request.pk)
    assert state_of(request) == RequestState.RECEIVED
    assert Plan.objects.get(pk=plan.pk).state == PlanState.VOID
    assert not Errand.objects.exists()
    approve(officer, approver, request)
    services.execute_plan(actor=officer, request_id=request.pk)


def test_nothing_is_executed_before_approval(officer: Account, cleo: Subject) -> None:
    request = receive(officer, cleo)
    services.plan_request(actor=officer, request_id=request.pk)
    with pytest.raises(WrongState, match="request is planned, wanted plan_approved"):
        services.execute_plan(actor=officer, request_id=request.pk)


def test_only_an_executed_request_is_closed_as_fulfilled(officer: Account, cleo: Subject) -> None:
    request = receive(officer, cleo)
    with pytest.raises(WrongState, match="is received, wanted verifying"):
        services.close_request(actor=officer, request_id=request.pk, outcome=CloseOutcome.FULFILLED)
    services.close_request(actor=officer, request_id=request.pk, outcome=CloseOutcome.REFUSED)
    assert state_of(request) == RequestState.CLOSED_REFUSED


@pytest.fixture
def frozen(house: House, officer: Account, cleo: Subject, tmp_path: Path) -> DatasetVersion:
    """A version with a picture of Cleo, one of Cleo with Dan, and one of nobody."""
    scientist = house.account("Dana", RoleCode.DATA_SCIENTIST)
    project = services.open_project(actor=house.ada, code="portraits")
    dataset: Dataset = services.open_dataset(actor=scientist, project_id=project.pk, code="faces")
    dan = register(officer, "Dan Invented", email="dan@people.example")
    consent_of(officer, dan)
    alone, both = picture("red"), picture("green")
    folder = tmp_path / "source"
    folder.mkdir()
    source = fill(
        folder,
        [
            plain("blue"),
            (described("cleo.png", alone, cleo.handle), alone),
            (described("both.png", both, cleo.handle, dan.handle), both),
        ],
    )
    return freeze(scientist, dataset, source).version


def test_an_export_holds_everything_with_proofs(
    officer: Account, approver: Account, cleo: Subject, frozen: DatasetVersion,
    carry_out: Callable[[PrivacyRequest], None], sequence: Callable[[], int],
) -> None:  # fmt: skip
    studio = services.name_recipient(actor=officer, code="studio")
    given = Node("version", frozen.pk)
    services.record_delivery(actor=officer, what=given, recipient_id=studio.pk, how=Handover.UPLOAD)
    request = receive(officer, cleo, "access")
    approve(officer, approver, request)
    sequence()
    services.execute_plan(actor=officer, request_id=request.pk)
    carry_out(request)
    assert state_of(request) == RequestState.VERIFYING
    package = Package.objects.get()
    (content,) = services.view_files(
        reader=officer,
        permission="consent.download_package",
        reason=DisclosureReason.PRIVACY_REQUEST,
        wanted=[services.Sealed(package, "file")],
    ).values()
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert archive.testzip() is None
    files = {name: archive.read(name) for name in archive.namelist()}
    assert b"were given to: studio." in files["summary.html"]
    told = [json.loads(line) for line in files["data/consent/identifier.jsonl"].splitlines()]
    known = {one["kind"]: one["value"] for one in told}
    assert known == {"name": "Cleo Invented", "email": "cleo@people.example"}
    assert len(files["data/consent/grant.jsonl"].splitlines()) == 1
    assert len(files["data/consent/item.jsonl"].splitlines()) == 1
    pictures = [body for name, body in files.items() if name.startswith("files/")]
    assert sorted(pictures) == sorted([picture(), picture("red")])
    excluded = {
        row["class"]: row["count"]
        for row in csv.DictReader(io.StringIO(files["exclusions.csv"].decode()))
    }
    assert excluded == {
        "consent.item": "1", "consent.depiction": "2", "consent.intake": "1",
    }  # fmt: skip
    entries = [json.loads(line) for line in files["ledger/entries.jsonl"].splitlines()]
    assert {"subject.registered", "grant.given"} <= {entry["kind"] for entry in entries}
    assert all(f"ledger/proofs/{entry['index']}.tlog-proof" in files for entry in entries)
    for entry in entries:
        leaf = entry.pop("leaf").encode()
        opening = PlacedOpening.parse(entry).opening
        assert opening.commitment in parse_leaf(leaf).body.commitments
        TlogProof.parse(files[f"ledger/proofs/{entry['index']}.tlog-proof"]).verify(leaf_hash(leaf))
    assert b"log.example/default" in files["ledger/default.policy"]
    impact = json.loads(files["lineage/subject-impact.json"])
    assert str(frozen.pk) in {node["id"] for node in impact["nodes"]}
    manifest = json.loads(files["manifest.json"])
    assert [line["path"] for line in manifest["files"]] == archive.namelist()[:-1]
    services.close_request(actor=officer, request_id=request.pk, outcome=CloseOutcome.FULFILLED)


def test_an_erasure_leaves_nothing_that_leads_back(
    officer: Account, approver: Account, cleo: Subject, frozen: DatasetVersion, log: Log,
    carry_out: Callable[[PrivacyRequest], None], sequence: Callable[[], int],
    acting_as: ActingAs,
) -> None:  # fmt: skip
    scope = cleo.scope_id
    commitments, digest = held(frozen), frozen.digest
    request = receive(officer, cleo)
    approve(officer, approver, request)
    services.execute_plan(actor=officer, request_id=request.pk)
    carry_out(request)
    assert state_of(request) == RequestState.VERIFYING
    assert not Subject.objects.filter(scope=scope).exists()
    assert not Segment.objects.filter(scopes__contains=[scope]).exists()
    assert not SealedFile.objects.filter(scopes__contains=[scope]).exists()
    assert Scope.objects.get(pk=scope).state == "destroyed"
    assert [item.licence for item in Item.objects.all()] == ["CC0-1.0"]
    frozen.refresh_from_db()
    assert (held(frozen), frozen.digest) == (commitments, digest)
    assert Grant.objects.count() == 1
    assert PrivacyRequest.objects.get().subject is None
    with acting_as("eraser"):
        epoch = close_epoch()
    assert epoch is not None
    sequence()
    assert verify_log(log).findings == []
    certificate: Any = parse_object(open_file(Package.objects.get().file))
    assert certificate["epoch"] == epoch.number
    steps = {step["what"]: (step["before"], step["after"]) for step in certificate["steps"]}
    assert steps["consent.item"] == (2, 0)
    assert steps["keys"] == (1, 0)
    assert all(after == 0 for _, after in steps.values())
    assert "Cleo" not in json.dumps(certificate)
    assert certificate["recipients"] == []
    assert "given to anybody outside" in certificate["about_recipients"]


@pytest.mark.parametrize("erased", ["child", "parent"])
def test_what_two_people_share_ends_with_either(
    officer: Account, approver: Account, log: Log, carry_out: Callable[[PrivacyRequest], None],
    sequence: Callable[[], int], acting_as: ActingAs, erased: str,
) -> None:  # fmt: skip
    child, parent = register(officer), register(officer, "Pat Invented")
    speaker = services.represent(
        actor=officer,
        subject_id=child.pk,
        representative_id=parent.pk,
        capacity=Capacity.GUARDIAN,
        span=Span(
            ends_at=database_now() + timedelta(days=900), evidence=b"%PDF of the birth register"
        ),
    )
    services.pass_title(actor=officer, origin_id=child.pk, holder_id=parent.pk, right=Right.WORKS)
    services.give(
        actor=officer,
        subject_id=child.pk,
        notice_id=publish(officer).pk,
        answer=answer(),
        evidence=[Piece(b"%PDF that the guardian signed")],
        representation_id=speaker.pk,
    )
    request = receive(officer, child if erased == "child" else parent)
    approve(officer, approver, request)
    services.execute_plan(actor=officer, request_id=request.pk)
    carry_out(request)
    assert state_of(request) == RequestState.VERIFYING
    for shared in (Representation, GivenBy, Title, Evidence):
        assert not shared.objects.exists()
    # The child's own answer stays while the child does, and says that somebody else gave it.
    assert [grant.capacity for grant in Grant.objects.all()] == ["guardian"][: erased == "parent"]
    with acting_as("eraser"):
        close_epoch()
    sequence()
    assert verify_log(log).findings == []


def test_an_execution_cut_off_is_finished_by_the_next_one(
    officer: Account, approver: Account, cleo: Subject, frozen: DatasetVersion,
    carry_out: Callable[[PrivacyRequest], None], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    request = receive(officer, cleo)
    approve(officer, approver, request)
    services.execute_plan(actor=officer, request_id=request.pk)

    def fail(scopes: object) -> int:
        raise RuntimeError("the keystore is away")

    with monkeypatch.context() as patch:
        patch.setattr("ledger.services.shred.destroy_keys", fail)
        carry_out(request)
    assert state_of(request) == RequestState.BLOCKED
    Errand.objects.update(due_at=database_now())
    carry_out(request)
    assert state_of(request) == RequestState.VERIFYING
    steps = {step.holding: (step.before, step.after) for step in Step.objects.all()}
    assert steps["consent.item"] == (2, 0)
    assert not Errand.objects.exists()


@pytest.mark.parametrize("kind", ["access", "erasure"])
def test_long_work_keeps_its_lease(
    officer: Account, approver: Account, cleo: Subject, kind: str,
    carry_out: Callable[[PrivacyRequest], None], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    request = receive(officer, cleo, kind)
    approve(officer, approver, request)
    services.execute_plan(actor=officer, request_id=request.pk)
    ticks = itertools.count(0, 300)
    monkeypatch.setattr("consent.services.errands.monotonic", lambda: next(ticks))
    renewed: list[object] = []
    renew = ErrandQuerySet.renew

    def noted(errands: Any, pk: Any, term: timedelta) -> None:
        renewed.append(pk)
        renew(errands, pk, term)

    monkeypatch.setattr(ErrandQuerySet, "renew", noted)
    carry_out(request)
    assert state_of(request) == RequestState.VERIFYING
    assert len(renewed) > 5
    assert set(renewed) == {request.pk}


def test_an_errand_is_leased_to_one_worker(
    officer: Account, approver: Account, cleo: Subject, carry_out: Callable[[PrivacyRequest], None]
) -> None:
    request = receive(officer, cleo, "access")
    approve(officer, approver, request)
    services.execute_plan(actor=officer, request_id=request.pk)
    assert services.lease_errand(request.pk) is not None
    assert services.lease_errand(request.pk) is None
    carry_out(request)
    assert state_of(request) == RequestState.EXECUTING


def test_a_message_that_comes_twice_changes_nothing(
    officer: Account, approver: Account, cleo: Subject, carry_out: Callable[[PrivacyRequest], None]
) -> None:
    request = receive(officer, cleo, "access")
    approve(officer, approver, request)
    services.execute_plan(actor=officer, request_id=request.pk)
    carry_out(request)
    carry_out(request)
    assert Package.objects.count() == 1
