"""Old releases in bulk: bring a table and its scans, see what is good, set right what is not."""

from dataclasses import replace
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import URLPattern, path
from unfold.decorators import display

from consent import services, tasks
from consent.admin.acts import Act, ActingAdmin, Outcome
from consent.admin.names import NamesAdmin
from consent.admin.release_forms import (
    BringReleasesForm,
    RepairedForm,
    ScansForm,
    WordForm,
    accept_form,
    columns_form,
    drop_form,
    who_form,
    whole_form,
)
from consent.models import (
    Account,
    LineStanding,
    ReleaseErrand,
    ReleaseImport,
    ReleaseState,
)
from consent.releases.snags import ACCEPTABLE
from consent.releases.stating import Said
from consent.serializers.releases import waiting_lines
from consent.services import Bringing
from consent.services.release_lines import load_kept
from ledger.admin import record_link

BRING = services.BRING_RELEASE
STATES = {"open": "info", "closed": "success"}
MOST_SHOWN = 50


def _bring(actor: Account, _row: None, said: dict[str, Any]) -> Outcome:
    notice = said["notice"]
    bringing = Bringing(notice.pk if notice else None, said["encoding"], said["said"](Said()))
    row, again = services.bring_releases(actor=actor, bringing=bringing, content=said["table"])
    if said["scans"]:
        services.bring_scans(actor=actor, import_id=row.pk, content=said["scans"])
    tasks.announce_releases(row.pk)
    known = "It came before: this is what became of it." if again else "It is being looked at."
    return Outcome(f"{known} Nothing is made of it until you take it in.", row)


def _scans(actor: Account, row: ReleaseImport, said: dict[str, Any]) -> Outcome:
    services.bring_scans(actor=actor, import_id=row.pk, content=said["scans"])
    return _looked_at(row)


def _whole(actor: Account, row: ReleaseImport, said: dict[str, Any]) -> Outcome:
    services.explain(actor=actor, import_id=row.pk, said=said["said"](load_kept(row).said))
    return _looked_at(row)


def _columns(actor: Account, row: ReleaseImport, said: dict[str, Any]) -> Outcome:
    kept = load_kept(row)
    mapping = {kept.names[int(key.removeprefix("column_"))]: value for key, value in said.items()}
    services.explain(actor=actor, import_id=row.pk, said=replace(kept.said, mapping=mapping))
    return _looked_at(row)


def _word(actor: Account, row: ReleaseImport, said: dict[str, Any]) -> Outcome:
    before = load_kept(row).said
    words = {**before.words, said["key"]: said["codes"]}
    services.explain(actor=actor, import_id=row.pk, said=replace(before, words=words))
    return _looked_at(row)


def _who(actor: Account, row: ReleaseImport, said: dict[str, Any]) -> Outcome:
    line, is_guardian = said["line"]
    services.decide_line(
        actor=actor, line_id=line, subject_id=said["handle"], is_guardian=is_guardian
    )
    return _looked_at(row)


def _repaired(actor: Account, row: ReleaseImport, said: dict[str, Any]) -> Outcome:
    lines = services.bring_repaired(
        actor=actor, import_id=row.pk, content=said["table"], encoding=said["encoding"]
    )
    tasks.announce_releases(row.pk)
    return Outcome(f"{lines} lines are looked at again.", row)


def _accept(actor: Account, row: ReleaseImport, said: dict[str, Any]) -> Outcome:
    services.accept_lines(actor=actor, import_id=row.pk, reason=said["reason"])
    return _looked_at(row)


def _drop(actor: Account, row: ReleaseImport, said: dict[str, Any]) -> Outcome:
    lines = services.drop_lines(actor=actor, import_id=row.pk, reason=said["reason"])
    tasks.announce_releases(row.pk)
    return Outcome(f"{lines} lines turned away for good.", row)


def _take(actor: Account, row: ReleaseImport, _said: dict[str, Any]) -> Outcome:
    services.take_releases(actor=actor, import_id=row.pk)
    tasks.announce_releases(row.pk)
    return Outcome("What is good is being taken in. Load this page again to see how far.", row)


def _close(actor: Account, row: ReleaseImport, _said: dict[str, Any]) -> Outcome:
    services.close_releases(actor=actor, import_id=row.pk)
    tasks.announce_releases(row.pk)
    return Outcome("Closed. What still waited is being destroyed.", row)


def _looked_at(row: ReleaseImport) -> Outcome:
    tasks.announce_releases(row.pk)
    return Outcome(
        "What waits is looked at again. Load this page again to see what came of it.", row
    )


def _is_open(row: ReleaseImport) -> bool:
    return row.state == ReleaseState.OPEN


def _waits(row: ReleaseImport) -> bool:
    return _is_open(row) and row.lines.filter(state=LineStanding.WAITING).exists()


def _is_unclear(row: ReleaseImport) -> bool:
    unclear = ["person_unclear", "guardian_unclear"]
    return _is_open(row) and row.lines.filter(reasons__overlap=unclear).exists()


def _is_acceptable(row: ReleaseImport) -> bool:
    return _is_open(row) and row.lines.filter(reasons__overlap=sorted(ACCEPTABLE)).exists()


def _is_ready(row: ReleaseImport) -> bool:
    return _is_open(row) and row.lines.filter(state=LineStanding.READY).exists()


@admin.register(ReleaseImport)
class ReleaseImportAdmin(NamesAdmin):
    """Tables of old releases with their scans."""

    menu_group = "Consent"
    menu_icon = "inventory_2"
    open_permission = BRING
    list_display = ("received_at", "standing", "line_count", "taken_count", "dropped_count",
                    "notice", record_link)  # fmt: skip
    list_filter = ("state",)
    list_select_related = ("notice",)
    ordering = ("-received_at", "pk")
    sortable_by = ("received_at",)
    fields = (
        ("notice", "standing"),
        ("received_at", "closed_at"),
        record_link,
    )
    change_form_outer_after_template = "consent/admin/release_import.html"
    list_acts = (
        Act(
            "bring",
            "Bring old releases",
            "upload_file",
            BRING,
            "A table with one line for each signed paper, and a ZIP of the scans. Every line is "
            "looked at first: nothing is made of it until you take in what is good.",
            _bring,
            lambda _: BringReleasesForm,
        ),
    )
    row_acts = (
        Act(
            "take",
            "Take in what is good",
            "task_alt",
            "consent.give_grant",
            "Each good line becomes a permission with its paper, of a person who is known here or "
            "is registered now. It counts from now on; the day of signing is kept beside it.",
            _take,
            is_open=_is_ready,
        ),
        Act(
            "columns",
            "Say what the columns mean",
            "view_column",
            BRING,
            "All lines that wait are read again under what you choose here.",
            _columns,
            columns_form,
            _is_open,
        ),
        Act(
            "whole",
            "Say what holds for all lines",
            "rule",
            BRING,
            "What you say here holds where a line says nothing itself.",
            _whole,
            whole_form,
            _is_open,
        ),
        Act(
            "word",
            "Explain a word",
            "translate",
            BRING,
            "Says what a word in the table means, for all lines. What an old paper allows of "
            "things that nobody knew then is for you to say; if in doubt, leave it out.",
            _word,
            lambda _: WordForm,
            _waits,
        ),
        Act(
            "who",
            "Say who it is",
            "person_search",
            BRING,
            "For a line that may speak of somebody who is known here. Compare the paper with the "
            "person's page before you say that they are one.",
            _who,
            who_form,
            _is_unclear,
        ),
        Act(
            "scans",
            "Bring further scans",
            "note_add",
            BRING,
            "Lines that name one of them are looked at again.",
            _scans,
            lambda _: ScansForm,
            _is_open,
        ),
        Act(
            "repaired",
            "Bring what was set right",
            "healing",
            BRING,
            "The table of what waits, downloaded from this page and set right. Only its lines are "
            "read again.",
            _repaired,
            lambda _: RepairedForm,
            _waits,
        ),
        Act(
            "accept",
            "Take as it is",
            "check_circle",
            BRING,
            "You answer for it: such as for one paper that two people signed.",
            _accept,
            accept_form,
            _is_acceptable,
        ),
        Act(
            "drop",
            "Turn away",
            "delete",
            BRING,
            "The lines and their scans are deleted here for good.",
            _drop,
            drop_form,
            _waits,
        ),
        Act(
            "close",
            "Close",
            "lock",
            BRING,
            "What still waits is destroyed, with the key that it lies under. What was taken in "
            "stays.",
            _close,
            is_open=_is_open,
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.waiting_view)
        own = path("<uuid:pk>/waiting/", view, name="consent_releaseimport_waiting")
        return [own, *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        # Of imports there are no names to show, but on their own pages.
        return ActingAdmin.changelist_view(self, request, extra_context)

    def waiting_view(self, request: HttpRequest, pk: Any) -> StreamingHttpResponse:
        """Answer with what waits, as CSV."""
        assert isinstance(request.user, Account)
        lines = services.write_waiting(reader=request.user, import_id=pk)
        answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="waiting-{pk}.csv"'
        return answer

    def describe(self, request: HttpRequest, row: ReleaseImport) -> dict[str, Any]:
        assert isinstance(request.user, Account)
        waiting = waiting_lines(row)
        may = request.user.has_perm(BRING)
        unclear = []
        if may and _is_unclear(row):
            unclear = services.find_unclear(reader=request.user, importing=row, most=MOST_SHOWN)
        counts = {state.value: row.lines.filter(state=state).count() for state in LineStanding}
        return {
            **super().describe(request, row),
            "release": row,
            "is_open": _is_open(row),
            "errand": ReleaseErrand.objects.filter(pk=row.pk).first(),
            "counts": counts,
            "left": sum(counts.values()),
            "waiting": waiting,
            "most": max((one["lines"] for one in waiting), default=1),
            "unclear": unclear,
            "not_named": row.scans.unclaimed().count(),
            "may": may,
            "shown": getattr(row, "opened", None),
            "most_shown": MOST_SHOWN,
        }

    def open_names(self, request: HttpRequest, rows: Any) -> None:
        """Open the first lines that wait, on the record."""
        assert isinstance(request.user, Account)
        for row in rows:
            if isinstance(row, ReleaseImport) and _is_open(row):
                row.opened = services.open_waiting(  # type: ignore[attr-defined]
                    reader=request.user, importing=row, most=MOST_SHOWN
                )

    @display(description="state", label=STATES)
    def standing(self, row: ReleaseImport) -> str:
        return row.get_state_display().lower()
