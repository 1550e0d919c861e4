"""Look at what is sealed in a run or an image, on the record; for those who decide cases."""

from collections.abc import Mapping
from uuid import UUID

from consent.models import Account
from consent.services.authority import get, require
from generation.models import Decision, Output, Run
from ledger.record_kinds import DisclosureReason
from ledger.services import Disclosure, disclose

PERMISSION = "generation.decide_case"
RUN_COLUMNS = ("prompt", "parameters", "reasons", "details")


def see_run(*, actor: Account, run_id: UUID) -> Mapping[str, bytes]:
    """Open what was asked for and why it was answered so; empty once a person in it is erased.

    Commits its access record before it answers; no transaction may be open. Raises NotPermitted.
    """
    run = get(Run.objects.all(), run_id)
    require(actor, PERMISSION, run)
    wanted = [Disclosure(run, RUN_COLUMNS)]
    return _disclose(actor, wanted).get(run.pk, {})


def see_image(*, actor: Account, output_id: UUID) -> bytes | None:
    """Open an image: the marked one where it exists. None once a person in it is erased.

    Commits its access record before it answers; no transaction may be open. Raises NotPermitted.
    """
    output = get(Output.objects.select_related("run", "received", "marked"), output_id)
    require(actor, PERMISSION, output)
    column = "received" if output.marked is None else "marked"
    seen = _disclose(actor, [Disclosure(output, (), (column,))])
    return seen.get(output.pk, {}).get(column)


def see_note(*, actor: Account, decision_id: UUID) -> str:
    """Open the note of a decision, recorded as above."""
    decision = get(Decision.objects.select_related("case__run", "case__output__run"), decision_id)
    require(actor, PERMISSION, decision)
    seen = _disclose(actor, [Disclosure(decision, ("note",))])
    return seen.get(decision.pk, {}).get("note", b"").decode()


def _disclose(actor: Account, wanted: list[Disclosure]) -> Mapping[UUID, Mapping[str, bytes]]:
    return disclose(reader=actor.scope_id, reason=DisclosureReason.MODERATION, wanted=wanted)
