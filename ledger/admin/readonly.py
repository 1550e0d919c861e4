"""The base of all screens that show and never change."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator


class ReadOnlyAdmin(ModelAdmin):
    """Shows rows and lets nobody add, change or delete them, whatever permissions they hold.

    Who may look is decided by ``has_perm("<app>.view_<model>")``. A page is asked for by GET and
    then runs in no transaction, so that ``disclose`` can commit its record before it answers.
    ``menu_group`` and ``menu_icon`` (a Material symbol) place the screen in the menu; ``empty``
    says, while there is no row, how one comes about.
    """

    menu_group: ClassVar[str] = ""
    menu_icon: ClassVar[str] = "description"
    empty: ClassVar[str] = ""
    actions = None
    list_per_page = 50
    # Counting a large table costs more than the page itself.
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = InfinitePaginator

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002
        return False

    def history_view(self, *_args: Any, **_kwargs: Any) -> HttpResponse:
        """Answer 404: the log is the history, and Django's own admin log stays empty."""
        raise Http404("records are the history of a row")
