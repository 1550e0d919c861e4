"""Sealed columns on screens: closed until asked for, then opened in one batch, on the record."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from consent.admin.acts import ActingAdmin
from consent.models import Account
from ledger.record_kinds import DisclosureReason
from ledger.services import Disclosure, disclose
from ledger.services.disclose import Values

OPEN = "names"
SEALED = "sealed"


class NamesAdmin(ActingAdmin):
    """Screens whose rows have a sealed name and address; ``?names=1`` opens those of one page.

    Every opening is recorded before it is answered, with who read it and whose it was.
    """

    open_permission: ClassVar[str] = ""
    open_reason: ClassVar[DisclosureReason] = DisclosureReason.CASEWORK

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        wants_names = self._take(request)
        shown = {"names": self._state(request, wants_names), **(extra_context or {})}
        response: HttpResponse = super().changelist_view(request, shown)
        if wants_names and isinstance(response, TemplateResponse) and response.context_data:
            changelist = response.context_data.get("cl")
            if changelist is not None:
                changelist.result_list = list(changelist.result_list)
                self.open_names(request, changelist.result_list)
        return response

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        wants_names = self._take(request)
        if wants_names:
            self.open_names(request, [kwargs["obj"]])
        context["names"] = self._state(request, wants_names)
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return response

    @admin.display(description="name")
    def open_name(self, row: Any) -> str:
        return str(getattr(row, "opened", {}).get("name", SEALED))

    @admin.display(description="e-mail address")
    def open_email(self, row: Any) -> str:
        return str(getattr(row, "opened", {}).get("email", SEALED if row.email else "none"))

    def open_names(self, request: HttpRequest, rows: Sequence[Any]) -> None:
        """Open name and address of each row into ``row.opened``, on the record."""
        opened = self.disclose(request, [Disclosure(row, ("name", "email")) for row in rows])
        for row in rows:
            values = opened.get(row.pk, {})
            row.opened = {column: value.decode() for column, value in values.items()}

    def disclose(self, request: HttpRequest, wanted: Sequence[Disclosure]) -> Values:
        """Return sealed columns by row id, on the record of the person asking."""
        assert isinstance(request.user, Account)
        return disclose(reader=request.user.scope_id, reason=self.open_reason, wanted=wanted)

    def _take(self, request: HttpRequest) -> bool:
        """Take ``names`` out of the query, which Django would take for a filter."""
        query = request.GET.copy()
        wanted = bool(query.pop(OPEN, None))
        request.GET = query  # type: ignore[assignment]
        return wanted and self._may_open(request)

    def _state(self, request: HttpRequest, are_open: bool) -> dict[str, str] | None:  # noqa: FBT001
        if not self._may_open(request) or are_open:
            return None
        query = request.GET.copy()
        query[OPEN] = "1"
        return {"url": f"?{query.urlencode()}"}

    def _may_open(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(self.open_permission))
