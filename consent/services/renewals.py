"""Asking anew: before an answer's term ends, once a child is of age, when a text is new.

```
 sweep, campaign ──▶ ask_anew ──▶ requested   ── letters ──▶ person, or who speaks for them
                                      │ yes: the old answer is renewed, in the same record
                                      │ no: stands beside it, and outweighs it
                                      └ silence: changes nothing; the old answer expires on its day
```
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from consent import kinds, profiles
from consent.majority import find_all_outgrown
from consent.models import (
    OPEN,
    AskingErrand,
    Campaign,
    Grant,
    GrantState,
    Notice,
    PrivacyRequest,
    RequestKind,
    Subject,
)
from consent.models.consents import GrantQuerySet
from consent.moment import database_now
from consent.services.authority import get
from consent.services.grants import lock_grant, write
from consent.uses import Cause, Method, Reach

# The terms that a request takes over from the answer it is to renew.
_TERMS = (
    *("right", "basis", "mode", "uses", "refused", "media", "territories", "recipients"),
    *("families", "barred_themes", "assurance", "remedy"),
)


@dataclass(frozen=True)
class Question:
    """Why and by which text somebody is asked anew, and how long their answer would hold."""

    cause: Cause
    notice: Notice
    valid_until: datetime | None
    campaign: Campaign | None = None


def find_ending() -> list[UUID]:
    """Return the answers that are to be asked for anew: each is so once.

    They end soon, as the profile counts it, or were given by, or by a guardian for, a child who
    is of age by now.
    """
    now = database_now()
    rows = _ending(now).unasked(Cause.ENDING).values_list("pk", "valid_from", "valid_until")
    # Not before half of its term is over: an answer for a week is not asked for anew at once.
    soon = [pk for pk, start, end in rows if start and end and end - now <= (end - start) / 2]
    return list({*_outgrown(now).values_list("pk", flat=True), *soon})


@transaction.atomic
def ask_to_renew(*, grant_id: UUID) -> Grant | None:
    """Prepare and record the request for an answer anew; None where there is nothing to ask.

    Safe to repeat. Raises Unknown, ScopeGone.
    """
    # What a campaign asked that is over gives way to the new question.
    chain = chain_of(get(Grant.objects.all(), grant_id))
    open_now = Grant.objects.filter(renews__in=chain, state__in=OPEN)
    over = open_now.filter(campaign__state="closed")
    asked = [lock_grant(pk) for pk in over.order_by("pk").values_list("pk", flat=True)]
    old = lock_grant(grant_id)
    if open_now.exclude(pk__in=[one.pk for one in asked]).exists():
        return None
    now = database_now()
    of_age = _outgrown(now, grant_id).filter(pk=grant_id).exists()
    is_ending = _ending(now).unasked(Cause.ENDING).filter(pk=grant_id).exists()
    if not (of_age or is_ending) or wants_erasure(old.subject):
        return None
    for one in asked:
        lapse(one)
    cause = Cause.OF_AGE if of_age else Cause.ENDING
    until = old.valid_until if of_age else _next_term(old)
    return ask_anew(old, Question(cause, newest_text(old.notice), until))


def ask_anew(old: Grant, question: Question) -> Grant:
    """Record that somebody is asked anew for an answer, and that a letter is due to them.

    In a campaign each person gets one letter, whatever they are asked by it: the caller holds
    the person's rows.
    """
    now = database_now()
    asked = Grant(
        subject=old.subject,
        notice=question.notice,
        renews=old,
        campaign=question.campaign,
        state=GrantState.REQUESTED,
        method=Method.PORTAL.value,
        opened_at=now,
        valid_until=question.valid_until,
        **{name: getattr(old, name) for name in _TERMS},
    )
    asked.save(force_insert=True)
    lead = _letter_of(asked)
    if lead is not None and lead.due_at is None and lead.grant.state not in OPEN:
        # They answered all that the letter was about, and this came late.
        AskingErrand.objects.filter(pk=lead.pk).update(due_at=now)
    AskingErrand.objects.create(
        grant=asked,
        cause=question.cause.value,
        reach=Reach.DUE.value,
        lead=lead,
        due_at=None if lead else now,
    )
    campaign = question.campaign and str(question.campaign.pk)
    write(None, (asked,), kinds.GRANT_REQUESTED, why=question.cause.value, campaign=campaign)
    return asked


def lapse(grant: Grant) -> None:
    """Give up asking, by itself: another question took its place, or there is nothing to ask."""
    grant.state, grant.ended_at = GrantState.LAPSED, database_now()
    grant.save(update_fields=["state", "ended_at"])
    AskingErrand.objects.filter(pk=grant.pk, followers=None).update(due_at=None)
    write(None, (grant,), kinds.GRANT_LAPSED)


def chain_of(grant: Grant) -> list[UUID]:
    """Return the ids of an answer as it was first, and of what was left of it each time."""
    chain = [grant.pk]
    above = grant.supersedes_id
    while above is not None:
        chain.insert(0, above)
        above = Grant.objects.filter(pk=above).values_list("supersedes_id", flat=True).first()
    while rest := Grant.objects.filter(supersedes=chain[-1]).values_list("pk", flat=True).first():
        chain.append(rest)
    return chain


def rest_of(grant: Grant) -> Grant:
    """Return what is left of an answer of which uses were taken back, locked."""
    while rest := Grant.objects.filter(supersedes=grant.pk).values_list("pk", flat=True).first():
        grant = lock_grant(rest)
    return grant


def newest_text(notice: Notice) -> Notice:
    """Return the newest version of a text in the same language: people answer to what holds now."""
    same = Notice.objects.filter(code=notice.code, language=notice.language)
    return same.order_by("-version").first() or notice


def wants_erasure(subject: Subject) -> bool:
    """Say whether the person asked to be erased: then nobody writes to them about more."""
    return PrivacyRequest.objects.filter(
        subject__in=Subject.objects.selves(subject.pk),
        kind=RequestKind.ERASURE,
        closed_at=None,
    ).exists()


def _outgrown(now: datetime, only: UUID | None = None) -> GrantQuerySet:
    by_guardian = Grant.objects.outgrown(now).values("pk")
    of_age = Grant.objects.filter(pk__in=by_guardian) | Grant.objects.filter(
        pk__in=find_all_outgrown(now, only)
    )
    return of_age.unasked(Cause.OF_AGE)


def _ending(now: datetime) -> GrantQuerySet:
    return Grant.objects.ending(now, now + profiles.load().renewal.ask_before)


def _letter_of(asked: Grant) -> AskingErrand | None:
    """Return the letter of the same campaign that goes to the person already, if there is one."""
    if asked.campaign_id is None:
        return None
    selves = Subject.objects.selves(asked.subject_id)
    leads = AskingErrand.objects.filter(
        lead=None, grant__campaign=asked.campaign_id, grant__subject__in=selves
    )
    return leads.select_related("grant").first()


def _next_term(old: Grant) -> datetime | None:
    """Return when an answer would end that holds for as long again."""
    if old.valid_until is None or old.valid_from is None:
        return None
    return old.valid_until + (old.valid_until - old.valid_from)
