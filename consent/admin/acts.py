"""Acts: what a person may do to a row, each on a page of its own that says what it means.

Nothing is changed by GET, and nothing by Django's own add and change forms: an act's page shows
its form, and its POST calls the service that the API calls.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from consent.errors import ConsentError
from consent.lineage import EDGES
from consent.models import Account
from ledger.admin import RecordedAdmin
from ledger.errors import ScopeGone


@dataclass(frozen=True)
class Outcome:
    """What to say when an act is done: a sentence, where to go, and what is shown only once.

    What must not stand in an address is shown at once, by the template ``page``.
    """

    message: str
    row: Model | None = None
    shown_once: tuple[tuple[str, str], ...] = ()
    page: str = ""
    shown: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Act:
    """One thing a person may do: ``run(actor, row, values)`` calls a service.

    ``form(row)`` gives its form, ``form_for(actor, row)`` one that depends on what was opened for
    ``actor``, on the record; ``shown(actor, row)`` what stands in it when it is shown first, which
    is not asked when it is sent. ``about`` says what will happen; ``is_open`` whether the row is in
    a state for it. Without a row (an act of the list) ``row`` is None.
    """

    name: str
    label: str
    icon: str
    permission: str
    about: str
    run: Callable[[Account, Any, dict[str, Any]], Outcome]
    form: Callable[[Any], type[forms.Form]] = lambda _: forms.Form
    is_open: Callable[[Any], bool] = lambda _: True
    form_for: Callable[[Account, Any], type[forms.Form]] | None = None
    shown: Callable[[Account, Any], dict[str, Any]] = lambda _actor, _row: {}

    def form_of(self, actor: Account, row: Any) -> type[forms.Form]:
        """Return the form for ``actor``. Raises what a service refuses to open."""
        return self.form_for(actor, row) if self.form_for else self.form(row)


def in_state(*states: str) -> Callable[[Any], bool]:
    """Return whether a row is in one of ``states``, to be asked of each."""
    return lambda row: row.state in states


class ActingAdmin(RecordedAdmin):
    """Screens of recorded rows with buttons for what the person asking may do."""

    row_acts: ClassVar[Sequence[Act]] = ()
    list_acts: ClassVar[Sequence[Act]] = ()
    # What a service may refuse with, to be said on the act's page.
    refusals: ClassVar[tuple[type[Exception], ...]] = (ConsentError, ScopeGone)
    change_form_outer_before_template = "consent/admin/acts.html"
    list_before_template = "consent/admin/acts.html"

    def get_urls(self) -> list[URLPattern]:
        stem = f"{self.opts.app_label}_{self.opts.model_name}"
        view = self.admin_site.admin_view(self.act_view)
        return [
            path("do/<slug:name>/", view, name=f"{stem}_list_act"),
            path("<uuid:pk>/do/<slug:name>/", view, name=f"{stem}_act"),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        shown = {"acts": list(self._offer(request, None)), **(extra_context or {})}
        return super().changelist_view(request, shown)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row = kwargs["obj"]
        context |= {
            "acts": list(self._offer(request, row)),
            "came_of_it": _lineage_url(request, row),
            **self.describe(request, row),
        }
        return super().render_change_form(request, context, *args, **kwargs)

    def describe(self, request: HttpRequest, row: Any) -> dict[str, Any]:  # noqa: ARG002
        """Return what a row's page shows beside its fields."""
        return {"title": str(row), "subtitle": None}

    def act_view(self, request: HttpRequest, name: str, pk: UUID | None = None) -> HttpResponse:
        """Show an act's page, or carry the act out."""
        row = self._row(request, pk)
        act = self._act(request, name, row)
        is_sent = request.method == "POST"
        try:
            form_class = act.form_of(_actor(request), row)
            shown = {} if is_sent else act.shown(_actor(request), row)
        except self.refusals as error:
            messages.error(request, _sentence(error))
            return HttpResponseRedirect(row_url(row) if row else self._list_url())
        form = form_class(request.POST or None, request.FILES or None, initial=shown)
        # An empty form is valid with an empty POST too, and bound by it alone.
        form.is_bound = is_sent
        if form.is_bound and form.is_valid():
            try:
                return self._done(request, act, act.run(_actor(request), row, form.cleaned_data))
            except self.refusals as error:
                form.add_error(None, _sentence(error))
        return self._page(request, "consent/admin/act.html", act, row, form=form)

    def _offer(self, request: HttpRequest, row: Model | None) -> Iterator[tuple[Act, str]]:
        """Yield each act that is open to the person asking, with its address."""
        for act in self.row_acts if row else self.list_acts:
            if self._may(request, act, row) and act.is_open(row):
                yield act, self._url(act, row)

    def _act(self, request: HttpRequest, name: str, row: Model | None) -> Act:
        acts = {act.name: act for act in (self.row_acts if row else self.list_acts)}
        if name not in acts:
            raise Http404("there is no such act")
        if not self._may(request, acts[name], row):
            raise PermissionDenied
        return acts[name]

    def _may(self, request: HttpRequest, act: Act, row: Model | None) -> bool:
        account = _actor(request)
        if row is None:
            return account.has_perm_anywhere(act.permission)
        return account.has_perm(act.permission, row)

    def _row(self, request: HttpRequest, pk: UUID | None) -> Any:
        if pk is None:
            if not self.has_view_permission(request):
                raise PermissionDenied
            return None
        row = self.get_object(request, str(pk))
        if row is None:
            raise Http404("there is no such row")
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        return row

    def _url(self, act: Act, row: Model | None) -> str:
        stem = f"admin:{self.opts.app_label}_{self.opts.model_name}"
        if row is None:
            return reverse(f"{stem}_list_act", args=[act.name])
        return reverse(f"{stem}_act", args=[row.pk, act.name])

    def _done(self, request: HttpRequest, act: Act, outcome: Outcome) -> HttpResponse:
        if outcome.shown_once:
            # Not by redirect: what is shown once is stored nowhere.
            return self._page(
                request, "consent/admin/shown_once.html", act, outcome.row, outcome=outcome
            )
        if outcome.page:
            return self._page(request, outcome.page, act, row=None, outcome=outcome)
        messages.success(request, outcome.message)
        return HttpResponseRedirect(row_url(outcome.row) if outcome.row else self._list_url())

    def _list_url(self) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def _page(
        self, request: HttpRequest, template: str, act: Act, row: Model | None, **more: Any
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": act.label,
            "subtitle": str(row) if row else None,
            "opts": self.opts,
            "act": act,
            "row": row,
            "back": row_url(row) if row else self._list_url(),
            **more,
        }
        return TemplateResponse(request, template, context)


def _sentence(error: Exception) -> str:
    return f"{str(error)[:1].upper()}{str(error)[1:]}."


def _lineage_url(request: HttpRequest, row: Model) -> str:
    """Return the page that shows what came of ``row``; empty where that is nobody's to ask."""
    kinds = {kind.table: kind.name for kind in EDGES.kinds.values()}
    name = kinds.get(row._meta.db_table)
    if name is None or not _actor(request).has_perm("consent.view_lineage"):
        return ""
    return reverse("admin:consent_lineage", args=[name, row.pk])


def row_url(row: Model) -> str:
    """Return the page of a row."""
    meta = row._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk])


def may_view(request: HttpRequest, permission: str, obj: Any) -> bool:
    """Return whether the person asking may see ``obj``, or any such row at all."""
    account = _actor(request)
    if obj is None:
        return account.has_perm_anywhere(permission)
    return account.has_perm(permission, obj)


def _actor(request: HttpRequest) -> Account:
    assert isinstance(request.user, Account)
    return request.user
