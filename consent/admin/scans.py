"""Searches of everybody: ordered here, carried out by the worker, answered with what was done."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.decorators import display

from consent import services, tasks
from consent.admin.acts import Act, Outcome
from consent.admin.forms import ScanForm
from consent.admin.names import NamesAdmin
from consent.identity import IdentifierKind
from consent.models import Account, Scan, ScanErrand, ScanState
from consent.services import Known
from consent.services.scans import MOST_MATCHES, read_terms
from ledger.admin import record_link
from ledger.record_kinds import DisclosureReason
from ledger.services import Disclosure

STATES = {"ordered": "warning", "done": "success"}


def _order(actor: Account, _row: None, said: dict[str, Any]) -> Outcome:
    terms = [
        Known(kind, said[kind.value], said["region"])
        for kind in IdentifierKind
        if said.get(kind.value)
    ]
    scan = services.scan_subjects(
        actor=actor, terms=terms, reason=DisclosureReason(said["reason"]), why=said["why"]
    )
    tasks.announce_scan(scan.pk)
    return Outcome("Ordered. Load this page again to see how far it is.", scan)


@admin.register(Scan)
class ScanAdmin(NamesAdmin):
    """What was sought among everybody, and what came of it: also that nobody is here."""

    menu_group = "Consent"
    menu_icon = "manage_search"
    empty = "Search everybody when the search by index finds nobody."
    open_permission = "consent.scan_subject"
    list_display = ("ordered_at", "standing", "reason", "people", "matched", record_link)
    list_filter = ("state", "reason")
    ordering = ("-ordered_at", "pk")
    sortable_by = ("ordered_at",)
    fields = (("ordered_at", "ordered_by", "standing"), "reason", record_link)
    change_form_outer_after_template = "consent/admin/scan.html"
    list_acts = (
        Act(
            "order",
            "Search everybody",
            "manage_search",
            "consent.scan_subject",
            "Opens what every person is or was known by and finds what is similar, also with "
            "slips. Each person's record will say that you read it, so say why.",
            _order,
            lambda _: ScanForm,
        ),
    )

    def describe(self, request: HttpRequest, row: Scan) -> dict[str, Any]:
        return {
            **super().describe(request, row),
            "scan": row,
            "is_done": row.state == ScanState.DONE,
            "errand": ScanErrand.objects.filter(pk=row.pk).first(),
            "compared": [kind.words for kind in IdentifierKind if kind.value in row.kinds],
            "matches": row.matches.select_related("subject"),
            "is_cut": (row.matched or 0) > MOST_MATCHES,
            "sought": getattr(row, "opened", None),
        }

    def open_names(self, request: HttpRequest, rows: Sequence[Any]) -> None:
        """Open what was sought and why."""
        opened = self.disclose(request, [Disclosure(row, ("terms", "why")) for row in rows])
        for row in rows:
            values = opened.get(row.pk, {})
            if "terms" in values:
                row.opened = {
                    "terms": [(kind.words, value) for kind, value in read_terms(values["terms"])],
                    "why": values["why"].decode(),
                }

    @display(description="state", label=STATES)
    def standing(self, row: Scan) -> str:
        return row.get_state_display().lower()
