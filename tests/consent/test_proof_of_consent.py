"""A proof of consent verifies with the auditor's verifier, and leaves with the person."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from consent import services
from consent.errors import WrongState
from consent.models import Account, AnswerPaper, Grant
from consent.receipts.verify import Outside, verify_receipt
from consent.signing import read_receipt_keys
from ledger.models import HOUSE_SCOPE, Log, SealedFile
from ledger.reports.archive import write_archive
from ledger.reports.page import verify_page
from ledger.services import destroy_scopes
from ledger.services.report import all_logs_policy, log_policy
from ledger.verifier.archive import read_archive
from ledger.verifier.findings import Findings
from ledger.verifier.verify import verify_bundle
from tests.conftest import ActingAs
from tests.consent.factories import register
from tests.consent.test_api import of_person
from tests.consent.test_receipts import SCAN, give
from tests.ledger.browser import CHROMIUM, open_page
from tests.ledger.test_reports import sequencing

pytestmark = pytest.mark.django_db(transaction=True)


def issue(officer: Account, grant: Grant, log: Log, acting_as: ActingAs) -> bytes:
    with acting_as("superuser"), sequencing(log):
        paper = services.issue_bundle(actor=officer, grant_id=grant.pk)
    content = services.read_paper(reader=officer, paper=paper)
    assert content is not None
    return content


@pytest.fixture
def proof(log: Log, officer: Account, sequence: Callable[[], int], acting_as: ActingAs) -> bytes:
    """An answer of one use that was taken back, with another answer and person beside it."""
    give(officer, subject_id=register(officer, "Another Invented").pk)
    grant = give(officer)
    services.suspend(actor=officer, grant_id=grant.pk)
    services.withdraw(actor=officer, grant_id=grant.pk)
    sequence()
    return issue(officer, grant, log, acting_as)


def files_of(bundle: bytes) -> dict[str, bytes]:
    files = read_archive(bundle, Findings())
    assert files is not None
    return dict(files)


def test_bundle_verifies_and_authenticates(proof: bytes) -> None:
    verdict = verify_bundle(proof, policy=log_policy("log.example/default"))
    assert [str(finding) for finding in verdict.findings] == []
    assert verdict.is_authenticated
    kinds = [leaf.body.kind for leaf in verdict.leaves.values()]
    assert [kind for kind in kinds if kind != "log.opened"] == [
        "notice.published",
        "grant.given",
        "grant.suspended",
        "grant.withdrawn",
    ]


def test_only_this_person_is_opened(proof: bytes, officer: Account) -> None:
    verdict = verify_bundle(proof)
    opened = [placed.opening for placed in verdict.positions.openings.values()]
    subjects = [one for one in opened if one.role == "subject"]
    assert len(subjects) == 3
    # Who worked on it stays closed.
    assert {one.role for one in opened} <= {"subject", "evidence", "notice", "house"}
    assert str(officer.pk) not in proof.decode("latin-1")


def test_papers_inside_agree_with_each_other(proof: bytes) -> None:
    files = files_of(proof)
    receipt = files["disclosed/receipt.jsonld"]
    notice = files["disclosed/notice.txt"].decode()
    outside = Outside(read_receipt_keys(), all_logs_policy(), notice, [SCAN])
    assert verify_receipt(receipt, outside).findings == []
    record = json.loads(files["disclosed/record.jsonld"])
    nested = json.loads(receipt)["muniment:record"]
    assert {name: record[name] for name in nested} == nested
    listed: dict[str, Any] = json.loads(files["disclosed/evidence.json"])
    assert listed["evidence"] == [
        {"digest": paper["muniment:digest"], "size": paper["muniment:size"]}
        for paper in record["muniment:evidence"]
    ]
    assert SCAN not in proof


def test_papers_can_be_taken_out_as_a_whole_and_none_alone(proof: bytes) -> None:
    files = files_of(proof)
    closed = {path: data for path, data in files.items() if not path.startswith("disclosed/")}
    verdict = verify_bundle(write_archive(closed))
    assert verdict.findings == []
    assert verdict.openings_withheld
    del files["disclosed/notice.txt"]
    found = verify_bundle(write_archive(files)).findings
    assert [finding.code for finding in found] == ["file.missing"]


def test_a_changed_paper_is_found(proof: bytes) -> None:
    files = files_of(proof)
    files["disclosed/notice.txt"] += b" "
    found = verify_bundle(write_archive(files)).findings
    assert [(finding.code, finding.path) for finding in found] == [
        ("file.altered", "disclosed/notice.txt")
    ]


def test_bundle_is_issued_once_and_by_api(
    log: Log, officer: Account, sequence: Callable[[], int], acting_as: ActingAs
) -> None:
    grant = give(officer)
    sequence()
    content = issue(officer, grant, log, acting_as)
    answered = of_person(officer).get(f"grants/{grant.pk}/bundle")
    assert answered["Content-Type"] == "application/zip"
    assert answered.content == content
    assert AnswerPaper.objects.filter(kind="bundle").count() == 1


@pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed")
def test_page_in_the_bundle_comes_to_the_same(proof: bytes, tmp_path: Path) -> None:
    policy = log_policy("log.example/default")
    files = files_of(proof)
    files["disclosed/record.jsonld"] += b" "
    tampered = write_archive(files)
    # Nothing below asks the database: the browser's driver runs an event loop.
    with sync_playwright() as started, open_page(started, verify_page(), tmp_path) as browser:
        shown = browser.check(proof, policy=str(policy).encode())
        found = browser.check(tampered).findings
    assert shown.headline == verify_bundle(proof, policy=policy).headline
    assert shown.findings == []
    assert [finding["code"] for finding in found] == ["file.altered"]


def test_answer_that_changes_meanwhile_is_asked_for_again(
    officer: Account, sequence: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = give(officer)
    sequence()

    def issue_then_withdraw(**asked: Any) -> AnswerPaper:
        paper = services.issue_receipt(**asked)
        services.withdraw(actor=officer, grant_id=grant.pk)
        return paper

    monkeypatch.setattr("consent.services.bundles.issue_receipt", issue_then_withdraw)
    with pytest.raises(WrongState, match="changed meanwhile"):
        services.issue_bundle(actor=officer, grant_id=grant.pk)


def test_bundle_goes_with_the_person(
    log: Log, officer: Account, sequence: Callable[[], int], acting_as: ActingAs
) -> None:
    grant = give(officer)
    sequence()
    issue(officer, grant, log, acting_as)
    with acting_as("eraser"):
        destroy_scopes(grant.scope_ids())
    assert not AnswerPaper.objects.exists()
    assert not SealedFile.objects.exclude(scopes=[HOUSE_SCOPE]).exists()
