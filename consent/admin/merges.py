"""Who turned out to be one person, and who was parted again."""

from typing import Any

from django.contrib import admin
from django.utils.safestring import SafeString

from consent import services
from consent.admin.acts import Act, ActingAdmin, Outcome
from consent.admin.parties import subject_link
from consent.models import Account, Merge
from ledger.admin import record_link


def _part(actor: Account, row: Merge, _said: dict[str, Any]) -> Outcome:
    services.part_subjects(actor=actor, merge_id=row.pk)
    return Outcome("Parted. They count as two people from now on.", row)


@admin.register(Merge)
class MergeAdmin(ActingAdmin):
    """Duplicates that were merged; each undoing is told beside it."""

    menu_group = "Consent"
    menu_icon = "merge"
    empty = "Two entries for one person are merged on the page of either."
    list_display = ("merged_at", "who", "counts_as", "merged_by", "parted_at", record_link)
    list_select_related = ("subject", "into", "merged_by")
    ordering = ("-merged_at", "pk")
    sortable_by = ("merged_at",)
    fields = (
        ("who", "counts_as"),
        ("merged_at", "merged_by"),
        ("parted_at", "parted_by"),
        record_link,
    )
    row_acts = (
        Act(
            "part",
            "Part again",
            "call_split",
            "consent.merge_subject",
            "They count as two people from now on. What was decided meanwhile stays as it was.",
            _part,
            is_open=lambda row: row.parted_at is None,
        ),
    )

    @admin.display(description="person")
    def who(self, row: Merge) -> SafeString:
        return subject_link(row.subject)

    @admin.display(description="is the same as")
    def counts_as(self, row: Merge) -> SafeString:
        return subject_link(row.into)
