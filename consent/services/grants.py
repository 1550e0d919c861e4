"""Answers: prepared, asked for, given or refused."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from consent import kinds
from consent.errors import TermsRefused, WrongState
from consent.kinds import GrantGiven
from consent.models import (
    OPEN,
    Account,
    Evidence,
    GivenBy,
    Grant,
    GrantState,
    Notice,
    Representation,
    Subject,
)
from consent.moment import database_now
from consent.services.answers import Answer, check_answer
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
from consent.services.evidence import Piece, store_pieces
from consent.services.impact import open_impact
from consent.uses import Capacity, ImpactCause, Method, Mode
from ledger.kinds import Facts, Kind, NoFacts
from ledger.services import Unsealed, append

WANTED = frozenset({GrantState.REQUESTED, GrantState.DEFERRED})


@dataclass(frozen=True)
class Giving:
    """What comes with an answer: papers that show it, and who spoke where not the person.

    ``power_until`` is when a guardian ceased to speak who signed before that, recorded later.
    """

    evidence: Sequence[Piece] = ()
    representation_id: UUID | None = None
    notice_id: UUID | None = None
    power_until: datetime | None = None


@transaction.atomic
def give(
    *,
    actor: Party,
    subject_id: UUID,
    notice_id: UUID,
    answer: Answer,
    evidence: Sequence[Piece] = (),
    representation_id: UUID | None = None,
    power_until: datetime | None = None,
) -> Grant:
    """Record what a person allows or refuses. It counts from now, or from its term's start.

    Answers stand beside each other; withdraw the old one where the new one is meant to replace
    it. ``power_until`` is for a guardian's word on an old paper, as ``Giving`` has it. Raises
    NotPermitted, Unknown, TermsRefused.
    """
    require_party(actor, "consent.give_grant", _person(subject_id))
    answer = _as_said_by(actor, answer)
    grant = _prepare(subject_id, notice_id, answer)
    giving = Giving(evidence, representation_id, power_until=power_until)
    return _give(actor, grant, answer, giving, is_new=True)


@transaction.atomic
def draft(
    *,
    actor: Account,
    subject_id: UUID,
    notice_id: UUID,
    answer: Answer,
    evidence: Sequence[Piece] = (),
) -> Grant:
    """Prepare what a person is to be asked; nothing follows from it. Raises as ``give``."""
    require(actor, "consent.give_grant")
    grant = _prepare(subject_id, notice_id, answer)
    return _store(
        actor, grant, GrantState.DRAFT, kinds.GRANT_DRAFTED, evidence=evidence, is_new=True
    )


@transaction.atomic
def request(*, actor: Account, subject_id: UUID, notice_id: UUID, answer: Answer) -> Grant:
    """Ask a person for an answer; it is open until they give or refuse. Raises as ``give``."""
    require(actor, "consent.give_grant")
    grant = _prepare(subject_id, notice_id, answer)
    return _store(actor, grant, GrantState.REQUESTED, kinds.GRANT_REQUESTED, is_new=True)


@transaction.atomic
def send(*, actor: Account, grant_id: UUID) -> Grant:
    """Ask what was prepared, or ask anew what was put off.

    Raises NotPermitted, Unknown, WrongState.
    """
    require(actor, "consent.give_grant")
    grant = _take(actor, grant_id, {GrantState.DRAFT, GrantState.DEFERRED})
    return _store(actor, grant, GrantState.REQUESTED, kinds.GRANT_REQUESTED)


@transaction.atomic
def answer_request(
    *,
    actor: Party,
    grant_id: UUID,
    answer: Answer,
    evidence: Sequence[Piece] = (),
    representation_id: UUID | None = None,
    notice_id: UUID | None = None,
) -> Grant:
    """Record the answer to a request; it may be another one than was asked for.

    ``notice_id`` is the text that the person read, where that was the same version in another
    language. Raises NotPermitted, Unknown, WrongState, TermsRefused.
    """
    # A draft is ours alone: nobody was asked yet.
    grant = _take(actor, grant_id, WANTED if isinstance(actor, Visitor) else OPEN)
    answer = _as_said_by(actor, answer)
    check_answer(answer, database_now())
    giving = Giving(evidence, representation_id, notice_id)
    return _give(actor, grant, answer, giving, is_new=False)


@transaction.atomic
def refuse_request(
    *,
    actor: Party,
    grant_id: UUID,
    method: Method,
    representation_id: UUID | None = None,
    notice_id: UUID | None = None,
) -> Grant:
    """Record that the person says no to all that was asked; it stands until it is taken back.

    ``notice_id`` as in ``answer_request``. Raises NotPermitted, Unknown, WrongState, TermsRefused.
    """
    grant = _take(actor, grant_id, WANTED)
    now = database_now()
    grant.notice = _shown(grant, notice_id)
    grant.refused = sorted({*grant.uses, *grant.refused})
    grant.uses, grant.mode = [], Mode.OPT_OUT.value
    grant.method = method_of(actor, method).value
    if isinstance(actor, Visitor):
        grant.assurance = actor.assurance.value
    grant.given_at, grant.valid_from, grant.valid_until = now, now, None
    given_by = _speaker(actor, grant, representation_id)
    # A *no* to a new text ends the *yes* to the old one: taking back the no revives nothing.
    before = _replace(grant, now, GrantState.SUPERSEDED) if grant.campaign_id else None
    return _store(
        actor, grant, GrantState.REFUSED, kinds.GRANT_REFUSED, given_by=given_by, before=before
    )


@transaction.atomic
def defer_request(*, actor: Party, grant_id: UUID) -> Grant:
    """Record that the person will answer later. Raises NotPermitted, Unknown, WrongState."""
    grant = _take(actor, grant_id, {GrantState.REQUESTED})
    return _store(actor, grant, GrantState.DEFERRED, kinds.GRANT_DEFERRED)


@transaction.atomic
def let_lapse(*, actor: Account, grant_id: UUID) -> Grant:
    """Give up what was prepared or asked. Raises NotPermitted, Unknown, WrongState."""
    require(actor, "consent.give_grant")
    grant = _take(actor, grant_id, OPEN)
    grant.ended_at = database_now()
    return _store(actor, grant, GrantState.LAPSED, kinds.GRANT_LAPSED)


@transaction.atomic
def add_evidence(*, actor: Account, grant_id: UUID, evidence: Sequence[Piece]) -> Grant:
    """Add what shows an answer, beside what is there; nothing of that changes.

    The answer is on record anew, so that papers written of it from now on list all of it. Raises
    NotPermitted, Unknown, TermsRefused, ScopeGone when whoever spoke is erased.
    """
    require(actor, "consent.give_grant")
    grant = lock_grant(grant_id)
    if not evidence:
        raise TermsRefused("there is nothing to add")
    rows = store_pieces(grant, evidence)
    write(actor, (grant,), kinds.GRANT_EVIDENCED, evidence=rows)
    return grant


def write(
    actor: Party | None,
    grants: tuple[Grant, ...],
    kind: Kind,
    facts: Facts | None = None,
    evidence: Sequence[Evidence] = (),
    **said: object,
) -> None:
    """Append the record of what became of a person's answers: in what capacity, how, to what.

    Without an actor it happened by itself; what is None is not said. Where the person was
    registered twice, each of them has their own segment.
    """
    told = {name: value for name, value in said.items() if value is not None}
    by_scopes: dict[tuple[UUID, ...], list[Grant]] = {}
    for grant in grants:
        by_scopes.setdefault(grant.scope_ids(), []).append(grant)
    segments = [
        Unsealed("subject", scopes, _said(own[0]) | told, tuple(own))
        for scopes, own in by_scopes.items()
    ]
    segments += [by(actor)] if actor else []
    segments += [
        Unsealed("giver", one.given_by.scope_ids(), {}, (one.given_by,))
        for one in grants
        if one.is_spoken_for and one.given_by.record is None
    ]
    segments += [Unsealed("evidence", one.scope_ids(), {}, (one,)) for one in evidence]
    append(kind=kind, facts=facts or NoFacts(), segments=segments)


def lock_grant(grant_id: UUID) -> Grant:
    """Return the answer with this id, locked until the transaction ends. Raises Unknown."""
    return lock(Grant.objects.select_related("subject", "notice"), grant_id)


def whose_grant(grant_id: UUID) -> QuerySet:
    """Return the id of the person whose answer it is, as ``require_party`` asks for it."""
    return Grant.objects.filter(pk=grant_id).values_list("subject_id", flat=True)


def check_state(grant: Grant, wanted: frozenset[GrantState] | set[GrantState]) -> None:
    """Raise WrongState unless the answer is in one of the states ``wanted``."""
    if grant.state not in wanted:
        states = " or ".join(sorted(state.value for state in wanted))
        raise WrongState(f"answer is {grant.state}, wanted {states}")


def _person(subject_id: UUID) -> QuerySet:
    return Subject.objects.filter(pk=subject_id).values_list("pk", flat=True)


def _as_said_by(actor: Party, answer: Answer) -> Answer:
    """Return the answer as it reached us: what people say in the portal shows what it shows."""
    if not isinstance(actor, Visitor):
        return answer
    return replace(answer, method=actor.method, assurance=actor.assurance, signed_on=None)


def _prepare(subject_id: UUID, notice_id: UUID, answer: Answer) -> Grant:
    # Locked, so that no answer comes in while the person is being erased.
    subject = lock(Subject.objects.all(), subject_id)
    notice = get(Notice.objects.all(), notice_id)
    now = database_now()
    check_answer(answer, now)
    return Grant(subject=subject, notice=notice, opened_at=now, **answer.columns())


def _take(actor: Party, grant_id: UUID, wanted: frozenset[GrantState] | set[GrantState]) -> Grant:
    require_party(actor, "consent.give_grant", whose_grant(grant_id))
    grant = lock_grant(grant_id)
    check_state(grant, wanted)
    return grant


def _store(
    actor: Party,
    grant: Grant,
    state: GrantState,
    kind: Kind,
    *,
    facts: Facts | None = None,
    given_by: GivenBy | None = None,
    evidence: Sequence[Piece] = (),
    before: Grant | None = None,
    is_new: bool = False,
) -> Grant:
    grant.state = state
    grant.save(force_insert=is_new)
    if given_by is not None:
        given_by.save(force_insert=True)
    rows = (grant, before) if before else (grant,)
    write(actor, rows, kind, facts, evidence=store_pieces(grant, evidence, given_by))
    if grant.given_at and _takes_back(grant):
        open_impact(actor=actor, subject=grant.subject, cause=ImpactCause.REFUSAL)
    return grant


def _takes_back(grant: Grant) -> bool:
    """Say whether an answer refuses what the same person allowed before."""
    before = Grant.objects.filter(
        subject=grant.subject_id, right=grant.right, given_at__isnull=False
    )
    return before.exclude(pk=grant.pk).filter(uses__overlap=grant.refused).exists()


def _give(actor: Party, grant: Grant, answer: Answer, giving: Giving, *, is_new: bool) -> Grant:
    now = database_now()
    _check_of_age(actor, answer, now)
    grant.notice = _shown(grant, giving.notice_id)
    for column, value in answer.columns().items():
        setattr(grant, column, value)
    grant.given_at = now
    grant.valid_from = answer.valid_from or now
    if giving.power_until is not None:
        grant.capacity, grant.power_until = Capacity.GUARDIAN.value, giving.power_until
    given_by = _speaker(actor, grant, giving.representation_id)
    before = _replace(grant, now)
    if before and {*before.uses} - {*grant.uses, *grant.refused}:
        open_impact(actor=actor, subject=grant.subject, cause=ImpactCause.WITHDRAWAL)
    return _store(
        actor,
        grant,
        GrantState.GIVEN,
        kinds.GRANT_GIVEN,
        facts=GrantGiven(mode=answer.mode),
        given_by=given_by,
        evidence=giving.evidence,
        before=before,
        is_new=is_new,
    )


def _replace(grant: Grant, now: datetime, end: GrantState = GrantState.RENEWED) -> Grant | None:
    """End the answer that this one renews, or what is left of it, if it still stands."""
    if grant.renews_id is None:
        return None
    old = lock_grant(grant.renews_id)
    while rest := Grant.objects.filter(supersedes=old.pk).values_list("pk", flat=True).first():
        old = lock_grant(rest)
    ends = {GrantState.GIVEN: end, GrantState.SUSPENDED: GrantState.SUPERSEDED}
    if old.state not in ends:
        return None
    old.state, old.ended_at = ends[GrantState(old.state)], now
    old.save(update_fields=["state", "ended_at"])
    return old


def _shown(grant: Grant, notice_id: UUID | None) -> Notice:
    """Return the text that the person read. Raises TermsRefused when it is not what was asked."""
    if notice_id is None or notice_id == grant.notice_id:
        return grant.notice
    same = Notice.objects.filter(code=grant.notice.code, version=grant.notice.version)
    shown = same.filter(pk=notice_id).first()
    if shown is None:
        raise TermsRefused("the text that was shown is not the one that was asked about")
    return shown


def _check_of_age(actor: Party, answer: Answer, now: datetime) -> None:
    """Raise TermsRefused when a child says yes whose guardian speaks for it (Art. 8 GDPR)."""
    if not isinstance(actor, Visitor) or actor.representation or not answer.uses:
        return
    guardians = Representation.objects.filter(
        subject__in=Subject.objects.selves(actor.subject.pk), capacity=Capacity.GUARDIAN.value
    )
    if any(row.period.covers(now) for row in guardians):
        raise TermsRefused("a guardian says yes for this person, who can say no and take back")


def _speaker(actor: Party, grant: Grant, representation_id: UUID | None) -> GivenBy | None:
    """Note in what capacity somebody else answers. Raises Unknown, TermsRefused."""
    if isinstance(actor, Visitor):
        representation_id = actor.representation.pk if actor.representation else None
    if representation_id is None:
        return None
    people = Representation.objects.select_related("subject", "representative")
    # Locked, so that whoever ends it sees this answer.
    selves = Subject.objects.selves(grant.subject_id)
    row = lock(people.filter(subject__in=selves), representation_id)
    assert grant.given_at is not None
    if not row.period.covers(grant.given_at):
        raise TermsRefused("whoever answers cannot speak for the person now")
    grant.capacity = row.capacity
    # An agent's or an heir's word outlasts their office; a guardian's gives way to the person's.
    grant.power_until = row.ends_at if row.capacity == Capacity.GUARDIAN else None
    return GivenBy(grant=grant, representation=row)


def _said(grant: Grant) -> dict[str, object]:
    return {
        "by": grant.capacity,
        "method": grant.method,
        "notice": f"sha256:{grant.notice.digest.hex()}",
    }
