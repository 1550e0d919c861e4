"""Bring an image from received to released, one recorded step at a time.

Each function takes what an edge found, changes one state and records it. A step that was taken
already is left alone, so that a task may repeat any of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from consent.moment import database_now
from consent.services.authority import lock
from generation.digests import digest_text, sha256
from generation.kinds import (
    OUTPUT_BLOCKED,
    OUTPUT_HELD,
    OUTPUT_MARKED,
    OUTPUT_RELEASED,
    OUTPUT_SCREENED,
    OutputHeld,
    OutputMarked,
    OutputScreened,
)
from generation.lookup_index import index_of
from generation.marking.manifest import MANIFEST_VERSION
from generation.marking.prepare import XMP_VERSION, Prepared
from generation.models import Case, Output
from generation.policy import Outcome, Verdict, screen_image
from generation.services.consents import ask_again, is_approved
from generation.services.runs import UNCLEAR_CONSENT_SEVERITY, get_active_policy
from generation.states import OutputState
from ledger import vault
from ledger.canonical import canonical
from ledger.kinds import Facts, Kind, NoFacts
from ledger.models import Recorded
from ledger.services import Unsealed, append, store_file

_AFTER_SCREENING = {
    Outcome.ALLOW: OutputState.CLEARED,
    Outcome.REVIEW: OutputState.HELD,
    Outcome.REFUSE: OutputState.BLOCKED,
}


@dataclass(frozen=True)
class Delivery:
    """Signed bytes that were read back as trusted, and the record that stands inside them."""

    content: bytes
    manifest_id: str
    marking: UUID


def screen_output(*, output_id: UUID, signals: Mapping[str, int]) -> Output:
    """Judge an image by the policy in force and the signals that classifiers found in it."""
    with transaction.atomic():
        output = _lock(output_id)
        if output.state != OutputState.RECEIVED:
            return output
        output.policy = get_active_policy()
        verdict = screen_image(output.policy.rules(), signals)
        keys = vault.keys(output.scope_ids())
        output.signals = keys.seal(output, "signals", _as_text(signals))
        output.codes = [f"policy.{code}" for code in verdict.rules]
        output.state = _AFTER_SCREENING[verdict.outcome]
        output.save(update_fields=["policy", "signals", "codes", "state"])
        cases = [_open_case(output, verdict)] if output.state == OutputState.HELD else []
        facts = OutputScreened(verdict=verdict.outcome, policy=output.policy.digest_text())
        _record(OUTPUT_SCREENED, facts, output, *cases, rules=list(verdict.rules))
    return output


def mark_output(*, output_id: UUID, prepared: Prepared) -> Output:
    """Record the two digests of an image that is about to be signed.

    The digests stand alone in a segment, so that its opening can travel in the image. Called
    again with other digests (the encoder has changed since), it records them anew.
    """
    with transaction.atomic():
        output = _lock(output_id)
        if output.state not in (OutputState.CLEARED, OutputState.MARKED):
            return output
        keys = vault.keys(output.scope_ids())
        if output.state == OutputState.MARKED and _is_same(output, prepared, keys):
            return output
        output.presigned_digest = keys.seal(output, "presigned_digest", prepared.presigned_digest)
        output.pixel_digest = keys.seal(output, "pixel_digest", prepared.pixel_digest)
        output.presigned_index = index_of("presigned", prepared.presigned_digest.hex())
        output.state = OutputState.MARKED
        output.save()
        image = Unsealed(
            "image",
            output.scope_ids(),
            {
                "presigned": digest_text(prepared.presigned_digest),
                "pixels": digest_text(prepared.pixel_digest),
            },
        )
        append(
            kind=OUTPUT_MARKED,
            facts=OutputMarked(xmp=XMP_VERSION, manifest=MANIFEST_VERSION),
            segments=[image, Unsealed("run", output.scope_ids(), rows=(output,))],
        )
    return output


def release_output(*, output_id: UUID, delivery: Delivery) -> Output:
    """Let the signed bytes leave, unless consent has changed since the run was asked for.

    Refused consent blocks the output; unclear consent holds it, unless a person has looked
    already. Nothing happens when the output was marked anew meanwhile: the bytes name the
    record before.
    """
    with transaction.atomic():
        output = _lock(output_id)
        if output.state != OutputState.MARKED or output.record != delivery.marking:
            return output
        consent = ask_again(output.run)
        if consent.is_refused:
            return _block(output, consent.codes())
        if consent.is_unclear and not is_approved(output.run):
            return _hold(output, consent.codes())
        return _release(output, delivery)


def _release(output: Output, delivery: Delivery) -> Output:
    keys = vault.keys(output.scope_ids())
    digest = sha256(delivery.content)
    output.marked = store_file(output.scope_ids(), delivery.content)
    output.delivered_digest = keys.seal(output, "delivered_digest", digest)
    output.delivered_index = index_of("delivered", digest.hex())
    output.manifest_id = keys.seal(output, "manifest_id", delivery.manifest_id.encode())
    output.manifest_index = index_of("manifest", delivery.manifest_id)
    output.state, output.released_at = OutputState.RELEASED, database_now()
    output.save()
    said = {"delivered": digest_text(digest), "manifest": delivery.manifest_id}
    _record(OUTPUT_RELEASED, NoFacts(), output, **said)
    return output


def _block(output: Output, codes: tuple[str, ...]) -> Output:
    output.state = OutputState.BLOCKED
    output.codes = [*output.codes, *codes]
    output.save(update_fields=["state", "codes"])
    _record(OUTPUT_BLOCKED, NoFacts(), output, reasons=list(codes))
    return output


def _hold(output: Output, codes: tuple[str, ...]) -> Output:
    assert output.policy is not None
    output.state = OutputState.HELD
    output.codes = [*output.codes, *codes]
    output.save(update_fields=["state", "codes"])
    case = _open_case(output, Verdict(Outcome.REVIEW, (), UNCLEAR_CONSENT_SEVERITY))
    facts = OutputHeld(policy=output.policy.digest_text())
    _record(OUTPUT_HELD, facts, output, case, reasons=list(codes))
    return output


def _as_text(signals: Mapping[str, int]) -> bytes:
    return canonical([{"score": signals[name], "signal": name} for name in sorted(signals)])


def _lock(output_id: UUID) -> Output:
    # The run is not locked with it: other outputs of the run go their own way.
    return lock(Output.objects.select_related("run", "policy"), output_id)


def _open_case(output: Output, verdict: Verdict) -> Case:
    assert output.policy is not None
    case = Case(
        output=output,
        policy=output.policy,
        codes=output.codes,
        severity=verdict.severity,
        opened_at=database_now(),
    )
    case.save(force_insert=True)
    return case


def _record(kind: Kind, facts: Facts, output: Output, *others: Recorded, **said: Any) -> None:
    append(
        kind=kind,
        facts=facts,
        segments=[Unsealed("run", output.scope_ids(), said, rows=(output, *others))],
    )


def _is_same(output: Output, prepared: Prepared, keys: vault.Keys) -> bool:
    digests = (prepared.presigned_digest, prepared.pixel_digest)
    return digests == tuple(
        keys.open(output, column) for column in ("presigned_digest", "pixel_digest")
    )
