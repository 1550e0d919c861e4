"""Campaigns: prepared and looked at, begun by a person, carried by the workers to their end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, QuerySet, Value
from django.db.models.fields import DateTimeField, IntegerField, UUIDField

from consent import campaigns, kinds
from consent.errors import TermsRefused, WrongState
from consent.kinds import CampaignBegun, CampaignClosed
from consent.models import (
    OPEN,
    UNDER_WAY,
    Account,
    Campaign,
    CampaignErrand,
    CampaignState,
    Grant,
    Notice,
    Project,
)
from consent.moment import database_now
from consent.services.answers import values
from consent.services.authority import by, get, require
from consent.uses import TERRITORY, Said, Silence, Step, Use
from ledger.kinds import Facts, Kind, NoFacts
from ledger.services import Unsealed, append

MOST_REMINDERS = 5
LONGEST = timedelta(days=730)
MOST_REMIND_DAYS = 366
MAX_CODES = 300
PERMISSION = "consent.run_campaign"


@dataclass(frozen=True)
class Whom:
    """Whose answers a campaign is about; with nothing said, everybody's."""

    uses: frozenset[Use] = frozenset()
    territories: frozenset[str] = frozenset()
    projects: Sequence[UUID] = ()


@dataclass(frozen=True)
class Course:
    """How a campaign runs: until when, what silence means then, and how people are reminded."""

    closes_at: datetime
    silence: Silence
    reminders: int = 2
    remind_after_days: int = 21


@transaction.atomic
def prepare_campaign(
    *, actor: Account, notice_id: UUID, course: Course, whom: Whom = Whom()
) -> Campaign:
    """Note whom to ask about a new version of a notice, and how; nobody is asked yet.

    Raises NotPermitted, Unknown, TermsRefused.
    """
    require(actor, PERMISSION)
    notice = get(Notice.objects.all(), notice_id)
    now = database_now()
    _check_text(notice)
    _check_course(course, now)
    _check_whom(whom)
    campaign = Campaign(
        notice=notice,
        code=notice.code,
        uses=values(whom.uses),
        territories=sorted(whom.territories),
        projects=sorted(set(whom.projects)),
        silence=course.silence.value,
        reminders=course.reminders,
        remind_after_days=course.remind_after_days,
        closes_at=course.closes_at,
        prepared_by=actor,
        prepared_at=now,
    )
    campaign.save(force_insert=True)
    _append(kinds.CAMPAIGN_PREPARED, campaign, actor)
    return campaign


@transaction.atomic
def begin_campaign(*, actor: Account, campaign_id: UUID) -> Campaign:
    """Begin to ask: everybody whom it concerns now is put on the workers' list, in one statement.

    Raises NotPermitted, Unknown, WrongState, TermsRefused when it concerns nobody, its last day
    is over, or another campaign about the same notice is under way.
    """
    campaign = _take(actor, campaign_id, CampaignState.PREPARED)
    now = database_now()
    if campaign.closes_at <= now:
        raise TermsRefused("the last day of this campaign is over")
    _check_text(campaign.notice)
    if Campaign.objects.filter(code=campaign.code, state__in=UNDER_WAY).exists():
        raise TermsRefused("another campaign about this notice is under way")
    counted = campaigns.look_ahead(campaign)
    campaign.answers = _list_concerned(campaign, now)
    if not campaign.answers:
        raise TermsRefused("nobody has an answer to an earlier version that this could be about")
    campaign.begun_at, campaign.state = now, CampaignState.RUNNING
    campaign.save(update_fields=["begun_at", "state", "answers"])
    facts = CampaignBegun(people=counted.people, answers=campaign.answers)
    _append(kinds.CAMPAIGN_BEGUN, campaign, actor, facts)
    return campaign


@transaction.atomic
def drop_campaign(*, actor: Account, campaign_id: UUID) -> Campaign:
    """Give up a campaign that nobody has begun. Raises NotPermitted, Unknown, WrongState."""
    campaign = _take(actor, campaign_id, CampaignState.PREPARED)
    return _move(actor, campaign, CampaignState.DROPPED, kinds.CAMPAIGN_DROPPED)


@transaction.atomic
def pause_campaign(*, actor: Account, campaign_id: UUID) -> Campaign:
    """Send no letters and close nothing until it goes on; answers still come in.

    Raises NotPermitted, Unknown, WrongState.
    """
    campaign = _take(actor, campaign_id, CampaignState.RUNNING)
    return _move(actor, campaign, CampaignState.PAUSED, kinds.CAMPAIGN_PAUSED)


@transaction.atomic
def resume_campaign(*, actor: Account, campaign_id: UUID) -> Campaign:
    """Let a campaign go on. Raises NotPermitted, Unknown, WrongState, TermsRefused when its last
    day passed meanwhile: move it first, or nobody would be reminded of it."""
    campaign = _take(actor, campaign_id, CampaignState.PAUSED)
    if campaign.closes_at <= database_now():
        raise TermsRefused("its last day passed meanwhile: name a later one first, or close it")
    return _move(actor, campaign, CampaignState.RUNNING, kinds.CAMPAIGN_RESUMED)


@transaction.atomic
def extend_campaign(*, actor: Account, campaign_id: UUID, closes_at: datetime) -> Campaign:
    """Wait for answers until another day; once it began, a later one: letters named the first.

    Raises NotPermitted, Unknown, WrongState, TermsRefused.
    """
    states = (CampaignState.PREPARED, CampaignState.RUNNING, CampaignState.PAUSED)
    campaign = _take(actor, campaign_id, *states)
    _check_end(closes_at, database_now())
    if campaign.begun_at is not None and closes_at < campaign.closes_at:
        raise TermsRefused("letters name a later day: answers can be waited for longer only")
    campaign.closes_at = closes_at
    campaign.save(update_fields=["closes_at"])
    _append(kinds.CAMPAIGN_EXTENDED, campaign, actor)
    return campaign


@transaction.atomic
def close_campaign(*, campaign_id: UUID, actor: Account | None = None) -> Campaign:
    """Ask nobody any more, and have it carried out what silence means.

    Without an actor its last day is over. Raises NotPermitted, Unknown, WrongState.
    """
    if actor is not None:
        require(actor, PERMISSION)
    campaign = _hold(campaign_id)
    _check_state(campaign, CampaignState.RUNNING, CampaignState.PAUSED)
    now = database_now()
    if actor is None and campaign.closes_at > now:
        raise WrongState("the campaign's last day is not over")
    _list_concerned(campaign, now)
    _list_silent(campaign, now)
    campaign.closing_at, campaign.state = now, CampaignState.CLOSING
    campaign.save(update_fields=["closing_at", "state"])
    _append(kinds.CAMPAIGN_ENDED, campaign, actor)
    return campaign


@transaction.atomic
def finish_campaign(*, campaign_id: UUID) -> Campaign | None:
    """Close a campaign in which everybody silent was dealt with; None while somebody is left."""
    campaign = _hold(campaign_id)
    _check_state(campaign, CampaignState.CLOSING)
    if CampaignErrand.objects.filter(campaign=campaign).exists():
        return None
    said = campaigns.count_progress(campaign).said
    campaign.closed_at, campaign.state = database_now(), CampaignState.CLOSED
    campaign.save(update_fields=["closed_at", "state"])
    facts = CampaignClosed(
        yes=said[Said.YES], less=said[Said.LESS], no=said[Said.NO], silent=said[Said.NOTHING]
    )
    _append(kinds.CAMPAIGN_CLOSED, campaign, None, facts)
    return campaign


@transaction.atomic
def list_again(*, campaign_id: UUID) -> int:
    """Put on the workers' list whoever came to be concerned since; return how many there are.

    Such as an answer to the earlier text that came in late, or by old releases, or a person who
    no longer wishes to be erased. Safe to repeat. Raises Unknown, WrongState.
    """
    campaign = _hold(campaign_id)
    _check_state(campaign, CampaignState.RUNNING)
    return _list_concerned(campaign, database_now())


def _list_concerned(campaign: Campaign, now: datetime) -> int:
    rows = campaigns.unasked(campaign).values_list(
        Value(campaign.pk, UUIDField()),
        "pk",
        Value(Step.ASK.value),
        Value(now, DateTimeField()),
        Value(0, IntegerField()),
    )
    return _insert(rows)


def _list_silent(campaign: Campaign, now: datetime) -> None:
    """List the old answers of everybody who said nothing, whether they were asked or not."""
    waiting = CampaignErrand.objects.filter(campaign=campaign)
    waiting.update(step=Step.SETTLE.value, due_at=now, attempts=0)
    silent = Grant.objects.filter(campaign=campaign, state__in=OPEN).order_by()
    rows = silent.values_list(
        Value(campaign.pk, UUIDField()),
        F("renews"),
        Value(Step.SETTLE.value),
        Value(now, DateTimeField()),
        Value(0, IntegerField()),
    )
    _insert(rows)


def _insert(rows: QuerySet) -> int:
    """Insert what ``rows`` selects into the workers' list, without reading it here."""
    sql, given = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO consent_campaignerrand (campaign_id, grant_id, step, due_at, attempts) "
            f"{sql} ON CONFLICT DO NOTHING",
            given,
        )
        return int(cursor.rowcount)


def _take(actor: Account, campaign_id: UUID, *states: CampaignState) -> Campaign:
    require(actor, PERMISSION)
    campaign = _hold(campaign_id)
    _check_state(campaign, *states)
    return campaign


def _hold(campaign_id: UUID) -> Campaign:
    """Return the campaign, locked; not against a step that points a new question at it."""
    rows = Campaign.objects.select_related("notice")
    return get(rows.select_for_update(of=("self",), no_key=True), campaign_id)


def _check_state(campaign: Campaign, *states: CampaignState) -> None:
    if campaign.state not in states:
        raise WrongState(f"campaign is {campaign.state}, wanted {' or '.join(states)}")


def _move(actor: Account, campaign: Campaign, state: CampaignState, kind: Kind) -> Campaign:
    campaign.state = state
    campaign.save(update_fields=["state"])
    _append(kind, campaign, actor)
    return campaign


def _append(
    kind: Kind, campaign: Campaign, actor: Account | None, facts: Facts | None = None
) -> None:
    segments = [Unsealed("campaign", campaign.scope_ids(), {}, (campaign,))]
    segments += [by(actor)] if actor else []
    append(kind=kind, facts=facts or NoFacts(), segments=segments)


def _check_text(notice: Notice) -> None:
    same = Notice.objects.filter(code=notice.code)
    if not same.filter(version__lt=notice.version).exists():
        raise TermsRefused("there is no earlier version of this notice that anybody answered")
    if same.filter(version__gt=notice.version, language=notice.language).exists():
        raise TermsRefused("there is a newer version of this notice: ask about that one")


def _check_course(course: Course, now: datetime) -> None:
    if not 0 <= course.reminders <= MOST_REMINDERS:
        raise TermsRefused(f"{course.reminders} reminders, wanted 0 to {MOST_REMINDERS}")
    if not 1 <= course.remind_after_days <= MOST_REMIND_DAYS:
        raise TermsRefused(
            f"reminders after {course.remind_after_days} days, wanted 1 to {MOST_REMIND_DAYS}"
        )
    _check_end(course.closes_at, now)


def _check_end(closes_at: datetime, now: datetime) -> None:
    if not now < closes_at <= now + LONGEST:
        raise TermsRefused("the last day must be one of the next two years")


def _check_whom(whom: Whom) -> None:
    if malformed := [one for one in whom.territories if not TERRITORY.fullmatch(one)]:
        raise TermsRefused(f"{len(malformed)} territories are malformed, wanted ISO 3166 or WORLD")
    if len(whom.territories) > MAX_CODES or len(whom.projects) > MAX_CODES:
        raise TermsRefused(f"at most {MAX_CODES} territories and projects can be named")
    known = Project.objects.filter(pk__in=whom.projects).count()
    if known < len(set(whom.projects)):
        raise TermsRefused(f"{len(set(whom.projects)) - known} projects are not known")
