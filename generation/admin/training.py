"""Trainings, what stands against each, and the two people who may stand for it."""

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from consent.admin.acts import Act, Outcome
from consent.models import Account
from consent.uses import Use
from generation import services
from generation.admin.screens import (
    GENERATION,
    STATE_COLOURS,
    ProjectScreen,
    account_of,
    digest_text,
    link_to,
    links_to,
    state_words,
)
from generation.models import TrainingOverride, TrainingRun
from generation.services.training import MAX_REASON_CHARS
from generation.states import TrainingState
from ledger.admin import record_link
from ledger.record_kinds import DisclosureReason
from ledger.services import Disclosure, disclose


class ReasonForm(forms.Form):
    """Why a training may go on."""

    reason = forms.CharField(
        label="Why",
        max_length=MAX_REASON_CHARS,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text="Sealed. Never a person's name.",
    )


def _propose(actor: Account, training: TrainingRun, said: dict[str, Any]) -> Outcome:
    services.propose_override(actor=actor, training_id=training.pk, reason=said["reason"])
    return Outcome("Proposed. An approver must stand for it too.", training)


def _approve(actor: Account, training: TrainingRun, _said: dict[str, Any]) -> Outcome:
    services.approve_override(actor=actor, training_id=training.pk)
    return Outcome("Authorised.", training)


def _cancel(actor: Account, training: TrainingRun, _said: dict[str, Any]) -> Outcome:
    services.cancel_training(actor=actor, training_id=training.pk)
    return Outcome("Cancelled.", training)


def _is_proposed(training: TrainingRun) -> bool:
    return training.state == TrainingState.PROPOSED


@admin.register(TrainingRun)
class TrainingRunAdmin(ProjectScreen):
    """Trainings of one's projects, newest first."""

    menu_group = GENERATION
    menu_icon = "model_training"
    empty = "Trainings are recorded over the API when they begin."
    list_display = ("__str__", "project", "used_for", "standing", "against", "proposed_at",
                    record_link)  # fmt: skip
    list_filter = ("state",)
    list_select_related = ("project", "model")
    ordering = ("-proposed_at", "pk")
    fields = (
        ("project", "used_for"),
        ("standing", "against"),
        "versions",
        "made",
        ("proposed_at", "authorised_at"),
        "ended_at",
        "configuration_hex",
        record_link,
    )
    change_form_outer_after_template = "generation/admin/training.html"
    row_acts = (
        Act(
            "override",
            "Stand for it",
            "front_hand",
            "generation.propose_override",
            "You stand for a training although consent of some people in it has ended. An approver "
            "must stand for it beside you; both of you are on the record.",
            _propose,
            lambda _: ReasonForm,
            lambda training: _is_proposed(training) and not hasattr(training, "override"),
        ),
        Act(
            "approve",
            "Stand for it beside the proposer",
            "how_to_reg",
            "generation.approve_override",
            "The training is authorised from now on, although consent of some people in it has "
            "ended. Read the proposer's reason first.",
            _approve,
            is_open=lambda training: _is_proposed(training) and hasattr(training, "override"),
        ),
        Act(
            "cancel",
            "Cancel",
            "block",
            "generation.authorise_training",
            "Gives the training up. No model can come of it.",
            _cancel,
            is_open=lambda training: training.ended_at is None,
        ),
    )

    def describe(self, request: HttpRequest, row: TrainingRun) -> dict[str, Any]:
        override = TrainingOverride.objects.filter(training=row).first()
        may_read = account_of(request).has_perm_anywhere("generation.approve_override")
        is_read = "reason" in request.GET and (
            may_read or account_of(request).has_perm("generation.propose_override", row)
        )
        return {
            **super().describe(request, row),
            "override": override,
            "reason": _open(request, override) if override and is_read else "",
        }

    @admin.display(description="for")
    def used_for(self, training: TrainingRun) -> str:
        return Use(training.purpose).words

    @display(description="state", label={**STATE_COLOURS, "Proposed": "warning",
                                         "Authorised": "info", "Cancelled": "danger"})  # fmt: skip
    def standing(self, training: TrainingRun) -> str:
        return state_words(training)

    @admin.display(description="stands against it", empty_value="nothing")
    def against(self, training: TrainingRun) -> str | None:
        told = []
        if training.people:
            people = "person" if training.people == 1 else "people"
            items = "item" if training.items == 1 else "items"
            told.append(f"{training.people:,} {people}, in {training.items:,} {items}")
        told += [code.replace("_", " ") for code in training.codes]
        return ", ".join(told) or None

    @admin.display(description="versions")
    def versions(self, training: TrainingRun) -> str | SafeString:
        inputs = training.inputs.select_related("version__dataset")
        return links_to([one.version for one in inputs])

    @admin.display(description="made")
    def made(self, training: TrainingRun) -> str | SafeString:
        return link_to(training.model)

    @admin.display(description="SHA-256 of the configuration")
    def configuration_hex(self, training: TrainingRun) -> SafeString:
        return digest_text(training.configuration_digest)


def _open(request: HttpRequest, override: TrainingOverride) -> str:
    """Open the reason of an override, on the record."""
    seen = disclose(
        reader=account_of(request).scope_id,
        reason=DisclosureReason.CASEWORK,
        wanted=[Disclosure(override, ("reason",))],
    )
    return seen.get(override.pk, {}).get("reason", b"").decode()
