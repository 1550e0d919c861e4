"""Take in what an allowed run made, or that it made nothing."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import transaction

from consent.moment import database_now
from consent.services.authority import by, require
from generation import c2pa
from generation.digests import digest_text, parse_digest, sha256
from generation.errors import ImageCarriesMark, ModelConflict, RequestRefused, RunClosed
from generation.kinds import RUN_COMPLETED, RUN_FAILED, RunCompleted, RunFailed
from generation.marking.intake import ImageFormat, Limits, Picture, decode
from generation.models import Job, Output, Run
from generation.services.callers import Caller
from generation.states import FailureReason, RunState
from ledger import vault
from ledger.canonical import JSON, canonical
from ledger.services import Unsealed, append, store_file

ACCEPTED = frozenset({ImageFormat.PNG})
LIMITS = Limits(max_bytes=16 * 1024 * 1024, max_pixels=4096 * 4096)
MAX_IMAGES = 16
MAX_DETAIL_BYTES = 32_768


def complete_run(
    *, caller: Caller, run_id: UUID, images: Sequence[bytes], details: Mapping[str, JSON]
) -> Run:
    """Take the images of an allowed run, seal them, and queue each for screening.

    ``details`` must name the ``effective_digest`` of the weights that ran. The whole upload is
    taken or none of it. Raises ImageRefused and its kin, RequestRefused, ModelConflict when other
    weights ran than are registered, RunClosed, NotPermitted, IdempotencyConflict, ScopeGone.
    """
    asked: dict[str, JSON] = {
        "do": "complete_run",
        "run": str(run_id),
        "images": [digest_text(sha256(image)) for image in images],
        "details": dict(details),
    }
    pictures = _decode_all(images)
    with transaction.atomic():
        claim = caller.claim(asked)
        if claim.is_replay:
            return claim.answer(Run)
        run = _lock_allowed(caller, run_id, "generation.complete_run")
        _seal_details(run, details)
        outputs = [
            _write_output(run, place, content, picture)
            for place, (content, picture) in enumerate(zip(images, pictures, strict=True))
        ]
        run.state, run.ended_at = RunState.COMPLETED, database_now()
        run.save(update_fields=["details", "state", "ended_at"])
        append(
            kind=RUN_COMPLETED,
            facts=RunCompleted(outputs=len(outputs)),
            segments=[
                Unsealed("run", run.scope_ids(), rows=(run, *outputs)),
                by(caller.account),
            ],
        )
        claim.settle(run)
    return run


def fail_run(*, caller: Caller, run_id: UUID, reason: FailureReason) -> Run:
    """Record that an allowed run made nothing. Raises RunClosed, NotPermitted."""
    asked: dict[str, JSON] = {"do": "fail_run", "run": str(run_id), "reason": reason.value}
    with transaction.atomic():
        claim = caller.claim(asked)
        if claim.is_replay:
            return claim.answer(Run)
        run = _lock_allowed(caller, run_id, "generation.fail_run")
        run.state, run.failure, run.ended_at = RunState.FAILED, reason.value, database_now()
        run.save(update_fields=["state", "failure", "ended_at"])
        append(
            kind=RUN_FAILED,
            facts=RunFailed(reason=reason),
            segments=[
                Unsealed("run", run.scope_ids(), rows=(run,)),
                by(caller.account),
            ],
        )
        claim.settle(run)
    return run


def _decode_all(images: Sequence[bytes]) -> list[Picture]:
    if not 1 <= len(images) <= MAX_IMAGES:
        raise RequestRefused(f"run hands in {len(images)} images, wanted 1 to {MAX_IMAGES}")
    return [_decode(image) for image in images]


def _decode(content: bytes) -> Picture:
    picture = decode(content, limits=LIMITS, accepted=ACCEPTED)
    if c2pa.carries_manifest(content, picture.format.media_type):
        raise ImageCarriesMark("image carries content credentials already, wanted one without")
    return picture


def _lock_allowed(caller: Caller, run_id: UUID, permission: str) -> Run:
    run = Run.objects.select_for_update().select_related("model").filter(pk=run_id).first()
    if run is None or run.client_id != caller.account.pk:
        raise RunClosed("no run of this client has this id")
    require(caller.account, permission, run)
    if run.state != RunState.ALLOWED:
        raise RunClosed(f"run is {run.state}, wanted one that is allowed")
    return run


def _seal_details(run: Run, details: Mapping[str, JSON]) -> None:
    text = canonical(dict(details))
    if len(text) > MAX_DETAIL_BYTES:
        raise RequestRefused(f"details have {len(text)} bytes, at most {MAX_DETAIL_BYTES}")
    effective = details.get("effective_digest")
    if not isinstance(effective, str):
        raise RequestRefused("details name no effective_digest of the weights that ran")
    if parse_digest(effective) != run.model.effective_digest:
        raise ModelConflict(f"other weights ran than are registered as {run.model}")
    run.details = vault.keys(run.scopes).seal(run, "details", text)


def _write_output(run: Run, place: int, content: bytes, picture: Picture) -> Output:
    now = database_now()
    width, height = picture.size
    output = Output(
        run=run,
        place=place,
        format=picture.format.value,
        width=width,
        height=height,
        received=store_file(run.scopes, content),
        received_at=now,
    )
    output.save(force_insert=True)
    Job.objects.create(output=output, due_at=now)
    return output
