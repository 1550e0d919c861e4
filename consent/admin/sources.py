"""Where items come from, and what was seen there, as a timeline in plain words."""

from collections.abc import Sequence
from datetime import UTC
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from consent import services
from consent.admin.acts import Act, ActingAdmin, Outcome, may_view
from consent.admin.dataset_forms import AskForm, LinesForm, SeenForm, SourceForm
from consent.admin.datasets import GROUP
from consent.models import Account, Source, SourceObservation
from consent.services.observing import Read
from consent.signals.captures import Answer
from consent.signals.finding import Reach, Standing
from consent.signals.finding import Source as SeenIn
from consent.uses import Provenance, Use
from ledger.admin import record_link

PER_PAGE = 20
EXCERPT = 4_000
SEEN = "seen"
WHAT = {
    SeenIn.GPC_FILE: "gpc.json",
    SeenIn.ROBOTS_TXT: "robots.txt",
    SeenIn.AI_TXT: "ai.txt",
    SeenIn.TDMREP_FILE: "tdmrep.json",
    SeenIn.RESPONSE_HEADERS: "what was sent with a file",
    SeenIn.HTML: "a page",
    SeenIn.EPUB: "a book (EPUB)",
    SeenIn.PDF: "a document (PDF)",
    SeenIn.TDM_POLICY: "terms for mining",
    SeenIn.C2PA_MANIFEST: "content credentials of a picture",
}
HOW = {
    Reach.FOUND: ("found", "success"),
    Reach.ABSENT: ("there was none", "info"),
    Reach.UNREACHABLE: ("the server did not answer", "warning"),
}
SAYS = {
    Standing.SILENT: ("says nothing", "info"),
    Standing.PERMITTED: ("allows", "success"),
    Standing.MALFORMED: ("cannot be read", "warning"),
    Standing.CONDITIONS: ("has conditions", "warning"),
    Standing.RESERVED: ("reserves", "danger"),
}
OUTCOMES = {
    "allowed": ("Nothing stands against it", "good"),
    "needs_review": ("Somebody has to decide", "warn"),
    "refused": ("These uses are reserved", "bad"),
}


def _open_source(actor: Account, _row: None, said: dict[str, Any]) -> Outcome:
    source = services.open_source(
        actor=actor,
        project_id=said["project"].pk,
        code=said["code"],
        provenance=Provenance(said["provenance"]),
        address=said["address"],
    )
    return Outcome("The source is named; say of each file that it comes from there.", source)


def _observe(actor: Account, source: Source, said: dict[str, Any]) -> Outcome:
    body = said["body"].read() if said["body"] else b""
    told = services.observe_answer(
        actor=actor,
        source_id=source.pk,
        answer=Answer(
            url=said["url"],
            seen_at=said["seen_at"].replace(tzinfo=UTC),
            status=said["status"],
            headers=said["headers"].encode("latin-1", "replace"),
            body=body,
            covers=said["covers"],
        ),
    )
    return Outcome(_counted(told), source)


def _bring(actor: Account, source: Source, said: dict[str, Any]) -> Outcome:
    lines = services.read_lines(said["file"].chunks())
    told = services.observe_lines(actor=actor, source_id=source.pk, lines=lines)
    return Outcome(_counted(told), source)


def _ask(actor: Account, source: Source, said: dict[str, Any]) -> Outcome:
    weighing = services.weigh_address(
        actor=actor,
        source_id=source.pk,
        location=said["location"],
        uses=[Use(use) for use in said["uses"]] or [Use.TRAIN],
        profile=said["profile"],
    )
    if weighing is None:
        return Outcome("Nothing was seen that speaks for this place.", source)
    sentence, tone = OUTCOMES[weighing.outcome.value]
    shown = {
        "sentence": sentence,
        "tone": tone,
        "heard": [(one, WHAT[SeenIn(one.source)], *SAYS[one.standing]) for one in weighing.heard],
        "profile": weighing.decision.profile,
    }
    return Outcome(sentence, source, page="consent/admin/asked.html", shown=shown)


def _counted(told: services.Observed) -> str:
    words = f"{told.observations} things stored, {told.unchanged} as they were seen before."
    if told.refused:
        place, why = told.reasons[0]
        words += f" {told.refused} lines could not be taken; line {place}: {why}."
    return words


@admin.register(Source)
class SourceAdmin(ActingAdmin):
    """Where items come from."""

    menu_group = GROUP
    menu_icon = "travel_explore"
    empty = "Name a source to say where pictures come from."
    list_display = ("code", "project", "came_by", "opened_at", record_link)
    change_form_outer_after_template = "consent/admin/source.html"
    list_filter = ("provenance",)
    list_select_related = ("project",)
    fields = (("code", "project"), "came_by", "opened_at", record_link)
    search_fields = ("code",)
    ordering = ("code", "pk")
    list_acts = (
        Act(
            "open",
            "Name a source",
            "add",
            "consent.open_dataset",
            "Where items come from stands beside each file that is brought in from there.",
            _open_source,
            lambda _: SourceForm,
        ),
    )

    row_acts = (
        Act(
            "observe",
            "Say what was seen",
            "visibility",
            "consent.observe_source",
            "What a server there answered: robots.txt, a page, a picture. It is kept as it came, "
            "sealed, and counts from when it was seen: for what comes in from now on, and for what "
            "is in drafts before they are frozen. Nothing is fetched from here.",
            _observe,
            lambda _: SeenForm,
        ),
        Act(
            "bring",
            "Bring a crawler's file",
            "upload_file",
            "consent.observe_source",
            "A file of JSON lines, each an answer of a server: url, seen_at, status, headers, body "
            "or body_base64. What is in it twice, or came before, changes nothing.",
            _bring,
            lambda _: LinesForm,
        ),
        Act(
            "ask",
            "Ask of an address",
            "help",
            "consent.view_source",
            "What all that was seen comes to for an item at this address, and which of several "
            "signals wins. Nothing is changed.",
            _ask,
            lambda _: AskForm,
        ),
    )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_view(request, "consent.view_dataset", obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Source]:
        assert isinstance(request.user, Account)
        projects = request.user.projects_with("consent.view_dataset")
        sources: QuerySet[Source] = super().get_queryset(request)
        return sources.filter(project__in=projects)

    def describe(self, request: HttpRequest, row: Source) -> dict[str, Any]:
        may_look = request.user.has_perm("consent.view_source", row)
        start = _number(request.GET.get("from"))
        page = list(row.observations.select_related("origin__project", "file")[start:][:PER_PAGE])
        opened = _opened(request, page) if may_look and SEEN in request.GET else {}
        return {
            **super().describe(request, row),
            "observations": [
                (one, WHAT[SeenIn(one.source)], *HOW[Reach(one.reach)], opened.get(one.pk))
                for one in page
            ],
            "count": row.observations.count(),
            "following": start + PER_PAGE if len(page) == PER_PAGE else None,
            "start": start,
            "may_look": may_look,
            "is_open": bool(opened),
        }

    @admin.display(description="how it came to be there", ordering="provenance")
    def came_by(self, row: Source) -> str:
        return row.get_provenance_display()


def _opened(request: HttpRequest, page: Sequence[SourceObservation]) -> dict[Any, dict[str, Any]]:
    """Open what was seen in one batch, on the record, and say what it comes to."""
    assert isinstance(request.user, Account)
    return {
        one.row.pk: _told(one) for one in services.read_observations(reader=request.user, rows=page)
    }


def _told(one: Read) -> dict[str, Any]:
    raw = one.observation.raw
    speaking = [found for found in one.findings if found.standing is not Standing.SILENT]
    said = [(*SAYS[found.standing], found.detail) for found in speaking or one.findings]
    return {
        "place": one.observation.place,
        "covers": one.covers,
        "read_for": one.read_for if one.read_for != one.observation.place else "",
        "findings": list(dict.fromkeys(said)),
        "raw": raw[:EXCERPT].decode("utf-8", "replace"),
        "bytes": len(raw),
        "is_cut": len(raw) > EXCERPT,
    }


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 9 else 0
