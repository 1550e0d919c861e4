"""Records written past all services, or taken out before they had a place: what is noticed."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from consent.models import Project
from ledger.canonical import JSON
from ledger.models import HOUSE_SCOPE, Log
from ledger.services import Unsealed, append
from ledger.verification import verify_log
from tests.conftest import ActingAs
from tests.ledger.acts import THING_TESTED, Tries, record, write_past_services
from tests.ledger.forging import forge

pytestmark = pytest.mark.django_db(transaction=True)

ZEROS = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("kind", "facts", "complaint"),
    [
        ("segments.destroyed", {}, "epoch: missing"),
        ("segments.destroyed", {"count": 1, "epoch": "x", "root": ZEROS}, "epoch: int_parsing"),
        ("segments.destroyed", {"count": 1, "epoch": 1, "root": "zz"}, "root: string_pattern"),
        ("log.announced", {}, "origin: missing"),
        ("log_key.retired", {"key": []}, "key: string_type"),
        ("log_key.compromised", {"since": "soon"}, "since: string_pattern"),
    ],
)
def test_facts_that_are_not_as_declared_are_named_with_their_place(
    log: Log,
    sequence: Callable[[], int],
    kind: str,
    facts: dict[str, JSON],
    complaint: str,
) -> None:
    sequence()
    write_past_services(kind, facts)
    sequence()
    finding = verify_log(log).findings[0]
    assert (finding.code, finding.index) == ("facts_malformed", 1)
    assert finding.message.startswith(f"leaf 1: facts of {kind} are refused: ")
    assert complaint in finding.message


@pytest.mark.parametrize(
    "payload",
    [
        {"row": "7"},
        {"row": []},
        {"row": {"table": "consent_project"}},
        {"row": {"columns": ZEROS, "id": 7, "table": "consent_project"}},
        {"rows": {"columns": ZEROS}},
        {"rows": ["7"]},
    ],
)
def test_segment_that_speaks_of_no_row_in_particular_is_named(
    log: Log, sequence: Callable[[], int], payload: dict[str, Any]
) -> None:
    sequence()
    record(Unsealed("house", (HOUSE_SCOPE,), payload))
    sequence()
    found = [(one.code, one.index) for one in verify_log(log).findings]
    assert found == [("statement_malformed", 1)]


@pytest.mark.superuser
def test_waiting_record_that_a_superuser_takes_out_is_missed_by_its_row(
    log: Log, sequence: Callable[[], int], acting_as: ActingAs
) -> None:
    sequence()
    with transaction.atomic():
        row = Project.objects.create(code="taken-out")
        append(kind=THING_TESTED, facts=Tries(tries=1), segments=[Unsealed("house", rows=(row,))])
    with acting_as("superuser"):
        forge(
            "DELETE FROM ledger_record WHERE id IN (SELECT record_id FROM ledger_pending)",
            "DELETE FROM ledger_pending",
        )
    sequence()
    (finding,) = verify_log(log).findings
    assert finding.code == "row_unrecorded"
    assert finding.message == f"row {row.pk} of consent_project is told of by no record"
