"""Logs, their checkpoints, and what each check of them found."""

from typing import Any

from django.contrib import admin
from django.db.models import Max, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display

from ledger.admin.links import NOTHING
from ledger.admin.readonly import ReadOnlyAdmin
from ledger.errors import NoteError, SigningKeyRefused
from ledger.grounds import read_grounds
from ledger.models import Anchored, Checkpoint, Log, VerificationRun
from ledger.note import Checkpoint as TreeHead
from ledger.note import Note
from ledger.signing import read_verifiers
from ledger.verification.findings import Aspect

SOUND_COLOURS = {"sound": "success", "not sound": "danger", "not checked yet": "warning"}


@admin.register(Log)
class LogAdmin(ReadOnlyAdmin):
    """Each log with what its last check said."""

    menu_group = "Ledger"
    menu_icon = "menu_book"
    list_display = ("name", "size", "lives", "soundness", "checked_at")
    fields = ("name", "size", "origins", "soundness", "checked_at", "verifier_keys")
    ordering = ("id",)
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Log]:
        checks = VerificationRun.objects.filter(log=OuterRef("pk")).order_by("-ended_at")
        published = Checkpoint.objects.filter(
            incarnation__log=OuterRef("pk"), anchored__isnull=False
        ).order_by("-incarnation__ordinal", "-size")
        return (
            super()
            .get_queryset(request)
            .annotate(
                published_size=Subquery(published.values("size")[:1]),
                last_sound=Subquery(checks.values("is_sound")[:1]),
                last_checked=Subquery(checks.values("ended_at")[:1]),
                last_ordinal=Max("incarnations__ordinal"),
            )
        )

    @admin.display(description="records published")
    def size(self, log: Any) -> str:
        return NOTHING if log.published_size is None else f"{log.published_size:,}"

    @admin.display(description="continued")
    def lives(self, log: Any) -> str:
        times = (log.last_ordinal or 1) - 1
        return f"{times} times" if times else "never"

    @display(description="last check", label=SOUND_COLOURS)
    def soundness(self, log: Any) -> str:
        said = {True: "sound", False: "not sound", None: "not checked yet"}
        return said[log.last_sound]

    @admin.display(description="checked at (UTC)")
    def checked_at(self, log: Any) -> str:
        return date_format(log.last_checked, "DATETIME_FORMAT") if log.last_checked else NOTHING

    @admin.display(description="origins, first to last")
    def origins(self, log: Log) -> SafeString:
        found = log.incarnations.order_by("ordinal").values_list("origin", flat=True)
        return format_html_join("", '<span class="mu-line">{}</span>', ((one,) for one in found))

    @admin.display(description="public keys, for whoever checks a proof")
    def verifier_keys(self, log: Log) -> SafeString:
        lines = (
            line
            for incarnation in log.incarnations.order_by("ordinal")
            for line in _vkeys(incarnation.origin)
        )
        return format_html_join("", '<code class="mu-code">{}</code>', ((line,) for line in lines))


class SafeCopyFilter(admin.SimpleListFilter):
    """Filter by whether the safe copy has been written."""

    title = "safe copy"
    parameter_name = "copied"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:  # noqa: ARG002
        return [("no", "not yet written")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:  # noqa: ARG002
        return queryset.filter(anchored__isnull=True) if self.value() == "no" else queryset


@admin.register(Checkpoint)
class CheckpointAdmin(ReadOnlyAdmin):
    """Checkpoints, newest first: size, root, safe copy, and the exact signed text."""

    menu_group = "Ledger"
    menu_icon = "verified"
    list_display = ("size", "origin", "short_root", "safe_copy")
    list_select_related = ("incarnation", "anchored")
    list_filter = (SafeCopyFilter,)
    ordering = ("-id",)
    sortable_by = ()
    fields = ("origin", "size", "root", "safe_copy", "signed_text")

    @admin.display(description="log")
    def origin(self, checkpoint: Checkpoint) -> str:
        return checkpoint.incarnation.origin

    @admin.display(description="root")
    def short_root(self, checkpoint: Checkpoint) -> str:
        return f"{self.root(checkpoint)[:16]}…"

    @admin.display(description="root")
    def root(self, checkpoint: Checkpoint) -> str:
        try:
            return TreeHead.parse(Note.parse(checkpoint.note).text).root.hex()
        except NoteError:
            return "cannot be read"

    @display(description="safe copy", label={"written": "success", "not yet": "warning"})
    def safe_copy(self, checkpoint: Checkpoint) -> str:
        try:
            return "written" if checkpoint.anchored else "not yet"
        except Anchored.DoesNotExist:
            return "not yet"

    @admin.display(description="signed text")
    def signed_text(self, checkpoint: Checkpoint) -> SafeString:
        return format_html_join("", '<pre class="mu-text">{}</pre>', [(checkpoint.note,)])


@admin.register(VerificationRun)
class CheckAdmin(ReadOnlyAdmin):
    """Checks of the logs, newest first, with every finding and its place."""

    menu_group = "Ledger"
    menu_icon = "fact_check"
    list_display = ("ended_at", "log", "soundness", "size", "duration", "finding_count")
    list_display_links = ("ended_at",)
    list_select_related = ("log",)
    list_filter = ("is_sound",)
    ordering = ("-id",)
    sortable_by = ()
    fields = (
        ("log", "soundness"),
        ("started_at", "duration"),
        ("size", "rows"),
        *("parts", "is_openness_checked", "rests_on", "found"),
    )

    @display(description="verdict", label=SOUND_COLOURS)
    def soundness(self, check: VerificationRun) -> str:
        return "sound" if check.is_sound else "not sound"

    @admin.display(description="took")
    def duration(self, check: VerificationRun) -> str:
        return f"{(check.ended_at - check.started_at).total_seconds():.1f} s"

    @admin.display(description="rests on")
    def rests_on(self, check: VerificationRun) -> str:
        incarnation = check.log.incarnations.order_by("-ordinal").first()
        return read_grounds(incarnation, check.size) if incarnation else NOTHING

    @admin.display(description="sealed parts")
    def parts(self, check: VerificationRun) -> str:
        counts = sorted(check.read_segments().items())
        said = (f"{count:,} {'readable' if what == 'open' else what}" for what, count in counts)
        return ", ".join(said) or "none"

    @admin.display(description="found")
    def found(self, check: VerificationRun) -> str | SafeString:
        lines = [(_aspect(one["aspect"]), one["message"]) for one in check.read_findings()]
        if not lines:
            return "nothing wrong"
        return format_html_join("", '<span class="mu-line"><b>{}</b>: {}</span>', lines)


def _vkeys(origin: str) -> list[str]:
    try:
        return [verifier.vkey for verifier in read_verifiers(origin)]
    except SigningKeyRefused as error:
        return [str(error)]


def _aspect(name: str) -> str:
    words = {
        Aspect.INTEGRITY: "changed afterwards",
        Aspect.COMPLETENESS: "not complete",
        Aspect.OPENNESS: "sealed part",
    }
    return words.get(Aspect(name), name)
