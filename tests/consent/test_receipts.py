"""Receipts of real answers: issued once, proved in the log, gone with the person."""

import io
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from consent import services
from consent.errors import NotPermitted, TermsRefused
from consent.models import Account, AnswerPaper, Evidence, Grant, GrantState
from consent.moment import database_now
from consent.receipts.receipt import digest_of
from consent.receipts.verify import Code, Outside, verify_receipt
from consent.services import Piece, Span
from consent.services.receipts import columns_of
from consent.signing import examine_receipt_keys, read_receipt_keys, rotate_receipt_key
from consent.uses import Assurance, Capacity, Method, Use
from ledger.errors import NotYetPublished, SigningKeyRefused
from ledger.models import Log, SealedFile
from ledger.row_digest import row_digest
from ledger.services import destroy_scopes
from ledger.services.report import all_logs_policy
from ledger.verification import verify_log
from tests.conftest import ActingAs
from tests.consent.factories import (
    answer,
    body_of,
    consent_of,
    grant_in,
    openings_of,
    publish,
    register,
)
from tests.consent.receipts.test_kantara import ISSUER, as_jwt, kantara, pem, purpose
from tests.consent.test_api import Api, of_person, problem

in_sessions = pytest.mark.django_db(transaction=True)
SCAN = b"an invented scan of a release"


def give(officer: Account, **changes: Any) -> Grant:
    said: dict[str, Any] = {
        "actor": officer,
        "subject_id": register(officer).pk,
        "notice_id": publish(officer).pk,
        "answer": answer(Use.TRAIN),
        "evidence": [Piece(SCAN)],
    }
    return services.give(**said | changes)


def receipt_of(officer: Account, grant: Grant) -> bytes:
    paper = services.issue_receipt(actor=officer, grant_id=grant.pk)
    content = services.read_paper(reader=officer, paper=paper)
    assert content is not None
    return content


def outside(**more: Any) -> Outside:
    return Outside(read_receipt_keys(), all_logs_policy(), **more)


@in_sessions
def test_receipt_verifies_with_keys_policy_notice_and_evidence(
    officer: Account, sequence: Callable[[], int]
) -> None:
    grant = give(officer)
    sequence()
    content = receipt_of(officer, grant)
    verdict = verify_receipt(content, outside(notice="You may…", evidence=[SCAN]))
    assert verdict.findings == []
    assert verdict.is_authenticated
    assert verdict.is_log_known
    # Asked for again, the same bytes; what became of the answer gives another one.
    assert receipt_of(officer, grant) == content
    services.withdraw(actor=officer, grant_id=grant.pk)
    sequence()
    later = json.loads(receipt_of(officer, grant))
    statuses = later["muniment:record"]["dpv:hasProcess"]["dpv:hasProcess"][0]
    told = [status["@type"][0] for status in statuses["dpv:hasConsentStatus"]]
    assert told == ["dpv:ConsentGiven", "dpv:ConsentWithdrawn"]
    assert verify_receipt(json.dumps(later).encode(), outside()).is_authenticated
    assert AnswerPaper.objects.count() == 2


@in_sessions
def test_issuing_is_on_record_and_agrees_with_the_log(
    log: Log, officer: Account, sequence: Callable[[], int]
) -> None:
    grant = give(officer)
    sequence()
    paper = services.issue_receipt(actor=officer, grant_id=grant.pk)
    paper.refresh_from_db()
    body = body_of(paper)
    assert (body.kind, body.facts) == ("receipt.issued", {"paper": "receipt"})
    assert {opening.role for opening in openings_of(paper)} == {"subject", "actor"}
    assert paper.told == Grant.objects.get().record
    sequence()
    assert verify_log(log).findings == []


@pytest.mark.parametrize(
    "state",
    [
        GrantState.DEFERRED,
        GrantState.EXPIRED,
        GrantState.REFUSED,
        GrantState.RENEWED,
        GrantState.SUPERSEDED,
        GrantState.SUSPENDED,
    ],
)
@in_sessions
def test_receipt_of_an_answer_in_any_state_verifies(
    officer: Account, sequence: Callable[[], int], state: GrantState
) -> None:
    grant = grant_in(officer, state)
    sequence()
    assert verify_receipt(receipt_of(officer, grant), outside()).findings == []


@in_sessions
def test_columns_have_the_digest_that_the_log_tells_of(officer: Account) -> None:
    grant = give(officer)
    grant.refresh_from_db()
    (told,) = [one.payload["row"] for one in openings_of(grant) if one.role == "subject"]
    assert isinstance(told, dict)
    assert told["columns"] == row_digest(columns_of(grant))


@in_sessions
def test_receipt_waits_for_the_log(officer: Account) -> None:
    grant = give(officer)
    with pytest.raises(NotYetPublished):
        services.issue_receipt(actor=officer, grant_id=grant.pk)
    assert not AnswerPaper.objects.exists()


def test_only_who_may_issues_receipts(officer: Account, approver: Account) -> None:
    grant = give(officer)
    with pytest.raises(NotPermitted):
        services.issue_receipt(actor=approver, grant_id=grant.pk)
    with pytest.raises(NotPermitted):
        services.read_record(reader=approver, grant_id=grant.pk)


@in_sessions
def test_a_guardian_is_not_named_in_the_childs_receipt(
    officer: Account, sequence: Callable[[], int]
) -> None:
    child, parent = register(officer, "Kim Invented"), register(officer, "Pat Invented")
    power = services.represent(
        actor=officer,
        subject_id=child.pk,
        representative_id=parent.pk,
        capacity=Capacity.GUARDIAN,
        span=Span(ends_at=database_now() + timedelta(days=900)),
    )
    grant = give(officer, subject_id=child.pk, representation_id=power.pk)
    sequence()
    content = receipt_of(officer, grant)
    assert verify_receipt(content, outside()).is_authenticated
    text = content.decode()
    assert "entity:guardian" in text
    for theirs in (parent.pk, parent.handle, parent.scope_id, power.pk, grant.given_by.pk, "Pat"):
        assert str(theirs) not in text


@in_sessions
def test_receipt_and_its_bytes_go_with_the_person(
    officer: Account, sequence: Callable[[], int], acting_as: ActingAs, home: Path
) -> None:
    grant = give(officer)
    sequence()
    paper = services.issue_receipt(actor=officer, grant_id=grant.pk)
    scopes, files = grant.scope_ids(), SealedFile.objects.count()
    assert files == 2
    with acting_as("eraser"):
        destroy_scopes(scopes)
    assert not AnswerPaper.objects.exists()
    assert SealedFile.objects.count() == 0
    assert not [path for path in (home / "files").rglob("*") if path.is_file()]
    assert services.read_paper(reader=officer, paper=paper) is None


@in_sessions
def test_record_is_read_by_api_and_is_the_one_in_the_receipt(
    officer: Account, sequence: Callable[[], int]
) -> None:
    grant, api = give(officer), of_person(officer)
    answered = api.get(f"grants/{grant.pk}/record")
    assert answered["Content-Type"] == "application/ld+json"
    record = answered.json()
    assert problem(api.get(f"grants/{grant.pk}/receipt")) == (409, "NotYetPublished")
    sequence()
    receipt = api.get(f"grants/{grant.pk}/receipt").json()
    assert receipt["muniment:recordDigest"] == digest_of(record)


@in_sessions
def test_anybody_verifies_by_api(officer: Account, sequence: Callable[[], int]) -> None:
    grant = give(officer)
    sequence()
    receipt = json.loads(receipt_of(officer, grant))
    said = Api().post("receipts/verify", {"receipt": receipt, "notice": "You may…"}, key=None)
    assert said.status_code == 200
    assert said.json()["headline"] == f"AUTHENTICATED {read_receipt_keys()[-1]}"
    receipt["muniment:columns"]["uses"].append("commercial")
    found = Api().post("receipts/verify", {"receipt": receipt}, key=None).json()
    assert not found["verified"]
    assert "signature.failed" in [finding["code"] for finding in found["findings"]]
    assert Client().get("/api/v1/receipts/keys").json() == {"keys": list(read_receipt_keys())}


@in_sessions
def test_command_verifies_offline(
    officer: Account, sequence: Callable[[], int], tmp_path: Path
) -> None:
    grant = give(officer)
    sequence()
    files = {
        "receipt": receipt_of(officer, grant),
        "policy": str(all_logs_policy()).encode(),
        "keys": "\n".join(read_receipt_keys()).encode(),
        "scan": SCAN,
    }
    path = {name: tmp_path / f"given-{name}" for name in files}
    for name, content in files.items():
        path[name].write_bytes(content)
    options = {"key": [str(path["keys"])], "policy": path["policy"], "evidence": [path["scan"]]}
    said = run("verify_receipt", path["receipt"], **options)
    assert said.splitlines()[0].startswith("AUTHENTICATED z6Mk")
    assert "not checked: what became of the answer later" in said
    assert "prove nothing by themselves" in run("verify_receipt", path["receipt"])
    path["receipt"].write_bytes(files["receipt"].replace(b"release", b"RELEASE"))
    with pytest.raises(SystemExit) as refused:
        run("verify_receipt", path["receipt"], json=True)
    assert refused.value.code == 1
    with pytest.raises(CommandError) as wrong:
        run("verify_receipt", tmp_path / "none")
    assert wrong.value.returncode == 2


def run(name: str, *given: Any, **options: Any) -> str:
    out = io.StringIO()
    call_command(name, *given, stdout=out, **options)
    return out.getvalue()


@in_sessions
def test_rotated_key_leaves_old_receipts_good(
    officer: Account, sequence: Callable[[], int], home: Path
) -> None:
    grant = give(officer)
    sequence()
    before = receipt_of(officer, grant)
    run("receipt_keys", rotate=True)
    first, second = read_receipt_keys()
    assert run("receipt_keys").split() == [first, second]
    assert [path.stem for path in (home / "keys" / "receipts").glob("*.pem")] == [second]
    assert verify_receipt(before, outside()).key == first
    assert verify_receipt(before, outside()).is_authenticated
    assert [cure for _, cure in examine_receipt_keys()] == [""]
    (home / "keys" / "receipts" / f"{second}.pem").unlink()
    assert ["restore" in cure for _, cure in examine_receipt_keys()] == [True]
    another = give(officer)
    sequence()
    with pytest.raises(SigningKeyRefused, match="cannot be read"):
        services.issue_receipt(actor=officer, grant_id=another.pk)


def test_doctor_is_content_before_the_first_receipt(home: Path) -> None:
    assert [cure for _, cure in examine_receipt_keys()] == [""]


def test_file_with_another_key_signs_nothing(db: None, log: Any, home: Path) -> None:
    first = rotate_receipt_key()
    (home / "keys" / "receipts" / "multikeys").write_text(f"z6MkOther\n{first}x\n")
    assert ["cannot be read" in said for said, _ in examine_receipt_keys()] == [True]


# Receipts of others ----------------------------------------------------------------------------


def take_in(officer: Account, content: bytes, key: str | None = None) -> services.Imported:
    return services.import_receipt(
        actor=officer,
        subject_id=register(officer).pk,
        notice_id=publish(officer).pk,
        content=content,
        key=key,
        answer=answer(Use.TRAIN, assurance=Assurance.EID, method=Method.PORTAL),
    )


def test_signed_and_plain_receipt_of_others_is_given_as_weakly_as_it_deserves(
    officer: Account,
) -> None:
    taken = take_in(officer, as_jwt(kantara()), pem(ISSUER))
    assert taken.grant.state == GrantState.GIVEN
    assert taken.grant.assurance == Assurance.SELF_ASSERTED
    assert taken.grant.method == Method.FORM
    assert f"{taken.grant.valid_until:%Y-%m-%d}" == "2030-01-01"
    assert Evidence.objects.of(taken.grant).get().kind == "receipt"


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (json.dumps(kantara()).encode(), None),
        (as_jwt(kantara()), None),
        (as_jwt(kantara(purpose(consentType="IMPLICIT"))), pem(ISSUER)),
    ],
)
def test_receipt_with_anything_against_it_is_a_draft(
    officer: Account, content: bytes, key: str | None
) -> None:
    taken = take_in(officer, content, key)
    assert taken.grant.state == GrantState.DRAFT
    assert Evidence.objects.of(taken.grant).get().kind == "receipt"
    assert not all(doubt.is_note for doubt in taken.doubts)
    # What the answer brings comes beside what the draft brought.
    given = services.answer_request(
        actor=officer, grant_id=taken.grant.pk, answer=answer(Use.TRAIN), evidence=[Piece(SCAN)]
    )
    assert [one.kind for one in Evidence.objects.of(given)] == ["receipt", "form"]


def test_receipt_that_ended_already_gives_nothing(officer: Account) -> None:
    ended = as_jwt(kantara(purpose(termination="2020-01-01T00:00:00Z")))
    with pytest.raises(TermsRefused, match="ended already"):
        take_in(officer, ended, pem(ISSUER))


def test_import_by_api_says_each_doubt(officer: Account) -> None:
    said = {
        "subject": str(register(officer).pk),
        "notice": str(publish(officer).pk),
        "mode": "opt_in",
        "uses": ["train"],
        "receipt": json.dumps(kantara()),
    }
    api = of_person(officer)
    first = api.post("receipts/import", said)
    assert first.status_code == 201
    assert first.json()["grant"]["state"] == "draft"
    assert [doubt["code"] for doubt in first.json()["doubts"]] == [
        "signature_missing",
        "purpose_in_words",
    ]
    assert api.post("receipts/import", said).json() == first.json()
    assert problem(api.post("receipts/import", said | {"receipt": "{"}, key="key-2")) == (
        422,
        "ReceiptRefused",
    )


@in_sessions
def test_another_houses_receipt_is_foreign_here(
    officer: Account, sequence: Callable[[], int]
) -> None:
    grant = give(officer)
    sequence()
    content = receipt_of(officer, grant)
    (kept,) = read_receipt_keys()
    rotate_receipt_key()
    others = [key for key in read_receipt_keys() if key != kept]
    found = verify_receipt(content, Outside(others)).findings
    assert [finding.code for finding in found] == [Code.KEY_FOREIGN]


def test_a_receipt_cannot_be_had_of_nobody(officer: Account) -> None:
    assert problem(of_person(officer).get(f"grants/{officer.pk}/receipt")) == (404, "Unknown")


def test_consent_of_helper_has_no_evidence_to_open(officer: Account) -> None:
    record = services.read_record(
        reader=officer, grant_id=consent_of(officer, register(officer)).pk
    )
    assert record["muniment:evidence"] == []
