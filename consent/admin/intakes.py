"""What came in from elsewhere: how far it is read, what waits, and how to set it right."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import URLPattern, path
from unfold.decorators import display

from consent import services, tasks
from consent.admin.acts import Act, ActingAdmin, Outcome, may_view
from consent.admin.dataset_forms import (
    columns_form,
    drop_form,
    repair_form,
)
from consent.errors import TermsRefused
from consent.formats.doubts import NOTES
from consent.intake import ACCEPTABLE, sentence
from consent.models import Account, Intake, IntakeState, Subject, VersionState
from consent.repair import Repair
from consent.serializers.intakes import waiting_for
from consent.uses import Form
from ledger.admin import record_link

GROUP = "Data sets"
STATES = {
    "waiting to be read": "info",
    "being read": "warning",
    "read to the end": "success",
    "cannot be read": "danger",
}


def _repair(actor: Account, intake: Intake, said: dict[str, Any]) -> Outcome:
    people: dict[str, Any] = {}
    if said["name"]:
        handle = said["person"].strip()
        person = Subject.objects.filter(handle=handle).first() if handle else None
        if handle and person is None:
            raise TermsRefused("nobody has this handle: register the person first")
        people = {said["name"]: person.pk if person else None}
    reason = said["reason"]
    done = services.repair(
        actor=actor,
        intake_id=intake.pk,
        reason=reason,
        said=Repair(
            licence=said["licence"],
            legal_basis=said["legal_basis"],
            people=people,
            accepted=frozenset({reason} if said["accept"] else ()),
        ),
    )
    return Outcome(f"{done.items} let in; {done.waiting} still wait for this.", intake)


def _drop(actor: Account, intake: Intake, said: dict[str, Any]) -> Outcome:
    dropped = services.drop(actor=actor, intake_id=intake.pk, reason=said["reason"])
    return Outcome(f"{dropped} turned away for good.", intake)


def _reread(actor: Account, intake: Intake, said: dict[str, Any]) -> Outcome:
    again = services.reread(actor=actor, intake_id=intake.pk, meanings=list(said.values()))
    tasks.announce_intake(again.pk)
    return Outcome("It is read again under these columns.", again)


def _is_waiting(intake: Intake) -> bool:
    return _is_draft(intake) and intake.quarantined.exists()


def _is_draft(intake: Intake) -> bool:
    version = intake.version
    return version is not None and version.state == VersionState.DRAFT


def _is_table(intake: Intake) -> bool:
    is_read = intake.state == IntakeState.READ and intake.file is not None
    return intake.form == Form.MANIFEST and is_read and _is_draft(intake)


@admin.register(Intake)
class IntakeAdmin(ActingAdmin):
    """Files and events that came in."""

    menu_group = GROUP
    menu_icon = "move_to_inbox"
    empty = "Files are brought into a draft, on the page of that version."
    list_display = ("__str__", "project", "version", "standing", "item_count", "received_at",
                    record_link)  # fmt: skip
    list_filter = ("state", "form")
    list_select_related = ("project", "version__dataset")
    fields = (
        ("project", "version", "source"),
        ("form", "standing"),
        ("received_at", "read_at"),
        ("item_count", "dropped_count"),
        record_link,
    )
    ordering = ("-received_at", "pk")
    change_form_outer_after_template = "consent/admin/intake.html"
    row_acts = (
        Act(
            "repair",
            "Set right",
            "healing",
            "consent.freeze_version",
            "What you say holds for all items that wait for the reason you choose. Each is judged "
            "again: what nothing stands against any more comes into the draft. With nothing said "
            "they are only judged again, as after a permission that came later.",
            _repair,
            repair_form,
            _is_waiting,
        ),
        Act(
            "columns",
            "Say what the columns mean",
            "view_column",
            "consent.freeze_version",
            "The same file is read again under what you choose here. What came into the draft "
            "before stays; pictures come in once only.",
            _reread,
            is_open=_is_table,
            form_for=columns_form,
        ),
        Act(
            "drop",
            "Turn away",
            "delete_sweep",
            "consent.freeze_version",
            "What waits is forgotten, and only counted. The file that it came from stays.",
            _drop,
            drop_form,
            _is_waiting,
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.errors_view)
        return [path("<uuid:pk>/errors/", view, name="consent_intake_errors"), *super().get_urls()]

    def errors_view(self, request: HttpRequest, pk: Any) -> StreamingHttpResponse:
        """Give what waits as a table; each item that is read is on the record."""
        assert isinstance(request.user, Account)
        lines = services.write_errors(reader=request.user, intake_id=pk)
        answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="to-repair-{pk}.csv"'
        return answer

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_view(request, "consent.view_dataset", obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Intake]:
        assert isinstance(request.user, Account)
        projects = request.user.projects_with("consent.view_dataset")
        intakes: QuerySet[Intake] = super().get_queryset(request)
        return intakes.filter(project__in=projects)

    def describe(self, request: HttpRequest, row: Intake) -> dict[str, Any]:
        waiting = waiting_for(row)
        said = services.remarks(row)
        may = request.user.has_perm("consent.freeze_version", row)
        return {
            **super().describe(request, row),
            "intake": row,
            "waiting": waiting,
            "most": max((one["items"] for one in waiting), default=1),
            "waiting_items": row.quarantined.count(),
            "is_reading": row.state in {IntakeState.RECEIVED, IntakeState.READING},
            "trouble": said.trouble,
            # Without what stands there: it may be somebody's name, and nobody asked to read it.
            "doubts": [(sentence(code), place, code in NOTES) for code, place, _ in said.doubts],
            "format_version": said.format_version,
            "ties": row.ties.count(),
            "may_repair": may and bool(waiting),
            "acceptable": ACCEPTABLE,
        }

    @display(description="state", label=STATES)
    def standing(self, row: Intake) -> str:
        return row.get_state_display()
