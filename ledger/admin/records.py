"""Records: what was said, where it stands, what of it can be read, and its proof."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.decorators import display
from unfold.views import ChangeList as UnfoldChangeList

from ledger import standing
from ledger.admin.links import NOTHING, row_url
from ledger.admin.readonly import ReadOnlyAdmin
from ledger.archive.reading import read_body
from ledger.errors import CopyBroken, LeafError, LedgerError, NotYetPublished
from ledger.glossary import GLOSSARY
from ledger.kinds import KINDS, Cut
from ledger.leaf import Body
from ledger.models import Incarnation, Record
from ledger.proofs import PublishedRecord, prove_record
from ledger.standing import PartState, RecordState, Standing

# Unfold's colours of labels.
STATE_COLOURS = {
    "published": "success",
    "in its place": "info",
    "waiting": "warning",
    "lost": "danger",
}
STATE_WORDS = {
    RecordState.WAITING: "waiting",
    RecordState.PLACED: "in its place",
    RecordState.PUBLISHED: "published",
    RecordState.LOST: "lost",
}
PART_WORDS = {
    PartState.READABLE: "readable",
    PartState.PADDING: "padding",
    PartState.DESTROYING: "being destroyed",
    PartState.DESTROYED: "destroyed",
    PartState.MISSING: "missing",
}


class ByUuid(UnfoldChangeList):
    """A list whose rows lead to pages named by the record's uuid, as in API and proofs."""

    def url_for_result(self, result: Record) -> str:
        return f"{result.uuid}/change/"


class PlaceFilter(admin.SimpleListFilter):
    """Filter by whether a record has its place: the only question an index answers."""

    title = "place"
    parameter_name = "place"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        return [("waiting", "waiting"), ("placed", "in its place")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Record]) -> QuerySet[Record]:  # noqa: ARG002
        if self.value() in ("waiting", "placed"):
            return queryset.filter(pending__isnull=self.value() == "placed")
        return queryset


@admin.register(Record)
class RecordAdmin(ReadOnlyAdmin):
    """Records, newest first. A page opens by number or uuid; nothing sealed is opened."""

    menu_group = "Ledger"
    menu_icon = "receipt_long"
    list_display = ("place", "kind", "at", "state", "parts", "whole_id")
    list_display_links = ("place", "whole_id")
    list_filter = (PlaceFilter,)
    ordering = ("-id",)
    sortable_by = ()
    search_fields = ("uuid",)
    search_help_text = "Whole id of a record, or its number in the log"
    change_form_template = "ledger/record.html"
    fields = ("uuid",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Record]:  # noqa: ARG002
        return standing.placed_records()

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:  # noqa: ARG002
        return ByUuid

    def get_object(
        self,
        request: HttpRequest,
        object_id: str,
        from_field: str | None = None,  # noqa: ARG002
    ) -> Record | None:
        """Return the record of this uuid, or of this row number."""
        uuid, number = _as_uuid(object_id), _as_number(object_id)
        records = self.get_queryset(request)
        if uuid is not None:
            return records.filter(uuid=uuid).first()
        return records.filter(pk=number).first() if number is not None else None

    def get_search_results(
        self,
        request: HttpRequest,  # noqa: ARG002
        queryset: QuerySet[Record],
        search_term: str,
    ) -> tuple[QuerySet[Record], bool]:
        """Find exactly one record by uuid, or one in each log by its number."""
        term = search_term.strip()
        uuid, number = _as_uuid(term), _as_number(term)
        if not term:
            return queryset, False
        if uuid is not None:
            return queryset.filter(uuid=uuid), False
        if number is None:
            return queryset.none(), False
        # Named, so that the index over (incarnation, index) serves.
        everywhere = list(Incarnation.objects.values_list("pk", flat=True))
        return queryset.filter(leaf__incarnation__in=everywhere, leaf__index=number), False

    @admin.display(description="no.")
    def place(self, record: Record) -> str:
        leaf = standing.leaf_of(record)
        return str(leaf.index) if leaf else NOTHING

    @admin.display(description="what happened")
    def kind(self, record: Record) -> str:
        body = _body(record)
        return kind_in_words(body.kind) if body else "Cannot be read"

    @admin.display(description="when (UTC)")
    def at(self, record: Record) -> str:
        body = _body(record)
        return time_in_words(body) if body else NOTHING

    @display(description="state", label=STATE_COLOURS)
    def state(self, record: Record) -> str:
        return STATE_WORDS[standing.state_of(record)]

    @admin.display(description="id")
    def whole_id(self, record: Record) -> str:
        return str(record.uuid)

    @admin.display(description="sealed parts")
    def parts(self, record: Record) -> str:
        body = _body(record)
        return str(len(body.commitments) or NOTHING) if body else NOTHING

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Add what the record's page shows beside the form, which has nothing to edit."""
        record: Record = kwargs["obj"]
        try:
            stands = standing.standing_of(record)
            context |= describe(stands) | {"title": f"Record {_number(stands)}"}
        except (LeafError, CopyBroken) as error:
            context |= {"record": record, "fault": error, "title": "Record that cannot be read"}
        context["subtitle"] = None
        return super().render_change_form(request, context, *args, **kwargs)


def _body(record: Record) -> Body | None:
    """Return what a record says; None where that cannot be read, which the list shows too."""
    try:
        return standing.standing_of(record).body
    except (LeafError, CopyBroken):
        return None


def describe(stands: Standing) -> dict[str, Any]:
    """Return what the page of a record shows, in words."""
    parts = standing.read_parts(stands)
    proof, why_not = _prove(stands)
    return {
        "record": stands.record,
        "kind": kind_in_words(stands.body.kind),
        "kind_name": stands.body.kind,
        "at": time_in_words(stands.body),
        "state": STATE_WORDS[stands.state],
        "colour": STATE_COLOURS[STATE_WORDS[stands.state]],
        "leaf": stands.leaf,
        "facts": [(_in_words(name), value) for name, value in stands.body.facts.items()],
        "parts": [(part, PART_WORDS[part.state]) for part in parts],
        "rows": [
            (str(link.model._meta.verbose_name).capitalize(), link.id, row_url(link.model, link.id))
            for link in standing.rows_of(stands.record.uuid)
        ],
        "proof": proof,
        "why_not": why_not,
        "exact": (proof.leaf if proof else read_body(stands.record)).decode(errors="replace"),
    }


def kind_in_words(kind: str) -> str:
    """Write a kind as a person would: ``grant.given`` → ``Permission given``."""
    noun, _, done = kind.partition(".")
    return f"{GLOSSARY.plain(noun)} {_in_words(done)}".capitalize()


def time_in_words(body: Body) -> str:
    """Write a record's time as finely as its kind shows it: to the minute, or to the hour."""
    day, hour, minute = body.at[:10], int(body.at[11:13]), body.at[11:16]
    kind = next((one for one in KINDS if one.name == body.kind), None)
    if kind is None or kind.cut is Cut.MINUTE:
        return f"{day} {minute}"
    return f"{day} {hour:02}:00–{hour:02}:59"


def _in_words(name: str) -> str:
    return name.replace("_", " ")


def _number(stands: Standing) -> str:
    return str(stands.leaf.index) if stands.leaf else "waiting for its place"


def _prove(stands: Standing) -> tuple[PublishedRecord | None, str]:
    """Return the proof, or in words why there is none; a broken log must still be looked at."""
    try:
        return prove_record(stands.record.uuid), ""
    except NotYetPublished:
        return None, "The proof is there as soon as the record is published: look again shortly."
    except LedgerError as error:
        return None, f"No proof can be made: {error}."


def _as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _as_number(text: str) -> int | None:
    # Eighteen digits fit PostgreSQL's bigint.
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
