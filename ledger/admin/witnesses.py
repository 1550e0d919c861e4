"""Witnesses, with what each last answered, and the time stamps of the authority."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from unfold.decorators import display

from ledger.admin.links import NOTHING, RecordedAdmin, record_link
from ledger.admin.readonly import ReadOnlyAdmin
from ledger.models import Cosignature, LastAnswer, PublicationPolicy, TimeStamp, Witness
from ledger.outside import AUTHORITY, describe_answer, describe_policy, find_cure

STATE_COLOURS = {"asked": "success", "not asked": "info"}


@admin.register(Witness)
class WitnessAdmin(RecordedAdmin):
    """Everybody outside who is asked to sign; changed by ``manage.py witnesses``."""

    menu_group = "Ledger"
    menu_icon = "visibility"
    empty = "Without witnesses outsiders have our word alone: manage.py witnesses adds one."
    list_display = ("name", "state", "url", record_link)
    list_display_links = ("name",)
    fields = ("name", "state", "url", "vkey", "answers", record_link)
    ordering = ("name",)
    sortable_by = ()

    @display(description="state", label=STATE_COLOURS)
    def state(self, witness: Witness) -> str:
        return "asked" if witness.is_active else "not asked"

    @admin.display(description="last answers")
    def answers(self, witness: Witness) -> SafeString:
        found = witness.answers.select_related("offer", "incarnation").order_by("incarnation")
        lines = [(one.incarnation.origin, describe_answer(one)) for one in found]
        return format_html_join("", '<span class="mu-line"><b>{}</b>: {}</span>', lines)


@admin.register(LastAnswer)
class LastAnswerAdmin(ReadOnlyAdmin):
    """What witnesses and the time-stamp authority last answered, and what to do."""

    menu_group = "Ledger"
    menu_icon = "forum"
    list_display = ("who", "incarnation", "said", "cure", "asked")
    list_display_links = ("who",)
    list_select_related = ("witness", "incarnation", "offer")
    fields = ("who", "incarnation", "said", "cure", "asked")
    ordering = ("witness__name", "incarnation")
    sortable_by = ()

    @admin.display(description="who")
    def who(self, answer: LastAnswer) -> str:
        return answer.witness.name if answer.witness else AUTHORITY

    @admin.display(description="last answer")
    def said(self, answer: LastAnswer) -> str:
        return describe_answer(answer)

    @admin.display(description="what to do")
    def cure(self, answer: LastAnswer) -> str:
        return find_cure(answer) or NOTHING

    @admin.display(description="asked at (UTC)")
    def asked(self, answer: LastAnswer) -> str:
        return str(date_format(answer.asked_at, "DATETIME_FORMAT"))


@admin.register(PublicationPolicy)
class PublicationPolicyAdmin(RecordedAdmin):
    """When strangers see a checkpoint; changed by ``manage.py witnesses policy``."""

    menu_group = "Ledger"
    menu_icon = "policy"
    list_display = ("said", record_link)
    list_display_links = ("said",)
    fields = ("said", record_link)
    sortable_by = ()

    @admin.display(description="publication")
    def said(self, policy: PublicationPolicy) -> str:
        return describe_policy(policy)


@admin.register(Cosignature)
class CosignatureAdmin(ReadOnlyAdmin):
    """Signatures of witnesses, newest first."""

    menu_group = "Technical"
    menu_icon = "draw"
    list_display = ("witness", "checkpoint", "signed")
    list_display_links = ("witness",)
    list_select_related = ("witness", "checkpoint")
    fields = ("witness", "checkpoint", "signed", "line")
    ordering = ("-id",)
    sortable_by = ()

    @admin.display(description="time stated (POSIX seconds)")
    def signed(self, cosignature: Cosignature) -> int:
        return cosignature.time


@admin.register(TimeStamp)
class TimeStampAdmin(ReadOnlyAdmin):
    """Time stamps of the authority, newest first."""

    menu_group = "Ledger"
    menu_icon = "schedule"
    list_display = ("stamped_at", "size", "origin")
    list_display_links = ("stamped_at",)
    list_select_related = ("checkpoint__incarnation",)
    fields = ("stamped_at", "size", "origin")
    ordering = ("-offer",)
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> Any:
        # The answers themselves are long, and say nothing to people.
        return super().get_queryset(request).defer("response")

    @admin.display(description="records covered")
    def size(self, stamp: TimeStamp) -> int:
        return stamp.checkpoint.size

    @admin.display(description="log")
    def origin(self, stamp: TimeStamp) -> str:
        return stamp.checkpoint.incarnation.origin
