"""Notices, and the answers that people gave to them."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from consent import lineage, services
from consent.admin.acts import Act, ActingAdmin, Outcome
from consent.admin.forms import NoticeForm, withdrawal_form
from consent.models import Account, Grant, GrantState, Notice
from consent.uses import Assurance, Medium, Method, Mode, Remedy, Theme, Use, Worded
from ledger.admin import record_link

GROUP = "Consent"
STATE_COLOURS = {
    "Given": "success",
    "Withdrawn": "danger",
    "Superseded": "info",
    "Expired": "warning",
}
# What a withdrawal must be thought through for.
MADE = ("version", "model", "run", "output")


def _publish(actor: Account, _row: None, said: dict[str, Any]) -> Outcome:
    notice = services.publish_notice(actor=actor, **said)
    return Outcome(f"Published as version {notice.version}.", notice)


@admin.register(Notice)
class NoticeAdmin(ActingAdmin):
    """The texts that people answer to."""

    menu_group = GROUP
    menu_icon = "article"
    list_display = ("title", "code", "version", "language", "published_at", record_link)
    list_filter = ("language", "code")
    fields = (
        "title",
        ("code", "version", "language"),
        "text",
        "published_at",
        "digest_hex",
        record_link,
    )
    ordering = ("code", "-version", "language")
    list_acts = (
        Act(
            "publish",
            "Publish a notice",
            "publish",
            "consent.publish_notice",
            "The text is fixed once it is published, and its digest stands in the log. A notice "
            "of the same code and language becomes its next version.",
            _publish,
            lambda _: NoticeForm,
        ),
    )

    @admin.display(description="SHA-256")
    def digest_hex(self, notice: Notice) -> SafeString:
        return format_html('<code class="mu-code">{}</code>', notice.digest.hex())


def _withdraw(actor: Account, grant: Grant, said: dict[str, Any]) -> Outcome:
    left = services.withdraw(
        actor=actor,
        grant_id=grant.pk,
        uses=[Use(use) for use in said["uses"]],
        method=Method(said["method"]),
    )
    if left.pk == grant.pk:
        return Outcome("Withdrawn. It counts from now on; see what was made before.", grant)
    return Outcome("Those uses are withdrawn; this answer keeps the rest.", left)


@admin.register(Grant)
class GrantAdmin(ActingAdmin):
    """Answers: what each person allows and refuses."""

    menu_group = GROUP
    menu_icon = "task_alt"
    list_display = ("given_at", "whose", "notice", "allowed", "denied", "standing", record_link)
    list_filter = ("state", "mode", "assurance")
    list_select_related = ("subject", "notice")
    fields = (
        ("whose", "notice"),
        ("standing", "shape"),
        "allowed",
        "denied",
        "shown_in",
        "countries",
        "ruled_out",
        ("tied_by", "came_by"),
        "promised",
        ("valid_from", "valid_until"),
        ("given_at", "ended_at"),
        "replaces",
        record_link,
    )
    ordering = ("-given_at", "pk")
    sortable_by = ("given_at",)
    change_form_outer_after_template = "consent/admin/grant.html"
    row_acts = (
        Act(
            "withdraw",
            "Withdraw",
            "undo",
            "consent.withdraw_grant",
            "Takes the answer back, or some of its uses. It counts from the next decision on; "
            "what was made before is listed on the answer's page.",
            _withdraw,
            withdrawal_form,
            lambda grant: grant.state == GrantState.GIVEN,
        ),
    )

    def describe(self, request: HttpRequest, row: Grant) -> dict[str, Any]:
        made = lineage.by_kind(lineage.find_impact(lineage.Node("grant", row.pk)))
        return {
            **super().describe(request, row),
            "title": f"Permission of {row.subject.handle}",
            "impact": {kind: len(made[kind]) for kind in MADE if kind in made},
        }

    @admin.display(description="person", ordering="subject__handle")
    def whose(self, grant: Grant) -> SafeString:
        url = reverse("admin:consent_subject_change", args=[grant.subject_id])
        return format_html('<a class="mu-link" href="{}">{}</a>', url, grant.subject.handle)

    @display(description="state", label=STATE_COLOURS)
    def standing(self, grant: Grant) -> str:
        return grant.get_state_display()

    @admin.display(description="shape")
    def shape(self, grant: Grant) -> str:
        return Mode(grant.mode).words

    @admin.display(description="allows")
    def allowed(self, grant: Grant) -> str:
        return _words(Use, grant.uses)

    @admin.display(description="refuses")
    def denied(self, grant: Grant) -> str:
        return _words(Use, grant.refused)

    @admin.display(description="may be shown in")
    def shown_in(self, grant: Grant) -> str:
        return _words(Medium, grant.media)

    @admin.display(description="countries")
    def countries(self, grant: Grant) -> str:
        return ", ".join(grant.territories) or "none"

    @admin.display(description="never in pictures that are")
    def ruled_out(self, grant: Grant) -> str:
        return _words(Theme, grant.barred_themes)

    @admin.display(description="tied to the likeness by")
    def tied_by(self, grant: Grant) -> str:
        return Assurance(grant.assurance).words

    @admin.display(description="came by")
    def came_by(self, grant: Grant) -> str:
        return Method(grant.method).words

    @admin.display(description="promised should it be withdrawn")
    def promised(self, grant: Grant) -> str:
        return Remedy(grant.remedy).words

    @admin.display(description="replaces", empty_value="none")
    def replaces(self, grant: Grant) -> SafeString | None:
        if grant.supersedes_id is None:
            return None
        url = reverse("admin:consent_grant_change", args=[grant.supersedes_id])
        return format_html('<a class="mu-link" href="{}">the answer before</a>', url)


def _words(kind: type[Worded], codes: Iterable[str]) -> str:
    return ", ".join(kind(code).words for code in codes) or "nothing"
