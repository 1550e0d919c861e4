"""Duplicates: two people who are one are merged, and parted again when that was wrong."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from consent import kinds
from consent.decisions import find_consenting
from consent.errors import TermsRefused, WrongState
from consent.models import (
    Account,
    Grant,
    GrantState,
    Merge,
    PrivacyRequest,
    RequestKind,
    RequestState,
    Subject,
)
from consent.moment import database_now
from consent.services.askings import part_letters
from consent.services.authority import by, get, lock, require
from consent.services.impact import open_impact
from consent.uses import ANY, WORLD, ImpactCause, Right, Theme, Use
from ledger import vault
from ledger.kinds import Kind, NoFacts
from ledger.services import Unsealed, append

MAX_REASON = 1_000
UNDER_ERASURE = (RequestState.EXECUTING, RequestState.BLOCKED)
# Who allows something: right, use, which sort of bound, and the code within it.
Term = tuple[UUID, str, str, str, str]
_ALL = {"territories": WORLD, "recipients": ANY, "families": ANY}


@transaction.atomic
def merge_subjects(*, actor: Account, keep_id: UUID, other_id: UUID, reason: str) -> Merge:
    """Record that two people are one: they count as one from now on, in everything.

    Whoever was merged into ``other`` before moves along; nothing of either is rewritten. An impact
    case is opened where one of them allowed what the other does not. Raises NotPermitted, Unknown,
    TermsRefused, and WrongState when they are one already or one of them is being erased.
    """
    require(actor, "consent.merge_subject")
    if not 0 < len(reason.strip()) <= len(reason) <= MAX_REASON:
        raise TermsRefused(f"reason has {len(reason)} characters, wanted 1 to {MAX_REASON}")
    _lock_all(keep_id, other_id)
    head, other = _head(keep_id), _head(other_id)
    if head == other:
        raise WrongState("they count as one person already")
    allowed = _allowed(head, other)
    now = database_now()
    moved = list(Merge.objects.standing().filter(into=other).select_related("subject", "into"))
    for one in moved:
        one.parted_at, one.parted_by = now, actor
        one.save(update_fields=["parted_at", "parted_by"])
    made = []
    for subject in (other, *(one.subject for one in moved)):
        merge = Merge(subject=subject, into=head, merged_by=actor, merged_at=now)
        merge.reason = vault.keys(merge.scope_ids()).seal(merge, "reason", reason.encode())
        merge.save(force_insert=True)
        made.append(merge)
    _append(actor, kinds.SUBJECT_MERGED, [*moved, *made])
    _open_cases(actor, allowed, _allowed(head, other), ImpactCause.MERGE)
    return made[0]


@transaction.atomic
def part_subjects(*, actor: Account, merge_id: UUID) -> Merge:
    """Record that two people were wrongly taken for one; they count as two from now on.

    Whoever had been merged into the one before goes back there with them. An impact case is
    opened where one of them was allowed by the other alone. Raises NotPermitted, Unknown,
    WrongState.
    """
    require(actor, "consent.merge_subject")
    merge = get(Merge.objects.select_related("subject", "into"), merge_id)
    _lock_all(merge.subject_id, merge.into_id)
    merge = lock(Merge.objects.select_related("subject", "into"), merge_id)
    if merge.parted_at is not None:
        raise WrongState("they count as two people already")
    allowed = _allowed(merge.subject, merge.into)
    now = database_now()
    along = _moved_along(merge)
    for one in (merge, *along):
        one.parted_at, one.parted_by = now, actor
        one.save(update_fields=["parted_at", "parted_by"])
    back = [_move_back(actor, merge, one, now) for one in along]
    part_letters()
    _append(actor, kinds.SUBJECT_PARTED, [merge, *along, *back])
    after = _allowed(merge.subject, merge.into)
    _open_cases(actor, allowed, after, ImpactCause.PARTING)
    return merge


def _moved_along(merge: Merge) -> list[Merge]:
    """Return the standing merges of those who came along when ``merge`` was made."""
    before = Merge.objects.filter(into=merge.subject, parted_at=merge.merged_at)
    rows = Merge.objects.standing().filter(
        subject__in=before.values("subject"), into=merge.into, merged_at=merge.merged_at
    )
    return list(rows.select_related("subject", "into"))


def _move_back(actor: Account, merge: Merge, along: Merge, now: datetime) -> Merge:
    back = Merge(subject=along.subject, into=merge.subject, merged_by=actor, merged_at=now)
    before = Merge.objects.filter(
        subject=along.subject, into=merge.subject, parted_at=merge.merged_at
    ).first()
    assert before is not None
    reason = vault.keys(before.scope_ids()).open(before, "reason")
    back.reason = vault.keys(back.scope_ids()).seal(back, "reason", reason)
    back.save(force_insert=True)
    return back


def _allowed(*people: Subject) -> set[Term]:
    """Return all that these allow now, by decision and by the terms of whoever counts as them.

    Decisions know titles, signals and requests, but not where a thing will be shown: what they
    leave open for that is told by the terms alone.
    """
    ids = [one.pk for one in people]
    decided: set[Term] = {
        (person, right, use, "decided", "")
        for right in Right
        for use in Use
        for person in find_consenting(ids, [use], right=right)
    }
    return decided.union(*(_terms(one.pk) for one in people))


def _terms(person: UUID) -> Iterator[Term]:
    """Yield what each standing answer allows, without what any of them refuses or rules out."""
    answers = list(Grant.objects.standing().filter(subject__in=Subject.objects.selves(person)))
    refused = {(answer.right, use) for answer in answers for use in answer.refused}
    barred = {(answer.right, theme) for answer in answers for theme in answer.barred_themes}
    for answer in answers:
        if answer.state != GrantState.GIVEN:
            continue
        codes = {
            "media": answer.media,
            "territories": answer.territories,
            "recipients": answer.recipients,
            "families": answer.families,
            "themes": [one.value for one in Theme if (answer.right, one.value) not in barred],
        }
        for use in answer.uses:
            if (answer.right, use) not in refused:
                yield person, answer.right, use, "", ""
                for name, some in codes.items():
                    yield from ((person, answer.right, use, name, code) for code in some)


def _open_cases(actor: Account, before: set[Term], after: set[Term], cause: ImpactCause) -> None:
    lost = {one[0] for one in before - after if (*one[:4], _ALL.get(one[3])) not in after}
    for subject in Subject.objects.filter(pk__in=lost).order_by("pk"):
        open_impact(actor=actor, subject=subject, cause=cause)


def _lock_all(*ids: UUID) -> None:
    """Lock everybody who counts as one of them. Raises Unknown, WrongState."""
    for one in ids:
        get(Subject.objects.all(), one)
    selves = Subject.objects.selves(*ids)
    locked = list(selves.select_for_update(of=("self",)).order_by("pk"))
    erased = PrivacyRequest.objects.filter(
        subject__in=locked, kind=RequestKind.ERASURE, state__in=UNDER_ERASURE
    )
    if erased.exists():
        raise WrongState("one of them is being erased")


def _head(subject_id: UUID) -> Subject:
    """Return the person whom somebody counts as."""
    merge = Merge.objects.standing().filter(subject=subject_id).select_related("into").first()
    return merge.into if merge else get(Subject.objects.all(), subject_id)


def _append(actor: Account, kind: Kind, merges: Sequence[Merge]) -> None:
    people = [Unsealed("subject", merge.scope_ids(), {}, (merge,)) for merge in merges]
    append(kind=kind, facts=NoFacts(), segments=[*people, by(actor)])
