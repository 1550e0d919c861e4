"""Images: hidden until somebody asks to see one, blurred until they ask again."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display

from consent.pictures import data_url, thumbnail
from generation import services
from generation.admin.runs import SHOW
from generation.admin.screens import (
    GENERATION,
    STATE_COLOURS,
    ProjectScreen,
    account_of,
    handle,
    link_to,
    reasons,
    state_words,
)
from generation.models import Output
from generation.services.viewing import PERMISSION
from ledger.admin import record_link

SIDE = 640


@admin.register(Output)
class OutputAdmin(ProjectScreen):
    """Images, newest first."""

    menu_group = GENERATION
    menu_icon = "image"
    empty = "Generators record what they make over the API."
    project_path = "run__project"
    list_display = (handle, "standing", "run_link", "size", reasons, "received_at", record_link)
    list_filter = ("state", "run__project")
    list_select_related = ("run__project",)
    ordering = ("-received_at", "place", "pk")
    sortable_by = ("received_at",)
    fields = (
        ("standing", "run_link"),
        ("size", "place"),
        reasons,
        "screened_by",
        ("received_at", "released_at"),
        record_link,
    )
    change_form_outer_after_template = "generation/admin/output.html"

    def describe(self, request: HttpRequest, row: Output) -> dict[str, Any]:
        return {
            **super().describe(request, row),
            **picture_of(request, row),
            "cases": row.cases.order_by("opened_at"),
        }

    @display(description="state", label=STATE_COLOURS)
    def standing(self, output: Output) -> str:
        return state_words(output)

    @admin.display(description="run")
    def run_link(self, output: Output) -> str | SafeString:
        return link_to(output.run)

    @admin.display(description="size")
    def size(self, output: Output) -> str:
        return f"{output.width} × {output.height}"

    @admin.display(description="screened by")
    def screened_by(self, output: Output) -> str | SafeString:
        return link_to(output.policy)


def picture_of(request: HttpRequest, output: Output) -> dict[str, Any]:
    """Return what a page needs to show an image: open it only where that is asked for."""
    account = account_of(request)
    may_open = account.has_perm(PERMISSION, output)
    asked = SHOW in request.GET
    content = None
    if may_open and asked:
        content = services.see_image(actor=account, output_id=output.pk)
    return {
        "output": output,
        "may_open": may_open,
        "asked": asked,
        "picture": data_url(thumbnail(content, SIDE)) if content else None,
    }
