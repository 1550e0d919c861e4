"""Reader: what a client may know of its runs and outputs, opened from under their seals."""

from dataclasses import dataclass
from uuid import UUID

import orjson

from consent.models import Account
from consent.services.authority import get
from generation.digests import digest_text
from generation.errors import ConsentMissing, OutputNotReady
from generation.models import Output, Run
from generation.services.consents import ask_again
from generation.states import CaseOutcome, OutputState
from ledger import vault
from ledger.services import open_file


@dataclass(frozen=True)
class Reason:
    """One reason of an answer: a stable code, and a sentence."""

    code: str
    detail: str


@dataclass(frozen=True)
class RunAnswer:
    """A run as its client sees it now."""

    run: Run
    reasons: tuple[Reason, ...]
    outputs: tuple[Output, ...]


@dataclass(frozen=True)
class OutputAnswer:
    """An output as its client sees it now; digest and manifest id once it is released."""

    output: Output
    digest: str | None
    manifest: str | None


def run_answer(run: Run) -> RunAnswer:
    """Return the answer as it stands: the reasons, a person's decision, the images."""
    said = orjson.loads(vault.keys(run.scopes).open(run, "reasons"))
    reasons = [Reason(each["code"], each["detail"]) for each in said]
    refusals = run.cases.filter(decision__outcome=CaseOutcome.REFUSED)
    reasons += [
        Reason(f"decision.{case.decision.reason}", "a person looked at it and refused it")
        for case in refusals.select_related("decision")
    ]
    return RunAnswer(run, tuple(reasons), tuple(run.outputs.order_by("place")))


def output_answer(output: Output) -> OutputAnswer:
    """Return state, digest and manifest id of an output."""
    if output.state != OutputState.RELEASED:
        return OutputAnswer(output, None, None)
    keys = vault.keys(output.scope_ids())
    return OutputAnswer(
        output=output,
        digest=digest_text(keys.open(output, "delivered_digest")),
        manifest=keys.open(output, "manifest_id").decode(),
    )


def content_of(output: Output) -> bytes:
    """Return the marked bytes of a released output, asking consent once more.

    Raises OutputNotReady before the release, ConsentMissing when the people in it withdrew since.
    """
    if output.state != OutputState.RELEASED or output.marked is None:
        raise OutputNotReady(f"output is {output.state}, wanted released")
    if ask_again(output.run).is_refused:
        raise ConsentMissing("consent was withdrawn since the output was released")
    return open_file(output.marked)


def find_run(account: Account, run_id: UUID) -> Run:
    """Return a run that ``account`` may see. Raises Unknown, for a foreign one too."""
    run = get(Run.objects.select_related("model"), run_id)
    return run if _may_see(account, run, "generation.view_run") else get(Run.objects.none(), run_id)


def find_output(account: Account, output_id: UUID) -> Output:
    """Return an output that ``account`` may see. Raises Unknown, for a foreign one too."""
    output = get(Output.objects.select_related("run", "marked"), output_id)
    if _may_see(account, output.run, "generation.view_output"):
        return output
    return get(Output.objects.none(), output_id)


def _may_see(account: Account, run: Run, permission: str) -> bool:
    # A client sees its own runs, and no others of its project.
    return run.client_id == account.pk or (account.is_staff and account.has_perm(permission, run))
