"""Reports: an officer orders one, the worker issues it, and whoever may takes the bundle away.

The screen stands here and not with the ledger's own, since its acts are done by accounts.
"""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from consent.admin.acts import Act, ActingAdmin, Outcome
from consent.models import Account
from ledger.admin import record_link
from ledger.errors import LedgerError, NotYetPublished
from ledger.models import IssuedReport, SealedFile
from ledger.services.report import order_report, read_bundle
from ledger.tasks import issue_report

PERMISSION = "ledger.issue_report"


class PeriodForm(forms.Form):
    """Which records a report is about, by their places in the log."""

    first = forms.IntegerField(
        min_value=0, required=False, help_text="Place of the first record. Empty: the first of all."
    )
    last = forms.IntegerField(
        min_value=0, required=False, help_text="Place of the last record. Empty: the newest one."
    )


def _order(actor: Account, _row: None, values: dict[str, Any]) -> Outcome:
    last = values["last"]
    report = order_report(
        officer=actor.scope_ids()[0],
        first=values["first"] or 0,
        end=None if last is None else last + 1,
    )
    issue_report.delay(str(report.pk))
    return Outcome("The report is being made; it is ready to download in a moment.")


ORDER = Act(
    name="order",
    label="Order a report",
    icon="assignment_add",
    permission=PERMISSION,
    about="A report shows the records of a period, proves them, and says what became of each "
    "sealed statement. Whoever gets it can verify it without this service. Statements about "
    "people stay closed in it.",
    run=_order,
    form=lambda _: PeriodForm,
)


@admin.register(IssuedReport)
class IssuedReportAdmin(ActingAdmin):
    """Reports that were ordered, newest first."""

    menu_group = "Ledger"
    menu_icon = "assignment"
    empty = "Order a report: whoever gets it can verify it without us."
    list_acts = (ORDER,)
    refusals = (LedgerError,)
    list_display = ("__str__", "ordered_at", "bundle", record_link)
    fields = ("first", "end", "ordered_at", "bundle", "manifest", record_link)
    ordering = ("-ordered_at", "pk")
    sortable_by = ()

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.download_view)
        own = [path("<uuid:pk>/download/", view, name="ledger_issuedreport_download")]
        return [*own, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[IssuedReport]:
        reports: QuerySet[IssuedReport] = super().get_queryset(request)
        return reports.annotate(is_ready=Exists(SealedFile.objects.filter(pk=OuterRef("pk"))))

    def download_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Hand out the bundle of one report."""
        if not request.user.has_perm(PERMISSION):
            raise PermissionDenied
        report = IssuedReport.objects.filter(pk=pk).first()
        if report is None:
            raise Http404("there is no such report")
        try:
            content = read_bundle(report)
        except NotYetPublished as error:
            raise Http404("the report is not ready yet") from error
        name = f"report-{report.first}-{report.end - 1}.zip"
        disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(content, content_type="application/zip", headers=disposition)

    @admin.display(description="bundle")
    def bundle(self, report: Any) -> SafeString | str:
        if not report.is_ready:
            return "being made"
        url = reverse("admin:ledger_issuedreport_download", args=[report.pk])
        return format_html('<a href="{}">download</a>', url)
