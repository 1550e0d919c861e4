"""Questions asked anew: who is asked why, how they were reached, and what they said."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from consent import services
from consent.admin.acts import Act, ActingAdmin, Outcome
from consent.admin.parties import subject_link
from consent.models import OPEN, Account, AskingErrand, Campaign, GrantState
from consent.models.askings import UNREACHED
from consent.uses import Cause, Reach, Said, Worded

PERMISSION = "consent.give_grant"
TONES = {
    Said.YES.words: "success",
    Said.LESS.words: "warning",
    Said.NO.words: "danger",
    Said.NOTHING.words: "info",
    Said.LAPSED.words: "info",
}
REACHES = {
    Reach.WRITTEN.words: "success",
    Reach.DUE.words: "info",
    Reach.UNSURE.words: "warning",
    **{Reach(one).words: "danger" for one in UNREACHED},
}


class CampaignFilter(admin.SimpleListFilter):
    """By the campaign that asks."""

    title = "campaign"
    parameter_name = "campaign"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        begun = Campaign.objects.exclude(begun_at=None).select_related("notice")
        return [(str(one.pk), f"{one.notice.title} {one.notice}") for one in begun[:50]]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:  # noqa: ARG002
        """Return the questions of one campaign."""
        try:
            asked = UUID(self.value() or "")
        except ValueError:
            return queryset
        # Also of a campaign that is too old to be among the choices.
        return queryset.filter(grant__campaign=asked)


class CodeFilter(admin.SimpleListFilter):
    """By a code that is computed for each row."""

    codes: type[Worded]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        return [(one.value, one.words) for one in self.codes]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:  # noqa: ARG002
        """Return the questions with this code."""
        known = {one.value for one in self.codes}
        if self.value() not in known:
            return queryset
        return queryset.filter(**{str(self.parameter_name): self.value()})


class ReachFilter(CodeFilter):
    """By how far the letter got."""

    title, parameter_name, codes = "how they were reached", "reached", Reach


class SaidFilter(CodeFilter):
    """By what came of it."""

    title, parameter_name, codes = "what they said", "said", Said


class UnreachedFilter(admin.SimpleListFilter):
    """Those who wait for an answer from somebody whom no letter reaches."""

    title = "letter"
    parameter_name = "unreached"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        return [("yes", "reaches nobody, and we still wait")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:  # noqa: ARG002
        """Return the open questions that nobody can be written to about."""
        if self.value() != "yes":
            return queryset
        return queryset.filter(reached__in=UNREACHED, grant__state__in=OPEN)


def _returned(actor: Account, row: AskingErrand, _said: dict[str, Any]) -> Outcome:
    services.note_returned(actor=actor, grant_id=row.pk)
    return Outcome("Noted. No further letter is sent there.", row)


def _written(actor: Account, row: AskingErrand, _said: dict[str, Any]) -> Outcome:
    services.note_written(actor=actor, grant_id=row.pk)
    return Outcome("Noted: they were asked.", row)


def _again(actor: Account, row: AskingErrand, _said: dict[str, Any]) -> Outcome:
    services.write_again(actor=actor, grant_id=row.pk)
    return Outcome("A letter goes out within a minute, if there is an address.", row)


def _open_and(*reaches: Reach) -> Any:
    def is_open(row: AskingErrand) -> bool:
        return row.grant.state in OPEN and (row.lead or row).reach in reaches

    return is_open


_BY_HAND = (Reach.NO_ADDRESS, Reach.RETURNED, Reach.FAILED, Reach.UNSURE)


@admin.register(AskingErrand)
class AskingAdmin(ActingAdmin):
    """Who is asked anew for what they allowed, and why."""

    menu_group = "Consent"
    menu_icon = "contact_support"
    empty = "Nobody was asked anew yet: before a permission ends, people are, and by campaigns."
    readonly_fields: ClassVar[Any] = ()
    list_display = ("asked_on", "whose", "why", "how", "letters", "answer", "question")
    list_filter = (UnreachedFilter, CampaignFilter, "cause", ReachFilter, SaidFilter)
    ordering = ("-grant__opened_at", "pk")
    sortable_by = ("asked_on",)
    fields = (("whose", "why"), ("how", "letters"), ("answer", "question"), "asked_on")
    row_acts = (
        Act(
            "returned",
            "The letter came back",
            "undo",
            PERMISSION,
            "Records that the letter did not arrive. No further one is sent there; the question "
            "stays open, and the person is in the list of those whom no letter reaches.",
            _returned,
            is_open=_open_and(Reach.WRITTEN, Reach.UNSURE),
        ),
        Act(
            "written",
            "They were asked by hand",
            "mail",
            PERMISSION,
            "Records that somebody asked the person by post, by telephone or in person. From then "
            "on their silence counts as that of everybody else.",
            _written,
            is_open=_open_and(*_BY_HAND),
        ),
        Act(
            "again",
            "Write again",
            "forward_to_inbox",
            PERMISSION,
            "Sends the letter anew, such as to an address that was put right.",
            _again,
            is_open=_open_and(*_BY_HAND),
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        rows = super().get_queryset(request).told()
        return rows.select_related("grant__subject", "grant__notice", "lead")

    def describe(self, request: HttpRequest, row: AskingErrand) -> dict[str, Any]:
        return {
            **super().describe(request, row),
            "title": f"Question to {row.grant.subject.handle}",
        }

    @admin.display(description="asked on", ordering="grant__opened_at")
    def asked_on(self, row: AskingErrand) -> str:
        return date_format(row.grant.opened_at, "DATETIME_FORMAT")

    @admin.display(description="person")
    def whose(self, row: AskingErrand) -> SafeString:
        return subject_link(row.grant.subject)

    @admin.display(description="why")
    def why(self, row: AskingErrand) -> str:
        return Cause(row.cause).words

    @display(description="letter", label=REACHES)
    def how(self, row: Any) -> str:
        return Reach(row.reached).words

    @admin.display(description="letters sent")
    def letters(self, row: AskingErrand) -> int:
        return (row.lead or row).sent

    @display(description="answer", label=TONES)
    def answer(self, row: Any) -> str:
        if row.grant.state == GrantState.DEFERRED:
            return Said.NOTHING.words
        return Said(row.said).words

    @admin.display(description="question")
    def question(self, row: AskingErrand) -> SafeString:
        url = reverse("admin:consent_grant_change", args=[row.grant_id])
        return format_html('<a class="mu-link" href="{}">{}</a>', url, row.grant.notice)
