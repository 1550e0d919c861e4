"""What people do about findings: accept one with a reason, take its pictures out."""

from collections.abc import Collection
from uuid import UUID

from django.db import transaction

from consent import kinds
from consent.errors import TermsRefused, WrongState
from consent.kinds import FindingFact, FindingSettled
from consent.models import (
    FindingState,
    Vetting,
    VettingFinding,
    VettingState,
    VettingWaiver,
)
from consent.moment import database_now
from consent.services.arrivals import get_draft
from consent.services.authority import Actor, Operator, by, get, lock
from consent.services.datasets import set_aside
from consent.services.gate import is_fresh, is_live, items_of, newest, seen_mark
from consent.uses import Aside
from consent.vetting.gate import Code, Severity
from ledger import vault
from ledger.kinds import NoFacts
from ledger.models import HOUSE_SCOPE
from ledger.services import Unsealed, append

MAX_REASON = 2_000


@transaction.atomic
def accept_finding(*, actor: Actor, finding_id: UUID, reason: str) -> VettingFinding:
    """Take what was found as it is, and answer for it.

    Raises NotPermitted, Unknown, TermsRefused without a reason, WrongState when the finding asks
    for no decision, is decided, or belongs to an earlier vetting.
    """
    finding = _open_finding(actor, finding_id)
    if finding.severity != Severity.ASKS:
        raise WrongState("this cannot be accepted: only what asks for a decision can")
    _check_reason(reason)
    finding.state, finding.decided_at = FindingState.ACCEPTED, database_now()
    finding.decided_by = None if isinstance(actor, Operator) else actor
    finding.reason = vault.keys([HOUSE_SCOPE]).seal(finding, "reason", reason.encode())
    finding.save(update_fields=["state", "decided_at", "decided_by", "reason"])
    append(
        kind=kinds.VETTING_ACCEPTED,
        facts=FindingFact(code=Code(finding.code)),
        segments=[Unsealed("vetting", (HOUSE_SCOPE,), {}, (finding,)), by(actor)],
    )
    return finding


@transaction.atomic
def set_aside_items(
    *, actor: Actor, finding_id: UUID, item_ids: Collection[UUID] | None = None
) -> int:
    """Take the items of a finding out of the draft, all or those named; return how many.

    Of pictures that are nearly the same the first stays. Raises NotPermitted, Unknown, WrongState
    when the finding is decided, names no items, or belongs to an earlier vetting.
    """
    finding = _open_finding(actor, finding_id)
    items = items_of(finding)
    if items is None:
        raise WrongState("this finding is about the whole version, so no picture can be taken out")
    chosen = items if item_ids is None else items.filter(pk__in=item_ids)
    count = set_aside(finding.vetting.version, chosen, Aside.VETTED)
    settled = settle(finding.vetting)
    append(
        kind=kinds.VETTING_SETTLED,
        facts=FindingSettled(code=Code(finding.code), items=count),
        segments=[Unsealed("vetting", (HOUSE_SCOPE,), {}, tuple(settled)), by(actor)],
    )
    return count


@transaction.atomic
def waive_vetting(*, actor: Actor, version_id: UUID, reason: str) -> VettingWaiver:
    """Let a draft be frozen as it is though nobody vetted it, and answer for that.

    Holds until something comes in. What the licences forbid it does not allow, and what a vetting
    found of just this stays found. Raises NotPermitted, Unknown, TermsRefused without a reason,
    WrongState when it is no draft or is vetted as it is.
    """
    version = get_draft(actor, version_id, "consent.waive_vetting")
    _check_reason(reason)
    last = newest(version)
    if last is not None and last.state == VettingState.DONE and is_fresh(last):
        raise WrongState("the version is vetted as it is: settle what was found")
    count, mark = seen_mark(version)
    waiver = VettingWaiver(
        version=version,
        waived_by=None if isinstance(actor, Operator) else actor,
        waived_at=database_now(),
        seen_count=count,
        seen_mark=mark,
    )
    waiver.reason = vault.keys([HOUSE_SCOPE]).seal(waiver, "reason", reason.encode())
    waiver.save(force_insert=True)
    append(
        kind=kinds.VETTING_WAIVED,
        facts=NoFacts(),
        segments=[Unsealed("waiver", (HOUSE_SCOPE,), {}, (waiver,)), by(actor)],
    )
    return waiver


def settle(vetting: Vetting) -> list[VettingFinding]:
    """Mark the findings none of whose items is a member any more; the caller records them."""
    rows = [
        one
        for one in vetting.findings.exclude(state=FindingState.SETTLED)
        if items_of(one) is not None and not is_live(one)
    ]
    for one in rows:
        one.state = FindingState.SETTLED
        one.save(update_fields=["state"])
    return rows


def _check_reason(reason: str) -> None:
    if not 0 < len(reason.strip()) <= len(reason) <= MAX_REASON:
        raise TermsRefused(f"reason has {len(reason)} characters, wanted 1 to {MAX_REASON}")


def _open_finding(actor: Actor, finding_id: UUID) -> VettingFinding:
    """Return a finding of a draft's newest vetting that is open, with the draft locked."""
    finding = get(VettingFinding.objects.select_related("vetting"), finding_id)
    version = get_draft(actor, finding.vetting.version_id)
    finding = lock(VettingFinding.objects.select_related("vetting"), finding_id)
    finding.vetting.version = version
    last = newest(version)
    if last is None or last.pk != finding.vetting_id or last.state != VettingState.DONE:
        raise WrongState("the version was vetted again since: look at what that found")
    if finding.state != FindingState.OPEN:
        raise WrongState(f"this finding is {finding.get_state_display()} already")
    return finding
