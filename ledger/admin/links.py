"""Links between a domain row and the record that last spoke of it, both ways."""

from typing import ClassVar
from uuid import UUID

from django.contrib import admin
from django.db.models import Model
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ledger.admin.readonly import ReadOnlyAdmin
from ledger.models import Recorded

NOTHING = "—"


def record_url(record: UUID) -> str:
    """Return the page of a record, by its uuid."""
    return reverse("admin:ledger_record_change", args=[record])


@admin.display(description="record")
def record_link(row: Recorded) -> str | SafeString:
    """Link a domain row to its newest record; a callable for ``list_display`` and ``fields``."""
    if row.record is None:
        return NOTHING
    return format_html(
        '<a class="mu-link" href="{}" title="Open the record and its proof">{}</a>',
        record_url(row.record),
        short_id(row.record),
    )


def row_url(model: type[Model], pk: object) -> str | None:
    """Return the admin page of a row, or None when its table has no page."""
    try:
        return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[pk])
    except NoReverseMatch:
        return None


def short_id(uuid: UUID) -> str:
    """Return the first digits of an id: enough to tell rows of one page apart."""
    return str(uuid)[:8]


class RecordedAdmin(ReadOnlyAdmin):
    """Read-only screens of recorded rows: each row's page ends with the link to its record."""

    readonly_fields: ClassVar = (record_link,)
