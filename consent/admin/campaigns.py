"""Campaigns: whom to ask about a new text, looked at before it begins, and how far it is."""

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from unfold.decorators import display

from consent import campaigns, profiles, services
from consent.admin.acts import Act, ActingAdmin, Outcome, in_state, may_view
from consent.admin.campaign_forms import CampaignForm, ExtensionForm
from consent.campaign_papers import write_questions, write_unreachable
from consent.clock import day_end, last_day
from consent.models import Account, Campaign, CampaignState, Project
from consent.services import Course, Whom
from consent.uses import Reach, Said, Silence, Use
from ledger.admin import record_link

PERMISSION = "consent.run_campaign"
STATES = {
    "prepared": "info",
    "running": "success",
    "paused": "warning",
    "closing": "warning",
    "closed": "info",
    "dropped": "info",
}
# How the bar shows what came of it, and in which of the screen's colours.
BAR = (
    (Said.YES, "var(--mu-good)"),
    (Said.LESS, "var(--mu-warn)"),
    (Said.NO, "var(--mu-bad)"),
    (Said.LAPSED, "var(--mu-quiet)"),
    (Said.NOTHING, "var(--mu-line)"),
)


def _last_moment(day: date) -> datetime:
    """Return the end of a day, on the clock on the wall of the profile."""
    return day_end(day, profiles.load().clock.zone)


def _prepare(actor: Account, _row: None, said: dict[str, Any]) -> Outcome:
    campaign = services.prepare_campaign(
        actor=actor,
        notice_id=said["notice"].pk,
        course=Course(
            closes_at=_last_moment(said["closes_at"]),
            silence=Silence(said["silence"]),
            reminders=said["reminders"],
            remind_after_days=said["remind_after_days"],
        ),
        whom=Whom(
            uses=frozenset(map(Use, said["uses"])),
            territories=said["territories"],
            projects=[project.pk for project in said["projects"]],
        ),
    )
    return Outcome("Prepared. Nobody is asked until you begin: look at what it would do.", campaign)


def _begin(actor: Account, campaign: Campaign, _said: dict[str, Any]) -> Outcome:
    begun = services.begin_campaign(actor=actor, campaign_id=campaign.pk)
    return Outcome(f"Begun: {begun.answers} answers are asked about, from now on.", begun)


def _extend(actor: Account, campaign: Campaign, said: dict[str, Any]) -> Outcome:
    until = _last_moment(said["closes_at"])
    row = services.extend_campaign(actor=actor, campaign_id=campaign.pk, closes_at=until)
    return Outcome("The last day is moved.", row)


def _moved(move: Callable[..., Campaign], message: str) -> Callable[..., Outcome]:
    def run(actor: Account, campaign: Campaign, _said: dict[str, Any]) -> Outcome:
        return Outcome(message, move(actor=actor, campaign_id=campaign.pk))

    return run


@admin.register(Campaign)
class CampaignAdmin(ActingAdmin):
    """People who answered an earlier text, asked what they say to the new one."""

    menu_group = "Consent"
    menu_icon = "campaign"
    empty = "When a notice has a new version, prepare a campaign: everybody who answered is asked."
    list_display = ("prepared_at", "about", "standing", "silent", "until", "answers",
                    record_link)  # fmt: skip
    list_filter = ("state", "silence")
    list_select_related = ("notice",)
    ordering = ("-prepared_at", "pk")
    sortable_by = ("prepared_at",)
    fields = (
        ("about", "standing"),
        ("only_uses", "only_territories", "only_projects"),
        ("silent", "reminded"),
        ("prepared_at", "begun_at"),
        ("until", "closed_at"),
        record_link,
    )
    change_form_outer_after_template = "consent/admin/campaign.html"
    list_acts = (
        Act(
            "prepare",
            "Prepare a campaign",
            "campaign",
            PERMISSION,
            "Everybody with a standing permission under an earlier version of a notice can be "
            "asked what they say to the new one. You see first what it would do; nobody is asked "
            "until you begin.",
            _prepare,
            lambda _: CampaignForm,
        ),
    )
    row_acts = (
        Act(
            "begin",
            "Begin to ask",
            "send",
            PERMISSION,
            "Everybody whom it concerns today is put on the list; letters go out as the workers "
            "come to them. Whom it concerns and what silence means is fixed from then on.",
            _begin,
            is_open=in_state(CampaignState.PREPARED),
        ),
        Act(
            "pause",
            "Pause",
            "pause",
            PERMISSION,
            "No letter is sent and nothing is closed until you let it go on. Answers still come "
            "in and count.",
            _moved(services.pause_campaign, "Paused. Nobody is written to."),
            is_open=in_state(CampaignState.RUNNING),
        ),
        Act(
            "resume",
            "Go on",
            "play_arrow",
            PERMISSION,
            "Letters go out again.",
            _moved(services.resume_campaign, "It goes on."),
            is_open=in_state(CampaignState.PAUSED),
        ),
        Act(
            "extend",
            "Move the last day",
            "event",
            PERMISSION,
            "Answers are waited for until the end of that day; once letters are out, of a later "
            "one than they name. Reminders name the new day.",
            _extend,
            lambda _: ExtensionForm,
            in_state(CampaignState.PREPARED, CampaignState.RUNNING, CampaignState.PAUSED),
        ),
        Act(
            "close",
            "Close now",
            "stop_circle",
            PERMISSION,
            "Nobody is written to any more, and what silence means is carried out for everybody "
            "who has not answered. Before the day that letters name, nobody's old answer ends: it "
            "is set aside instead. An answer that comes later still counts.",
            _moved(services.close_campaign, "It is being closed."),
            is_open=in_state(CampaignState.RUNNING, CampaignState.PAUSED),
        ),
        Act(
            "drop",
            "Give it up",
            "delete",
            PERMISSION,
            "Nobody was asked. The campaign stays in the list as given up.",
            _moved(services.drop_campaign, "Given up."),
            is_open=in_state(CampaignState.PREPARED),
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.table_view)
        own = path("<uuid:pk>/<slug:which>.csv", view, name="consent_campaign_table")
        return [own, *super().get_urls()]

    def table_view(self, request: HttpRequest, pk: UUID, which: str) -> StreamingHttpResponse:
        """Hand out a table of whom a campaign asks, or of those whom no letter would reach."""
        campaign = Campaign.objects.select_related("notice").filter(pk=pk).first()
        if not may_view(request, "consent.view_campaign", campaign):
            raise PermissionDenied
        tables: dict[str, Callable[[Campaign], Iterator[bytes]]] = {
            "answers": write_questions,
            "unreachable": write_unreachable,
        }
        if campaign is None or which not in tables:
            raise Http404("there is no such table")
        answer = StreamingHttpResponse(tables[which](campaign), content_type="text/csv")
        answer["Content-Disposition"] = f'attachment; filename="{which}-{campaign.pk}.csv"'
        return answer

    def describe(self, request: HttpRequest, row: Campaign) -> dict[str, Any]:
        shown = {
            **super().describe(request, row),
            "title": f"{row.notice.title}: version {row.notice.version}",
            "campaign": row,
        }
        if row.state == CampaignState.PREPARED:
            unreachable = list(campaigns.find_unreachable(row)[:MOST_SHOWN])
            return shown | {"preview": campaigns.look_ahead(row), "unreachable": unreachable}
        return shown | (_told(row) if row.state != CampaignState.DROPPED else {})

    @admin.display(description="new text", ordering="code")
    def about(self, campaign: Campaign) -> str:
        return f"{campaign.notice.title} ({campaign.notice})"

    @display(description="state", label=STATES)
    def standing(self, campaign: Campaign) -> str:
        return campaign.get_state_display().lower()

    @admin.display(description="if somebody says nothing")
    def silent(self, campaign: Campaign) -> str:
        return Silence(campaign.silence).words

    @admin.display(description="last day to answer", ordering="closes_at")
    def until(self, campaign: Campaign) -> str:
        last = last_day(campaign.closes_at, profiles.load().clock.zone)
        return f"{last.day} {last:%B %Y}"

    @admin.display(description="reminders")
    def reminded(self, campaign: Campaign) -> str:
        if not campaign.reminders:
            return "none"
        return f"{campaign.reminders}, after {campaign.remind_after_days} days each"

    @admin.display(description="only answers that allow")
    def only_uses(self, campaign: Campaign) -> str:
        return ", ".join(Use(use).words for use in campaign.uses) or "anything"

    @admin.display(description="only answers for")
    def only_territories(self, campaign: Campaign) -> str:
        return ", ".join(campaign.territories) or "any country"

    @admin.display(description="only people in the data of")
    def only_projects(self, campaign: Campaign) -> str:
        codes = Project.objects.filter(pk__in=campaign.projects).order_by("code")
        return ", ".join(codes.values_list("code", flat=True)) or "any project"


MOST_SHOWN = 100


def _told(campaign: Campaign) -> dict[str, Any]:
    """Return how far a campaign is as its page shows it: a bar, and lists that lead on."""
    progress = campaigns.count_progress(campaign)
    table = f"{reverse('admin:consent_askingerrand_changelist')}?campaign={campaign.pk}"
    # Whom nobody came round to ask is not among the questions yet.
    is_asking = campaign.state in {CampaignState.RUNNING, CampaignState.PAUSED}
    whole = max(progress.asked + (progress.waiting if is_asking else 0), 1)
    parts, left = [], 0.0
    for said, colour in BAR:
        width = 1000 * progress.said[said] / whole
        parts.append((said, progress.said[said], colour, round(left, 2), round(width, 2)))
        left += width
    return {
        "progress": progress,
        "is_asking": is_asking,
        "parts": parts,
        "percent": round(100 * progress.answered / whole),
        "reached": [(one, n) for one, n in progress.reached.items() if n],
        "reaches": Reach,
        "table": table,
    }
