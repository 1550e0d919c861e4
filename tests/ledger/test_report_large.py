"""Reports over a log in which several records tell of one event: all of it, a part, a false one."""

from collections.abc import Callable

import pytest
from django.db import transaction

from ledger.models import HOUSE_SCOPE, Log
from ledger.services import append_large
from ledger.services.report import issue_report, order_report, read_bundle
from ledger.verifier.findings import Code
from ledger.verifier.verify import Verdict, verify_bundle
from tests.conftest import ActingAs
from tests.ledger.acts import CROWD_GATHERED, Crowd, about, person, record
from tests.ledger.forging import forge
from tests.ledger.test_reports import sequencing

pytestmark = pytest.mark.django_db(transaction=True)
Sequence = Callable[[], int]


@pytest.fixture
def three(log: Log) -> None:
    """An event of three parts in the queue, behind one of another kind."""
    record()
    people = [about(HOUSE_SCOPE)] * 600
    with transaction.atomic():
        append_large(kind=CROWD_GATHERED, facts=Crowd(people=600), segments=people)


@pytest.fixture
def report_on(log: Log, acting_as: ActingAs) -> Callable[..., Verdict]:
    def report(first: int = 0, end: int | None = None) -> Verdict:
        with acting_as("superuser"), sequencing(log):
            ordered = order_report(officer=person(), first=first, end=end)
            return verify_bundle(read_bundle(issue_report(ordered)))

    return report


def test_report_over_a_large_event_has_all_of_its_parts(
    sequence: Sequence, three: None, report_on: Callable[..., Verdict]
) -> None:
    sequence()
    verdict = report_on()
    assert verdict.findings == []
    (event,) = verdict.events
    assert (event.kind, event.here, event.is_whole) == ("crowd.gathered", [(1, 3)], True)


def test_report_over_a_part_of_a_large_event_says_what_lies_outside(
    sequence: Sequence,
    three: None,
    report_on: Callable[..., Verdict],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ledger.sequencer.BATCH_RECORDS", 1)
    while sequence():
        pass
    verdict = report_on(first=3, end=4)
    assert verdict.findings == []
    (event,) = verdict.events
    assert (event.kind, event.parts) == ("crowd.continued", 3)
    assert (event.here, event.outside) == ([(2, 2)], [(1, 1), (3, 3)])


@pytest.mark.superuser
def test_part_that_somebody_took_out_of_the_queue_is_missing_from_the_report(
    sequence: Sequence, three: None, report_on: Callable[..., Verdict], acting_as: ActingAs
) -> None:
    second = "(SELECT id FROM ledger_record WHERE position('\"part\":2,'::bytea IN body) > 0)"
    with acting_as("superuser"):
        forge(
            f"DELETE FROM ledger_pending WHERE record_id = {second}",
            f"DELETE FROM ledger_record WHERE id = {second}",
        )
    sequence()
    assert [(one.code, one.index) for one in report_on().findings] == [(Code.PART_MISSING, 2)]
