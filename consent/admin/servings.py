"""Notices that reached people, apart from what they answered."""

from django.contrib import admin
from django.utils.safestring import SafeString

from consent.admin.acts import ActingAdmin
from consent.admin.parties import subject_link
from consent.models import Serving
from ledger.admin import record_link


@admin.register(Serving)
class ServingAdmin(ActingAdmin):
    """Which notice reached whom, in which language, when and how."""

    menu_group = "Consent"
    menu_icon = "outgoing_mail"
    empty = (
        "That a notice reached somebody is recorded on their page; the portal does it by itself."
    )
    list_display = ("served_at", "whose", "notice", "language", "channel", "capacity", record_link)
    list_filter = ("channel", "capacity")
    list_select_related = ("subject", "notice")
    ordering = ("-served_at", "pk")
    sortable_by = ("served_at",)
    fields = (
        ("whose", "capacity"),
        ("notice", "language", "channel"),
        ("served_at", "recorded_at"),
        record_link,
    )

    @admin.display(description="person")
    def whose(self, row: Serving) -> SafeString:
        return subject_link(row.subject)

    @admin.display(description="language")
    def language(self, row: Serving) -> str:
        return row.notice.language
