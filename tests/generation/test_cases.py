from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from consent.errors import NotPermitted
from consent.models import Account, Subject
from consent.roles import RoleCode
from consent.services import withdraw
from consent.services.projects import open_project
from consent.uses import Assurance
from generation import services
from generation.errors import CaseClosed, CaseNotYours, ConsentMissing, RequestRefused
from generation.models import Case, Decision, Output, Run
from generation.services import cases
from generation.states import CaseOutcome, DecisionReason
from ledger import vault
from tests.generation.acts import House, body_of
from tests.generation.test_outputs import astronaut, process, received

pytestmark = pytest.mark.django_db(transaction=True)


def held(house: House, *depicts: Subject) -> Case:
    return Case.objects.get(run=house.run("a politician", *depicts))


def decide(house: House, case: Case, outcome: str = "approved", **other: Any) -> Decision:
    reason = {"approved": "within_policy", "refused": "against_policy"}[outcome]
    return services.decide_case(
        actor=other.pop("actor", house.moderator),
        case_id=case.pk,
        outcome=CaseOutcome(outcome),
        reason=DecisionReason(other.pop("reason", reason)),
        **other,
    )


def claim(house: House, case: Case, actor: Account | None = None) -> Case:
    return services.claim_case(actor=actor or house.moderator, case_id=case.pk)


def test_approved_run_may_start_from_then_on(house: House) -> None:
    case = claim(house, held(house))
    decision = decide(house, case, note="looked at it, harmless")
    run = Run.objects.get()
    assert (run.state, run.outcome) == ("allowed", "allowed")
    assert run.authorised_until is not None
    assert run.authorised_until > decision.decided_at
    assert {run.record, decision.record, Case.objects.get(pk=case.pk).record} == {run.record}


def test_decision_records_outcome_reason_and_policy(house: House) -> None:
    decision = decide(house, claim(house, held(house)), "refused")
    body = body_of(decision)
    assert body.kind == "case.decided"
    assert body.facts == {
        "target": "run",
        "outcome": "refused",
        "reason": "against_policy",
        "policy": house.policy.digest_text(),
    }
    assert Run.objects.get().state == "refused"


def test_note_is_sealed(house: House) -> None:
    decision = decide(house, claim(house, held(house)), note="harmless")
    keys = vault.keys(decision.scope_ids())
    assert keys.open(decision, "note") == b"harmless"


def test_policy_in_force_when_deciding_is_the_one_recorded(house: House) -> None:
    case = claim(house, held(house))
    newer = services.publish_policy(actor=house.officer, rules={"v": 1, "rules": []})
    assert decide(house, case).policy_id == newer.pk
    assert case.policy_id != newer.pk


def test_case_is_with_one_person_at_a_time(house: House) -> None:
    case = claim(house, held(house))
    with pytest.raises(CaseNotYours, match="with somebody else"):
        claim(house, case, house.officer)
    with pytest.raises(CaseNotYours, match="claim the case first"):
        decide(house, case, actor=house.officer)
    assert claim(house, case).leased_to == house.moderator


def test_lease_ends_by_itself(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "LEASE", timedelta(seconds=-1))
    case = claim(house, held(house))
    with pytest.raises(CaseNotYours, match="claim the case first"):
        decide(house, case)
    assert claim(house, case, house.officer).leased_to == house.officer


def test_case_is_decided_once(house: House) -> None:
    case = claim(house, held(house))
    decide(house, case)
    with pytest.raises(CaseClosed, match="decided already"):
        decide(house, case)
    with pytest.raises(CaseClosed):
        claim(house, case)


def test_outcome_and_reason_must_go_together(house: House) -> None:
    with pytest.raises(RequestRefused, match="unlawful is no reason for approved"):
        decide(house, held(house), reason="unlawful")
    with pytest.raises(RequestRefused, match="note has 4001 characters"):
        decide(house, held(house), note="x" * 4001)


def test_roles_without_the_permission_decide_nothing(house: House) -> None:
    with pytest.raises(NotPermitted, match=r"generation\.decide_case"):
        claim(house, held(house), house.person(RoleCode.AUDITOR))


def test_moderator_of_another_project_decides_nothing_here(house: House) -> None:
    other = open_project(actor=house.founders[0], code="other")
    with pytest.raises(NotPermitted):
        claim(house, held(house), house.person(RoleCode.MODERATOR, other))


def test_approval_does_not_overrule_a_withdrawal(house: House) -> None:
    ada = house.subject()
    grant = house.grant(ada)
    case = claim(house, held(house, ada))
    withdraw(actor=house.officer, grant_id=grant.pk)
    with pytest.raises(ConsentMissing, match="refused or withdrawn since"):
        decide(house, case)
    assert Case.objects.get(pk=case.pk).state == "open"
    assert decide(house, case, "refused", reason="no_consent").outcome == "refused"


def test_approved_image_goes_on_to_its_marks(house: House, sequence: Callable[[], int]) -> None:
    output = process(received(house.completed(house.run(), astronaut())), sequence)
    decision = decide(house, claim(house, Case.objects.get(output=output)))
    assert body_of(decision).facts["target"] == "output"
    assert process(output, sequence).state == "released"


def test_refused_image_is_blocked(house: House, sequence: Callable[[], int]) -> None:
    output = process(received(house.completed(house.run(), astronaut())), sequence)
    decide(house, claim(house, Case.objects.get(output=output)), "refused")
    assert process(output, sequence).state == "blocked"
    assert Output.objects.get(pk=output.pk).marked is None


def test_consent_that_became_unclear_waits_for_a_person_before_release(
    house: House, sequence: Callable[[], int]
) -> None:
    ada = house.subject()
    strong = house.grant(ada)
    run = house.completed(house.run("a portrait", ada))
    house.grant(ada, assurance=Assurance.SELF_ASSERTED)
    withdraw(actor=house.officer, grant_id=strong.pk)
    output = process(received(run), sequence)
    assert (output.state, output.codes) == ("held", ["consent.assurance_too_low"])
    decide(house, claim(house, Case.objects.get(output=output)))
    assert process(output, sequence).state == "released"


def test_unclear_consent_holds_a_run_before_it_starts(house: House) -> None:
    ada = house.subject()
    house.grant(ada, assurance=Assurance.SELF_ASSERTED)
    run = house.run("a portrait", ada)
    assert (run.state, run.codes) == ("held", ["consent.assurance_too_low"])
    decide(house, claim(house, Case.objects.get(run=run)))
    assert Run.objects.get().state == "allowed"


def test_queue_weighs_severity_by_age(house: House, sequence: Callable[[], int]) -> None:
    mild = held(house)
    output = process(received(house.completed(house.run(), astronaut())), sequence)
    grave = Case.objects.get(output=output)
    assert mild.opened_at < grave.opened_at
    assert [case.severity for case in Case.objects.waiting()] in ([2, 4], [4, 2])
    claim(house, mild)
    assert mild not in Case.objects.waiting().free(grave.opened_at)


def test_decision_is_fixed_in_the_database(house: House) -> None:
    decision = decide(house, claim(house, held(house)))
    for changed in ({"outcome": "refused"}, {"reason": "unlawful"}, {"note": b"x"}):
        with pytest.raises(DatabaseError), transaction.atomic():
            Decision.objects.filter(pk=decision.pk).update(**changed)
