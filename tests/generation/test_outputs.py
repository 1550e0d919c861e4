import base64
import hashlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from django.db import DatabaseError, transaction
from PIL import Image

from consent.services import withdraw
from generation import c2pa, services, tasks
from generation.digests import digest_text, sha256
from generation.errors import MarkRefused, OutputNotReady
from generation.marking.pixels import pixel_digest
from generation.marking.xmp import TRAINED_ALGORITHMIC_MEDIA
from generation.models import Case, Job, Output, Run
from generation.receipts import wait_for_receipt
from generation.services.outputs import Delivery
from ledger import vault
from ledger.commitment import Opening
from ledger.leaf import parse_body, parse_leaf
from ledger.merkle import verify_inclusion
from ledger.models import Log, Record
from ledger.note import Checkpoint
from ledger.services import open_file
from ledger.verification import verify_log
from tests.generation.acts import RULES, House
from tests.generation.images import drawn, encoded, flipped

pytestmark = pytest.mark.django_db(transaction=True)
LABEL = "example.log.ledger-receipt"
Sequence = Callable[[], int]


def process(output: Output, sequence: Sequence) -> Output:
    """Play worker and sequencer until nothing more is due for ``output``."""
    for _ in range(3):
        Job.objects.filter(pk=output.pk, due_at__isnull=False).update(due_at="2026-01-01T00:00Z")
        tasks.process_output(str(output.pk))
        sequence()
    return Output.objects.get(pk=output.pk)


def received(run: Run) -> Output:
    return Output.objects.get(run=run)


def released(house: House, sequence: Sequence) -> Output:
    return process(received(house.completed()), sequence)


def kinds_of(output: Output) -> list[str]:
    return [parse_body(bytes(r.body)).kind for r in Record.objects.order_by("-id")[:3]][::-1]


def test_harmless_image_is_released_in_three_records(house: House, sequence: Sequence) -> None:
    output = released(house, sequence)
    assert output.state == "released"
    assert kinds_of(output) == ["output.screened", "output.marked", "output.released"]
    assert Job.objects.get(pk=output.pk).due_at is None


def test_released_bytes_are_trusted_and_show_the_same_pixels(
    house: House, sequence: Sequence
) -> None:
    output = released(house, sequence)
    assert output.marked is not None
    content = open_file(output.marked)
    marked = c2pa.read_back(content, "image/png")
    keys = vault.keys(output.scope_ids())
    assert keys.open(output, "delivered_digest") == sha256(content)
    assert keys.open(output, "manifest_id").decode() == marked.manifest_id
    assert pixel_digest(Image.open(BytesIO(content))) == pixel_digest(drawn())
    assert TRAINED_ALGORITHMIC_MEDIA.encode() in content


def test_receipt_in_the_image_proves_its_record(house: House, sequence: Sequence) -> None:
    output = released(house, sequence)
    assert output.marked is not None
    content = open_file(output.marked)
    receipt = c2pa.read_back(content, "image/png").assertion(LABEL)
    assert receipt is not None
    leaf = parse_leaf(receipt["leaf"].encode())
    head = Checkpoint.parse(receipt["checkpoint"].split("\n\n")[0] + "\n")
    path = [base64.b64decode(node) for node in receipt["proof"]]
    verify_inclusion(leaf.hash, receipt["index"], head.size, path, head.root)
    said = receipt["opening"]
    opening = Opening(said["kind"], said["role"], said["payload"], base64.b64decode(said["r"]))
    assert leaf.body.commitments[said["position"]] == opening.commitment
    assert leaf.body.kind == "output.marked"
    assert said["payload"]["pixels"] == digest_text(pixel_digest(drawn()))


def test_receipt_names_no_row_and_no_person(house: House, sequence: Sequence) -> None:
    ada = house.subject()
    house.grant(ada)
    output = process(received(house.completed(house.run("a portrait", ada))), sequence)
    assert output.marked is not None
    content = open_file(output.marked)
    ids = (output.pk, output.run_id, ada.pk, ada.scope_id, house.client.pk, output.record)
    for secret in (*map(str, ids), ada.handle, "portrait", "granted", "allowed", "teamwork"):
        assert secret.encode() not in content
    for row_id in ids:
        assert row_id is not None
        assert row_id.bytes not in content


def test_one_flipped_byte_of_what_was_delivered_is_invalid(
    house: House, sequence: Sequence
) -> None:
    output = released(house, sequence)
    assert output.marked is not None
    content = open_file(output.marked)
    for place in (len(content) - 2000, len(content) - 200):
        with pytest.raises(MarkRefused, match="reads as Invalid"):
            c2pa.read_back(flipped(content, place), "image/png")


def test_log_verifies_behind_it_all(house: House, sequence: Sequence, log: Log) -> None:
    released(house, sequence)
    assert verify_log(log).findings == []


def test_image_with_a_face_waits_for_a_person(house: House, sequence: Sequence) -> None:
    output = process(received(house.completed(house.run(), astronaut())), sequence)
    case = Case.objects.get(output=output)
    assert (output.state, output.codes) == ("held", ["policy.image.faces"])
    assert (case.severity, case.codes) == (4, output.codes)
    signals = vault.keys(output.scope_ids()).open(output, "signals")
    assert signals == b'[{"score":1,"signal":"face.count"}]'
    assert Job.objects.get(pk=output.pk).due_at is None


def test_image_that_a_rule_refuses_is_blocked(house: House, sequence: Sequence) -> None:
    run = house.run()
    strict = RULES["rules"][2] | {"at_least": 0, "verdict": "refuse"}
    services.publish_policy(actor=house.officer, rules={"v": 1, "rules": [strict]})
    output = process(received(house.completed(run)), sequence)
    assert (output.state, output.marked) == ("blocked", None)


def test_withdrawal_before_release_blocks_the_image(house: House, sequence: Sequence) -> None:
    ada = house.subject()
    grant = house.grant(ada)
    run = house.completed(house.run("a portrait", ada))
    withdraw(actor=house.officer, grant_id=grant.pk)
    output = process(received(run), sequence)
    assert (output.state, output.codes) == ("blocked", ["consent.withdrawn"])
    assert kinds_of(output)[-1] == "output.blocked"


def test_steps_taken_already_are_left_alone(house: House, sequence: Sequence) -> None:
    output = released(house, sequence)
    records = Record.objects.count()
    services.screen_output(output_id=output.pk, signals={"face.count": 9})
    delivery = Delivery(content=b"x", manifest_id="urn:c2pa:x", marking=output.pk)
    services.release_output(output_id=output.pk, delivery=delivery)
    tasks.process_output(str(output.pk))
    assert Record.objects.count() == records


def test_changed_encoder_leads_to_a_second_marking(
    house: House, sequence: Sequence, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = received(house.completed())
    tasks.process_output(str(output.pk))
    first = Output.objects.get(pk=output.pk).record
    monkeypatch.setattr("generation.marking.xmp._PACKET", b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>")
    output = process(output, sequence)
    assert output.state == "released"
    assert output.marked is not None
    receipt = c2pa.read_back(open_file(output.marked), "image/png").assertion(LABEL)
    assert receipt is not None
    presigned = vault.keys(output.scope_ids()).open(output, "presigned_digest")
    assert receipt["opening"]["payload"]["presigned"] == digest_text(presigned)
    marked = [r for r in Record.objects.all() if b'"output.marked"' in bytes(r.body)]
    assert len(marked) == 2
    assert first == marked[0].uuid


def test_bytes_with_the_record_before_inside_are_not_released(
    house: House, sequence: Sequence
) -> None:
    output = received(house.completed())
    tasks.process_output(str(output.pk))
    stale = Delivery(content=b"stale", manifest_id="urn:c2pa:x", marking=output.pk)
    assert services.release_output(output_id=output.pk, delivery=stale).state == "marked"


def test_receipt_is_made_of_a_marking_alone(house: House, sequence: Sequence) -> None:
    output = received(house.completed())
    sequence()
    with pytest.raises(OutputNotReady, match="newest record of this output is no marking"):
        wait_for_receipt(output)


def test_failing_classifier_is_tried_again_later(
    house: House,
    sequence: Sequence,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    output = received(house.completed())
    with monkeypatch.context() as patch:
        patch.setattr("generation.classifiers.look", _broken)
        tasks.process_output(str(output.pk))
    job = Job.objects.get(pk=output.pk)
    assert (job.attempts, Output.objects.get(pk=output.pk).state) == (1, "received")
    assert job.due_at is not None
    assert "could not be processed" in caplog.text
    assert process(output, sequence).state == "released"


def test_missing_certificate_keeps_the_image_in(
    house: House, sequence: Sequence, keys: Path, caplog: pytest.LogCaptureFixture
) -> None:
    output = received(house.completed())
    (keys / "chain.pem").rename(keys / "chain.away")
    assert process(output, sequence).state == "marked"
    assert "SigningRefused" in caplog.text
    (keys / "chain.away").rename(keys / "chain.pem")
    assert process(output, sequence).state == "released"


def test_two_deliveries_of_a_message_do_the_work_once(house: House, sequence: Sequence) -> None:
    output = received(house.completed())
    assert tasks._take(output.pk) is not None
    assert tasks._take(output.pk) is None


def test_sweep_sends_what_is_due(house: House, sent: list[str]) -> None:
    output = received(house.completed())
    assert tasks.sweep_jobs() == 1
    assert sent == [str(output.pk)]


def test_released_bytes_are_fixed_in_the_database(house: House, sequence: Sequence) -> None:
    output = released(house, sequence)
    for changed in ({"delivered_index": hashlib.sha256(b"").digest()}, {"state": "received"}):
        with pytest.raises(DatabaseError), transaction.atomic():
            Output.objects.filter(pk=output.pk).update(**changed)


def astronaut() -> bytes:
    data = pytest.importorskip("skimage.data")
    return encoded(Image.fromarray(data.astronaut()))


def _broken(_image: Image.Image) -> dict[str, int]:
    raise RuntimeError("classifier is away")
