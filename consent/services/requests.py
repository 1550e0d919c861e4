"""Privacy requests: receive, identify, extend, plan, approve, execute, close.

The clock is the law's (``consent.clock``). Planner and approver are two people. Carrying out
happens in the worker, in ``consent.services.execution``.
"""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from consent import kinds, profiles
from consent.clock import deadline
from consent.errors import (
    IdentityNotShown,
    NotPermitted,
    PlanOutdated,
    TermsRefused,
    TwoPeopleNeeded,
    WrongState,
)
from consent.kinds import CloseOutcome, RequestClosed, RequestFacts, RequestKindFact, RequestPlanned
from consent.models import (
    Account,
    Action,
    Errand,
    Plan,
    PlanState,
    PrivacyRequest,
    RequestKind,
    RequestState,
    Step,
    Subject,
)
from consent.moment import database_now
from consent.plan import Draft, PlannedStep
from consent.services.authority import (
    Party,
    Visitor,
    by,
    get,
    lock,
    method_of,
    require,
    require_party,
)
from consent.services.impact import open_impact, settle_impact
from consent.uses import Assurance, ImpactCause, Method
from ledger.holdings import HOLDINGS
from ledger.kinds import Kind
from ledger.models import Recorded, Retention, Segment
from ledger.services import Unsealed, append, open_scope

SEGMENTS, KEYS = "segments", "keys"
OPEN_TO_PLANNING = frozenset(
    {RequestState.RECEIVED, RequestState.PLANNED, RequestState.PLAN_APPROVED}
)


@transaction.atomic
def open_request(
    *,
    actor: Party,
    subject_id: UUID,
    kind: RequestKind,
    channel: Method,
    identity: Assurance,
    received_at: datetime | None = None,
    profile: str = profiles.DEFAULT,
) -> PrivacyRequest:
    """Record that a person asked, and start the clock at ``received_at``, by default now.

    From a person concerned it came through the portal just now, from a known contact. Raises
    NotPermitted, Unknown, TermsRefused for a receipt in the future.
    """
    people = Subject.objects.filter(pk=subject_id).values_list("pk", flat=True)
    require_party(actor, "consent.open_request", people)
    if isinstance(actor, Visitor):
        identity, received_at = actor.assurance, None
    subject = lock(Subject.objects.all(), subject_id)
    now = database_now()
    received = received_at or now
    if received > now:
        raise TermsRefused("receipt lies in the future")
    request = PrivacyRequest(
        scope=open_scope(Retention.REQUEST),
        subject=subject,
        kind=kind.value,
        channel=method_of(actor, channel).value,
        identity=identity.value,
        profile=profile,
        received_at=received,
        due_at=deadline(received, profiles.load(profile).clock),
    )
    request.save(force_insert=True)
    append(
        kind=kinds.REQUEST_RECEIVED,
        facts=_facts(request),
        segments=[
            _said(request),
            Unsealed("subject", subject.scope_ids(), {"asked_for": request.kind}),
            by(actor),
        ],
    )
    if kind is RequestKind.ERASURE:
        open_impact(actor=actor, subject=subject, cause=ImpactCause.ERASURE)
    return request


@transaction.atomic
def identify(*, actor: Account, request_id: UUID, identity: Assurance) -> PrivacyRequest:
    """Record that the person asking was identified better than before.

    Raises NotPermitted, Unknown, WrongState, TermsRefused when it is not better.
    """
    require(actor, "consent.open_request")
    request = _lock(request_id, RequestState.RECEIVED)
    if identity.rank <= Assurance(request.identity).rank:
        raise TermsRefused(f"identity rests on {Assurance(request.identity).words} already")
    request.identity = identity.value
    request.save(update_fields=["identity"])
    _append(kinds.REQUEST_IDENTIFIED, request, actor)
    return request


@transaction.atomic
def extend(*, actor: Account, request_id: UUID) -> PrivacyRequest:
    """Move the due date as the law allows, once, before it has passed; the person is told.

    Raises NotPermitted, Unknown, WrongState.
    """
    require(actor, "consent.open_request")
    request = _lock(request_id, *OPEN_TO_PLANNING)
    if request.extended or request.due_at <= database_now():
        raise WrongState("request was extended already, or its due date has passed")
    request.extended = True
    rules = profiles.load(request.profile).clock
    request.due_at = deadline(request.received_at, rules, extended=True)
    request.save(update_fields=["extended", "due_at"])
    _append(kinds.REQUEST_EXTENDED, request, actor)
    return request


@transaction.atomic
def plan_request(*, actor: Account, request_id: UUID) -> Plan:
    """Find what there is to do and fix it by its digest; an earlier plan is void from then on.

    From the first plan of an erasure on, nothing new may be made of the person. Raises
    NotPermitted, Unknown, WrongState, IdentityNotShown.
    """
    require(actor, "consent.plan_request")
    request = _lock(request_id, *OPEN_TO_PLANNING)
    minimum = profiles.load(request.profile).identity_minimum
    if Assurance(request.identity).rank < minimum.rank:
        raise IdentityNotShown(
            f"identity rests on {Assurance(request.identity).words}, wanted {minimum.words}"
        )
    voided = _void_plans(request)
    draft = draft_plan(request)
    plan, steps = _insert_plan(request, draft, actor)
    request.state = RequestState.PLANNED
    if request.kind == RequestKind.ERASURE and request.restricted_at is None:
        request.restricted_at = database_now()
    request.save(update_fields=["state", "restricted_at"])
    facts = RequestPlanned(kind=RequestKindFact(request.kind), steps=len(steps))
    append(
        kind=kinds.REQUEST_PLANNED,
        facts=facts,
        segments=[_said(request, *voided, plan, *steps), by(actor)],
    )
    return plan


@transaction.atomic
def approve_plan(*, actor: Account, plan_id: UUID) -> Plan:
    """Approve a plan as it stands. Raises NotPermitted, Unknown, WrongState, TwoPeopleNeeded."""
    require(actor, "consent.approve_plan")
    plan = get(Plan.objects.all(), plan_id)
    request = _lock(plan.request_id, RequestState.PLANNED)
    plan = lock(Plan.objects.all(), plan_id)
    if plan.state != PlanState.PROPOSED:
        raise WrongState(f"plan is {plan.state}, wanted proposed")
    if plan.planned_by_id == actor.pk:
        raise TwoPeopleNeeded("a plan is approved by another person than its planner")
    plan.state = PlanState.APPROVED
    plan.approved_by = actor
    plan.approved_at = database_now()
    plan.save(update_fields=["state", "approved_by", "approved_at"])
    request.state = RequestState.PLAN_APPROVED
    request.save(update_fields=["state"])
    facts = RequestPlanned(kind=RequestKindFact(request.kind), steps=plan.steps.count())
    append(kind=kinds.PLAN_APPROVED, facts=facts, segments=[_said(request, plan), by(actor)])
    return plan


def execute_plan(*, actor: Account, request_id: UUID) -> PrivacyRequest:
    """Start what was approved; the worker does the rest (``consent.tasks.carry_out_request``).

    Raises NotPermitted, Unknown, WrongState, and PlanOutdated when what there is to do has
    changed since: the plan is void then and must be made and approved again.
    """
    require(actor, "consent.execute_plan")
    with transaction.atomic():
        request = _lock(request_id, RequestState.PLAN_APPROVED)
        plan = lock(request.plans.all(), request.plans.get(state=PlanState.APPROVED).pk)
        is_current = draft_plan(request).digest() == plan.digest
        if is_current:
            _start(request, plan, actor)
        else:
            request.state = RequestState.RECEIVED
            request.save(update_fields=["state"])
            _append(kinds.PLAN_VOIDED, request, actor, *_void_plans(request))
    # Raised behind the transaction, so that the voiding stays.
    if not is_current:
        raise PlanOutdated("what there is to do has changed since the plan was approved")
    return request


@transaction.atomic
def close_request(*, actor: Party, request_id: UUID, outcome: CloseOutcome) -> PrivacyRequest:
    """Close a request: fulfilled once it was carried out and verified, else refused or withdrawn.

    Whoever asked can withdraw it and nothing else. Raises NotPermitted, Unknown, WrongState.
    """
    own = PrivacyRequest.objects.filter(pk=request_id).values_list("subject_id", flat=True)
    require_party(actor, "consent.close_request", own)
    if isinstance(actor, Visitor) and outcome is not CloseOutcome.WITHDRAWN:
        raise NotPermitted("whoever asked can only withdraw the request")
    is_done = outcome is CloseOutcome.FULFILLED
    states = {RequestState.VERIFYING} if is_done else OPEN_TO_PLANNING
    request = _lock(request_id, *states)
    voided = [] if is_done else _void_plans(request)
    request.state = f"closed_{outcome.value}"
    request.closed_at = database_now()
    request.save(update_fields=["state", "closed_at"])
    facts = RequestClosed(kind=RequestKindFact(request.kind), outcome=outcome)
    append(kind=kinds.REQUEST_CLOSED, facts=facts, segments=[_said(request, *voided), by(actor)])
    return request


def draft_plan(request: PrivacyRequest) -> Draft:
    """Return what a plan for ``request`` would be at this moment."""
    assert request.subject is not None
    scopes = request.subject.person_scopes()
    is_erasure = request.kind == RequestKind.ERASURE
    action = Action.DELETE if is_erasure else Action.COLLECT
    rows = {
        holding.name: sorted(holding.find(scopes).values_list("pk", flat=True))
        for holding in (reversed(HOLDINGS) if is_erasure else HOLDINGS)
    }
    steps = [PlannedStep(action.value, name, len(ids)) for name, ids in rows.items() if ids]
    if is_erasure:
        segments = Segment.objects.filter(scopes__overlap=list(scopes)).count()
        steps.append(PlannedStep(Action.DESTROY.value, SEGMENTS, segments))
        steps.append(PlannedStep(Action.DESTROY.value, KEYS, len(scopes)))
    return Draft(request.pk, request.kind, tuple(steps), rows)


def _insert_plan(request: PrivacyRequest, draft: Draft, actor: Account) -> tuple[Plan, list[Step]]:
    newest = request.plans.aggregate(newest=Max("number"))["newest"] or 0
    plan = Plan(
        request=request,
        number=newest + 1,
        digest=draft.digest(),
        planned_by=actor,
        planned_at=database_now(),
    )
    plan.save(force_insert=True)
    steps = [
        Step(plan=plan, ordinal=n, action=step.action, holding=step.holding, planned=step.count)
        for n, step in enumerate(draft.steps, 1)
    ]
    Step.objects.bulk_create(steps)
    return plan, steps


def _void_plans(request: PrivacyRequest) -> list[Plan]:
    plans = list(request.plans.exclude(state=PlanState.VOID))
    for plan in plans:
        plan.state = PlanState.VOID
        plan.save(update_fields=["state"])
    return plans


def _start(request: PrivacyRequest, plan: Plan, actor: Account) -> None:
    assert request.subject is not None
    # Nobody is merged with somebody who is being erased: it would be forgotten what to erase.
    lock(Subject.objects.all(), request.subject.pk)
    lines: list[UUID] = []
    if request.kind == RequestKind.ERASURE:
        # Another request may end the person before this one is carried out.
        lines = settle_impact(actor=actor, subject=request.subject)
    counts = {step.holding: step.count for step in draft_plan(request).steps}
    steps = list(plan.steps.all())
    for step in steps:
        step.before = counts[step.holding]
        step.save(update_fields=["before"])
    request.state = RequestState.EXECUTING
    request.save(update_fields=["state"])
    scopes = list(request.subject.person_scopes())
    Errand.objects.create(request=request, scopes=scopes, lines=lines, due_at=database_now())
    _append(kinds.PLAN_STARTED, request, actor, *steps)


def _lock(request_id: UUID, *states: RequestState) -> PrivacyRequest:
    requests = PrivacyRequest.objects.select_related("subject")
    request = lock(requests, request_id)
    if request.state not in states:
        wanted = " or ".join(sorted(states))
        raise WrongState(f"request is {request.state}, wanted {wanted}")
    return request


def _facts(request: PrivacyRequest) -> RequestFacts:
    return RequestFacts(kind=RequestKindFact(request.kind))


def _said(request: PrivacyRequest, *rows: Recorded) -> Unsealed:
    return Unsealed("request", request.scope_ids(), {}, (request, *rows))


def _append(kind: Kind, request: PrivacyRequest, actor: Account, *rows: Recorded) -> None:
    append(kind=kind, facts=_facts(request), segments=[_said(request, *rows), by(actor)])
