"""Searches of everybody. All people are invented."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from consent import services, tasks
from consent.errors import NotPermitted, TermsRefused
from consent.identity import IdentifierKind
from consent.models import Account, Scan, ScanErrand, ScanMatch, Subject
from consent.roles import RoleCode
from consent.services import Known, scans
from ledger import vault
from ledger.record_kinds import DisclosureReason
from ledger.services import close_epoch, destroy_scopes
from ledger.verification import verify_log
from tests.conftest import ActingAs
from tests.consent.factories import House, body_of, openings_of, register

pytestmark = pytest.mark.django_db(transaction=True)
NAME = IdentifierKind.NAME


def order(officer: Account, *terms: Known, **changes: Any) -> Scan:
    said: dict[str, Any] = {"reason": DisclosureReason.PRIVACY_REQUEST, "why": "asked for a copy"}
    return services.scan_subjects(actor=officer, terms=terms, **{**said, **changes})


@pytest.fixture
def search(officer: Account, acting_as: ActingAs) -> Callable[..., Scan]:
    def run(*terms: Known) -> Scan:
        scan = order(officer, *terms)
        with acting_as("eraser"):
            tasks.carry_out_scan(str(scan.pk))
        return Scan.objects.get(pk=scan.pk)

    return run


def test_a_slip_that_no_index_finds_is_found_and_told_how(
    officer: Account, search: Callable[..., Scan]
) -> None:
    subject = register(officer, "Wilhelmina Invented-Person")
    register(officer, "Noor Stranger")
    scan = search(Known(NAME, "Vilhelmine Inventet Persson"))
    match = ScanMatch.objects.get()
    assert (match.subject, match.kind, match.likeness >= 85) == (subject, "name", True)
    assert (scan.state, scan.people, scan.identifiers, scan.matched) == ("done", 2, 2, 1)
    assert not ScanErrand.objects.exists()


def test_an_empty_answer_says_with_whom_and_what_was_compared(
    officer: Account, search: Callable[..., Scan], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scans, "AT_ONCE", 2)
    for number in range(5):
        register(officer, f"Invented {number}")
    scan = search(Known(NAME, "Absalom Nowhere"), Known(IdentifierKind.BIRTH_DATE, "1990-12-31"))
    assert (scan.people, scan.identifiers, scan.unreadable, scan.matched) == (5, 5, 0, 0)
    assert set(scan.kinds) == {"name", "alias", "birth_date"}
    assert scan.done_at is not None
    assert scan.ordered_at < scan.done_at
    assert body_of(scan).facts == {"people": 5}


def test_former_values_and_aliases_are_compared_and_corrected_ones_are_gone(
    officer: Account, search: Callable[..., Scan]
) -> None:
    subject = register(
        officer, "Cleo Invented", others=[Known(IdentifierKind.ALIAS, "Cleopatra X")]
    )
    name = subject.identifiers.get(kind="name")
    services.correct_identifier(
        actor=officer, identifier_id=name.pk, known=Known(NAME, "Zenobia Newly")
    )
    assert search(Known(NAME, "Cleo Invented")).matched == 0
    assert search(Known(NAME, "Cleopatra Xx")).matched == 1


def test_everybody_who_was_opened_is_told_so_before_the_answer(
    officer: Account, search: Callable[..., Scan], sequence: Callable[[], int], log: Any
) -> None:
    subject = register(officer, "Cleo Invented")
    scan = search(Known(NAME, "Nobody"))
    segments = vault.keys(subject.scope_ids())
    from consent.exporters.records import open_segments

    told = [one.opening for one in open_segments(subject.scope_ids(), segments)]
    assert [one.kind for one in told][-1] == "values.disclosed"
    assert {opening.role for opening in openings_of(scan)} == {"scan"}
    sequence()
    assert verify_log(log).findings == []


def test_who_is_erased_takes_the_match_and_what_was_sought_along(
    officer: Account, search: Callable[..., Scan], acting_as: ActingAs,
    sequence: Callable[[], int], log: Any,
) -> None:  # fmt: skip
    subject = register(officer, "Cleo Invented")
    scan = search(Known(NAME, "Kleo Invented"))
    sequence()
    with acting_as("eraser"):
        destroy_scopes(list(subject.scope_ids()))
        close_epoch()
    scan.refresh_from_db()
    assert (scan.terms, scan.why, scan.matched) == (None, None, 1)
    assert not ScanMatch.objects.exists()
    assert not Subject.objects.exists()
    sequence()
    assert verify_log(log).findings == []


def test_a_search_that_fails_is_tried_again_and_does_not_answer_twice(
    officer: Account, acting_as: ActingAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(officer)
    scan = order(officer, Known(NAME, "Cleo Invented"))

    def fail(*_: object) -> None:
        raise DatabaseError("gone")

    with acting_as("eraser"):
        with monkeypatch.context() as patch:
            patch.setattr(scans, "_compare", fail)
            tasks.carry_out_scan(str(scan.pk))
        errand = ScanErrand.objects.get()
        assert (errand.attempts, Scan.objects.get().state) == (1, "ordered")
        ScanErrand.objects.update(due_at=scan.ordered_at)
        leased = services.lease_scan(scan.pk)
        assert leased is not None
        assert services.lease_scan(scan.pk) is None
        services.carry_out_scan(leased)
        services.carry_out_scan(leased)
        tasks.carry_out_scan(str(scan.pk))
    assert ScanMatch.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [({"why": " "}, "reason has 1 characters"), ({"terms": ()}, "search has 0 terms")],
)
def test_a_search_needs_terms_and_a_reason(
    officer: Account, changes: dict[str, Any], complaint: str
) -> None:
    said = {"terms": (Known(NAME, "x"),), "why": "y", **changes}
    with pytest.raises(TermsRefused, match=complaint):
        services.scan_subjects(actor=officer, reason=DisclosureReason.CASEWORK, **said)


def test_only_who_may_searches_everybody(house: House) -> None:
    with pytest.raises(NotPermitted, match="scan_subject"):
        order(house.account("Axel", RoleCode.APPROVER), Known(NAME, "x"))


@pytest.mark.parametrize(
    ("sql", "refusal"),
    [
        ("UPDATE consent_scan SET people = 9", "column people of consent_scan is set once"),
        ("UPDATE consent_scan SET state = 'ordered'", "cannot go from done to ordered"),
        ("UPDATE consent_scan SET terms = '\\x01'", "column terms of consent_scan"),
        ("UPDATE consent_scanmatch SET likeness = 1", "column likeness of consent_scanmatch"),
    ],
)
def test_postgresql_keeps_the_answer(
    officer: Account, search: Callable[..., Scan], sql: str, refusal: str
) -> None:
    register(officer)
    search(Known(NAME, "Cleo Invented"))
    with (
        pytest.raises(DatabaseError, match=refusal),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)
