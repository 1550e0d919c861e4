"""What all screens of generation share: whose rows are shown, and how codes and states look."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from consent.admin.acts import ActingAdmin, may_view
from consent.errors import ConsentError
from consent.models import Account
from generation.errors import GenerationError
from ledger.admin.links import NOTHING, short_id
from ledger.errors import LedgerError
from ledger.models import Recorded

MODERATION, GENERATION = "Moderation", "Generation"
STATE_COLOURS = {
    "Allowed": "info",
    "Completed": "success",
    "Released": "success",
    "Approved": "success",
    "Registered": "success",
    "Active": "success",
    "Held": "warning",
    "Open": "warning",
    "Received": "info",
    "Cleared": "info",
    "Marked": "info",
    "Refused": "danger",
    "Blocked": "danger",
    "Failed": "danger",
}


class ProjectScreen(ActingAdmin):
    """Rows of the projects in which the person asking holds the permission to view them."""

    refusals: ClassVar = (ConsentError, GenerationError, LedgerError)
    # How a row leads to its project.
    project_path: ClassVar[str] = "project"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_view(request, self.permission(), obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        projects = account_of(request).projects_with(self.permission())
        return rows.filter(**{f"{self.project_path}__in": projects})

    def permission(self) -> str:
        """Return the permission to view rows of this table."""
        return f"generation.view_{self.opts.model_name}"


def account_of(request: HttpRequest) -> Account:
    """Return who is signed in."""
    assert isinstance(request.user, Account)
    return request.user


def link_to(row: Recorded | None) -> str | SafeString:
    """Link to the page of a row."""
    if row is None:
        return NOTHING
    url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    return format_html('<a class="mu-link" href="{}">{}</a>', url, str(row))


def links_to(rows: Iterable[Recorded]) -> str | SafeString:
    """Link to the pages of several rows."""
    return format_html_join(", ", "{}", ((link_to(row),) for row in rows)) or NOTHING


def state_words(row: Any) -> str:
    """Return a row's state as a label shows it."""
    return str(row.get_state_display()).capitalize()


@admin.display(description="why")
def reasons(row: Any) -> str:
    """Return the codes of a row's reasons, readable."""
    return ", ".join(code.replace("_", " ") for code in row.codes) or NOTHING


@admin.display(description="id")
def handle(row: Recorded) -> str:
    """Return the first digits of a row's id."""
    return short_id(row.pk)


def digest_text(digest: bytes) -> SafeString:
    """Return a digest as the screens show it."""
    return format_html('<code class="mu-code">{}</code>', bytes(digest).hex())
