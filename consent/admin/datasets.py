"""Data sets and their frozen versions, with the pictures as thumbnails when asked for."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from consent import services
from consent.admin.acts import ActingAdmin, may_view
from consent.intake import sentence
from consent.models import Account, Dataset, DatasetVersion, Item, Quarantined
from consent.models.datasets import DatasetVersionQuerySet
from consent.pictures import data_url, thumbnail
from consent.services import Sealed
from consent.uses import LegalBasis, Use
from ledger.admin import record_link
from ledger.record_kinds import DisclosureReason

GROUP = "Data sets"
PICTURES = "pictures"
PER_PAGE = 24
SIDE = 200


@admin.register(Dataset)
class DatasetAdmin(ActingAdmin):
    """Collections of pictures."""

    menu_group = GROUP
    menu_icon = "photo_library"
    list_display = ("code", "project", "versions", record_link)
    list_select_related = ("project",)
    fields = ("code", "project", "versions", record_link)
    search_fields = ("code",)
    ordering = ("code", "pk")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_view(request, "consent.view_dataset", obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Dataset]:
        assert isinstance(request.user, Account)
        projects = request.user.projects_with("consent.view_dataset")
        datasets: QuerySet[Dataset] = super().get_queryset(request)
        return datasets.filter(project__in=projects).annotate(count=Count("versions"))

    @admin.display(description="versions", ordering="count")
    def versions(self, dataset: Any) -> int:
        return int(dataset.count)


@admin.register(DatasetVersion)
class DatasetVersionAdmin(ActingAdmin):
    """Frozen versions: what was committed to, what of it is held, what was turned away."""

    menu_group = GROUP
    menu_icon = "ac_unit"
    list_display = ("__str__", "project", "state", "member_count", "turned_away", "frozen_at",
                    record_link)  # fmt: skip
    list_filter = ("state",)
    list_select_related = ("dataset__project",)
    fields = (
        ("dataset", "number"),
        ("state", "opened_at", "frozen_at"),
        ("member_count", "held", "turned_away"),
        "asked_for",
        "profile",
        "digest_hex",
        record_link,
    )
    ordering = ("-opened_at", "pk")
    change_form_outer_after_template = "consent/admin/version.html"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_view(request, "consent.view_datasetversion", obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[DatasetVersion]:
        assert isinstance(request.user, Account)
        projects = request.user.projects_with("consent.view_datasetversion")
        versions: DatasetVersionQuerySet = super().get_queryset(request)
        return versions.filter(dataset__project__in=projects).counted()

    def describe(self, request: HttpRequest, row: DatasetVersion) -> dict[str, Any]:
        start = max(_number(request.GET.get("from")), 0)
        items = row.items.filter(aside="").order_by("pk")
        page = list(items.select_related("file")[start : start + PER_PAGE])
        may_look = request.user.has_perm("consent.view_item", row)
        wants_pictures = may_look and PICTURES in request.GET
        pictures = _thumbnails(request, page) if wants_pictures else {}
        return {
            **super().describe(request, row),
            "items": [
                (item, LegalBasis(item.legal_basis).words, pictures.get(item.pk)) for item in page
            ],
            "following": start + PER_PAGE if items.count() > start + PER_PAGE else None,
            "start": start,
            "may_look": may_look,
            "wants_pictures": wants_pictures,
            "quarantined": [
                (one.ordinal, [(code, sentence(code)) for code in one.reasons])
                for one in Quarantined.objects.filter(intake__version=row)[:200]
            ],
        }

    @admin.display(description="project")
    def project(self, version: DatasetVersion) -> str:
        return version.dataset.project.code

    @admin.display(description="held")
    def held(self, version: Any) -> int:
        return int(version.held)

    @admin.display(description="turned away")
    def turned_away(self, version: Any) -> int:
        return int(version.quarantined_count)

    @admin.display(description="consent was asked for")
    def asked_for(self, version: DatasetVersion) -> str:
        return ", ".join(Use(use).words for use in version.uses)

    @admin.display(description="digest")
    def digest_hex(self, version: DatasetVersion) -> SafeString:
        return format_html(
            '<code class="mu-code">{}</code>', version.digest.hex() if version.digest else "–"
        )


def _thumbnails(request: HttpRequest, items: Sequence[Item]) -> dict[Any, str]:
    """Open the pictures of one page in one batch, on the record."""
    assert isinstance(request.user, Account)
    seen = services.view_files(
        reader=request.user,
        permission="consent.view_item",
        reason=DisclosureReason.CASEWORK,
        wanted=[Sealed(item, "file") for item in items],
    )
    return {pk: data_url(thumbnail(content, SIDE)) for pk, content in seen.items()}


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 9 else 0
