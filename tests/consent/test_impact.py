from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from consent import services
from consent.errors import NotPermitted, TermsRefused, WrongState
from consent.kinds import CloseOutcome
from consent.lineage import Node, find_impact
from consent.models import (
    Account,
    DatasetVersion,
    Grant,
    ImpactCase,
    ImpactDecision,
    ImpactState,
    LineState,
    RequestKind,
    Subject,
)
from consent.moment import database_now
from consent.services.impact import TERM
from consent.stops import find_standing, find_stopped
from consent.tasks import assess_impacts, expire_grants
from consent.uses import Assurance, ImpactCause, Measure, Method, Mode, Use
from ledger import vault
from tests.consent.factories import (
    House,
    answer,
    body_of,
    consent_of,
    openings_of,
    publish,
    register,
    wait_until,
)


def line_of(case: ImpactCase) -> ImpactDecision:
    return case.lines.get()


def decide(officer: Account, case: ImpactCase, what: Measure = Measure.STOP_USE) -> ImpactDecision:
    return services.decide_impact(
        actor=officer, line_id=line_of(case).pk, decision=what, reason="Asked for by the person."
    )


ENDS: dict[ImpactCause, Any] = {
    ImpactCause.WITHDRAWAL: lambda officer, grant: services.withdraw(
        actor=officer, grant_id=grant.pk
    ),
    ImpactCause.REVOCATION: lambda officer, grant: services.revoke(
        actor=officer, grant_id=grant.pk
    ),
    ImpactCause.INVALIDATION: lambda officer, grant: services.invalidate(
        actor=officer, grant_id=grant.pk
    ),
    ImpactCause.REFUSAL: lambda officer, grant: consent_of(
        officer,
        grant.subject,
        answer(mode=Mode.OPT_OUT, uses=frozenset(), refused=frozenset({Use.TRAIN})),
        grant.notice,
    ),
    ImpactCause.ERASURE: lambda officer, grant: services.open_request(
        actor=officer,
        subject_id=grant.subject_id,
        kind=RequestKind.ERASURE,
        channel=Method.LETTER,
        identity=Assurance.IN_PERSON,
    ),
}


@pytest.mark.parametrize("cause", sorted(ENDS))
def test_every_end_of_an_answer_opens_a_case_with_it(
    officer: Account, grant: Grant, version: DatasetVersion, cause: ImpactCause
) -> None:
    assert version.items.count() == 2
    ENDS[cause](officer, grant)
    case = ImpactCase.objects.get()
    assert (case.cause, case.state) == (cause, ImpactState.OPEN)
    assert case.due_at - case.opened_at == TERM
    assert body_of(case).kind == "impact.opened"
    assert body_of(case).facts == {"cause": cause}


def test_an_end_opens_nothing_where_nothing_was_made(officer: Account, grant: Grant) -> None:
    services.withdraw(actor=officer, grant_id=grant.pk)
    assert not ImpactCase.objects.exists()


def test_the_end_of_a_term_opens_a_case(
    officer: Account, cleo: Subject, version: DatasetVersion, grant: Grant
) -> None:
    assert version.items.exists()
    short = consent_of(
        officer,
        cleo,
        answer(valid_until=database_now() + timedelta(milliseconds=100)),
        grant.notice,
    )
    assert short.valid_until
    wait_until(short.valid_until)
    expire_grants()
    short.refresh_from_db()
    case = ImpactCase.objects.get()
    assert (short.state, case.cause) == ("expired", ImpactCause.EXPIRY)


def test_taking_back_a_no_opens_nothing(
    officer: Account, cleo: Subject, version: DatasetVersion
) -> None:
    assert version.items.exists()
    no = answer(mode=Mode.OPT_OUT, uses=frozenset(), refused=frozenset({Use.COMMERCIAL}))
    before = ImpactCase.objects.count()
    refused = consent_of(officer, cleo, no)
    opened = ImpactCase.objects.count()
    services.withdraw(actor=officer, grant_id=refused.pk)
    assert (before, opened, ImpactCase.objects.count()) == (0, 1, 1)


def test_ends_before_the_worker_came_share_one_case(
    officer: Account, cleo: Subject, grant: Grant, version: DatasetVersion
) -> None:
    assert version.items.exists()
    other = consent_of(officer, cleo, notice=grant.notice)
    services.withdraw(actor=officer, grant_id=grant.pk)
    services.revoke(actor=officer, grant_id=other.pk)
    assert ImpactCase.objects.count() == 1


def test_the_worker_counts_and_draws_a_line_for_each_version(
    case: ImpactCase, version: DatasetVersion
) -> None:
    assert (case.state, case.found_items, case.found_versions) == (ImpactState.ASSESSED, 1, 1)
    line = line_of(case)
    assert (line.kind, line.node, line.state) == ("version", version.pk, LineState.OPEN)
    assert body_of(line).kind == "impact.assessed"
    assert body_of(line).facts == {"models": 0, "versions": 1}
    told = {one.role: one.payload for one in openings_of(line)}
    assert {key: told["subject"][key] for key in ("versions", "models")} == {
        "versions": 1,
        "models": 0,
    }
    assess_impacts()
    assert case.lines.count() == 1


def test_a_case_follows_its_lines_to_the_end(officer: Account, case: ImpactCase) -> None:
    line = decide(officer, case, Measure.RETRAIN)
    case.refresh_from_db()
    assert (line.decision, case.state) == (Measure.RETRAIN, ImpactState.DECIDED)
    line = decide(officer, case, Measure.KEEP)
    keys = vault.keys(line.scope_ids())
    assert keys.open(line, "reason") == b"Asked for by the person."
    services.complete_impact(actor=officer, line_id=line.pk, evidence="Ticket 7.")
    case.refresh_from_db()
    assert case.state == ImpactState.DONE
    assert case.done_at is not None
    with pytest.raises(WrongState, match="this line is done, wanted decided or open"):
        decide(officer, case)


def test_nothing_is_completed_before_it_is_decided(officer: Account, case: ImpactCase) -> None:
    with pytest.raises(WrongState, match="this line is open, wanted decided"):
        services.complete_impact(actor=officer, line_id=line_of(case).pk, evidence="Ticket 7.")


def test_a_decision_needs_a_reason_and_a_role(
    house: House, officer: Account, case: ImpactCase
) -> None:
    line = line_of(case)
    with pytest.raises(TermsRefused, match="reason has 0 characters, wanted 1 to 5000"):
        services.decide_impact(actor=officer, line_id=line.pk, decision=Measure.KEEP, reason="  ")
    with pytest.raises(NotPermitted):
        services.decide_impact(
            actor=house.ada, line_id=line.pk, decision=Measure.KEEP, reason="Because."
        )


def test_a_line_gets_an_owner_and_a_day(officer: Account, case: ImpactCase) -> None:
    due = database_now() + TERM / 2
    said: dict[str, Any] = {"actor": officer, "line_id": line_of(case).pk, "owner_id": officer.pk}
    line = services.assign_impact(due_at=due, **said)
    assert (line.owner, line.due_at) == (officer, due)
    with pytest.raises(TermsRefused, match="due date has passed already"):
        services.assign_impact(due_at=database_now(), **said)


def test_only_a_case_without_lines_is_closed_as_a_whole(officer: Account, case: ImpactCase) -> None:
    with pytest.raises(WrongState, match="only an assessed case without versions and models"):
        services.close_impact(actor=officer, case_id=case.pk)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE consent_impactcase SET state = 'done', done_at = now()",
        "UPDATE consent_impactcase SET state = 'decided'",
        "UPDATE consent_impactcase SET state = 'open', assessed_at = NULL",
        "UPDATE consent_impactcase SET found_items = 0",
        "UPDATE consent_impactdecision SET state = 'done', decision = 'keep', reason = '\\x00',"
        " decided_at = now(), evidence = '\\x00', done_at = now()",
        "UPDATE consent_impactdecision SET node = gen_random_uuid()",
        "UPDATE consent_impactdecision SET state = 'decided', decision = 'keep',"
        " decided_at = now()",
        "INSERT INTO consent_impactdecision (id, case_id, kind, node, state, due_at)"
        " SELECT gen_random_uuid(), id, 'model', gen_random_uuid(), 'open', now()"
        " FROM consent_impactcase",
    ],
)
def test_postgresql_refuses_what_the_services_would(case: ImpactCase, statement: str) -> None:
    assert case.lines.count() == 1
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_who_took_consent_back_no_longer_stands_in_the_version(
    officer: Account, cleo: Subject, grant: Grant, version: DatasetVersion
) -> None:
    assert find_standing([version.pk]).is_clear
    services.suspend(actor=officer, grant_id=grant.pk)
    assert (find_standing([version.pk]).people, find_standing([version.pk]).items) == (1, 1)
    services.resume(actor=officer, grant_id=grant.pk)
    assert find_standing([version.pk]).is_clear
    services.withdraw(actor=officer, grant_id=grant.pk)
    assess_impacts()
    standing = find_standing([version.pk])
    assert (standing.people, standing.items, standing.concerned) == (1, 1, 1)
    # Said anew, the person stands again; what the case concerns still waits for a decision.
    consent_of(officer, cleo, notice=grant.notice)
    assert (find_standing([version.pk]).people, find_standing([version.pk]).concerned) == (0, 1)
    decide(officer, ImpactCase.objects.get(), Measure.KEEP)
    assert find_standing([version.pk]).is_clear


def test_a_refusal_or_a_restriction_ends_standing_too(
    officer: Account, cleo: Subject, grant: Grant, version: DatasetVersion
) -> None:
    request = ENDS[ImpactCause.ERASURE](officer, grant)
    assert find_standing([version.pk]).people == 0
    services.plan_request(actor=officer, request_id=request.pk)
    assert find_standing([version.pk]).people == 1
    services.close_request(actor=officer, request_id=request.pk, outcome=CloseOutcome.REFUSED)
    assert find_standing([version.pk]).people == 0
    no = answer(mode=Mode.OPT_OUT, uses=frozenset(), refused=frozenset({Use.TRAIN}))
    consent_of(officer, cleo, no, grant.notice)
    assert find_standing([version.pk]).people == 1


def test_a_stop_counts_from_its_decision_on(officer: Account, case: ImpactCase) -> None:
    node = line_of(case).node
    assert find_stopped([node]) == set()
    decide(officer, case)
    assert find_stopped([node]) == {node}
    decide(officer, case, Measure.FILTER)
    assert find_stopped([node]) == set()


def test_another_persons_pictures_are_not_in_the_answer(
    officer: Account, version: DatasetVersion
) -> None:
    other = register(officer, name="Doro Invented")
    consent_of(officer, other, notice=publish(officer))
    impact = find_impact(Node("subject", other.pk))
    assert (impact.counts, impact.trunk) == ({}, ())
    assert version.items.count() == 2
