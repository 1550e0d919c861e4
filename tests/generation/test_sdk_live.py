"""A real diffusers pipeline, recorded over HTTP by the whole service with all its processes."""

import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from config import supervise
from generation.sdk import (
    ModelChanged,
    OutputsWithheld,
    Recorder,
    RegisteredModel,
    Rejected,
    RunHeld,
    RunRefused,
    ServiceUnavailable,
    UnmarkableOutput,
)

torch = pytest.importorskip("torch")
diffusers = pytest.importorskip("diffusers")
pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
WEIGHTS = ROOT / "fixtures" / "generator" / "weights"
FAST: dict[str, Any] = {"num_inference_steps": 2, "height": 64, "width": 64}


@dataclass
class Live:
    """The running service, and what is known of the people in it."""

    home: Path
    url: str
    outside: subprocess.Popen[str]
    known: dict[str, str] = field(default_factory=dict)
    one_by_one: threading.Lock = field(default_factory=threading.Lock)

    def act(self, name: str, **given: str) -> dict[str, Any]:
        assert self.outside.stdin is not None
        assert self.outside.stdout is not None
        with self.one_by_one:
            self.outside.stdin.write(json.dumps([name, given]) + "\n")
            self.outside.stdin.flush()
            answer: dict[str, Any] = json.loads(self.outside.stdout.readline())
        return answer

    def recorder(self, **options: Any) -> Recorder:
        return Recorder(self.url, self.known["client_id"], self.known["client_secret"], **options)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    home = tmp_path_factory.mktemp("live")
    with supervise.running(home) as url:
        outside = subprocess.Popen(
            [sys.executable, "-m", "tests.generation.live"],
            cwd=ROOT,
            env=os.environ | {"MUNIMENT_HOME": str(home), "MUNIMENT_SUPERVISED": "on"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        # Leaving closes its input, which ends it.
        with outside:
            service = Live(home, url, outside)
            service.known = service.act("open_up")
            yield service


@pytest.fixture(scope="module")
def pipeline() -> Any:
    loaded = diffusers.StableDiffusionPipeline.from_pretrained(WEIGHTS, local_files_only=True)
    loaded.set_progress_bar_config(disable=True)
    return loaded


@pytest.fixture(scope="module")
def model(live: Live, pipeline: Any) -> RegisteredModel:
    return live.recorder().register_model(pipeline, name="small shapes", version="1")


@pytest.fixture
def pipe(live: Live, pipeline: Any, model: RegisteredModel) -> Any:
    return live.recorder().wrap(pipeline, model=model, project=live.known["project"])


def trusted(live: Live, content: bytes) -> dict[str, Any]:
    """Read an image as a stranger would, who has our root and nothing else."""
    import c2pa

    root = (live.home / "keys" / "c2pa" / "root.pem").read_text()
    purposes = "1.3.6.1.4.1.62558.2.1\n1.3.6.1.5.5.7.3.4\n"
    context = c2pa.Context.from_dict(
        {"version": 1, "trust": {"user_anchors": root, "trust_config": purposes}}
    )
    with c2pa.Reader("image/png", io.BytesIO(content), context=context) as reader:
        return {"state": reader.get_validation_state(), "manifest": reader.get_active_manifest()}


def test_marked_image_comes_back_and_saves_as_it_was_signed(
    live: Live, pipe: Any, tmp_path: Path
) -> None:
    result = pipe("a red circle", **FAST)
    assert [image.size for image in result.images] == [(64, 64)]
    saved = result.outputs[0].save(tmp_path / "circle.png").read_bytes()
    read = trusted(live, saved)
    assert read["state"] == "Trusted"
    assert read["manifest"]["label"] == result.outputs[0].manifest
    labels = [each["label"] for each in read["manifest"]["assertions"]]
    assert "example.log.ledger-receipt" in labels


def test_same_seed_gives_the_same_pixels_again(pipe: Any) -> None:
    first = pipe("a blue square", **FAST)
    again = pipe(
        "a blue square", generator=torch.Generator().manual_seed(int(first.seeds[0])), **FAST
    )
    assert again.seeds == first.seeds
    assert again.images[0].tobytes() == first.images[0].tobytes()
    assert again.run != first.run


def test_record_holds_what_took_effect(live: Live, pipe: Any) -> None:
    pipe("a green star", guidance_scale=4.0, **FAST)
    run = live.act("look")["runs"][-1]
    assert (run["prompt"], run["state"]) == ("a green star", "completed")
    assert run["parameters"]["guidance_scale"] == "4.0"
    assert run["parameters"]["num_images_per_prompt"] == 1
    assert run["details"]["steps"] == 2
    assert run["details"]["environment"]["libraries"]["diffusers"] == diffusers.__version__
    assert run["details"]["reproducible"] is True


def test_several_images_come_back_in_order(pipe: Any) -> None:
    result = pipe(["a red circle", "a blue star"], **FAST)
    assert len(result.images) == 2
    assert len({output.digest for output in result.outputs}) == 2


def test_tuple_comes_back_where_one_is_asked_for(pipe: Any) -> None:
    (images,) = pipe("a red circle", return_dict=False, **FAST)
    assert isinstance(images[0], Image.Image)


def test_person_who_consented_is_depicted_and_another_is_not(live: Live, pipe: Any) -> None:
    assert pipe("a portrait", depicts=[live.known["ada"]], **FAST).images
    with pytest.raises(RunRefused, match="never consented to being depicted") as refused:
        pipe("a portrait", depicts=[live.known["ada"], live.known["bo"]], **FAST)
    assert refused.value.reasons[0]["code"] == "consent.never_given"


def test_refused_run_never_starts(pipe: Any, pipeline: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(pipeline.unet, "forward", _must_not_run)
    with pytest.raises(RunRefused, match=r"prompt\.weapon"):
        pipe("a weapon", **FAST)


def test_held_run_raises_or_waits_for_the_decision(
    live: Live, pipeline: Any, model: RegisteredModel
) -> None:
    project = live.known["project"]
    with pytest.raises(RunHeld, match=r"prompt\.politician") as held:
        live.recorder().wrap(pipeline, model=model, project=project)("a politician", **FAST)
    assert held.value.run
    live.act("decide", moderator=live.known["moderator"], outcome="refused")
    patient = live.recorder(review_seconds=60).wrap(pipeline, model=model, project=project)
    decision = threading.Timer(
        1.0, live.act, ("decide",), {"moderator": live.known["moderator"], "outcome": "approved"}
    )
    decision.start()
    result = patient("a politician in a park", **FAST)
    decision.join()
    assert result.images


def test_image_with_a_face_is_held_until_a_person_decides(
    live: Live, pipeline: Any, model: RegisteredModel, monkeypatch: Any
) -> None:
    astronaut = Image.fromarray(pytest.importorskip("skimage.data").astronaut())
    monkeypatch.setattr(type(pipeline), "run_safety_checker", lambda _s, x, *_: (x, None))
    monkeypatch.setattr(pipeline.image_processor, "postprocess", lambda *_, **__: [astronaut])
    project, moderator = live.known["project"], live.known["moderator"]
    pipe = live.recorder().wrap(pipeline, model=model, project=project)
    with pytest.raises(OutputsWithheld, match=r"held \['policy\.image\.faces'\]") as withheld:
        pipe("a red circle", **FAST)
    assert withheld.value.result.images == []
    live.act("decide", moderator=moderator, outcome="refused")
    patient = live.recorder(review_seconds=60).wrap(pipeline, model=model, project=project)
    approval = {"moderator": moderator, "outcome": "approved"}
    decision = threading.Thread(target=live.act, args=("decide",), kwargs=approval)
    decision.start()
    assert patient("a red circle", **FAST).images[0].size == (512, 512)
    decision.join()


def test_pipeline_that_fails_is_reported_and_its_error_seen(
    live: Live, pipe: Any, pipeline: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(pipeline.unet, "forward", _out_of_memory)
    with pytest.raises(MemoryError):
        pipe("a red circle", **FAST)
    run = live.act("look")["runs"][-1]
    assert (run["state"], run["failure"]) == ("failed", "out_of_memory")


def test_changed_weights_do_not_run_under_the_old_name(pipe: Any, pipeline: Any) -> None:
    weight = next(pipeline.unet.parameters())
    before = weight.detach().clone()
    assert pipe("a red circle", **FAST).images
    weight.data += 1  # as adapters are fused: torch counts no new version
    try:
        with pytest.raises(ModelChanged, match="registered are sha256:"):
            pipe("a red circle", **FAST)
    finally:
        weight.data.copy_(before)


def test_other_weights_cannot_take_a_registered_name(live: Live, pipeline: Any) -> None:
    weight = next(pipeline.unet.parameters())
    before = weight.detach().clone()
    weight.data.zero_()
    try:
        with pytest.raises(Rejected, match="registered with another effective digest"):
            live.recorder().register_model(pipeline, name="small shapes", version="1")
    finally:
        weight.data.copy_(before)


def test_same_model_again_is_the_one_registered(
    live: Live, pipeline: Any, model: RegisteredModel
) -> None:
    assert live.recorder().register_model(pipeline, name="small shapes", version="1") == model
    assert live.recorder().get_model(model.id) == model


def test_latents_are_refused_before_anything_is_asked(pipe: Any) -> None:
    with pytest.raises(UnmarkableOutput):
        pipe("a red circle", output_type="latent", **FAST)


def test_proxy_stands_in_for_the_pipeline(pipe: Any, pipeline: Any) -> None:
    assert pipe.scheduler is pipeline.scheduler
    assert pipe.to("cpu") is pipe
    pipe.some_note = "kept"
    assert pipeline.some_note == "kept"


def test_without_the_service_nothing_runs(pipeline: Any, model: RegisteredModel) -> None:
    away = Recorder("http://127.0.0.1:9", "c", "s", attempts=2)
    pipe = away.wrap(pipeline, model=model, project="11111111-1111-4111-8111-111111111111")
    with pytest.raises(ServiceUnavailable):
        pipe("a red circle", **FAST)


def test_withdrawal_counts_for_the_next_call(live: Live, pipe: Any) -> None:
    live.act("withdraw", officer=live.known["officer"], grant=live.known["grant"])
    with pytest.raises(RunRefused, match="was withdrawn"):
        pipe("a portrait", depicts=[live.known["ada"]], **FAST)


def _must_not_run(*_: Any, **__: Any) -> Any:
    raise AssertionError("the pipeline ran")


def _out_of_memory(*_: Any, **__: Any) -> Any:
    raise MemoryError("no room")
