from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from threading import Event, Thread

import pytest
from django.db import connections
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from ledger.certificates import load_credentials
from ledger.errors import NotYetPublished
from ledger.models import HOUSE_SCOPE, Log, ReportState
from ledger.reports.pdf import _certificates
from ledger.sequencer import Sequencer
from ledger.services import close_epoch, destroy_scopes
from ledger.services.report import issue_report, log_policy, order_report, read_bundle
from ledger.soundness import max_merge_delay
from ledger.verification import verify_log
from ledger.verifier.archive import read_archive
from ledger.verifier.findings import Findings
from ledger.verifier.report import Report
from ledger.verifier.times import promised_delay
from ledger.verifier.verify import verify_bundle
from tests.ledger.acts import about, person, record

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def sequencing(log: Log) -> Iterator[None]:
    """Sequence in the background, under the connection's present role."""
    stop = Event()

    def work() -> None:
        while not stop.wait(0.05):
            Sequencer(log).step()
        connections.close_all()

    thread = Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@pytest.fixture
def bundle(log: Log, sequence: Callable[[], int], acting_as) -> bytes:  # type: ignore[no-untyped-def]
    """A report over a log with one person destroyed and one who stays."""
    gone, stays = person(), person()
    record(about(gone, n="1"), about(stays, n="2"), about(HOUSE_SCOPE, n="3"))
    record(about(gone, stays, n="4"))
    sequence()
    with acting_as("eraser"):
        destroy_scopes([gone])
        close_epoch()
    record(tries=5)
    sequence()
    with acting_as("superuser"), sequencing(log):
        return read_bundle(issue_report(order_report(officer=person())))


def test_report_over_all_records_verifies_and_names_its_signer(bundle: bytes) -> None:
    verdict = verify_bundle(bundle)
    assert verdict.findings == []
    assert verdict.headline.startswith("CONSISTENT, SIGNER NOT AUTHENTICATED log.example/default")
    policy = log_policy("log.example/default")
    assert verify_bundle(bundle, policy=policy).headline.startswith("AUTHENTICATED")


def test_report_shows_what_became_of_each_statement(bundle: bytes) -> None:
    verdict = verify_bundle(bundle)
    counts = {status.value: count for status, count in verdict.positions.count().items()}
    assert counts == {"opened": 1, "withheld": 1, "destroyed": 2, "padding": 1, "missing": 0}
    assert verdict.figures > 10


def test_report_states_how_long_a_record_may_wait_for_its_place(bundle: bytes) -> None:
    files = read_archive(bundle, Findings())
    assert files is not None
    assert promised_delay(Report.parse(files["report.json"])) == max_merge_delay()
    assert b'"maximum_merge_delay_seconds":60' in files["report.json"]


def test_pdf_is_signed_by_the_key_that_the_bundle_proposes(bundle: bytes, settings) -> None:  # type: ignore[no-untyped-def]
    files = read_archive(bundle, Findings())
    assert files is not None
    credentials = load_credentials(settings.MUNIMENT_KEYS / "reports")
    (root,) = _certificates(credentials.root)
    (signature,) = PdfFileReader(BytesIO(files["report.pdf"])).embedded_signatures
    status = validate_pdf_signature(signature, ValidationContext(trust_roots=[root]))
    assert (status.bottom_line, status.intact, status.trusted) == (True, True, True)


def test_log_still_verifies_and_its_rows_agree(
    bundle: bytes, log: Log, sequence: Callable[[], int]
) -> None:
    sequence()
    assert verify_log(log).findings == []


def test_period_that_is_not_published_is_refused(log: Log, sequence) -> None:  # type: ignore[no-untyped-def]
    sequence()
    with pytest.raises(NotYetPublished, match="0 to 8 are not all among 1 published"):
        order_report(officer=HOUSE_SCOPE, end=9)


def test_report_for_a_later_period_begins_at_a_signed_step(log: Log, sequence, acting_as) -> None:  # type: ignore[no-untyped-def]
    for tries in range(6):
        record(tries=tries)
        if tries % 2:
            sequence()
    with acting_as("superuser"), sequencing(log):
        report = issue_report(order_report(officer=person(), first=4, end=5))
    verdict = verify_bundle(read_bundle(report))
    assert (verdict.findings, report.state) == ([], ReportState.ISSUED)
    assert (verdict.period.first, verdict.period.end) == (3, 5)
