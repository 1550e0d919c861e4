"""Runs: what was asked for, what was answered, what came of it."""

from typing import Any

import orjson
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from generation import services
from generation.admin.screens import (
    GENERATION,
    STATE_COLOURS,
    ProjectScreen,
    account_of,
    handle,
    link_to,
    links_to,
    reasons,
    state_words,
)
from generation.models import Run
from generation.services.viewing import PERMISSION
from ledger.admin import record_link

# Asked for in the address: opening is recorded, so that it never happens by a mere look.
SHOW = "show"


@admin.register(Run)
class RunAdmin(ProjectScreen):
    """Runs, newest first. Prompt and parameters open on request, on the record."""

    menu_group = GENERATION
    menu_icon = "play_circle"
    empty = "Generators record runs over the API."
    list_display = (
        handle,
        "standing",
        "project",
        "model",
        reasons,
        "image_count",
        "requested_at",
        record_link,
    )
    list_filter = ("state", "project", "model")
    list_select_related = ("project", "model")
    ordering = ("-requested_at", "pk")
    sortable_by = ("requested_at",)
    fields = (
        ("standing", "why_failed"),
        ("project", "model"),
        ("policy_link", "depicted"),
        reasons,
        ("requested_at", "authorised_until", "ended_at"),
        ("instance", "sequence"),
        record_link,
    )
    change_form_outer_after_template = "generation/admin/run.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        runs: QuerySet[Run] = super().get_queryset(request)
        return runs.prefetch_related("outputs")

    def describe(self, request: HttpRequest, row: Run) -> dict[str, Any]:
        account = account_of(request)
        may_open, asked = account.has_perm(PERMISSION, row), SHOW in request.GET
        opened = services.see_run(actor=account, run_id=row.pk) if may_open and asked else {}
        return {
            **super().describe(request, row),
            "may_open": may_open,
            "opened": _as_text(opened),
            "asked": asked,
            "outputs": row.outputs.order_by("place"),
            "cases": row.cases.order_by("opened_at"),
        }

    @display(description="state", label=STATE_COLOURS)
    def standing(self, run: Run) -> str:
        return state_words(run)

    @admin.display(description="images")
    def image_count(self, run: Run) -> int:
        return len(run.outputs.all())

    @admin.display(description="failed for", empty_value="—")
    def why_failed(self, run: Run) -> str | None:
        return run.failure and str(run.failure).replace("_", " ")

    @admin.display(description="policy")
    def policy_link(self, run: Run) -> str | SafeString:
        return link_to(run.policy)

    @admin.display(description="depicts")
    def depicted(self, run: Run) -> str | SafeString:
        return links_to(each.subject for each in run.depictions.select_related("subject"))


def _as_text(opened: Any) -> dict[str, str]:
    """Return opened columns as text for the page, JSON set out in lines."""
    return {
        column: content.decode()
        if column == "prompt"
        else orjson.dumps(orjson.loads(content), option=orjson.OPT_INDENT_2).decode()
        for column, content in opened.items()
    }
