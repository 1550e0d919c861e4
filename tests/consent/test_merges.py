"""Two who turn out to be one person. All people are invented."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction

from consent import lineage, services, tasks
from consent.decision import Outcome
from consent.decisions import decide_uses
from consent.errors import NotPermitted, TermsRefused, Unknown, WrongState
from consent.lineage import Node
from consent.models import (
    Account,
    DatasetVersion,
    Grant,
    Identifier,
    ImpactCase,
    Merge,
    Package,
    PrivacyRequest,
    SearchKey,
    Subject,
)
from consent.moment import database_now
from consent.roles import RoleCode
from consent.search import find_subjects
from consent.uses import Assurance, Medium, Mode, Right, Use
from ledger import vault
from ledger.models import Scope, ScopeState
from ledger.record_kinds import DisclosureReason
from ledger.verification import verify_log
from tests.conftest import ActingAs
from tests.consent.factories import House, answer, consent_of, openings_of, publish, register
from tests.consent.test_requests import approve, receive, state_of

NO = answer(mode=Mode.OPT_OUT, uses=frozenset(), refused=frozenset({Use.TRAIN}))


def merge(officer: Account, keep: Subject, other: Subject) -> Merge:
    return services.merge_subjects(
        actor=officer, keep_id=keep.pk, other_id=other.pk, reason="the same passport"
    )


def may(*subjects: Subject, at: datetime | None = None, **asked: Any) -> Outcome:
    return decide_uses([one.pk for one in subjects], [Use.TRAIN], at=at, **asked).outcome


@pytest.fixture
def twins(officer: Account) -> tuple[Subject, Subject]:
    return register(officer, "Cleo Invented"), register(officer, "C. Invented", email=None)


def test_what_either_allowed_counts_for_both_from_then_on(
    officer: Account, twins: tuple[Subject, Subject]
) -> None:
    keep, other = twins
    consent_of(officer, other)
    before = database_now()
    assert (may(keep), may(other)) == (Outcome.REFUSED, Outcome.ALLOWED)
    made = merge(officer, keep, other)
    assert (may(keep), may(other), may(keep, other)) == (Outcome.ALLOWED,) * 3
    assert (may(keep, at=before), may(other, at=before)) == (Outcome.REFUSED, Outcome.ALLOWED)
    during = database_now()
    services.part_subjects(actor=officer, merge_id=made.pk)
    assert (may(keep), may(other)) == (Outcome.REFUSED, Outcome.ALLOWED)
    assert may(keep, at=during) is Outcome.ALLOWED


def test_a_no_of_either_counts(officer: Account, twins: tuple[Subject, Subject]) -> None:
    keep, other = twins
    consent_of(officer, keep)
    consent_of(officer, other, NO)
    assert may(keep) is Outcome.ALLOWED
    merge(officer, keep, other)
    decision = decide_uses([keep.pk], [Use.TRAIN])
    assert (decision.outcome, decision.reasons[0].code) == (Outcome.REFUSED, "refused_by_person")
    assert decision.reasons[0].person == keep.pk


def test_titles_and_holders_follow_a_merge(
    officer: Account, twins: tuple[Subject, Subject]
) -> None:
    keep, other = twins
    agency, again = register(officer, "Agency"), register(officer, "Agency Ltd")
    services.pass_title(
        actor=officer, origin_id=other.pk, holder_id=agency.pk, right=Right.WORKS, exclusive=True
    )
    consent_of(officer, again, answer(right=Right.WORKS))
    assert may(keep, right=Right.WORKS) is Outcome.REFUSED
    merge(officer, keep, other)
    merge(officer, agency, again)
    assert may(keep, right=Right.WORKS) is Outcome.NEEDS_REVIEW


def test_a_decision_about_merged_people_takes_one_round_trip(
    officer: Account, twins: tuple[Subject, Subject], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ledger import binary

    merge(officer, *twins)
    sent: list[int] = []
    send_all = binary.send_all

    def counted(statements: Any, **options: Any) -> Any:
        statements = list(statements)
        sent.append(len(statements))
        return send_all(statements, **options)

    monkeypatch.setattr(binary, "send_all", counted)
    may(*twins)
    assert sent == [3]


def test_a_merge_leads_to_the_head_and_takes_along_who_was_merged(
    officer: Account, twins: tuple[Subject, Subject]
) -> None:
    one, two = twins
    three, four = register(officer, "Three"), register(officer, "Four")
    merge(officer, two, one)
    merge(officer, four, three)
    made = merge(officer, three, one)
    assert (made.subject, made.into) == (two, four)
    heads = dict(Merge.objects.standing().values_list("subject", "into"))
    assert heads == {one.pk: four.pk, two.pk: four.pk, three.pk: four.pk}
    assert set(Subject.objects.selves(one.pk)) == {one, two, three, four}
    with pytest.raises(WrongState, match="one person already"):
        merge(officer, one, three)


def test_each_persons_own_keys_and_the_record_of_both(
    officer: Account, twins: tuple[Subject, Subject]
) -> None:
    made = merge(officer, *twins)
    assert made.scope_ids() == tuple(sorted(one.scope_id for one in twins))
    assert twins[0].person_scopes() == made.scope_ids()
    assert [opening.role for opening in openings_of(made)].count("subject") == 1


def test_what_makes_no_merge_is_refused(
    house: House, officer: Account, twins: tuple[Subject, Subject]
) -> None:
    keep, other = twins
    with pytest.raises(WrongState, match="one person already"):
        merge(officer, keep, keep)
    with pytest.raises(Unknown):
        services.merge_subjects(actor=officer, keep_id=keep.pk, other_id=uuid4(), reason="x")
    with pytest.raises(TermsRefused, match="reason has 0 characters"):
        services.merge_subjects(actor=officer, keep_id=keep.pk, other_id=other.pk, reason="")
    with pytest.raises(NotPermitted, match="merge_subject"):
        merge(house.account("Axel", RoleCode.APPROVER), keep, other)
    made = merge(officer, keep, other)
    services.part_subjects(actor=officer, merge_id=made.pk)
    with pytest.raises(WrongState, match="two people already"):
        services.part_subjects(actor=officer, merge_id=made.pk)


def test_a_search_finds_the_head_and_says_who_was_found(
    officer: Account, twins: tuple[Subject, Subject]
) -> None:
    keep, other = twins
    merge(officer, keep, other)
    found = find_subjects(actor=officer, term="Invented, C.")
    assert [(match.subject, match.found) for match in found.matches] == [(keep, other)]


def test_lineage_and_answers_alike_reach_over_a_merge(
    officer: Account, twins: tuple[Subject, Subject]
) -> None:
    keep, other = twins
    grants = [consent_of(officer, one) for one in twins]
    merge(officer, keep, other)
    impact = lineage.find_impact(Node("grant", grants[0].pk))
    # Two registrations are reached, and are one person.
    assert impact.counts == {"subject": 1}
    assert set(lineage.find_every(impact, "subject")) == {keep.pk, other.pk}
    assert not lineage.is_used(Node("subject", keep.pk))
    ended = services.withdraw_alike(actor=officer, grant_id=grants[0].pk)
    assert {grant.subject for grant in ended} == {keep, other}
    assert not Grant.objects.filter(state="given").exists()


@pytest.mark.parametrize(
    ("sql", "refusal"),
    [
        (
            "INSERT INTO consent_merge (id, subject_id, into_id, reason, merged_by_id, merged_at) "
            "SELECT gen_random_uuid(), into_id, subject_id, reason, merged_by_id, merged_at "
            "FROM consent_merge",
            "leads into a head",
        ),
        (
            "INSERT INTO consent_merge (id, subject_id, into_id, reason, merged_by_id, merged_at) "
            "SELECT gen_random_uuid(), into_id, s.id, reason, merged_by_id, merged_at "
            "FROM consent_merge, consent_subject s WHERE s.id NOT IN (subject_id, into_id)",
            "leads into a head",
        ),
        (
            "INSERT INTO consent_merge (id, subject_id, into_id, reason, merged_by_id, merged_at) "
            "SELECT gen_random_uuid(), s.id, subject_id, reason, merged_by_id, merged_at "
            "FROM consent_merge, consent_subject s WHERE s.id NOT IN (subject_id, into_id)",
            "leads into a head",
        ),
        (
            "INSERT INTO consent_merge (id, subject_id, into_id, reason, merged_by_id, merged_at) "
            "SELECT gen_random_uuid(), subject_id, s.id, reason, merged_by_id, merged_at "
            "FROM consent_merge, consent_subject s WHERE s.id NOT IN (subject_id, into_id)",
            "merge_into_one",
        ),
        ("UPDATE consent_merge SET merged_at = now()", "column merged_at"),
        ("UPDATE consent_merge SET into_id = subject_id", "column into_id"),
        ("UPDATE consent_merge SET parted_at = now()", "merge_parted_by_somebody"),
    ],
)
def test_postgresql_keeps_merges_flat_and_their_history(
    officer: Account, twins: tuple[Subject, Subject], sql: str, refusal: str
) -> None:
    merge(officer, *twins)
    register(officer, "Third")
    with (
        pytest.raises(DatabaseError, match=refusal),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)


def test_whoever_came_along_goes_back_with_whom_they_came(
    officer: Account, twins: tuple[Subject, Subject]
) -> None:
    one, two = twins
    three, four = register(officer, "Three"), register(officer, "Four")
    merge(officer, two, one)
    made = merge(officer, three, two)
    merge(officer, three, four)
    services.part_subjects(actor=officer, merge_id=made.pk)
    heads = dict(Merge.objects.standing().values_list("subject", "into"))
    assert heads == {one.pk: two.pk, four.pk: three.pk}
    back = Merge.objects.standing().get(subject=one)
    assert vault.keys(back.scope_ids()).open(back, "reason") == b"the same passport"


def test_a_no_that_a_merge_brings_opens_an_impact_case(
    officer: Account, cleo: Subject, version: DatasetVersion
) -> None:
    assert version.items.exists()
    harmless, no = register(officer, "Other"), register(officer, "C. Invented", email=None)
    consent_of(officer, no, NO)
    merge(officer, cleo, harmless)
    assert not ImpactCase.objects.exists()
    merge(officer, cleo, no)
    assert ImpactCase.objects.get().cause == "merge"


@pytest.mark.parametrize(
    ("right", "use"),
    [(Right.LIKENESS, Use.COMMERCIAL), (Right.LIKENESS, Use.DISTRIBUTE), (Right.WORKS, Use.TRAIN)],
)
def test_a_no_opens_a_case_whatever_it_is_about_and_wherever_it_is_shown(
    officer: Account, cleo: Subject, version: DatasetVersion, right: Right, use: Use
) -> None:
    assert version.items.exists()
    said = answer(
        use, right=right, territories=frozenset({"DE"}), assurance=Assurance.KNOWN_CONTACT
    )
    consent_of(officer, cleo, said)
    no = register(officer, "C. Invented", email=None)
    refusal = answer(mode=Mode.OPT_OUT, right=right, uses=frozenset(), refused=frozenset({use}))
    consent_of(officer, no, refusal)
    assert not ImpactCase.objects.exists()
    merge(officer, cleo, no)
    assert ImpactCase.objects.get().cause == "merge"


def test_a_parting_opens_a_case_for_media_that_only_the_other_allowed(
    officer: Account, cleo: Subject, version: DatasetVersion, grant: Grant
) -> None:
    assert version.items.exists()
    same, wider = register(officer, "C. Invented"), register(officer, "Cl. Invented")
    consent_of(officer, same, answer(territories=frozenset({"DE"})))
    consent_of(officer, wider, answer(Use.DEPICT, media=frozenset({Medium.PRINT})))
    parted = merge(officer, cleo, same)
    services.part_subjects(actor=officer, merge_id=parted.pk)
    assert not ImpactCase.objects.exists()
    parted = merge(officer, cleo, wider)
    services.part_subjects(actor=officer, merge_id=parted.pk)
    assert ImpactCase.objects.get().cause == "parting"


def test_a_yes_that_a_parting_takes_away_opens_an_impact_case(
    officer: Account, cleo: Subject, version: DatasetVersion, grant: Grant
) -> None:
    assert version.items.exists()
    other = register(officer, "C. Invented", email=None)
    consent_of(officer, other)
    made = merge(officer, cleo, other)
    services.withdraw(actor=officer, grant_id=grant.pk)
    tasks.assess_impacts()
    services.part_subjects(actor=officer, merge_id=made.pk)
    causes = sorted(ImpactCase.objects.values_list("cause", "subject"))
    assert causes == [("parting", cleo.pk), ("withdrawal", cleo.pk)]


def test_a_parted_merge_stays_parted(officer: Account, twins: tuple[Subject, Subject]) -> None:
    made = merge(officer, *twins)
    services.part_subjects(actor=officer, merge_id=made.pk)
    with (
        pytest.raises(DatabaseError, match="is set once"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE consent_merge SET parted_at = NULL, parted_by_id = NULL")


@pytest.mark.django_db(transaction=True)
def test_a_copy_holds_what_is_held_of_either(
    officer: Account, approver: Account, twins: tuple[Subject, Subject],
    acting_as: ActingAs, sequence: Callable[[], int],
) -> None:  # fmt: skip
    keep, other = twins
    consent_of(officer, other)
    merge(officer, keep, other)
    request = receive(officer, keep, "access")
    approve(officer, approver, request)
    sequence()
    services.execute_plan(actor=officer, request_id=request.pk)
    with acting_as("eraser"):
        tasks.carry_out_request(str(request.pk))
    assert state_of(request) == "verifying"
    (content,) = services.view_files(
        reader=officer,
        permission="consent.download_package",
        reason=DisclosureReason.PRIVACY_REQUEST,
        wanted=[services.Sealed(Package.objects.get(), "file")],
    ).values()
    archive = zipfile.ZipFile(io.BytesIO(content))

    def lines(name: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in archive.read(name).splitlines()]

    names = {line["value"] for line in lines("data/consent/identifier.jsonl")}
    assert names == {"Cleo Invented", "C. Invented", "cleo@people.example"}
    assert len(lines("data/consent/grant.jsonl")) == 1
    assert lines("data/consent/merge.jsonl")[0]["reason"] == "the same passport"
    kinds = {json.loads(line["leaf"])["record"]["kind"] for line in lines("ledger/entries.jsonl")}
    assert {"grant.given", "subject.merged", "subject.registered"} <= kinds


@pytest.mark.django_db(transaction=True)
def test_an_erasure_erases_both_and_the_log_stays_sound(
    officer: Account, approver: Account, twins: tuple[Subject, Subject],
    acting_as: ActingAs, sequence: Callable[[], int], log: Any,
) -> None:  # fmt: skip
    keep, other = twins
    consent_of(officer, other)
    merge(officer, keep, other)
    stranger = register(officer, "Stranger")
    request = receive(officer, other)
    approve(officer, approver, request)
    services.execute_plan(actor=officer, request_id=request.pk)
    with pytest.raises(WrongState, match="being erased"):
        merge(officer, stranger, keep)
    sequence()
    with acting_as("eraser"):
        tasks.carry_out_request(str(request.pk))
    assert state_of(request) == "verifying"
    assert list(Subject.objects.all()) == [stranger]
    assert set(Identifier.objects.values_list("subject", flat=True)) == {stranger.pk}
    assert not SearchKey.objects.exclude(identifier__subject=stranger).exists()
    assert not Merge.objects.exists()
    scopes = Scope.objects.filter(pk__in=[keep.scope_id, other.scope_id])
    assert set(scopes.values_list("state", flat=True)) == {ScopeState.DESTROYED}
    assert PrivacyRequest.objects.get().subject is None
    sequence()
    assert verify_log(log).findings == []


def test_search_keys_are_deleted_behind_all_but_the_person() -> None:
    from ledger.holdings import HOLDINGS

    order = [holding.name for holding in reversed(HOLDINGS)]
    assert order[-3:] == ["consent.searchkey", "consent.identifier", "consent.subject"]


def test_notices_and_grants_of_a_parted_merge_are_each_ones_own(
    officer: Account, twins: tuple[Subject, Subject]
) -> None:
    keep, other = twins
    grant = consent_of(officer, other, notice=publish(officer))
    made = merge(officer, keep, other)
    services.part_subjects(actor=officer, merge_id=made.pk)
    assert not services.find_alike(consent_of(officer, keep)).exists()
    assert set(Subject.objects.selves(keep.pk)) == {keep}
    assert grant.subject == other
