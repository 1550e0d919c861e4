"""The gate: asked before a version is frozen, whether what vetting found stands against it."""

import orjson
from django.db.models import QuerySet

from consent.errors import GateClosed, WrongState
from consent.models import (
    DatasetVersion,
    FindingState,
    Flagged,
    Item,
    Vetting,
    VettingFinding,
    VettingState,
    VettingWaiver,
)
from consent.uses import Use
from consent.vetting.gate import Code, Finding, Severity, Verdict, judge
from consent.vetting.licences import check_licences
from ledger import binary, vault
from ledger.models import HOUSE_SCOPE

# Those whose items stand in a list; the others are about licences, numbers or groups.
LISTED = frozenset(
    {
        Code.CONSENT_MISSING,
        Code.SIGNAL_RESERVED,
        Code.SIGNAL_UNCLEAR,
        Code.FACE_WITHOUT_PERSON,
        Code.PICTURE_UNREADABLE,
        Code.HELD_FOR_EVALUATION,
        Code.NEAR_DUPLICATES,
        Code.LABEL_FLAGGED,
    }
)
_LICENCES = (
    "SELECT licence, count(*), bit_xor(uuid_hash_extended(id, 0)) FROM consent_item "
    "WHERE version_id = %s AND aside = '' GROUP BY licence"
)
# What was made from items here is looked at when it is made.
_SEEN = (
    "SELECT count(*), coalesce(bit_xor(uuid_hash_extended(i.id, 0)), 0) FROM consent_item i "
    "JOIN consent_intake n ON n.id = i.intake_id AND n.form <> 'anonymised' "
    "WHERE i.version_id = %s"
)


def check_gate(version: DatasetVersion) -> bool:
    """Return whether a draft may be frozen as vetted (True), or under a waiver (False).

    Vetting counts while nothing came in since; then what it found must be settled. Where nobody
    vetted it as it is, somebody must have waived that as it is; what was found before stands while
    its items are members, and what is quickly seen is looked at here. Raises GateClosed, with all
    reasons, WrongState when it is to be vetted first, a vetting is under way or was given up.
    """
    vetting, waiver = newest(version), waiver_of(version)
    if vetting is not None and vetting.state == VettingState.ORDERED:
        raise WrongState("the version is being vetted: wait until that is done")
    is_vetted = vetting is not None and vetting.state == VettingState.DONE and is_fresh(vetting)
    if not is_vetted and waiver is None:
        raise WrongState(_unvetted(vetting))
    reasons = _found(version, is_vetted=is_vetted)
    if not is_vetted:
        reasons |= {one.code: one for one in quick(version) if one.code.severity == Severity.BLOCKS}
    if reasons:
        sentences = " ".join(one.sentence for one in reasons.values())
        raise GateClosed(sentences.removesuffix("."))
    return is_vetted


def waiver_of(version: DatasetVersion) -> VettingWaiver | None:
    """Return why a draft may be frozen unvetted as it is now; None where nobody answers for it.

    Whoever waived a vetting before one was done knew nothing of what that found.
    """
    last = version.waivers.first()
    if last is None or (last.seen_count, last.seen_mark) != seen_mark(version):
        return None
    later = version.vettings.filter(state=VettingState.DONE, done_at__gte=last.waived_at)
    return None if later.exists() else last


def last_done(version: DatasetVersion) -> Vetting | None:
    """Return the last vetting of a version that was carried out to its end."""
    return version.vettings.filter(state=VettingState.DONE).first()


def newest(version: DatasetVersion) -> Vetting | None:
    """Return the last vetting of a version that was ordered."""
    return Vetting.objects.filter(version=version).select_related("version__dataset").first()


def quick(version: DatasetVersion) -> list[Finding]:
    """Return what stands against the licences of a version's members."""
    mix = {licence: count for licence, (count, _) in licences_of(version).items()}
    return check_licences(mix, [Use(use) for use in version.uses])


def licences_of(version: DatasetVersion) -> dict[str, tuple[int, int]]:
    """Return for each licence of the members how many they are, and a sum over their ids."""
    return {name: (count, mark) for name, count, mark in binary.fetch(_LICENCES, [version.pk])}


def seen_mark(version: DatasetVersion) -> tuple[int, int]:
    """Return how many items came into a version, and a sum over their ids."""
    ((count, mark),) = binary.fetch(_SEEN, [version.pk])
    return count, mark


def is_fresh(vetting: Vetting) -> bool:
    """Return whether nothing has come into the version, or was declared of it, since it was
    vetted."""
    later = vetting.version.declarations.filter(declared_at__gt=vetting.ordered_at)
    seen = (vetting.seen_count, vetting.seen_mark)
    return seen == seen_mark(vetting.version) and not later.exists()


def verdict_of(vetting: Vetting) -> Verdict:
    """Return what the gate says now, after what was decided since."""
    return judge(Code(one.code) for one in open_findings(vetting))


def open_findings(vetting: Vetting) -> list[VettingFinding]:
    """Return the findings that nobody accepted and whose items are members still."""
    found = vetting.findings.filter(state=FindingState.OPEN)
    return [one for one in found if is_live(one)]


def is_live(finding: VettingFinding) -> bool:
    """Return whether an item of the finding is still a member; findings without items are."""
    items = items_of(finding)
    return items is None or items.exists()


def items_of(finding: VettingFinding) -> QuerySet[Item] | None:
    """Return the members that a finding would have taken out; None when it names none."""
    code, version = Code(finding.code), finding.vetting.version_id
    members = Item.objects.filter(version=version, aside="")
    if code in LISTED:
        flagged = Flagged.objects.filter(vetting=finding.vetting, code=code)
        if code == Code.NEAR_DUPLICATES:
            flagged = flagged.filter(place__gt=0)  # the first of each cluster stays
        return members.filter(pk__in=flagged.values("item"))
    if code.value.startswith("licence_"):
        return members.filter(licence__in=sorted(detail_of(finding)))
    return None


def detail_of(finding: VettingFinding) -> dict[str, int]:
    """Return the numbers by name that a finding comes with."""
    detail: dict[str, int] = orjson.loads(vault.keys([HOUSE_SCOPE]).open(finding, "detail"))
    return detail


def _found(version: DatasetVersion, *, is_vetted: bool) -> dict[Code, Finding]:
    """Return by code what the last vetting found that somebody must settle still.

    Where it is not fresh, of the version as a whole it says nothing any more.
    """
    last = last_done(version)
    open_ones = (
        [one for one in open_findings(last) if one.severity != Severity.NOTE] if last else []
    )
    return {
        Code(one.code): Finding(Code(one.code), one.count)
        for one in open_ones
        if is_vetted or items_of(one) is not None
    }


def _unvetted(vetting: Vetting | None) -> str:
    if vetting is None:
        return "nobody has vetted the version: vet it, or have an officer waive that"
    if vetting.state == VettingState.FAILED:
        return "vetting the version was given up: vet it again"
    return "something came in or was declared since the version was vetted: vet it again"
