"""The queue of what waits for a person, and what people decided."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget

from consent.admin.acts import Act, Outcome
from consent.models import Account
from generation import services, tasks
from generation.admin.outputs import picture_of
from generation.admin.runs import SHOW
from generation.admin.screens import (
    MODERATION,
    STATE_COLOURS,
    ProjectScreen,
    account_of,
    handle,
    link_to,
    reasons,
    state_words,
)
from generation.models import Case, Decision
from generation.services.cases import MAX_NOTE_CHARS
from generation.services.viewing import PERMISSION
from generation.states import REASONS_FOR, CaseOutcome, CaseState, DecisionReason
from ledger.admin import record_link

SEVERITY_WORDS = {0: "slight", 2: "moderate", 4: "serious", 6: "grave"}
SEVERITY_COLOURS = {"slight": "info", "moderate": "info", "serious": "warning", "grave": "danger"}
VERBS = ((CaseOutcome.APPROVED, "Approve"), (CaseOutcome.REFUSED, "Refuse"))


def _claim(actor: Account, case: Case, _said: dict[str, Any]) -> Outcome:
    services.claim_case(actor=actor, case_id=case.pk)
    return Outcome("It is yours for 15 minutes.", case)


class DecisionForm(forms.Form):
    """What a person decides: outcome and reason together, since they must fit."""

    answer = forms.ChoiceField(
        label="Decision",
        choices=[
            (f"{outcome.value}:{reason.value}", f"{verb}: {reason.value.replace('_', ' ')}")
            for outcome, verb in (
                (CaseOutcome.APPROVED, "Approve"),
                (CaseOutcome.REFUSED, "Refuse"),
            )
            for reason in DecisionReason
            if reason in REASONS_FOR[outcome]
        ],
        widget=UnfoldAdminSelectWidget(),
    )
    note = forms.CharField(
        label="Note",
        required=False,
        max_length=MAX_NOTE_CHARS,
        widget=UnfoldAdminTextareaWidget(),
        help_text="Sealed with the run. Who reads it is recorded.",
    )


def _decide(actor: Account, case: Case, said: dict[str, Any]) -> Outcome:
    outcome, reason = said["answer"].split(":")
    decision = services.decide_case(
        actor=actor,
        case_id=case.pk,
        outcome=CaseOutcome(outcome),
        reason=DecisionReason(reason),
        note=said["note"],
    )
    if case.output_id is not None:
        tasks.announce(case.output_id)
    return Outcome(f"Decided: {decision}.", case)


def _is_open(case: Case) -> bool:
    return case.state == CaseState.OPEN


def _is_leased(case: Case) -> bool:
    return _is_open(case) and case.leased_until is not None and case.leased_until > timezone.now()


@admin.register(Case)
class CaseAdmin(ProjectScreen):
    """Open cases first, by severity × age. One person takes one, looks, and decides."""

    menu_group = MODERATION
    menu_icon = "gavel"
    empty = "A case opens by itself when a picture is held for a person to decide."
    list_display = (
        handle,
        "standing",
        "gravity",
        "about",
        reasons,
        "opened_at",
        "with_whom",
        record_link,
    )
    list_filter = ("state", "severity")
    list_select_related = ("run__project", "output__run__project", "leased_to")
    sortable_by = ()
    fields = (
        ("standing", "gravity"),
        ("about", "policy_link"),
        reasons,
        ("opened_at", "with_whom"),
        record_link,
    )
    change_form_outer_after_template = "generation/admin/case.html"
    row_acts = (
        Act(
            "claim",
            "Take this case",
            "front_hand",
            PERMISSION,
            "Nobody else can decide it for the next 15 minutes. That you took it is recorded.",
            _claim,
            is_open=_is_open,
        ),
        Act(
            "decide",
            "Decide",
            "gavel",
            PERMISSION,
            "Your decision is recorded with the digest of the policy in force. An approved run "
            "may start if consent still allows it; an approved image gets its marks and leaves.",
            _decide,
            lambda _: DecisionForm,
            _is_leased,
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Case]:
        projects = account_of(request).projects_with(self.permission())
        return Case.objects.weighed().of_projects(projects)

    def get_ordering(self, request: HttpRequest) -> Any:  # noqa: ARG002
        return (F("state").desc(), "-weight", "pk")  # "open" comes behind "decided"

    def describe(self, request: HttpRequest, row: Case) -> dict[str, Any]:
        account = account_of(request)
        shown: dict[str, Any] = {"may_open": account.has_perm(PERMISSION, row)}
        if row.output is not None:
            shown |= picture_of(request, row.output)
        elif shown["may_open"] and SHOW in request.GET:
            opened = services.see_run(actor=account, run_id=row.concerned_run.pk)
            shown["prompt"] = opened.get("prompt", b"").decode()
        decision = Decision.objects.filter(case=row).first()
        return {
            **super().describe(request, row),
            **shown,
            "asked": SHOW in request.GET,
            "run": row.concerned_run,
            "decision": decision,
        }

    @display(description="state", label=STATE_COLOURS)
    def standing(self, case: Case) -> str:
        return state_words(case)

    @display(description="severity", label=SEVERITY_COLOURS)
    def gravity(self, case: Case) -> str:
        return SEVERITY_WORDS[case.severity]

    @admin.display(description="about")
    def about(self, case: Case) -> str | SafeString:
        return link_to(case.output or case.run)

    @admin.display(description="policy")
    def policy_link(self, case: Case) -> str | SafeString:
        return link_to(case.policy)

    @admin.display(description="with", empty_value="nobody")
    def with_whom(self, case: Case) -> str | None:
        return str(case.leased_to) if _is_leased(case) else None


@admin.register(Decision)
class DecisionAdmin(ProjectScreen):
    """Decisions, newest first; each names the policy in force when it was made."""

    menu_group = MODERATION
    menu_icon = "task"
    list_display = (
        "decided_at",
        "standing",
        "because",
        "case_link",
        "policy_link",
        record_link,
    )
    list_filter = ("outcome", "reason")
    list_select_related = ("case", "policy")
    ordering = ("-decided_at", "pk")
    sortable_by = ("decided_at",)
    fields = (
        ("standing", "because"),
        ("case_link", "policy_link"),
        ("decided_at", "decider"),
        record_link,
    )
    change_form_outer_after_template = "generation/admin/decision.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Decision]:
        projects = account_of(request).projects_with(self.permission())
        return Decision.objects.filter(case__in=Case.objects.of_projects(projects)).order_by()

    def describe(self, request: HttpRequest, row: Decision) -> dict[str, Any]:
        account = account_of(request)
        may_open = account.has_perm(PERMISSION, row)
        asked = may_open and SHOW in request.GET
        return {
            **super().describe(request, row),
            "may_open": may_open and row.note is not None,
            "asked": asked,
            "note": services.see_note(actor=account, decision_id=row.pk) if asked else "",
        }

    @display(description="outcome", label=STATE_COLOURS)
    def standing(self, decision: Decision) -> str:
        return str(decision.get_outcome_display()).capitalize()

    @admin.display(description="because")
    def because(self, decision: Decision) -> str:
        return str(decision.get_reason_display())

    @admin.display(description="case")
    def case_link(self, decision: Decision) -> str | SafeString:
        return link_to(decision.case)

    @admin.display(description="policy")
    def policy_link(self, decision: Decision) -> str | SafeString:
        return link_to(decision.policy)
