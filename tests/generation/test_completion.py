from typing import Any
from uuid import uuid4

import orjson
import pytest
from django.db import DatabaseError, transaction

from generation import services
from generation.errors import (
    ImageCarriesMark,
    ImageRefused,
    ImageTooLarge,
    ModelConflict,
    RequestRefused,
    RunClosed,
)
from generation.models import Job, Output, Run
from generation.services import Caller
from generation.states import FailureReason
from ledger import vault
from ledger.errors import IdempotencyConflict
from ledger.models import SealedFile
from ledger.services import open_file
from tests.generation.acts import DETAILS, House, body_of
from tests.generation.images import drawn, encoded
from tests.generation.test_c2pa import signed

pytestmark = pytest.mark.django_db


def test_images_are_sealed_recorded_and_queued(house: House) -> None:
    image, other = encoded(), encoded(drawn(size=(32, 32)))
    run = house.completed(house.run(), image, other)
    outputs = list(Output.objects.filter(run=run).order_by("place"))
    assert [output.state for output in outputs] == ["received", "received"]
    assert [(output.width, output.height) for output in outputs] == [(64, 48), (32, 32)]
    assert open_file(outputs[0].received) == image
    assert {output.record for output in outputs} == {run.record}
    assert Job.objects.filter(output__in=outputs, due_at__isnull=False).count() == 2
    body = body_of(run)
    assert (body.kind, body.facts) == ("run.completed", {"outputs": 2})


def test_details_are_sealed(house: House) -> None:
    run = house.completed()
    run.refresh_from_db()
    assert orjson.loads(vault.keys(run.scopes).open(run, "details")) == DETAILS


@pytest.mark.parametrize(
    ("images", "error", "complaint"),
    [
        ((), RequestRefused, "hands in 0 images, wanted 1 to 16"),
        ((encoded(),) * 17, RequestRefused, "hands in 17 images"),
        ((b"",), ImageRefused, "0 bytes are no image, wanted PNG"),
        ((b"no image",), ImageRefused, "wanted PNG"),
        ((encoded()[:-100],), ImageRefused, "truncated or damaged"),
        ((encoded(form="JPEG"),), ImageRefused, "wanted PNG"),
        ((encoded(), b"no image"), ImageRefused, "wanted PNG"),
        ((b"\0" * (16 * 1024 * 1024 + 1),), ImageTooLarge, "16777217 bytes"),
    ],
)
def test_bad_uploads_are_refused_whole(
    house: House, images: tuple[bytes, ...], error: type[Exception], complaint: str
) -> None:
    run = house.run()
    with pytest.raises(error, match=complaint):
        services.complete_run(caller=house.caller(), run_id=run.pk, images=images, details=DETAILS)
    assert not Output.objects.exists()
    assert not SealedFile.objects.exists()
    assert Run.objects.get(pk=run.pk).state == "allowed"


def test_image_with_credentials_of_another_is_refused(house: House) -> None:
    content, _ = signed()
    with pytest.raises(ImageCarriesMark, match="carries content credentials already"):
        house.completed(house.run(), content)


@pytest.mark.parametrize(
    ("details", "error", "complaint"),
    [
        ({}, RequestRefused, "details name no effective_digest"),
        ({"effective_digest": "x"}, RequestRefused, "wanted sha256"),
        ({"effective_digest": f"sha256:{'00' * 32}"}, ModelConflict, "other weights ran"),
        (DETAILS | {"note": "x" * 32_768}, RequestRefused, "at most 32768"),
    ],
)
def test_bad_details_are_refused(
    house: House, details: dict, error: type[Exception], complaint: str
) -> None:
    with pytest.raises(error, match=complaint):
        services.complete_run(
            caller=house.caller(), run_id=house.run().pk, images=[encoded()], details=details
        )
    assert not Output.objects.exists()


@pytest.mark.parametrize("prompt", ["a weapon", "a politician"])
def test_run_that_is_not_allowed_takes_no_image(house: House, prompt: str) -> None:
    with pytest.raises(RunClosed, match="wanted one that is allowed"):
        house.completed(house.run(prompt))


def test_run_ends_once(house: House) -> None:
    run = house.completed()
    with pytest.raises(RunClosed, match="run is completed"):
        house.completed(run)


def test_repeated_upload_is_answered_with_the_first(house: House) -> None:
    run, caller = house.run(), house.caller("k")
    for _ in range(2):
        services.complete_run(caller=caller, run_id=run.pk, images=[encoded()], details=DETAILS)
    assert Output.objects.count() == 1


def test_another_image_under_the_same_key_is_refused(house: House) -> None:
    run, caller = house.run(), house.caller("k")
    services.complete_run(caller=caller, run_id=run.pk, images=[encoded()], details=DETAILS)
    with pytest.raises(IdempotencyConflict):
        services.complete_run(
            caller=caller, run_id=run.pk, images=[encoded(drawn("L"))], details=DETAILS
        )


def test_another_client_cannot_complete_a_run(house: House) -> None:
    run = house.run()
    stranger = Caller(house.moderator, "k")
    with pytest.raises(RunClosed, match="no run of this client has this id"):
        services.complete_run(caller=stranger, run_id=run.pk, images=[encoded()], details=DETAILS)
    with pytest.raises(RunClosed, match="no run of this client"):
        services.fail_run(caller=house.caller(), run_id=uuid4(), reason=FailureReason.ABORTED)


def test_failure_is_recorded_with_its_reason(house: House) -> None:
    run, caller = house.run(), house.caller("k")
    for _ in range(2):
        run = services.fail_run(caller=caller, run_id=run.pk, reason=FailureReason.OUT_OF_MEMORY)
    body = body_of(run)
    assert (run.state, body.facts) == ("failed", {"reason": "out_of_memory"})


def test_what_was_asked_for_is_fixed_in_the_database(house: House) -> None:
    run = house.run()
    changes: list[dict[str, Any]] = [
        {"prompt": b"x"},
        {"scopes": []},
        {"sequence": 77},
        {"state": "completed"},
    ]
    for changed in changes:
        with pytest.raises(DatabaseError), transaction.atomic():
            Run.objects.filter(pk=run.pk).update(**changed)
