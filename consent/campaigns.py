"""Reader: whom a campaign concerns, whom no letter would reach, and how far it is.

Everything is counted in sets by PostgreSQL; no list of people is held here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.expressions import RawSQL

from consent.models import (
    AskingErrand,
    Campaign,
    CampaignErrand,
    Grant,
    GrantState,
    Notice,
    PrivacyRequest,
    RequestKind,
    Subject,
)
from consent.moment import database_now
from consent.uses import WORLD, Reach, Said

# Everybody counts as the head of those who are one person.
_HEAD = (
    "coalesce((SELECT into_id FROM consent_merge WHERE subject_id = {} AND parted_at IS NULL), {})"
)
_IN_PROJECTS = """
    SELECT unnest(consent_selves(array_agg(DISTINCT d.subject_id), false))
    FROM consent_depiction d JOIN consent_item i ON i.id = d.item_id AND i.aside = ''
    JOIN consent_datasetversion v ON v.id = i.version_id
    JOIN consent_dataset s ON s.id = v.dataset_id WHERE s.project_id = ANY (%s::uuid[])"""
# A child is written to by way of its guardians, everybody else themself.
_UNREACHABLE = f"""
    WITH concerned AS (
        SELECT DISTINCT {_HEAD.format("g.subject_id", "g.subject_id")} AS head FROM ({{grants}}) g
    ), addressed AS (
        SELECT DISTINCT {_HEAD.format("i.subject_id", "i.subject_id")} AS head
        FROM consent_identifier i
        WHERE i.kind = 'email' AND i.until IS NULL AND i.value IS NOT NULL
    ), guarded AS (
        SELECT {_HEAD.format("r.subject_id", "r.subject_id")} AS head, bool_or(
            {_HEAD.format("r.representative_id", "r.representative_id")}
            IN (SELECT head FROM addressed)) AS is_addressed
        FROM consent_representation r
        WHERE r.capacity = 'guardian'
            AND greatest(r.starts_at, r.recorded_at) <= statement_timestamp()
            AND coalesce(least(r.ends_at, r.ended_at), 'infinity') > statement_timestamp()
        GROUP BY 1
    ) SELECT concerned.head FROM concerned LEFT JOIN guarded USING (head)
    WHERE NOT coalesce(guarded.is_addressed, concerned.head IN (SELECT head FROM addressed))"""  # noqa: S608


@dataclass(frozen=True)
class Preview:
    """What a campaign would do if it began now.

    ``texts`` says by language how many answers there are and whether there is a text in it: those
    without one read the campaign's own.
    """

    people: int
    answers: int
    unreachable: int
    texts: Sequence[tuple[str, int, bool]]


@dataclass(frozen=True)
class Progress:
    """How far a campaign is, in questions: one for each answer that people are asked about.

    ``waiting`` are still to be asked, or to be dealt with after its end. ``opened`` are those
    whose person opened the new text. ``reached`` counts those without an answer by how they were
    reached, ``said`` all by what was answered.
    """

    asked: int
    people: int
    waiting: int
    opened: int
    reached: Mapping[Reach, int]
    said: Mapping[Said, int]

    @property
    def answered(self) -> int:
        """Return how many were answered."""
        return sum(self.said[one] for one in (Said.YES, Said.LESS, Said.NO))


def concerned(campaign: Campaign) -> QuerySet[Grant]:
    """Return the standing permissions that were given under an earlier version of its notice."""
    now = database_now()
    wishing = PrivacyRequest.objects.filter(kind=RequestKind.ERASURE, closed_at=None)
    grants = Grant.objects.filter(
        Q(valid_until=None) | Q(valid_until__gt=now),
        notice__code=campaign.code,
        notice__version__lt=campaign.notice.version,
        state__in=[GrantState.GIVEN, GrantState.SUSPENDED],
        uses__len__gt=0,
    ).exclude(subject__in=wishing.filter(subject__isnull=False).values("subject"))
    if campaign.uses:
        grants = grants.filter(uses__overlap=campaign.uses)
    if campaign.territories:
        grants = grants.filter(territories__overlap=[*campaign.territories, WORLD])
    if campaign.projects:
        grants = grants.filter(subject__in=RawSQL(_IN_PROJECTS, [campaign.projects]))  # noqa: S611
    return grants.order_by()


def unasked(campaign: Campaign) -> QuerySet[Grant]:
    """Return whom a campaign concerns and did not ask about it, or about what it is left of."""
    asked = Grant.objects.filter(
        Q(renews=OuterRef("pk")) | Q(renews=OuterRef("supersedes")), campaign=campaign.pk
    )
    return concerned(campaign).filter(~Exists(asked))


def look_ahead(campaign: Campaign) -> Preview:
    """Return what the campaign would do if it began now."""
    grants = concerned(campaign)
    counted = grants.aggregate(people=Count("subject", distinct=True), answers=Count("pk"))
    spoken = grants.values_list("notice__language").annotate(answers=Count("pk"))
    there = set(
        Notice.objects.filter(code=campaign.code, version=campaign.notice.version).values_list(
            "language", flat=True
        )
    )
    texts = [(language, answers, language in there) for language, answers in spoken]
    return Preview(
        people=counted["people"],
        answers=counted["answers"],
        unreachable=find_unreachable(campaign).count(),
        texts=sorted(texts),
    )


def find_unreachable(campaign: Campaign) -> QuerySet[Subject]:
    """Return those whom the campaign concerns and to whom no letter would go, by handle."""
    sql, given = concerned(campaign).values("subject_id").query.sql_with_params()
    unreachable = RawSQL(_UNREACHABLE.format(grants=sql), given)  # noqa: S611
    return Subject.objects.filter(pk__in=unreachable).order_by("handle")


def list_questions(campaign: Campaign) -> QuerySet[AskingErrand]:
    """Return whom a campaign asks about what, how they were reached, and what came of it."""
    rows = AskingErrand.objects.filter(grant__campaign=campaign).told()
    return rows.select_related("grant__subject", "grant__notice", "lead").order_by("pk")


def count_progress(campaign: Campaign) -> Progress:
    """Return how far a campaign is."""
    rows = AskingErrand.objects.filter(grant__campaign=campaign).told()
    reached, said = dict.fromkeys(Reach, 0), dict.fromkeys(Said, 0)
    for how, what, questions in rows.values_list("reached", "said").annotate(n=Count("pk")):
        said[Said(what)] += questions
        if what == Said.NOTHING:
            reached[Reach(how)] += questions
    return Progress(
        asked=sum(said.values()),
        people=rows.filter(lead=None).count(),
        waiting=CampaignErrand.objects.filter(campaign=campaign).count(),
        opened=_count_opened(campaign),
        reached=reached,
        said=said,
    )


def _count_opened(campaign: Campaign) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*) FROM consent_grant g WHERE g.campaign_id = %s AND EXISTS (
                SELECT FROM consent_serving s JOIN consent_notice n ON n.id = s.notice_id
                WHERE s.subject_id = g.subject_id AND s.served_at >= g.opened_at
                    AND n.code = %s AND n.version = %s)""",
            [campaign.pk, campaign.code, campaign.notice.version],
        )
        opened: int = cursor.fetchone()[0]
    return opened


def as_counts(progress: Progress) -> dict[str, Any]:
    """Return a campaign's progress as plain numbers by name."""
    return {
        "asked": progress.asked,
        "people": progress.people,
        "waiting": progress.waiting,
        "opened": progress.opened,
        "answered": progress.answered,
        "reached": {one.value: count for one, count in progress.reached.items()},
        "said": {one.value: count for one, count in progress.said.items()},
    }
