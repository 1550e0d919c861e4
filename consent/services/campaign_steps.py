"""What workers do in a campaign: ask about one answer after the other, then deal with silence.

Each step is one transaction that takes its row off the list: a worker that dies leaves it there,
and two never do the same.
"""

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q

from consent.models import (
    OPEN,
    AskingErrand,
    Campaign,
    CampaignErrand,
    CampaignState,
    Grant,
    GrantState,
    Notice,
    Subject,
)
from consent.moment import database_now
from consent.services.endings import IN_FORCE, give_up, put_aside
from consent.services.grants import lock_grant
from consent.services.renewals import (
    Question,
    ask_anew,
    chain_of,
    lapse,
    rest_of,
    wants_erasure,
)
from consent.uses import Cause, Reach, Silence, Step

AT_ONCE = 200
RETRY = timedelta(minutes=5)
# Silence ends nothing for whoever had less time than that to answer.
LEAST_TIME = timedelta(days=7)
_AT_WORK = Q(campaign__state=CampaignState.RUNNING, step=Step.ASK.value) | Q(
    campaign__state=CampaignState.CLOSING, step=Step.SETTLE.value
)


def running_campaigns() -> list[UUID]:
    """Return the campaigns that ask people now."""
    running = Campaign.objects.filter(state=CampaignState.RUNNING)
    return list(running.values_list("pk", flat=True))


def due_campaigns() -> tuple[list[UUID], list[UUID]]:
    """Return the campaigns whose last day is over, and those that are closing."""
    over = Campaign.objects.filter(
        state=CampaignState.RUNNING, closes_at__lte=database_now()
    ).values_list("pk", flat=True)
    closing = Campaign.objects.filter(state=CampaignState.CLOSING).values_list("pk", flat=True)
    return list(over), list(closing)


def due_steps() -> list[int]:
    """Return some of the steps that workers should do now."""
    due = CampaignErrand.objects.filter(_AT_WORK, due_at__lte=database_now())
    return list(due.order_by("due_at", "pk").values_list("pk", flat=True)[:AT_ONCE])


@transaction.atomic
def take_step(errand_id: int) -> None:
    """Do one step of a campaign; nothing when it is done or another worker is at it.

    Raises ScopeGone where the person is being erased.
    """
    rows = CampaignErrand.objects.filter(_AT_WORK).select_related("campaign__notice", "grant")
    errand = rows.select_for_update(of=("self",), skip_locked=True).filter(pk=errand_id).first()
    if errand is None:
        return
    errand.delete()
    if errand.step == Step.ASK:
        _ask(errand.campaign, errand.grant)
    else:
        _settle(errand.campaign, errand.grant)


def drop_step(errand_id: int) -> None:
    """Take a step off the list: the person is erased, or being so."""
    CampaignErrand.objects.filter(pk=errand_id).delete()


def put_off_step(errand_id: int) -> None:
    """Let a step that failed be tried later; it stays on the list until it is done."""
    CampaignErrand.objects.filter(pk=errand_id).update(
        attempts=F("attempts") + 1, due_at=database_now() + RETRY
    )


def _ask(campaign: Campaign, old: Grant) -> None:
    """Ask a person about one answer, unless it ended or they are asked about it already.

    A question that was open takes back its place: nobody has two to answer about the same.
    """
    _hold(old.subject)
    chain = chain_of(old)
    if Grant.objects.filter(campaign=campaign, renews__in=chain).exists():
        return
    asked = [lock_grant(pk) for pk in _open_requests(chain)]
    current = rest_of(lock_grant(old.pk))
    is_gone = current.state not in IN_FORCE or not current.uses
    if is_gone or wants_erasure(current.subject):
        return
    for one in asked:
        lapse(one)
    until = asked[0].valid_until if asked else current.valid_until
    question = Question(Cause.CAMPAIGN, _text_for(campaign, current), until, campaign)
    ask_anew(current, question)


def _settle(campaign: Campaign, old: Grant) -> None:
    """Let what silence means come true for one answer, unless it was answered.

    Nobody's answer ends who was not asked in time, or before the day that letters name: it is
    set aside instead, for a person to look at.
    """
    _hold(old.subject)
    chain = chain_of(old)
    questions = Grant.objects.filter(campaign=campaign, renews__in=chain).order_by("pk")
    asked = [lock_grant(pk) for pk in questions.values_list("pk", flat=True)]
    current = rest_of(lock_grant(old.pk))
    if any(one.state not in OPEN for one in asked):
        return
    for one in asked:
        if current.state not in IN_FORCE:
            lapse(one)
        AskingErrand.objects.filter(pk=one.pk).update(due_at=None)
    silence = Silence(campaign.silence)
    is_ending = silence is Silence.ENDS and any(_had_time(one, campaign) for one in asked)
    if current.state not in IN_FORCE or silence is Silence.STANDS:
        return
    if is_ending:
        give_up(current, campaign=campaign.pk)
    elif current.state == GrantState.GIVEN:
        put_aside(None, current, campaign=campaign.pk)


def _hold(person: Subject) -> None:
    """Lock all rows of a person, so that they get one letter; answers may come in meanwhile."""
    selves = Subject.objects.selves(person.pk)
    list(selves.select_for_update(of=("self",), no_key=True).order_by("pk"))


def _open_requests(chain: list[UUID]) -> list[UUID]:
    asked = Grant.objects.filter(renews__in=chain, state__in=OPEN).order_by("pk")
    return list(asked.values_list("pk", flat=True))


def _text_for(campaign: Campaign, old: Grant) -> Notice:
    """Return the new text in the language of the old answer, or the campaign's own."""
    same = Notice.objects.filter(code=campaign.code, version=campaign.notice.version)
    return same.filter(language=old.notice.language).first() or campaign.notice


def _had_time(asked: Grant, campaign: Campaign) -> bool:
    """Say whether the person was surely written to, long enough before the day they were told.

    A letter to somebody who was taken for the same person is none to them.
    """
    assert campaign.closing_at is not None
    selves = Subject.objects.selves(asked.subject_id)
    letter = AskingErrand.objects.filter(Q(pk=asked.pk, lead=None) | Q(followers__pk=asked.pk))
    reached = letter.filter(
        grant__subject__in=selves,
        reach=Reach.WRITTEN.value,
        written_at__lte=campaign.closes_at - LEAST_TIME,
    )
    return campaign.closing_at >= campaign.closes_at and reached.exists()
