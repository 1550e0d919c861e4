"""What becomes of an answer that was given: taken back, set aside, renewed, found void, over."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from consent import kinds
from consent.errors import TermsRefused, WrongState
from consent.kinds import GrantWithdrawn
from consent.models import Account, GivenBy, Grant, GrantState, Representation, Subject
from consent.models.consents import GrantQuerySet
from consent.moment import database_now
from consent.services.answers import values
from consent.services.authority import Party, get, method_of, require, require_party
from consent.services.evidence import Piece, store_pieces
from consent.services.grants import check_state, lock_grant, whose_grant, write
from consent.services.impact import open_impact
from consent.services.subjects import end_spell
from consent.uses import Assurance, Capacity, ImpactCause, Method, Mode, Use
from ledger.kinds import Kind

IN_FORCE = frozenset({GrantState.GIVEN, GrantState.SUSPENDED})
# A request that was refused is taken back like an answer: then nobody has said no any more.
TAKEN_BACK = IN_FORCE | {GrantState.REFUSED}
# What a copy of an answer does not take over.
_OWN = {
    *("id", "record", "state", "ended_at", "supersedes", "renews", "campaign", "uses", "refused"),
}


@transaction.atomic
def withdraw(
    *, actor: Party, grant_id: UUID, uses: Iterable[Use] = (), method: Method = Method.FORM
) -> Grant:
    """Take back an answer, or only ``uses`` of it; it counts from now on.

    With some uses taken back a new answer with the rest supersedes this one, in the same
    transaction, and is returned; otherwise the withdrawn one is. Raises NotPermitted, Unknown,
    WrongState when it no longer stands, TermsRefused for a use it does not speak of.
    """
    require_party(actor, "consent.withdraw_grant", whose_grant(grant_id))
    grant = lock_grant(grant_id)
    taken = frozenset(map(Use, uses))
    check_state(grant, {GrantState.GIVEN} if taken else TAKEN_BACK)
    if foreign := taken - {*grant.uses, *grant.refused}:
        raise TermsRefused(f"answer does not speak of {', '.join(sorted(foreign))}")
    rest = _successor(grant, without=taken) if taken else None
    _end(grant, GrantState.SUPERSEDED if rest else GrantState.WITHDRAWN)
    if rest:
        _insert(rest, grant)
    write(
        actor,
        (grant, rest) if rest else (grant,),
        kinds.GRANT_WITHDRAWN,
        GrantWithdrawn(partly=rest is not None),
        method=method_of(actor, method).value,
        uses=values(taken),
    )
    if {*grant.uses} & (taken or {*grant.uses}):
        open_impact(actor=actor, subject=grant.subject, cause=ImpactCause.WITHDRAWAL)
    return rest or grant


def find_alike(grant: Grant) -> GrantQuerySet:
    """Return what else the person allowed of the same right and some of the same uses."""
    return Grant.objects.filter(
        subject__in=Subject.objects.selves(grant.subject_id),
        right=grant.right,
        uses__overlap=grant.uses,
        state__in=IN_FORCE,
    ).exclude(pk=grant.pk)


@transaction.atomic
def withdraw_alike(
    *, actor: Party, grant_id: UUID, method: Method = Method.FORM
) -> tuple[Grant, ...]:
    """Take back what an answer allows and all that the person allowed like it, in one act.

    Whatever they refused stays refused. Returns the answers that ended, this one first. Raises
    NotPermitted, Unknown, WrongState when the answer no longer stands.
    """
    require_party(actor, "consent.withdraw_grant", whose_grant(grant_id))
    # The person first, so that two who take back at once do not wait for each other.
    selves = Subject.objects.selves(get(Grant.objects.all(), grant_id).subject_id)
    list(selves.select_for_update(of=("self",)).order_by("pk"))
    grant = lock_grant(grant_id)
    check_state(grant, IN_FORCE)
    return _take_back(actor, (grant, *_locked(find_alike(grant))), method)


@transaction.atomic
def withdraw_allowed(
    *,
    actor: Party,
    subject_id: UUID,
    grant_id: UUID | None = None,
    method: Method = Method.FORM,
) -> tuple[Grant, ...]:
    """Take back all that a person allows, or all that one answer does, in one act.

    Whatever they refused stays refused. Returns the answers that ended. Raises NotPermitted,
    Unknown, WrongState when nothing is allowed.
    """
    people = Subject.objects.filter(pk=subject_id).values_list("pk", flat=True)
    require_party(actor, "consent.withdraw_grant", people)
    selves = Subject.objects.selves(subject_id)
    list(selves.select_for_update(of=("self",)).order_by("pk"))
    allowed = Grant.objects.filter(subject__in=selves, state__in=IN_FORCE, uses__len__gt=0)
    taken = _locked(allowed if grant_id is None else allowed.filter(pk=grant_id))
    if not taken:
        raise WrongState("nothing is allowed that could be taken back")
    return _take_back(actor, taken, method)


def _locked(grants: GrantQuerySet) -> tuple[Grant, ...]:
    rows = grants.select_for_update(of=("self",)).order_by("pk")
    return tuple(rows.select_related("subject", "notice"))


def _take_back(actor: Party, taken: tuple[Grant, ...], method: Method) -> tuple[Grant, ...]:
    kept = [_keep_refusals(one) for one in taken]
    rows = (*taken, *(rest for rest in kept if rest))
    facts = GrantWithdrawn(partly=len(rows) > len(taken))
    how = method_of(actor, method).value
    write(actor, rows, kinds.GRANT_WITHDRAWN, facts, method=how, uses=[])
    if any(one.uses for one in taken):
        open_impact(actor=actor, subject=taken[0].subject, cause=ImpactCause.WITHDRAWAL)
    return taken


def _keep_refusals(grant: Grant) -> Grant | None:
    """End an answer; what it refused goes on in one of its own."""
    rest = _successor(grant, without=frozenset(map(Use, grant.uses))) if grant.refused else None
    _end(grant, GrantState.SUPERSEDED if rest else GrantState.WITHDRAWN)
    if rest:
        rest.mode = Mode.GRANULAR.value
        _insert(rest, grant)
    return rest


@transaction.atomic
def renew(
    *,
    actor: Account,
    grant_id: UUID,
    valid_until: datetime | None,
    method: Method,
    assurance: Assurance,
    evidence: Sequence[Piece] = (),
) -> Grant:
    """Record that the person says the same again, for a new term; return the new answer.

    ``assurance`` is how surely it was the person this time. Raises NotPermitted, Unknown,
    WrongState, TermsRefused for a term that is over.
    """
    require(actor, "consent.give_grant")
    grant = lock_grant(grant_id)
    check_state(grant, {GrantState.GIVEN})
    now = database_now()
    if valid_until is not None and valid_until <= now:
        raise TermsRefused("term has ended already")
    _check_speaker(grant, now)
    again = _successor(grant)
    assert again is not None
    again.opened_at = again.given_at = again.valid_from = now
    again.suspended_at, again.resumed_at, again.signed_on = [], [], None
    again.valid_until, again.method = valid_until, method.value
    again.assurance = assurance.value
    _end(grant, GrantState.RENEWED)
    _insert(again, grant)
    pieces = store_pieces(again, evidence)
    write(actor, (grant, again), kinds.GRANT_RENEWED, evidence=pieces, method=method.value)
    return again


@transaction.atomic
def suspend(*, actor: Account, grant_id: UUID) -> Grant:
    """Set an answer aside while something is cleared up. Raises as ``resume``."""
    require(actor, "consent.withdraw_grant")
    grant = lock_grant(grant_id)
    check_state(grant, {GrantState.GIVEN})
    return put_aside(actor, grant)


@transaction.atomic
def resume(*, actor: Account, grant_id: UUID) -> Grant:
    """Let an answer count again. Raises NotPermitted, Unknown, WrongState."""
    require(actor, "consent.withdraw_grant")
    grant = lock_grant(grant_id)
    check_state(grant, {GrantState.SUSPENDED})
    if grant.capacity == Capacity.GUARDIAN:
        _check_speaker(grant, database_now())
    grant.state = GrantState.GIVEN
    grant.resumed_at = [*grant.resumed_at, database_now()]
    grant.save(update_fields=["state", "resumed_at"])
    write(actor, (grant,), kinds.GRANT_RESUMED)
    return grant


@transaction.atomic
def revoke(*, actor: Account, grant_id: UUID) -> Grant:
    """Give an answer up from our side, such as by order of an authority. Raises as ``resume``."""
    return _finish(actor, grant_id, GrantState.REVOKED, kinds.GRANT_REVOKED, ImpactCause.REVOCATION)


@transaction.atomic
def invalidate(*, actor: Account, grant_id: UUID) -> Grant:
    """Record that an answer was never good, such as a forged release. Raises as ``resume``.

    It counts from now on: what was decided before was decided by what was known.
    """
    return _finish(
        actor, grant_id, GrantState.INVALIDATED, kinds.GRANT_INVALIDATED, ImpactCause.INVALIDATION
    )


@transaction.atomic
def expire(*, grant_id: UUID) -> Grant:
    """Mark an answer whose term is over; decisions know it already. Safe to repeat."""
    grant = lock_grant(grant_id)
    if not Grant.objects.overdue(database_now()).filter(pk=grant_id).exists():
        return grant
    assert grant.valid_until is not None
    assert grant.given_at is not None
    _end(grant, GrantState.EXPIRED, max(grant.valid_until, grant.given_at))
    write(None, (grant,), kinds.GRANT_EXPIRED)
    if grant.uses:
        open_impact(actor=None, subject=grant.subject, cause=ImpactCause.EXPIRY)
    return grant


@transaction.atomic
def end_representation(*, actor: Account, representation_id: UUID) -> Representation:
    """Record that somebody no longer speaks for a person, from now on.

    What a guardian answered is set aside until somebody who may speak for the person is heard.
    Raises NotPermitted, Unknown, WrongState.
    """
    require(actor, "consent.register_subject")
    people = Representation.objects.select_related("subject", "representative")
    # Not against who points a new row at it, and waits for an answer that is locked below.
    row = get(people.select_for_update(of=("self",), no_key=True), representation_id)
    ended = end_spell(actor, row, kinds.REPRESENTATION_ENDED)
    if ended.capacity == Capacity.GUARDIAN:
        answers = GivenBy.objects.filter(representation=ended, grant__state=GrantState.GIVEN)
        for grant_id in answers.order_by("grant_id").values_list("grant_id", flat=True):
            grant = lock_grant(grant_id)
            if grant.state == GrantState.GIVEN:
                put_aside(actor, grant)
    return ended


def put_aside(actor: Account | None, grant: Grant, *, campaign: UUID | None = None) -> Grant:
    """Suspend an answer that is given and locked; a campaign does so by itself, for silence."""
    grant.state = GrantState.SUSPENDED
    grant.suspended_at = [*grant.suspended_at, database_now()]
    grant.save(update_fields=["state", "suspended_at"])
    write(actor, (grant,), kinds.GRANT_SUSPENDED, campaign=campaign and str(campaign))
    return grant


def give_up(grant: Grant, *, campaign: UUID) -> Grant:
    """Revoke an answer that is in force and locked: nobody answered a campaign."""
    _end(grant, GrantState.REVOKED)
    write(None, (grant,), kinds.GRANT_REVOKED, campaign=str(campaign))
    open_impact(actor=None, subject=grant.subject, cause=ImpactCause.REVOCATION)
    return grant


def _finish(
    actor: Account, grant_id: UUID, state: GrantState, kind: Kind, cause: ImpactCause
) -> Grant:
    require(actor, "consent.withdraw_grant")
    grant = lock_grant(grant_id)
    check_state(grant, IN_FORCE)
    _end(grant, state)
    write(actor, (grant,), kind)
    if grant.uses:
        open_impact(actor=actor, subject=grant.subject, cause=cause)
    return grant


def _end(grant: Grant, state: GrantState, at: datetime | None = None) -> None:
    grant.state, grant.ended_at = state, at or database_now()
    grant.save(update_fields=["state", "ended_at"])


def _insert(successor: Grant, grant: Grant) -> None:
    """Store the answer that follows another; whoever gave the one gave the other."""
    successor.save(force_insert=True)
    if grant.is_spoken_for:
        said_by = GivenBy(grant=successor, representation=grant.given_by.representation)
        said_by.save(force_insert=True)


def _check_speaker(grant: Grant, now: datetime) -> None:
    """Raise TermsRefused when whoever answered in the person's place can no longer do so."""
    if grant.capacity == Capacity.SELF:
        return
    if not grant.is_spoken_for or not grant.given_by.representation.period.covers(now):
        raise TermsRefused(
            "whoever answered no longer speaks for the person: record what the person says now"
        )


def _successor(grant: Grant, without: frozenset[Use] = frozenset()) -> Grant | None:
    """Return the answer that follows this one, unsaved, or None when nothing is left of it.

    It was said when the first one was: what is left of an answer is no newer word.
    """
    uses = [use for use in grant.uses if use not in without]
    refused = [use for use in grant.refused if use not in without]
    if not uses and not refused:
        return None
    kept = {
        field.attname: getattr(grant, field.attname)
        for field in Grant._meta.concrete_fields
        if field.name not in _OWN
    }
    return Grant(**{**kept, "uses": uses, "refused": refused, "supersedes_id": grant.pk})
