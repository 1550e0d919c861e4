"""What people are or were known by; closed here, opened on the person's page."""

from typing import Any

from django.contrib import admin
from django.utils.safestring import SafeString

from consent import services
from consent.admin.acts import Act, ActingAdmin, Outcome
from consent.admin.forms import CorrectionForm
from consent.admin.parties import subject_link
from consent.identity import IdentifierKind
from consent.models import Account, Identifier
from consent.services import Known
from ledger.admin import record_link


def _end(actor: Account, row: Identifier, _said: dict[str, Any]) -> Outcome:
    services.end_identifier(actor=actor, identifier_id=row.pk)
    return Outcome("Recorded. The person is still found by it, as a former one.", row.subject)


def _correct(actor: Account, row: Identifier, said: dict[str, Any]) -> Outcome:
    known = Known(IdentifierKind(row.kind), said["value"], said["region"])
    services.correct_identifier(actor=actor, identifier_id=row.pk, known=known)
    return Outcome("Corrected. What was wrong is gone.", row.subject)


@admin.register(Identifier)
class IdentifierAdmin(ActingAdmin):
    """Names, addresses and numbers, without what they are."""

    menu_group = "Consent"
    menu_icon = "badge"
    empty = "Names, addresses and numbers are added on a person's page."
    list_display = ("since", "whose", "kind", "until", record_link)
    list_filter = ("kind",)
    list_select_related = ("subject",)
    ordering = ("-since", "pk")
    sortable_by = ("since",)
    fields = (("whose", "kind"), ("since", "until"), record_link)
    row_acts = (
        Act(
            "correct",
            "Correct",
            "edit",
            "consent.register_subject",
            "Puts the right value in its place. What was wrong is destroyed: nobody can read it "
            "or find the person by it again.",
            _correct,
            lambda _: CorrectionForm,
            is_open=lambda row: row.until is None,
        ),
        Act(
            "end",
            "No longer in use",
            "event_busy",
            "consent.register_subject",
            "The person no longer goes by it. They are still found by it.",
            _end,
            is_open=lambda row: row.until is None,
        ),
    )

    @admin.display(description="person")
    def whose(self, row: Identifier) -> SafeString:
        return subject_link(row.subject)
