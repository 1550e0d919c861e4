"""Who speaks for whom, and who holds whose works: what lies between two people."""

from typing import Any, ClassVar

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from consent import services
from consent.admin.acts import Act, ActingAdmin, Outcome
from consent.models import Account, Representation, Subject, Title
from consent.moment import database_now
from ledger.admin import record_link

STANDING = {"in force": "success", "over": "info", "to come": "warning"}


class SpellAdmin(ActingAdmin):
    """What holds between two people for a time."""

    menu_group = "Consent"
    ordering = ("-starts_at", "pk")
    sortable_by = ("starts_at",)
    when: ClassVar[tuple[Any, ...]] = (("starts_at", "ends_at", "ended_at"), record_link)

    @display(description="state", label=STANDING)
    def standing(self, row: Representation | Title) -> str:
        now = database_now()
        if row.period.covers(now):
            return "in force"
        return "to come" if now < row.period.start else "over"


def _end_representation(actor: Account, row: Representation, _said: dict[str, Any]) -> Outcome:
    services.end_representation(actor=actor, representation_id=row.pk)
    return Outcome("Ended. What a guardian answered is set aside.", row)


def _end_title(actor: Account, row: Title, _said: dict[str, Any]) -> Outcome:
    services.end_title(actor=actor, title_id=row.pk)
    return Outcome("Ended. It counts from now on.", row)


def _is_open(row: Representation | Title) -> bool:
    return row.period.covers(database_now())


@admin.register(Representation)
class RepresentationAdmin(SpellAdmin):
    """Guardians, agents and heirs."""

    menu_icon = "supervisor_account"
    empty = "Who speaks for somebody is recorded on that person's page."
    list_display = ("starts_at", "whose", "speaks", "capacity", "standing", record_link)
    list_filter = ("capacity",)
    list_select_related = ("subject", "representative")
    fields = (("whose", "speaks"), ("capacity", "standing"), *SpellAdmin.when)
    row_acts = (
        Act(
            "end",
            "End",
            "person_off",
            "consent.register_subject",
            "They no longer speak for the person, from now on. What a guardian answered is set "
            "aside until somebody who may speak for the person is heard.",
            _end_representation,
            is_open=_is_open,
        ),
    )

    @admin.display(description="person")
    def whose(self, row: Representation) -> SafeString:
        return subject_link(row.subject)

    @admin.display(description="spoken for by")
    def speaks(self, row: Representation) -> SafeString:
        return subject_link(row.representative)


@admin.register(Title)
class TitleAdmin(SpellAdmin):
    """Chains of title: who let whom dispose of works or style."""

    menu_icon = "copyright"
    empty = "Who holds somebody's works is recorded on that person's page."
    list_display = ("starts_at", "from_", "to", "right", "exclusive", "standing", record_link)
    list_filter = ("right", "exclusive")
    list_select_related = ("origin", "holder")
    fields = (("from_", "to"), ("right", "exclusive", "standing"), *SpellAdmin.when)
    row_acts = (
        Act(
            "end",
            "End",
            "undo",
            "consent.register_subject",
            "The right goes back, from now on.",
            _end_title,
            is_open=_is_open,
        ),
    )

    @admin.display(description="from")
    def from_(self, row: Title) -> SafeString:
        return subject_link(row.origin)

    @admin.display(description="to")
    def to(self, row: Title) -> SafeString:
        return subject_link(row.holder)


def subject_link(subject: Subject) -> SafeString:
    """Return a link to a person's page."""
    url = reverse("admin:consent_subject_change", args=[subject.pk])
    return format_html('<a class="mu-link" href="{}">{}</a>', url, subject.handle)
