"""Impact cases, and what came of anything, as a graph and a table."""

from datetime import UTC, datetime, time
from functools import partial
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSingleDateWidget, UnfoldAdminTextareaWidget

from consent import lineage, services
from consent.admin.acts import Act, ActingAdmin, Outcome
from consent.admin.forms import one_of
from consent.admin.lineage import SVG, inline, node_url, show_node
from consent.impact_report import (
    draw_case,
    find_case_impact,
    report_case,
)
from consent.lineage import Impact, Node
from consent.lineage.drawing import Shape
from consent.models import (
    Account,
    AccountState,
    ImpactCase,
    ImpactDecision,
    ImpactState,
    LineState,
)
from consent.moment import database_now
from consent.services.impact import MAX_TEXT_CHARS
from consent.uses import ImpactCause, Measure, Method
from ledger.admin import record_link
from ledger.record_kinds import DisclosureReason
from ledger.services import Disclosure, disclose

# What a case counts, one of each.
_PARTS = ("item", "version", "model", "run", "output", "recipient")
STATE_COLOURS = {"Open": "warning", "Assessed": "warning", "Decided": "info", "Done": "success"}
TONES = {"open": "warning", "decided": "info", "done": "success"}


def line_field(case: ImpactCase, states: set[LineState]) -> forms.ChoiceField:
    """Return a field for one line of a case in one of ``states``."""
    lines = list(case.lines.filter(state__in=states))
    labels = lineage.name_nodes([Node(line.kind, line.node) for line in lines])
    named = [
        (str(line.pk), f"{line.kind} {labels.get(Node(line.kind, line.node), line.node)}")
        for line in lines
    ]
    return one_of(named, "Which")


def long_text(label: str, help_text: str) -> forms.CharField:
    """Return a field for a text that will be sealed."""
    widget = UnfoldAdminTextareaWidget(attrs={"rows": 4})
    return forms.CharField(
        label=label, max_length=MAX_TEXT_CHARS, widget=widget, help_text=help_text
    )


def decide_form(case: ImpactCase) -> type[forms.Form]:
    """Return the form that asks what becomes of one line."""

    class Form(forms.Form):
        line = line_field(case, {LineState.OPEN, LineState.DECIDED})
        decision = one_of(Measure, "What is done")
        reason = long_text("Why", "Sealed. Never a person's name.")

    return Form


def assign_form(case: ImpactCase) -> type[forms.Form]:
    """Return the form that asks who sees to one line, and until when."""
    people = Account.objects.filter(state=AccountState.ACTIVE)
    able = [one for one in people if one.has_perm("consent.decide_impact")]

    class Form(forms.Form):
        line = line_field(case, {LineState.OPEN, LineState.DECIDED})
        owner = one_of([(str(one.pk), str(one)) for one in able], "Who sees to it")
        due = forms.DateField(label="Due by the end of", widget=UnfoldAdminSingleDateWidget())

    return Form


def complete_form(case: ImpactCase) -> type[forms.Form]:
    """Return the form that asks what shows that a line is done."""

    ways = [("", "nobody is told"), *Method.choices()]

    class Form(forms.Form):
        line = line_field(case, {LineState.DECIDED})
        channel = one_of(ways, "How the recipient was told", required=False)
        evidence = long_text("What shows that it is done", "Sealed. Never a person's name.")

    return Form


def _decide(actor: Account, case: ImpactCase, said: dict[str, Any]) -> Outcome:
    measure = Measure(said["decision"])
    services.decide_impact(
        actor=actor, line_id=UUID(said["line"]), decision=measure, reason=said["reason"]
    )
    return Outcome(f"Decided: {measure.words}.", case)


def _assign(actor: Account, case: ImpactCase, said: dict[str, Any]) -> Outcome:
    services.assign_impact(
        actor=actor,
        line_id=UUID(said["line"]),
        owner_id=UUID(said["owner"]),
        due_at=datetime.combine(said["due"], time(23, 59, 59), UTC),
    )
    return Outcome("Recorded.", case)


def _complete(actor: Account, case: ImpactCase, said: dict[str, Any]) -> Outcome:
    services.complete_impact(
        actor=actor,
        line_id=UUID(said["line"]),
        evidence=said["evidence"],
        channel=Method(said["channel"]) if said["channel"] else None,
    )
    return Outcome("Recorded as done.", case)


def _close(actor: Account, case: ImpactCase, _said: dict[str, Any]) -> Outcome:
    services.close_impact(actor=actor, case_id=case.pk)
    return Outcome("Closed: nothing that was made or given is concerned.", case)


def _has_lines(case: ImpactCase, *states: LineState) -> bool:
    return case.lines.filter(state__in=states).exists()


ACTS = (
    Act(
        "decide",
        "Decide",
        "gavel",
        "consent.decide_impact",
        "Says what becomes of one version or model, or that a recipient is told. No further use "
        "counts at once: no run of the model and no training on the version is authorised any "
        "more. Until it is done, it may be decided anew.",
        _decide,
        decide_form,
        lambda case: _has_lines(case, LineState.OPEN, LineState.DECIDED),
    ),
    Act(
        "assign",
        "Assign",
        "person_add",
        "consent.decide_impact",
        "Says who sees to one version, model or recipient, and until when.",
        _assign,
        assign_form,
        lambda case: _has_lines(case, LineState.OPEN, LineState.DECIDED),
    ),
    Act(
        "complete",
        "Record as done",
        "task_alt",
        "consent.decide_impact",
        "Records that what was decided is done, and what shows it. It cannot be changed "
        "afterwards. The case is done when all its lines are.",
        _complete,
        complete_form,
        lambda case: _has_lines(case, LineState.DECIDED),
    ),
    Act(
        "close",
        "Close",
        "done_all",
        "consent.decide_impact",
        "Closes a case that concerns no version, no model and no recipient.",
        _close,
        is_open=lambda case: case.state == ImpactState.ASSESSED and not case.lines.exists(),
    ),
)


class OverdueFilter(admin.SimpleListFilter):
    """Cases whose day is past and that are not done."""

    title = "due date"
    parameter_name = "overdue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        return [("1", "overdue")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:  # noqa: ARG002
        late = ImpactCase.objects.overdue(database_now())
        return queryset.filter(pk__in=late) if self.value() == "1" else queryset


@admin.register(ImpactCase)
class ImpactCaseAdmin(ActingAdmin):
    """What was made of people before their answers ended, the most urgent first."""

    menu_group = "Consent"
    menu_icon = "account_tree"
    empty = "A case opens by itself when a permission ends."
    list_display = ("__str__", "why", "whose", "standing", "due_at", "found", record_link)
    list_filter = ("state", OverdueFilter, "cause")
    list_select_related = ("subject",)
    ordering = ("done_at", "due_at", "pk")
    fields = (
        ("why", "whose"),
        ("standing", "due_at"),
        ("opened_at", "assessed_at"),
        ("found", "done_at"),
        record_link,
    )
    row_acts = ACTS
    change_form_outer_after_template = "consent/admin/impact_case.html"

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path(
                "of/<slug:kind>/<uuid:pk>/", wrap(partial(show_node, self)), name="consent_lineage"
            ),
            path(
                "<uuid:pk>/report.<slug:form>", wrap(self.report_view), name="consent_impact_report"
            ),
            *super().get_urls(),
        ]

    def describe(self, request: HttpRequest, row: ImpactCase) -> dict[str, Any]:
        impact = find_case_impact(row)
        is_read = "reasons" in request.GET and request.user.has_perm("consent.decide_impact")
        opened = _open(request, row) if is_read else {}
        return {
            **super().describe(request, row),
            "lines": [
                _tell(line, impact, opened.get(line.pk, {}))
                for line in row.lines.select_related("owner")
            ],
            "pictures": [
                inline(draw_case(row, shape=shape, href=_drawn_url, is_file=False))
                for shape in Shape
            ],
            "is_late": row.state != ImpactState.DONE and row.due_at <= database_now(),
            "may_read": request.user.has_perm("consent.decide_impact"),
            "is_read": is_read,
            "forms": [_report_link(row, form) for form in ("json", "svg")],
            "lineage": node_url(impact.start) if row.subject else "",
        }

    def report_view(self, request: HttpRequest, pk: UUID, form: str) -> HttpResponse:
        """Hand out a case as a report, JSON or SVG."""
        case = self._row(request, pk)
        if form == "svg":
            response = HttpResponse(draw_case(case), content_type=SVG)
        elif form == "json":
            response = JsonResponse(report_case(case), json_dumps_params={"indent": 1})
        else:
            raise Http404("there is no such form")
        response["Content-Disposition"] = f'attachment; filename="impact-{pk}.{form}"'
        return response

    @admin.display(description="because of", ordering="cause")
    def why(self, case: ImpactCase) -> str:
        return ImpactCause(case.cause).words

    @admin.display(description="person", empty_value="erased")
    def whose(self, case: ImpactCase) -> SafeString | None:
        if case.subject is None:
            return None
        url = reverse("admin:consent_subject_change", args=[case.subject.pk])
        return format_html('<a class="mu-link" href="{}">{}</a>', url, case.subject.handle)

    @display(description="state", label=STATE_COLOURS)
    def standing(self, case: ImpactCase) -> str:
        return case.get_state_display()

    @admin.display(description="found")
    def found(self, case: ImpactCase) -> str:
        if case.assessed_at is None:
            return "a worker looks"
        found = ((one, getattr(case, f"found_{one}s")) for one in _PARTS)
        return ", ".join(f"{count:,} {one}{'' if count == 1 else 's'}" for one, count in found)


def _tell(line: ImpactDecision, impact: Impact, opened: dict[str, bytes]) -> dict[str, Any]:
    node = Node(line.kind, line.node)
    return {
        "line": line,
        "label": impact.labels.get(node, str(line.node)[:8]),
        "url": node_url(node),
        "tone": TONES[line.state],
        "decision": Measure(line.decision).words if line.decision else "",
        "told": Method(line.channel).words if line.channel else "",
        "is_late": line.state != LineState.DONE and line.due_at <= database_now(),
        "reason": opened.get("reason", b"").decode(),
        "evidence": opened.get("evidence", b"").decode(),
    }


def _open(request: HttpRequest, case: ImpactCase) -> Any:
    """Open the reasons and evidence of a case in one batch, on the record."""
    assert isinstance(request.user, Account)
    wanted = []
    for line in case.lines.select_related("case"):
        columns = tuple(name for name in ("reason", "evidence") if getattr(line, name))
        wanted += [Disclosure(line, columns)] if columns else []
    if not wanted:
        return {}
    reason = DisclosureReason.CASEWORK
    return disclose(reader=request.user.scope_id, reason=reason, wanted=wanted)


def _drawn_url(node: Node) -> str:
    """Return where a box of a case's picture leads: nowhere for a person who is erased."""
    return node_url(node) if node.id.int else ""


def _report_link(case: ImpactCase, form: str) -> tuple[str, str]:
    return form.upper(), reverse("admin:consent_impact_report", args=[case.pk, form])
