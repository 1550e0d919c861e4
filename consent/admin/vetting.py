"""What a draft's vetting found: the verdict, each finding with what can be done about it."""

from collections.abc import Callable, Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.decorators import display

from consent import services
from consent.admin.acts import Act, ActingAdmin, Outcome, may_view
from consent.admin.datasets import GROUP, PICTURES, show_pictures, vet
from consent.admin.forms import area, one_of
from consent.models import (
    Account,
    FindingState,
    Flagged,
    Item,
    VersionState,
    Vetting,
    VettingErrand,
    VettingFinding,
    VettingState,
)
from consent.services import gate
from consent.services.anonymising import MOST_ITEMS
from consent.services.groups import declared
from consent.services.vetting_acts import MAX_REASON
from consent.uses import Masking
from consent.vetting.gate import Code, Severity, Verdict
from consent.vetting.representativeness import read_lines, shares
from ledger.admin import record_link
from ledger.record_kinds import DisclosureReason
from ledger.services import Disclosure, disclose

TONES = {Verdict.MAY: "good", Verdict.AFTER_DECISIONS: "warn", Verdict.NOT: "bad"}
ICONS = {Verdict.MAY: "check_circle", Verdict.AFTER_DECISIONS: "pending", Verdict.NOT: "block"}
LABELS = {Severity.BLOCKS: "danger", Severity.ASKS: "warning", Severity.NOTE: "info"}
WORDS = {Severity.BLOCKS: "blocks", Severity.ASKS: "to be decided", Severity.NOTE: "note"}
STATES = {"being looked at": "warning", "done": "success", "given up": "danger"}
SHOWN = 12


def _findings(vetting: Vetting, fits: Callable[[VettingFinding], bool]) -> list[tuple[str, str]]:
    return [
        (str(one.pk), Code(one.code).sentence(one.count))
        for one in gate.open_findings(vetting)
        if fits(one)
    ]


def _is_asking(finding: VettingFinding) -> bool:
    return finding.severity == Severity.ASKS


def _has_items(finding: VettingFinding) -> bool:
    return gate.items_of(finding) is not None


def _has_faces(finding: VettingFinding) -> bool:
    return finding.code in {Code.FACE_WITHOUT_PERSON, Code.CONSENT_MISSING}


def _choosing(fits: Callable[[VettingFinding], bool], **more: forms.Field) -> Any:
    """Return what makes the form for one of a vetting's open findings."""

    def form(vetting: Vetting) -> type[forms.Form]:
        finding = one_of(_findings(vetting, fits), "Finding")
        return type("FindingForm", (forms.Form,), {"finding": finding, **more})

    return form


def _is_current(fits: Callable[[VettingFinding], bool]) -> Callable[[Vetting], bool]:
    def is_open(vetting: Vetting) -> bool:
        version = vetting.version
        if version.state != VersionState.DRAFT or vetting.state != VettingState.DONE:
            return False
        return gate.newest(version) == vetting and bool(_findings(vetting, fits))

    return is_open


def _is_draft(vetting: Vetting) -> bool:
    return vetting.version.state == VersionState.DRAFT


def _accept(actor: Account, vetting: Vetting, said: dict[str, Any]) -> Outcome:
    services.accept_finding(actor=actor, finding_id=said["finding"], reason=said["reason"])
    return Outcome("Accepted.", vetting)


def _set_aside(actor: Account, vetting: Vetting, said: dict[str, Any]) -> Outcome:
    count = services.set_aside_items(actor=actor, finding_id=said["finding"])
    return Outcome(f"{count} pictures were taken out of the draft.", vetting)


def _anonymise(actor: Account, vetting: Vetting, said: dict[str, Any]) -> Outcome:
    finding = vetting.findings.get(pk=said["finding"])
    items = gate.items_of(finding)
    assert items is not None
    held = items.exclude(file=None).order_by("pk").values_list("pk", flat=True)
    made = services.anonymise_items(
        actor=actor,
        version_id=vetting.version_id,
        item_ids=list(held[:MOST_ITEMS]),
        method=Masking(said["method"]),
    )
    words = f"{len(made.items)} pictures were replaced."
    if made.refused:
        words += f" {len(made.refused)} were left as they are: {next(iter(made.refused.values()))}."
    return Outcome(words, vetting)


def _declare(actor: Account, vetting: Vetting, said: dict[str, Any]) -> Outcome:
    groups = read_lines(said["groups"])
    services.declare_groups(actor=actor, version_id=vetting.version_id, groups=groups)
    return Outcome("Declared. Vet the draft again to hold it to what is wanted.", vetting)


class GroupsForm(forms.Form):
    """Groups as people write them."""

    groups = area(
        "Groups",
        help_text="A line for each: aspect: group; number of pictures; share wanted. For example "
        "age: over 60; 120; 15 %",
    )


@admin.register(Vetting)
class VettingAdmin(ActingAdmin):
    """Looks at drafts before they are frozen, and what became of what they found."""

    menu_group = GROUP
    menu_icon = "fact_check"
    empty = "A draft is vetted on the page of that version."
    list_display = ("__str__", "ordered_at", "standing", "members", "said", record_link)
    list_filter = ("state", "verdict")
    list_select_related = ("version__dataset",)
    ordering = ("-ordered_at", "pk")
    sortable_by = ("ordered_at",)
    fields = (("version", "ordered_at", "standing"), record_link)
    change_form_outer_before_template = "consent/admin/vetting_verdict.html"
    change_form_outer_after_template = "consent/admin/vetting.html"
    row_acts = (
        Act(
            "accept",
            "Accept a finding",
            "gavel",
            "consent.freeze_version",
            "What was found stays as it is, and your reason is kept with your name. It no longer "
            "stands against freezing the version.",
            _accept,
            _choosing(_is_asking, reason=area("Reason", max_length=MAX_REASON)),
            _is_current(_is_asking),
        ),
        Act(
            "set-aside",
            "Take pictures out",
            "remove_circle",
            "consent.freeze_version",
            "All pictures of the finding leave the draft for good; of those that are nearly the "
            "same the first of each kind stays.",
            _set_aside,
            _choosing(_has_items),
            _is_current(_has_items),
        ),
        Act(
            "anonymise",
            "Make people unrecognisable",
            "blur_on",
            "consent.freeze_version",
            "Every face that is found in the pictures of the finding is changed for good, and the "
            "new picture takes the place of the old one, which leaves the draft. Bodies, clothes "
            "and places stay: somebody who knows the person may still know them.",
            _anonymise,
            _choosing(_has_faces, method=one_of(Masking, "How")),
            _is_current(_has_faces),
        ),
        Act(
            "declare",
            "Declare groups",
            "groups",
            "consent.freeze_version",
            "Say of how many pictures you know which groups they show. Nothing is inferred from "
            "the pictures. What you declare takes the place of what was declared before.",
            _declare,
            lambda _: GroupsForm,
            _is_draft,
        ),
        Act(
            "again",
            "Vet again",
            "refresh",
            "consent.freeze_version",
            "The draft is looked at anew. What was accepted stays accepted where just the same is "
            "found.",
            lambda actor, row, said: vet(actor, row.version, said),
            is_open=lambda row: _is_draft(row) and row.state != VettingState.ORDERED,
        ),
    )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_view(request, "consent.view_datasetversion", obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Vetting]:
        assert isinstance(request.user, Account)
        projects = request.user.projects_with("consent.view_datasetversion")
        rows: QuerySet[Vetting] = super().get_queryset(request)
        return rows.filter(version__dataset__project__in=projects)

    def describe(self, request: HttpRequest, row: Vetting) -> dict[str, Any]:
        verdict = gate.verdict_of(row) if row.state == VettingState.DONE else None
        wants = request.GET.get(PICTURES, "")
        may_look = request.user.has_perm("consent.view_item", row.version)
        findings = list(row.findings.all())
        reasons = _reasons(request, findings) if "reasons" in request.GET else {}
        return {
            **super().describe(request, row),
            "vetting": row,
            "verdict": verdict,
            "tone": TONES.get(verdict) if verdict else "warn",
            "icon": ICONS.get(verdict) if verdict else "hourglass_top",
            "is_fresh": verdict is None or gate.is_fresh(row),
            "is_draft": _is_draft(row),
            "errand": VettingErrand.objects.filter(pk=row.pk).first(),
            "findings": [_told(one, reasons) for one in _by_gravity(findings)],
            "has_reasons": any(one.state == FindingState.ACCEPTED for one in findings),
            "groups": shares(declared(row.version)),
            "may_look": may_look,
            "looked_at": wants,
            "pictures": _pictures(request, row, wants) if may_look and wants else [],
        }

    @display(description="state", label=STATES)
    def standing(self, row: Vetting) -> str:
        return row.get_state_display()

    @admin.display(description="verdict then")
    def said(self, row: Vetting) -> str:
        return Verdict(row.verdict).sentence if row.verdict else "–"


def _by_gravity(findings: Sequence[VettingFinding]) -> list[VettingFinding]:
    order = list(Severity)
    return sorted(findings, key=lambda one: (order.index(Severity(one.severity)), one.code))


def _told(finding: VettingFinding, reasons: dict[Any, str]) -> dict[str, Any]:
    items = gate.items_of(finding)
    is_live = items is None or items.exists()
    severity = Severity(finding.severity)
    is_settled = finding.state == FindingState.SETTLED or not is_live
    state = "settled" if is_settled else finding.get_state_display()
    return {
        "row": finding,
        "sentence": Code(finding.code).sentence(finding.count),
        "detail": {} if finding.code == Code.GROUP_SHORT else gate.detail_of(finding),
        "label": "success" if state != "open" else LABELS[severity],
        "words": WORDS[severity] if state == "open" else state,
        "has_pictures": finding.code in gate.LISTED
        and items is not None
        and items.exclude(file=None).exists(),
        "reason": reasons.get(finding.pk, ""),
    }


def _reasons(request: HttpRequest, findings: Sequence[VettingFinding]) -> dict[Any, str]:
    """Open why findings were accepted, on the record."""
    assert isinstance(request.user, Account)
    wanted = [Disclosure(one, ("reason",)) for one in findings if one.reason is not None]
    opened = disclose(reader=request.user.scope_id, reason=DisclosureReason.CASEWORK, wanted=wanted)
    return {pk: values["reason"].decode() for pk, values in opened.items()}


def _pictures(request: HttpRequest, row: Vetting, code: str) -> list[tuple[Item, str, int | None]]:
    """Open the first pictures of a finding, on the record, in the order of their clusters."""
    if code not in set(gate.LISTED):
        return []
    flagged = Flagged.objects.filter(vetting=row, code=code, item__aside="").exclude(
        item__file=None
    )
    page = list(flagged.select_related("item__file")[:SHOWN])
    seen = show_pictures(request, [one.item for one in page])
    return [(one.item, seen[one.item_id], one.cluster) for one in page if one.item_id in seen]
