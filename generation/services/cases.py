"""The queue: one person takes a case, and decides it."""

from datetime import timedelta
from uuid import UUID

from django.db import transaction

from consent.errors import UseStopped
from consent.models import Account
from consent.moment import database_now
from consent.services.authority import by, lock, require
from consent.stops import find_stopped
from generation.errors import CaseClosed, CaseNotYours, ConsentMissing, RequestRefused
from generation.kinds import CASE_CLAIMED, CASE_DECIDED, CaseDecided
from generation.models import Case, Decision, Job, Output, Run
from generation.services.consents import ask_again
from generation.services.runs import authorisation_ends, get_active_policy
from generation.states import (
    REASONS_FOR,
    CaseOutcome,
    CaseState,
    DecisionReason,
    OutputState,
    RunState,
)
from ledger import vault
from ledger.kinds import NoFacts
from ledger.services import Unsealed, append

LEASE = timedelta(minutes=15)
MAX_NOTE_CHARS = 4_000


def claim_case(*, actor: Account, case_id: UUID) -> Case:
    """Lease an open case to one person for 15 minutes; one's own lease is renewed.

    Raises CaseNotYours while somebody else holds it, CaseClosed, NotPermitted.
    """
    with transaction.atomic():
        case = _lock_open(actor, case_id)
        now = database_now()
        if case.leased_to_id not in (None, actor.pk) and _is_leased(case):
            raise CaseNotYours("the case is with somebody else")
        case.leased_to, case.leased_until = actor, now + LEASE
        case.save(update_fields=["leased_to", "leased_until"])
        append(
            kind=CASE_CLAIMED,
            facts=NoFacts(),
            segments=[
                Unsealed("run", case.scope_ids(), rows=(case,)),
                by(actor),
            ],
        )
    return case


def decide_case(
    *, actor: Account, case_id: UUID, outcome: CaseOutcome, reason: DecisionReason, note: str = ""
) -> Decision:
    """Decide a case that is leased to ``actor``; run or output go on accordingly.

    An approved run may start from now on, if consent still allows it; an approved output goes on
    to its marks (its job is due at once). The policy in force and its digest are recorded.
    Raises CaseNotYours, CaseClosed, ConsentMissing, UseStopped, RequestRefused when both do
    not go together, NotPermitted.
    """
    if reason not in REASONS_FOR[outcome]:
        raise RequestRefused(f"{reason.value} is no reason for {outcome.value}")
    if len(note) > MAX_NOTE_CHARS:
        raise RequestRefused(f"note has {len(note)} characters, at most {MAX_NOTE_CHARS}")
    with transaction.atomic():
        case = _lock_open(actor, case_id)
        if case.leased_to_id != actor.pk or not _is_leased(case):
            raise CaseNotYours("claim the case first")
        decision = _write_decision(actor, case, outcome, reason, note)
        target = _apply_to_run(case, outcome) if case.run_id else _apply_to_output(case, outcome)
        case.state, case.leased_to, case.leased_until = CaseState.DECIDED, None, None
        case.save(update_fields=["state", "leased_to", "leased_until"])
        said = {"outcome": outcome.value, "reason": reason.value}
        append(
            kind=CASE_DECIDED,
            facts=CaseDecided(
                target=case.target,
                outcome=outcome,
                reason=reason,
                policy=decision.policy.digest_text(),
            ),
            segments=[
                Unsealed("run", case.scope_ids(), said, rows=(case, decision, target)),
                by(actor, **said),
            ],
        )
    return decision


def _lock_open(actor: Account, case_id: UUID) -> Case:
    case = lock(Case.objects.select_related("run", "output__run"), case_id)
    require(actor, "generation.decide_case", case)
    if case.state != CaseState.OPEN:
        raise CaseClosed("the case is decided already")
    return case


def _is_leased(case: Case) -> bool:
    return case.leased_until is not None and case.leased_until > database_now()


def _write_decision(
    actor: Account, case: Case, outcome: CaseOutcome, reason: DecisionReason, note: str
) -> Decision:
    decision = Decision(
        case=case,
        decider=actor,
        policy=get_active_policy(),
        outcome=outcome.value,
        reason=reason.value,
        decided_at=database_now(),
    )
    if note:
        keys = vault.keys(decision.scope_ids())
        decision.note = keys.seal(decision, "note", note.encode())
    decision.save(force_insert=True)
    return decision


def _apply_to_run(case: Case, outcome: CaseOutcome) -> Run:
    assert case.run_id is not None
    run = lock(Run.objects.all(), case.run_id)
    if outcome is CaseOutcome.REFUSED:
        run.state = RunState.REFUSED
    elif ask_again(run).is_refused:
        raise ConsentMissing("consent has been refused or withdrawn since; the run cannot start")
    elif find_stopped([run.model_id]):
        raise UseStopped("the use of the run's model was stopped by an impact case")
    else:
        run.state = RunState.ALLOWED
        run.authorised_until = authorisation_ends(database_now())
    run.save(update_fields=["state", "authorised_until"])
    return run


def _apply_to_output(case: Case, outcome: CaseOutcome) -> Output:
    assert case.output_id is not None
    output = lock(Output.objects.all(), case.output_id)
    if outcome is CaseOutcome.APPROVED:
        output.state = OutputState.CLEARED
        Job.objects.filter(output=output).update(due_at=database_now(), attempts=0)
    else:
        output.state = OutputState.BLOCKED
    output.save(update_fields=["state"])
    return output
