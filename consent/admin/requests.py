"""Privacy requests, from receipt to closure: what to do next stands on top of each page."""

from datetime import date
from typing import Any
from uuid import UUID

from django.apps import apps
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from consent import services, tasks
from consent.admin.acts import Act, ActingAdmin, Outcome, in_state
from consent.admin.forms import EndForm, IdentityForm
from consent.kinds import CloseOutcome
from consent.models import (
    Account,
    Package,
    Paper,
    Plan,
    PlanState,
    PrivacyRequest,
    RequestState,
    Subject,
)
from consent.services import Sealed
from consent.services.requests import OPEN_TO_PLANNING
from consent.uses import Assurance, Method
from ledger.admin import record_link
from ledger.record_kinds import DisclosureReason

STATE_COLOURS = {
    "Received": "warning",
    "Planned": "warning",
    "Plan approved": "info",
    "Executing": "info",
    "Blocked": "danger",
    "Verifying": "info",
    "Closed fulfilled": "success",
    "Closed refused": "danger",
    "Closed withdrawn": "info",
}
PAPERS = {
    Paper.EXPORT: ("package.zip", "application/zip"),
    Paper.CERTIFICATE: ("certificate.json", "application/json"),
}


def _plan(actor: Account, request: PrivacyRequest, _said: dict[str, Any]) -> Outcome:
    plan = services.plan_request(actor=actor, request_id=request.pk)
    return Outcome(f"Planned in {plan.steps.count()} steps. An approver must approve it.", request)


def _approve(actor: Account, request: PrivacyRequest, _said: dict[str, Any]) -> Outcome:
    plan = request.plans.get(state=PlanState.PROPOSED)
    services.approve_plan(actor=actor, plan_id=plan.pk)
    return Outcome("Approved. An officer may carry it out now.", request)


def _execute(actor: Account, request: PrivacyRequest, _said: dict[str, Any]) -> Outcome:
    services.execute_plan(actor=actor, request_id=request.pk)
    tasks.announce(request.pk)
    return Outcome("The worker carries it out. Load this page again to see how far it is.", request)


def _fulfil(actor: Account, request: PrivacyRequest, _said: dict[str, Any]) -> Outcome:
    services.close_request(actor=actor, request_id=request.pk, outcome=CloseOutcome.FULFILLED)
    return Outcome("Closed as fulfilled.", request)


def _end(actor: Account, request: PrivacyRequest, said: dict[str, Any]) -> Outcome:
    services.close_request(
        actor=actor, request_id=request.pk, outcome=CloseOutcome(said["outcome"])
    )
    return Outcome("Closed.", request)


def _identify(actor: Account, request: PrivacyRequest, said: dict[str, Any]) -> Outcome:
    identity = Assurance(said["identity"])
    services.identify(actor=actor, request_id=request.pk, identity=identity)
    return Outcome("Recorded.", request)


def _extend(actor: Account, request: PrivacyRequest, _said: dict[str, Any]) -> Outcome:
    extended = services.extend(actor=actor, request_id=request.pk)
    until = day_in_words(extended.last_day)
    return Outcome(f"Extended to {until}. Write to the person today.", request)


ACTS = (
    Act(
        "plan",
        "Plan",
        "checklist",
        "consent.plan_request",
        "Finds everything that is held of the person and fixes what will be done. From the plan "
        "of an erasure on, nothing new may be made of them. An earlier plan is void.",
        _plan,
        is_open=in_state(*OPEN_TO_PLANNING),
    ),
    Act(
        "approve",
        "Approve the plan",
        "how_to_reg",
        "consent.approve_plan",
        "You stand for the plan beside its planner. An erasure cannot be undone.",
        _approve,
        is_open=in_state(RequestState.PLANNED),
    ),
    Act(
        "execute",
        "Carry out",
        "play_arrow",
        "consent.execute_plan",
        "Starts what was approved. If there is more to do by now than when it was planned, the "
        "plan is void instead.",
        _execute,
        is_open=in_state(RequestState.PLAN_APPROVED),
    ),
    Act(
        "fulfil",
        "Close as fulfilled",
        "task_alt",
        "consent.close_request",
        "Closes the request. Hand the package or the certificate to the person.",
        _fulfil,
        is_open=in_state(RequestState.VERIFYING),
    ),
    Act(
        "identify",
        "Record better identification",
        "fingerprint",
        "consent.open_request",
        "Records that the person asking was identified better than before.",
        _identify,
        lambda _: IdentityForm,
        in_state(RequestState.RECEIVED),
    ),
    Act(
        "extend",
        "Extend the deadline",
        "event",
        "consent.open_request",
        "Adds what the law allows, once. The person must be told, with reasons, before the first "
        "deadline has passed.",
        _extend,
        is_open=lambda request: request.state in OPEN_TO_PLANNING and not request.extended,
    ),
    Act(
        "end",
        "Close otherwise",
        "block",
        "consent.close_request",
        "Closes the request without carrying it out. A refusal needs reasons, and names the "
        "right to complain.",
        _end,
        lambda _: EndForm,
        in_state(*OPEN_TO_PLANNING),
    ),
)


@admin.register(PrivacyRequest)
class PrivacyRequestAdmin(ActingAdmin):
    """What people asked for, the most urgent first."""

    menu_group = "Consent"
    menu_icon = "contact_mail"
    empty = "A request is recorded on a person's page, or comes from the portal."
    list_display = ("due_by", "asked_for", "whose", "standing", "received_at", record_link)
    list_filter = ("state", "kind")
    list_select_related = ("subject",)
    fields = (
        ("asked_for", "whose"),
        ("standing", "due_by"),
        ("received_at", "came_by"),
        ("identified_by", "extended"),
        ("restricted_at", "closed_at"),
        "profile",
        record_link,
    )
    ordering = ("closed_at", "due_at", "pk")
    sortable_by = ("due_by", "received_at")
    row_acts = ACTS
    change_form_outer_after_template = "consent/admin/request.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.download)
        return [
            path("paper/<uuid:pk>/", view, name="consent_privacyrequest_paper"),
            *super().get_urls(),
        ]

    def describe(self, request: HttpRequest, row: PrivacyRequest) -> dict[str, Any]:
        plan = row.plans.exclude(state=PlanState.VOID).first()
        steps = list(plan.steps.all()) if plan else []
        may_download = request.user.has_perm("consent.download_package")
        return {
            **super().describe(request, row),
            "plan": plan,
            "plan_state": _plan_state(plan),
            "steps": [(step, holding_in_words(step.holding)) for step in steps],
            "done": sum(step.done_at is not None for step in steps),
            "papers": [(paper, _paper_url(paper)) for paper in row.packages.all()],
            "may_download": may_download,
            "is_late": not row.is_closed and row.due_at < timezone.now(),
        }

    def download(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Hand out a package or certificate; who fetched it, and when, is on the record first."""
        assert isinstance(request.user, Account)
        if not request.user.has_perm("consent.download_package"):
            raise PermissionDenied
        package = Package.objects.select_related("file").filter(pk=pk).first()
        if package is None:
            raise Http404("there is no such paper")
        seen = services.view_files(
            reader=request.user,
            permission="consent.download_package",
            reason=DisclosureReason.PRIVACY_REQUEST,
            wanted=[Sealed(package, "file")],
        )
        if package.pk not in seen:
            raise Http404("the paper was destroyed with the person's key")
        name, media_type = PAPERS[Paper(package.paper)]
        response = HttpResponse(seen[package.pk], content_type=media_type)
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    @admin.display(description="due by the end of", ordering="due_at")
    def due_by(self, request: PrivacyRequest) -> str:
        return day_in_words(request.last_day)

    @admin.display(description="asked for", ordering="kind")
    def asked_for(self, request: PrivacyRequest) -> str:
        return request.get_kind_display()

    @admin.display(description="person", empty_value="erased")
    def whose(self, request: PrivacyRequest) -> SafeString | None:
        return _subject_link(request.subject)

    @display(description="state", label=STATE_COLOURS)
    def standing(self, request: PrivacyRequest) -> str:
        return request.get_state_display()

    @admin.display(description="came by")
    def came_by(self, request: PrivacyRequest) -> str:
        return Method(request.channel).words

    @admin.display(description="identified by")
    def identified_by(self, request: PrivacyRequest) -> str:
        return Assurance(request.identity).words


def _subject_link(subject: Subject | None) -> SafeString | None:
    if subject is None:
        return None
    url = reverse("admin:consent_subject_change", args=[subject.pk])
    return format_html('<a class="mu-link" href="{}">{}</a>', url, subject.handle)


def day_in_words(day: date) -> str:
    """Write a day as people do: 21 December 2026."""
    return f"{day.day} {day:%B %Y}"


def holding_in_words(name: str) -> str:
    """Return what a step is about: the plural of the table's name, or the name as it is."""
    try:
        return str(apps.get_model(name)._meta.verbose_name_plural)
    except (LookupError, ValueError):
        return name


def _plan_state(plan: Plan | None) -> str:
    if plan is None:
        return ""
    return "approved by a second person" if plan.approved_by_id else "waits for an approver"


def _paper_url(package: Package) -> str:
    return reverse("admin:consent_privacyrequest_paper", args=[package.pk])
