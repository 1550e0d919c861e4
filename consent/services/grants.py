"""Answers: prepared, asked for, given or refused."""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from consent import kinds
from consent.errors import TermsRefused, WrongState
from consent.kinds import GrantGiven
from consent.models import (
    OPEN,
    Account,
    GivenBy,
    Grant,
    GrantState,
    Notice,
    Representation,
    Subject,
)
from consent.moment import database_now
from consent.services.answers import Answer, check_answer
from consent.services.authority import by, get, lock, require
from consent.services.impact import open_impact
from consent.services.subjects import store_evidence
from consent.uses import Capacity, ImpactCause, Method, Mode
from ledger.kinds import Facts, Kind, NoFacts
from ledger.services import Unsealed, append

WANTED = frozenset({GrantState.REQUESTED, GrantState.DEFERRED})


@dataclass(frozen=True)
class Giving:
    """What comes with an answer: papers that show it, and who spoke where not the person."""

    evidence: bytes | None = None
    representation_id: UUID | None = None


@transaction.atomic
def give(
    *,
    actor: Account,
    subject_id: UUID,
    notice_id: UUID,
    answer: Answer,
    evidence: bytes | None = None,
    representation_id: UUID | None = None,
) -> Grant:
    """Record what a person allows or refuses. It counts from now, or from its term's start.

    Answers stand beside each other; withdraw the old one where the new one is meant to replace
    it. Raises NotPermitted, Unknown, TermsRefused.
    """
    grant = _prepare(actor, subject_id, notice_id, answer)
    return _give(actor, grant, answer, Giving(evidence, representation_id), is_new=True)


@transaction.atomic
def draft(
    *,
    actor: Account,
    subject_id: UUID,
    notice_id: UUID,
    answer: Answer,
    evidence: bytes | None = None,
) -> Grant:
    """Prepare what a person is to be asked; nothing follows from it. Raises as ``give``."""
    grant = _prepare(actor, subject_id, notice_id, answer)
    grant.evidence = store_evidence(grant.scope_ids(), evidence)
    return _store(actor, grant, GrantState.DRAFT, kinds.GRANT_DRAFTED, is_new=True)


@transaction.atomic
def request(*, actor: Account, subject_id: UUID, notice_id: UUID, answer: Answer) -> Grant:
    """Ask a person for an answer; it is open until they give or refuse. Raises as ``give``."""
    grant = _prepare(actor, subject_id, notice_id, answer)
    return _store(actor, grant, GrantState.REQUESTED, kinds.GRANT_REQUESTED, is_new=True)


@transaction.atomic
def send(*, actor: Account, grant_id: UUID) -> Grant:
    """Ask what was prepared, or ask anew what was put off.

    Raises NotPermitted, Unknown, WrongState.
    """
    grant = _take(actor, grant_id, {GrantState.DRAFT, GrantState.DEFERRED})
    return _store(actor, grant, GrantState.REQUESTED, kinds.GRANT_REQUESTED)


@transaction.atomic
def answer_request(
    *,
    actor: Account,
    grant_id: UUID,
    answer: Answer,
    evidence: bytes | None = None,
    representation_id: UUID | None = None,
) -> Grant:
    """Record the answer to a request; it may be another one than was asked for.

    Raises NotPermitted, Unknown, WrongState, TermsRefused.
    """
    grant = _take(actor, grant_id, OPEN)
    check_answer(answer, database_now())
    return _give(actor, grant, answer, Giving(evidence, representation_id), is_new=False)


@transaction.atomic
def refuse_request(
    *, actor: Account, grant_id: UUID, method: Method, representation_id: UUID | None = None
) -> Grant:
    """Record that the person says no to all that was asked; it stands until it is taken back.

    Raises NotPermitted, Unknown, WrongState.
    """
    grant = _take(actor, grant_id, WANTED)
    now = database_now()
    grant.refused = sorted({*grant.uses, *grant.refused})
    grant.uses, grant.mode, grant.method = [], Mode.OPT_OUT.value, method.value
    grant.given_at, grant.valid_from, grant.valid_until = now, now, None
    given_by = _speaker(grant, representation_id)
    return _store(actor, grant, GrantState.REFUSED, kinds.GRANT_REFUSED, given_by=given_by)


@transaction.atomic
def defer_request(*, actor: Account, grant_id: UUID) -> Grant:
    """Record that the person will answer later. Raises NotPermitted, Unknown, WrongState."""
    grant = _take(actor, grant_id, {GrantState.REQUESTED})
    return _store(actor, grant, GrantState.DEFERRED, kinds.GRANT_DEFERRED)


@transaction.atomic
def let_lapse(*, actor: Account, grant_id: UUID) -> Grant:
    """Give up what was prepared or asked. Raises NotPermitted, Unknown, WrongState."""
    grant = _take(actor, grant_id, OPEN)
    grant.ended_at = database_now()
    return _store(actor, grant, GrantState.LAPSED, kinds.GRANT_LAPSED)


def write(
    actor: Account | None,
    grants: tuple[Grant, ...],
    kind: Kind,
    facts: Facts | None = None,
    **said: object,
) -> None:
    """Append the record of what became of a person's answers: in what capacity, how, to what.

    Without an actor it happened by itself. Where the person was registered twice, each of them
    has their own segment.
    """
    by_scopes: dict[tuple[UUID, ...], list[Grant]] = {}
    for grant in grants:
        by_scopes.setdefault(grant.scope_ids(), []).append(grant)
    segments = [
        Unsealed("subject", scopes, _said(own[0]) | said, tuple(own))
        for scopes, own in by_scopes.items()
    ]
    segments += [by(actor)] if actor else []
    segments += [
        Unsealed("giver", one.given_by.scope_ids(), {}, (one.given_by,))
        for one in grants
        if one.is_spoken_for and one.given_by.record is None
    ]
    append(kind=kind, facts=facts or NoFacts(), segments=segments)


def lock_grant(grant_id: UUID) -> Grant:
    """Return the answer with this id, locked until the transaction ends. Raises Unknown."""
    return lock(Grant.objects.select_related("subject", "notice"), grant_id)


def check_state(grant: Grant, wanted: frozenset[GrantState] | set[GrantState]) -> None:
    """Raise WrongState unless the answer is in one of the states ``wanted``."""
    if grant.state not in wanted:
        states = " or ".join(sorted(state.value for state in wanted))
        raise WrongState(f"answer is {grant.state}, wanted {states}")


def _prepare(actor: Account, subject_id: UUID, notice_id: UUID, answer: Answer) -> Grant:
    require(actor, "consent.give_grant")
    # Locked, so that no answer comes in while the person is being erased.
    subject = lock(Subject.objects.all(), subject_id)
    notice = get(Notice.objects.all(), notice_id)
    now = database_now()
    check_answer(answer, now)
    return Grant(subject=subject, notice=notice, opened_at=now, **answer.columns())


def _take(actor: Account, grant_id: UUID, wanted: frozenset[GrantState] | set[GrantState]) -> Grant:
    require(actor, "consent.give_grant")
    grant = lock_grant(grant_id)
    check_state(grant, wanted)
    return grant


def _store(
    actor: Account,
    grant: Grant,
    state: GrantState,
    kind: Kind,
    *,
    facts: Facts | None = None,
    given_by: GivenBy | None = None,
    is_new: bool = False,
) -> Grant:
    grant.state = state
    grant.save(force_insert=is_new)
    if given_by is not None:
        given_by.save(force_insert=True)
    write(actor, (grant,), kind, facts)
    if grant.given_at and _takes_back(grant):
        open_impact(actor=actor, subject=grant.subject, cause=ImpactCause.REFUSAL)
    return grant


def _takes_back(grant: Grant) -> bool:
    """Say whether an answer refuses what the same person allowed before."""
    before = Grant.objects.filter(
        subject=grant.subject_id, right=grant.right, given_at__isnull=False
    )
    return before.exclude(pk=grant.pk).filter(uses__overlap=grant.refused).exists()


def _give(actor: Account, grant: Grant, answer: Answer, giving: Giving, *, is_new: bool) -> Grant:
    now = database_now()
    for column, value in answer.columns().items():
        setattr(grant, column, value)
    grant.given_at = now
    grant.valid_from = answer.valid_from or now
    if giving.evidence is not None:
        if grant.evidence is not None:
            raise TermsRefused("evidence came with the draft already")
        grant.evidence = store_evidence(grant.scope_ids(), giving.evidence)
    given_by = _speaker(grant, giving.representation_id)
    return _store(
        actor,
        grant,
        GrantState.GIVEN,
        kinds.GRANT_GIVEN,
        facts=GrantGiven(mode=answer.mode),
        given_by=given_by,
        is_new=is_new,
    )


def _speaker(grant: Grant, representation_id: UUID | None) -> GivenBy | None:
    """Note in what capacity somebody else answers. Raises Unknown, TermsRefused."""
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
