"""Answers: what people were asked, what they allow and refuse, and what became of it."""

from collections.abc import Callable, Iterable
from itertools import zip_longest
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import display

from consent import lineage, services
from consent.admin.acts import Act, Outcome, in_state
from consent.admin.answer_filters import OfAgeFilter
from consent.admin.answer_forms import (
    EvidenceForm,
    RenewalForm,
    alike_form,
    answer_form,
    refusal_form,
    withdrawal_form,
)
from consent.admin.answer_papers import PAPER_ACTS, PaperAdmin
from consent.decision.findings import day
from consent.models import OPEN, Account, Grant, GrantState
from consent.services import Answer, Piece
from consent.uses import (
    ANY,
    Assurance,
    Basis,
    Capacity,
    EvidenceKind,
    Medium,
    Method,
    Mode,
    Remedy,
    Right,
    Theme,
    Use,
    Worded,
)
from ledger.admin import record_link

GROUP = "Consent"
STATE_COLOURS = {
    **dict.fromkeys(("Given",), "success"),
    **dict.fromkeys(("Withdrawn", "Refused", "Revoked", "Invalidated"), "danger"),
    **dict.fromkeys(("Suspended", "Expired", "Requested", "Deferred"), "warning"),
    **dict.fromkeys(("Superseded", "Renewed", "Draft", "Lapsed"), "info"),
}
# What a withdrawal must be thought through for.
MADE = ("version", "model", "run", "output")


def said_as_answer(said: dict[str, Any]) -> Answer:
    """Return what a terms form holds as the service takes it."""
    # A form's own name for the files of its widgets is media.
    return Answer.parse({**said, "media": said["shown_in"]})


def _withdraw(actor: Account, grant: Grant, said: dict[str, Any]) -> Outcome:
    left = services.withdraw(
        actor=actor,
        grant_id=grant.pk,
        uses=[Use(use) for use in said["uses"]],
        method=Method(said["method"]),
    )
    if left.pk == grant.pk:
        return Outcome("Withdrawn. It counts from now on; see what was made before.", grant)
    return Outcome("Those uses are withdrawn; this answer keeps the rest.", left)


def _withdraw_alike(actor: Account, grant: Grant, said: dict[str, Any]) -> Outcome:
    taken = services.withdraw_alike(actor=actor, grant_id=grant.pk, method=Method(said["method"]))
    return Outcome(f"Withdrawn: {len(taken)} in all. It counts from now on.", grant)


def _answer(actor: Account, grant: Grant, said: dict[str, Any]) -> Outcome:
    services.answer_request(
        actor=actor,
        grant_id=grant.pk,
        answer=said_as_answer(said),
        evidence=said["evidence"],
        representation_id=said["representation"],
    )
    return Outcome("Recorded. It counts from now on.", grant)


def _refuse(actor: Account, grant: Grant, said: dict[str, Any]) -> Outcome:
    services.refuse_request(
        actor=actor,
        grant_id=grant.pk,
        method=Method(said["method"]),
        representation_id=said["representation"],
    )
    return Outcome("Recorded. It is a no until it is taken back.", grant)


def _renew(actor: Account, grant: Grant, said: dict[str, Any]) -> Outcome:
    again = services.renew(
        actor=actor,
        grant_id=grant.pk,
        valid_until=said["valid_until"],
        method=Method(said["method"]),
        assurance=Assurance(said["assurance"]),
    )
    return Outcome("Renewed: this answer stands in place of the one before.", again)


def _evidence(actor: Account, grant: Grant, said: dict[str, Any]) -> Outcome:
    kind = EvidenceKind(said["kind"])
    pieces = [Piece(one, kind) for one in said["evidence"]]
    services.add_evidence(actor=actor, grant_id=grant.pk, evidence=pieces)
    return Outcome(f"Added: {len(pieces)} in all.", grant)


def _moved(move: Callable[..., Grant], message: str) -> Callable[..., Outcome]:
    def run(actor: Account, grant: Grant, _said: dict[str, Any]) -> Outcome:
        return Outcome(message, move(actor=actor, grant_id=grant.pk))

    return run


@admin.register(Grant)
class GrantAdmin(PaperAdmin):
    """Answers: what each person allows and refuses."""

    menu_group = GROUP
    menu_icon = "task_alt"
    empty = "Permissions are recorded on a person's page, or given in the portal."
    list_display = ("opened_at", "whose", "notice", "allowed", "denied", "standing", record_link)
    list_filter = ("state", "right", "basis", "mode", "assurance", "capacity", OfAgeFilter)
    list_select_related = ("subject", "notice")
    fields = (
        ("whose", "notice"),
        ("standing", "shape"),
        ("about", "basis_words"),
        "allowed",
        "denied",
        "shown_in",
        "countries",
        ("recipients_named", "families_named"),
        "ruled_out",
        ("tied_by", "came_by"),
        ("spoken_by", "counts_until"),
        "promised",
        ("signed_on", "valid_from", "valid_until"),
        ("opened_at", "given_at", "ended_at"),
        "set_aside",
        ("replaces", "asks_anew"),
        record_link,
    )
    ordering = ("-opened_at", "pk")
    sortable_by = ("opened_at",)
    change_form_outer_after_template = "consent/admin/grant.html"
    row_acts = (
        Act(
            "withdraw",
            "Withdraw",
            "undo",
            "consent.withdraw_grant",
            "Takes the answer back, its refusals too, or some of its uses. It counts from now on; "
            "what was made before is listed on the answer's page.",
            _withdraw,
            withdrawal_form,
            in_state(GrantState.GIVEN, GrantState.SUSPENDED, GrantState.REFUSED),
        ),
        Act(
            "alike",
            "Withdraw this and all like it",
            "undo",
            "consent.withdraw_grant",
            "Takes back everything that the person allowed of the same right and any of these "
            "uses, by whichever notice. What they refused stays refused.",
            _withdraw_alike,
            alike_form,
            in_state(GrantState.GIVEN, GrantState.SUSPENDED),
        ),
        Act(
            "renew",
            "Renew",
            "autorenew",
            "consent.give_grant",
            "The person says the same again for a new term; a new answer takes the place of "
            "this one.",
            _renew,
            lambda _: RenewalForm,
            in_state(GrantState.GIVEN),
        ),
        Act(
            "suspend",
            "Set aside",
            "pause",
            "consent.withdraw_grant",
            "The answer does not count until it is resumed, such as while a doubt is cleared up.",
            _moved(services.suspend, "Set aside. Nothing new may rest on it meanwhile."),
            is_open=in_state(GrantState.GIVEN),
        ),
        Act(
            "resume",
            "Resume",
            "play_arrow",
            "consent.withdraw_grant",
            "The answer counts again from now on.",
            _moved(services.resume, "Resumed. It counts again."),
            is_open=in_state(GrantState.SUSPENDED),
        ),
        Act(
            "revoke",
            "Give up",
            "block",
            "consent.withdraw_grant",
            "Gives the answer up from our side, such as by order of an authority. For what the "
            "person takes back, withdraw it.",
            _moved(services.revoke, "Given up. It counts from now on."),
            is_open=in_state(GrantState.GIVEN, GrantState.SUSPENDED),
        ),
        Act(
            "invalidate",
            "Find void",
            "gpp_bad",
            "consent.withdraw_grant",
            "For an answer that was never good, such as a forged release. What was decided before "
            "stays as it was decided; see what was made with it.",
            _moved(services.invalidate, "Found void. Nothing may rest on it from now on."),
            is_open=in_state(GrantState.GIVEN, GrantState.SUSPENDED),
        ),
        Act(
            "answer",
            "Record the answer",
            "task_alt",
            "consent.give_grant",
            "Records what the person says to what they were asked; it may be something else. The "
            "terms are fixed from then on.",
            _answer,
            lambda grant: answer_form(grant.subject),
            in_state(*OPEN),
        ),
        Act(
            "refuse",
            "Record a no",
            "do_not_disturb_on",
            "consent.give_grant",
            "The person says no to all that was asked. It stands until it is taken back.",
            _refuse,
            refusal_form,
            in_state(GrantState.REQUESTED, GrantState.DEFERRED),
        ),
        Act(
            "send",
            "Ask",
            "send",
            "consent.give_grant",
            "Records that the person is asked, or asked anew.",
            _moved(services.send, "Asked."),
            is_open=in_state(GrantState.DRAFT, GrantState.DEFERRED),
        ),
        Act(
            "defer",
            "Put off",
            "schedule",
            "consent.give_grant",
            "The person will answer later.",
            _moved(services.defer_request, "Put off."),
            is_open=in_state(GrantState.REQUESTED),
        ),
        Act(
            "lapse",
            "Let it lapse",
            "timer_off",
            "consent.give_grant",
            "Gives up asking. Nothing was allowed and nothing refused.",
            _moved(services.let_lapse, "Lapsed."),
            is_open=in_state(*OPEN),
        ),
        Act(
            "evidence",
            "Add evidence",
            "attach_file",
            "consent.give_grant",
            "Adds what shows this answer, beside what is there. Nothing is replaced.",
            _evidence,
            lambda _: EvidenceForm,
        ),
        *PAPER_ACTS,
    )

    def describe(self, request: HttpRequest, row: Grant) -> dict[str, Any]:
        made = lineage.find_impact(lineage.Node("grant", row.pk))
        return {
            **super().describe(request, row),
            "title": f"Permission of {row.subject.handle}",
            "impact": lineage.in_words(made, MADE),
        }

    @admin.display(description="person", ordering="subject__handle")
    def whose(self, grant: Grant) -> SafeString:
        url = reverse("admin:consent_subject_change", args=[grant.subject_id])
        return format_html('<a class="mu-link" href="{}">{}</a>', url, grant.subject.handle)

    @display(description="state", label=STATE_COLOURS)
    def standing(self, grant: Grant) -> str:
        return grant.get_state_display()

    @admin.display(description="speaks of")
    def about(self, grant: Grant) -> str:
        return Right(grant.right).words

    @admin.display(description="legal basis")
    def basis_words(self, grant: Grant) -> str:
        return Basis(grant.basis).words

    @admin.display(description="recipients")
    def recipients_named(self, grant: Grant) -> str:
        return _codes(grant.recipients)

    @admin.display(description="model families")
    def families_named(self, grant: Grant) -> str:
        return _codes(grant.families)

    @admin.display(description="answered by")
    def spoken_by(self, grant: Grant) -> str:
        return Capacity(grant.capacity).words

    @admin.display(description="their word counts until")
    def counts_until(self, grant: Grant) -> str:
        return day(grant.power_until) if grant.power_until else "it is taken back"

    @admin.display(description="set aside")
    def set_aside(self, grant: Grant) -> str:
        spells = zip_longest(grant.suspended_at, grant.resumed_at)
        said = (f"{day(since)} to {day(until) if until else 'now'}" for since, until in spells)
        return ", ".join(said) or "never"

    @admin.display(description="shape")
    def shape(self, grant: Grant) -> str:
        return Mode(grant.mode).words

    @admin.display(description="allows")
    def allowed(self, grant: Grant) -> str:
        return _words(Use, grant.uses)

    @admin.display(description="refuses")
    def denied(self, grant: Grant) -> str:
        return _words(Use, grant.refused)

    @admin.display(description="may be shown in")
    def shown_in(self, grant: Grant) -> str:
        return _words(Medium, grant.media)

    @admin.display(description="countries")
    def countries(self, grant: Grant) -> str:
        return ", ".join(grant.territories) or "none"

    @admin.display(description="never in pictures that are")
    def ruled_out(self, grant: Grant) -> str:
        return _words(Theme, grant.barred_themes)

    @admin.display(description="tied to the likeness by")
    def tied_by(self, grant: Grant) -> str:
        return Assurance(grant.assurance).words

    @admin.display(description="came by")
    def came_by(self, grant: Grant) -> str:
        return Method(grant.method).words

    @admin.display(description="promised should it be withdrawn")
    def promised(self, grant: Grant) -> str:
        return Remedy(grant.remedy).words

    @admin.display(description="replaces", empty_value="none")
    def replaces(self, grant: Grant) -> SafeString | None:
        return _link(grant.supersedes_id, "the answer before")

    @admin.display(description="asks anew for", empty_value="none")
    def asks_anew(self, grant: Grant) -> SafeString | None:
        return _link(grant.renews_id, "an answer that ends")


def _link(grant_id: UUID | None, words: str) -> SafeString | None:
    if grant_id is None:
        return None
    url = reverse("admin:consent_grant_change", args=[grant_id])
    return format_html('<a class="mu-link" href="{}">{}</a>', url, words)


def _words(kind: type[Worded], codes: Iterable[str]) -> str:
    return ", ".join(kind(code).words for code in codes) or "nothing"


def _codes(codes: Iterable[str]) -> str:
    return "any" if ANY in codes else ", ".join(codes)
