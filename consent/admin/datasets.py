"""Data sets and their frozen versions, with the pictures as thumbnails when asked for."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from consent import services, tasks
from consent.admin.acts import Act, ActingAdmin, Outcome, may_view
from consent.admin.dataset_forms import InProjectForm, VersionForm, WaiverForm, bring_form
from consent.admin.next_version import NEXT_VERSION
from consent.intake import sentence
from consent.models import Account, Dataset, DatasetVersion, Item, Quarantined, VersionState
from consent.models.datasets import DatasetVersionQuerySet
from consent.pictures import data_url, thumbnail
from consent.services import Sealed
from consent.uses import Form, LegalBasis, Use
from ledger.admin import record_link
from ledger.record_kinds import DisclosureReason
from ledger.services import Disclosure, disclose

GROUP = "Data sets"
PICTURES, REASON = "pictures", "reason"
PER_PAGE = 24
SIDE = 200


def _open_dataset(actor: Account, _row: None, said: dict[str, Any]) -> Outcome:
    dataset = services.open_dataset(actor=actor, project_id=said["project"].pk, code=said["code"])
    return Outcome("The data set is open; begin its first version.", dataset)


def _begin(actor: Account, dataset: Dataset, said: dict[str, Any]) -> Outcome:
    version = services.open_version(
        actor=actor,
        dataset_id=dataset.pk,
        uses=[Use(use) for use in said["uses"]],
        profile=said["profile"],
    )
    return Outcome("The draft is open; bring in what it is made of.", version)


def _bring(actor: Account, version: DatasetVersion, said: dict[str, Any]) -> Outcome:
    source = said["source"]
    arrival = services.Arrival(
        Form(said["form"]), version_id=version.pk, source_id=source.pk if source else None
    )
    intake, again = services.receive(actor=actor, arrival=arrival, content=said["file"])
    if again:
        return Outcome("The same file came before; this is what became of it.", intake)
    tasks.announce_intake(intake.pk)
    return Outcome("It is being read; load this page again to see how far it is.", intake)


def vet(actor: Account, version: DatasetVersion, _said: dict[str, Any]) -> Outcome:
    """Order a vetting of a draft."""
    vetting = services.vet_version(actor=actor, version_id=version.pk)
    tasks.announce_vetting(vetting.pk)
    return Outcome("Ordered. Load this page again to see how far it is.", vetting)


def _waive(actor: Account, version: DatasetVersion, said: dict[str, Any]) -> Outcome:
    services.waive_vetting(actor=actor, version_id=version.pk, reason=said["reason"])
    return Outcome("It may be frozen as it is now, without vetting.", version)


def _freeze(actor: Account, version: DatasetVersion, _said: dict[str, Any]) -> Outcome:
    frozen = services.freeze_version(actor=actor, version_id=version.pk)
    return Outcome(f"Frozen with {frozen.member_count} items.", frozen)


def _abandon(actor: Account, version: DatasetVersion, _said: dict[str, Any]) -> Outcome:
    return Outcome("Given up.", services.abandon_version(actor=actor, version_id=version.pk))


def _is_draft(version: DatasetVersion) -> bool:
    return version.state == VersionState.DRAFT


@admin.register(Dataset)
class DatasetAdmin(ActingAdmin):
    """Collections of pictures."""

    menu_group = GROUP
    menu_icon = "photo_library"
    empty = "Open a data set: pictures come into its versions."
    list_display = ("code", "project", "versions", record_link)
    list_select_related = ("project",)
    fields = ("code", "project", "versions", record_link)
    search_fields = ("code",)
    ordering = ("code", "pk")
    list_acts = (
        Act(
            "open",
            "Open a data set",
            "add",
            "consent.open_dataset",
            "A data set grows in versions; each is put together as a draft and then frozen.",
            _open_dataset,
            lambda _: InProjectForm,
        ),
    )
    row_acts = (
        Act(
            "begin",
            "Begin a version",
            "edit_note",
            "consent.freeze_version",
            "A draft is opened. Bring in tables and descriptions, set right what is kept out, "
            "and freeze it.",
            _begin,
            lambda _: VersionForm,
        ),
    )

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
    empty = "A version is begun on the page of its data set."
    list_display = ("__str__", "project", "state", "vetted", "member_count", "turned_away",
                    "frozen_at", record_link)  # fmt: skip
    list_filter = ("state", "vetted")
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
    row_acts = (
        Act(
            "bring",
            "Bring in a file",
            "upload_file",
            "consent.freeze_version",
            "A worker reads it and judges each item; what is wrong is kept out and can be set "
            "right. The file itself is kept, sealed, as it came.",
            _bring,
            bring_form,
            _is_draft,
        ),
        Act(
            "vet",
            "Vet",
            "fact_check",
            "consent.freeze_version",
            "A worker opens each picture that is held, looks for faces and for pictures that are "
            "nearly the same, and checks licences, permissions and labels. It recognises nobody.",
            vet,
            is_open=_is_draft,
        ),
        Act(
            "waive",
            "Waive vetting",
            "assignment_late",
            "consent.waive_vetting",
            "The draft may be frozen as it is now though nobody vetted it. Your reason is kept "
            "with your name; the version, its exports and reports say that nobody vetted it. What "
            "comes in later needs this again.",
            _waive,
            lambda _: WaiverForm,
            _is_draft,
        ),
        Act(
            "freeze",
            "Freeze",
            "ac_unit",
            "consent.freeze_version",
            "The items are fixed for good, and the digest over them stands in the log. What shows "
            "somebody whose permission does not cover the version's uses now is set aside, and so "
            "is what lies where these uses are reserved by now.",
            _freeze,
            is_open=_is_draft,
        ),
        Act(
            "abandon",
            "Give up",
            "block",
            "consent.freeze_version",
            "Nothing can come into the draft any more, and it is never frozen.",
            _abandon,
            is_open=_is_draft,
        ),
        NEXT_VERSION,
    )
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
        pictures = show_pictures(request, page) if wants_pictures else {}
        return {
            **super().describe(request, row),
            "items": [
                (item, LegalBasis(item.legal_basis).words, pictures.get(item.pk)) for item in page
            ],
            "following": start + PER_PAGE if items.count() > start + PER_PAGE else None,
            "start": start,
            "may_look": may_look,
            "wants_pictures": wants_pictures,
            "intakes": row.intakes.order_by("received_at"),
            "vetting": row.vettings.first(),
            "waiver": None if row.vetted else row.waivers.first(),
            "waived_because": _waived_because(request, row),
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


def _waived_because(request: HttpRequest, version: DatasetVersion) -> str:
    """Open why nobody vetted a version when asked for, on the record."""
    waiver = version.waivers.first()
    if waiver is None or version.vetted or REASON not in request.GET:
        return ""
    assert isinstance(request.user, Account)
    wanted = [Disclosure(waiver, ("reason",))]
    opened = disclose(reader=request.user.scope_id, reason=DisclosureReason.CASEWORK, wanted=wanted)
    return opened[waiver.pk]["reason"].decode() if waiver.pk in opened else ""


def show_pictures(request: HttpRequest, items: Sequence[Item]) -> dict[Any, str]:
    """Open the pictures of one page in one batch, on the record."""
    assert isinstance(request.user, Account)
    seen = services.view_files(
        reader=request.user,
        permission="consent.view_item",
        reason=DisclosureReason.CASEWORK,
        wanted=[Sealed(item, "file") for item in items if item.file_id],
    )
    return {pk: data_url(thumbnail(content, SIDE)) for pk, content in seen.items()}


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 9 else 0
