"""Impact cases: opened when an answer ends, assessed by a worker, decided line by line."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from consent import kinds
from consent.errors import TermsRefused, WrongState
from consent.kinds import ImpactAssessed, ImpactDecided, ImpactOpened
from consent.lineage import Impact, Node, find_impact, is_used
from consent.models import (
    Account,
    AccountState,
    Affected,
    ImpactCase,
    ImpactDecision,
    ImpactState,
    LineState,
    Subject,
)
from consent.models.impact import TO_TELL
from consent.moment import database_now
from consent.services.authority import Party, by, get, lock, require
from consent.uses import ImpactCause, Measure, Method
from ledger import vault
from ledger.kinds import Facts, Kind, NoFacts
from ledger.models import Recorded, Retention
from ledger.services import Unsealed, append, open_scope

TERM = timedelta(days=30)
MAX_TEXT_CHARS = 5_000
_ROWS_PER_SEGMENT = 200


def open_impact(*, actor: Party | None, subject: Subject, cause: ImpactCause) -> ImpactCase | None:
    """Open a case where something was made of the person already; None where nothing was.

    Runs in the transaction that ended the answer, and looks no further than one step: what all
    is concerned a worker finds (``assess_impact``). A case that still waits for the worker
    covers this end too, and is returned.
    """
    selves = Subject.objects.selves(subject.pk)
    if not any(is_used(Node("subject", one)) for one in selves.values_list("pk", flat=True)):
        return None
    waiting = ImpactCase.objects.filter(subject__in=selves, state=ImpactState.OPEN)
    # Locked: either the worker sees what ended here, or it is done and a new case is due.
    if known := waiting.select_for_update(of=("self",)).first():
        return known
    now = database_now()
    case = ImpactCase(
        scope=open_scope(Retention.REQUEST),
        subject=subject,
        cause=cause.value,
        opened_at=now,
        due_at=now + TERM,
    )
    case.save(force_insert=True)
    _append(kinds.IMPACT_OPENED, ImpactOpened(cause=cause), case, actor, {"cause": cause.value})
    return case


@transaction.atomic
def assess_impact(*, case_id: UUID) -> ImpactCase:
    """Write down what a case concerns: counts, and a line for each version and model.

    Safe to repeat. Raises Unknown.
    """
    case = _lock(case_id)
    if case.state != ImpactState.OPEN:
        return case
    assert case.subject is not None
    impact = find_impact(Node("subject", case.subject.pk))
    lines = _draw_lines(case, impact)
    ImpactDecision.objects.bulk_create(lines)
    for kind in ("item", "version", "model", "run", "output", "recipient"):
        setattr(case, f"found_{kind}s", impact.counts.get(kind, 0))
    case.state, case.assessed_at = ImpactState.ASSESSED, database_now()
    case.save()
    facts = ImpactAssessed(
        versions=impact.counts.get("version", 0), models=impact.counts.get("model", 0)
    )
    _append(kinds.IMPACT_ASSESSED, facts, case, None, facts.model_dump(), lines)
    return case


@transaction.atomic
def settle_impact(*, actor: Account | None, subject: Subject) -> list[UUID]:
    """Find all that a person's cases concern before the person is erased; safe to repeat.

    Returns the newest line about each recipient, which nobody finds afterwards.

    Nobody can say later what was made of somebody who is erased, nor to whom it was given. Cases
    of all who count as the person are assessed, and whoever received something since gets a line
    (GDPR Art. 19), in a new case where all are done.
    """
    cases = ImpactCase.objects.filter(subject__in=Subject.objects.selves(subject.pk))
    newest = cases.order_by("-opened_at").first()
    if not cases.unfinished().exists() and (newest is None or _find_late(newest)):
        open_impact(actor=actor, subject=subject, cause=ImpactCause.ERASURE)
    for case_id in cases.unfinished().order_by("pk").values_list("pk", flat=True):
        case = assess_impact(case_id=case_id)
        if late := _draw_late(case):
            facts = ImpactAssessed(versions=case.found_versions or 0, models=case.found_models or 0)
            told: dict[str, object] = {"recipients": len(late)}
            _append(kinds.IMPACT_ASSESSED, facts, case, actor, told, late)
    lines = ImpactDecision.objects.filter(kind=Affected.RECIPIENT, case__in=cases)
    last = lines.order_by("node", "-case__opened_at").distinct("node")
    return list(last.values_list("pk", flat=True))


@transaction.atomic
def assign_impact(
    *, actor: Account, line_id: UUID, owner_id: UUID, due_at: datetime
) -> ImpactDecision:
    """Say who sees to a line, and until when.

    Raises NotPermitted, Unknown, WrongState when it is done, TermsRefused.
    """
    line = _take(actor, line_id, {LineState.OPEN, LineState.DECIDED})
    owner = get(Account.objects.filter(state=AccountState.ACTIVE), owner_id)
    if due_at <= database_now():
        raise TermsRefused("due date has passed already")
    line.owner, line.due_at = owner, due_at
    line.save(update_fields=["owner", "due_at"])
    segments = [_said(line.case, line), Unsealed("owner", owner.scope_ids(), {}), by(actor)]
    append(kind=kinds.IMPACT_ASSIGNED, facts=NoFacts(), segments=segments)
    return line


@transaction.atomic
def decide_impact(
    *, actor: Account, line_id: UUID, decision: Measure, reason: str
) -> ImpactDecision:
    """Decide what becomes of one version or model; until it is done, it may be decided anew.

    *Stop use* counts from now: no run of a stopped model and no training on a stopped version is
    authorised any more. Raises NotPermitted, Unknown, WrongState, TermsRefused.
    """
    line = _take(actor, line_id, {LineState.OPEN, LineState.DECIDED})
    _check_fits(line, decision)
    keys = vault.keys(line.scope_ids())
    line.reason = keys.seal(line, "reason", _checked("reason", reason))
    line.decision, line.state = decision.value, LineState.DECIDED
    line.decided_by, line.decided_at = actor, database_now()
    line.save()
    case = _follow(line.case)
    facts = ImpactDecided(decision=decision)
    _append(kinds.IMPACT_DECIDED, facts, case, actor, {"decision": decision.value}, [line])
    return line


@transaction.atomic
def complete_impact(
    *, actor: Account, line_id: UUID, evidence: str, channel: Method | None = None
) -> ImpactDecision:
    """Record that what was decided is done, and what shows it; the case follows its lines.

    Of a recipient who is told, ``channel`` says how. Raises NotPermitted, Unknown, WrongState
    unless it was decided, TermsRefused.
    """
    line = _take(actor, line_id, {LineState.DECIDED})
    if (channel is None) == (line.decision == Measure.TELL):
        raise TermsRefused("say how a recipient was told, and of nothing else")
    line.channel = channel.value if channel else None
    keys = vault.keys(line.scope_ids())
    line.evidence = keys.seal(line, "evidence", _checked("evidence", evidence))
    line.state, line.done_at = LineState.DONE, database_now()
    line.save()
    late = _draw_late(line.case)
    case = _follow(line.case)
    assert line.decision is not None
    facts = ImpactDecided(decision=Measure(line.decision))
    _append(kinds.IMPACT_COMPLETED, facts, case, actor, {"done": line.decision}, [line, *late])
    return line


@transaction.atomic
def close_impact(*, actor: Account, case_id: UUID) -> ImpactCase:
    """Close a case that concerns no version, no model and no recipient.

    Raises NotPermitted, Unknown, WrongState.
    """
    require(actor, "consent.decide_impact")
    case = _lock(case_id)
    if case.state != ImpactState.ASSESSED or case.lines.exists() or _find_late(case):
        raise WrongState("only an assessed case without versions and models is closed as a whole")
    _follow(case)
    _append(kinds.IMPACT_CLOSED, NoFacts(), case, actor, {})
    return case


def _check_fits(line: ImpactDecision, decision: Measure) -> None:
    if line.kind == Affected.RECIPIENT and decision not in TO_TELL:
        raise TermsRefused("a recipient is told, or left out with a reason")
    if line.kind != Affected.RECIPIENT and decision is Measure.TELL:
        raise TermsRefused(f"nobody can tell a {line.kind} anything: decide what becomes of it")


def _draw_lines(case: ImpactCase, impact: Impact) -> list[ImpactDecision]:
    return [
        ImpactDecision(case=case, kind=kind.value, node=node, due_at=case.due_at)
        for kind in Affected
        for node in impact.of(kind)
    ]


def _draw_late(case: ImpactCase) -> list[ImpactDecision]:
    """Draw lines for whoever received something since: they keep the case from being done."""
    late = [
        ImpactDecision(case=case, kind=Affected.RECIPIENT.value, node=node, due_at=case.due_at)
        for node in sorted(_find_late(case))
    ]
    return ImpactDecision.objects.bulk_create(late)


def _find_late(case: ImpactCase) -> set[UUID]:
    """Return who received something that a case concerns, and has no line of it."""
    lines = list(case.lines.values_list("kind", "node"))
    # Of an erased person only what was found is known.
    starts = [Node(kind, node) for kind, node in lines if kind != Affected.RECIPIENT]
    if case.subject is not None:
        starts = [Node("subject", case.subject.pk)]
    found = {one for start in starts for one in find_impact(start).of(Affected.RECIPIENT)}
    return found - {node for _, node in lines}


def _follow(case: ImpactCase) -> ImpactCase:
    """Move a case as far as its lines are: decided when all are, done when all are."""
    states = set(case.lines.values_list("state", flat=True))
    if case.state == ImpactState.ASSESSED and LineState.OPEN not in states:
        case.state = ImpactState.DECIDED
        case.save(update_fields=["state"])
    if case.state == ImpactState.DECIDED and states <= {LineState.DONE}:
        case.state, case.done_at = ImpactState.DONE, database_now()
        case.save(update_fields=["state", "done_at"])
    return case


def _take(actor: Account, line_id: UUID, states: set[LineState]) -> ImpactDecision:
    require(actor, "consent.decide_impact")
    line = get(ImpactDecision.objects.all(), line_id)
    # The case first: its state follows from all its lines.
    case = _lock(line.case_id)
    line = lock(ImpactDecision.objects.all(), line_id)
    line.case = case
    if line.state not in states:
        wanted = " or ".join(sorted(states))
        raise WrongState(f"this line is {line.state}, wanted {wanted}")
    return line


def _lock(case_id: UUID) -> ImpactCase:
    return lock(ImpactCase.objects.select_related("subject"), case_id)


def _checked(what: str, text: str) -> bytes:
    if not 1 <= len(text.strip()) <= MAX_TEXT_CHARS:
        raise TermsRefused(
            f"{what} has {len(text.strip())} characters, wanted 1 to {MAX_TEXT_CHARS}"
        )
    return text.strip().encode()


def _said(case: ImpactCase, *rows: Recorded) -> Unsealed:
    return Unsealed("case", case.scope_ids(), {}, rows)


def _append(
    kind: Kind,
    facts: Facts,
    case: ImpactCase,
    actor: Party | None,
    told: dict[str, object],
    lines: Sequence[ImpactDecision] = (),
) -> None:
    """Append the record of a step; the person's segment tells them what it means for them."""
    rows = (case, *lines)
    segments = [
        _said(case, *rows[begin : begin + _ROWS_PER_SEGMENT])
        for begin in range(0, len(rows), _ROWS_PER_SEGMENT)
    ]
    if case.subject is not None:
        segments.append(Unsealed("subject", case.subject.scope_ids(), told))
    segments += [by(actor)] if actor else []
    append(kind=kind, facts=facts, segments=segments)
