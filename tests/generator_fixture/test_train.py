from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra diffusers")
diffusers = pytest.importorskip("diffusers", reason="needs the extra diffusers")

from fixtures.generator import models, train  # noqa: E402 - only where torch is
from fixtures.generator.draw import caption, draw  # noqa: E402


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "POOL": 8,
        "VAE_STEPS": 2,
        "DECODER_STEPS": 2,
        "UNET_STEPS": 2,
        "UNET_BATCH": 4,
    }.items():
        monkeypatch.setattr(train, name, value)
    monkeypatch.setattr(train, "REPORT_EVERY", 1)


@pytest.mark.robustness
def test_a_short_training_writes_a_folder_the_pipeline_loads(
    short: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train.save(train.train(), tmp_path)
    pipeline = diffusers.StableDiffusionPipeline.from_pretrained(tmp_path, local_files_only=True)

    image = pipeline("a red circle", num_inference_steps=1).images[0]

    assert image.size == (256, 256)
    assert "denoiser 2/2" in capsys.readouterr().err


@pytest.mark.robustness
def test_two_short_trainings_give_the_same_weights(short: None) -> None:
    pipelines: list[Any] = [train.train() for _ in range(2)]
    first, second = (pipeline.unet.state_dict() for pipeline in pipelines)

    for name, weight in first.items():
        assert torch.equal(weight, second[name]), name


def test_words_of_the_captions_are_one_token_each_and_others_are_bytes() -> None:
    rng = np.random.default_rng(0)
    tokenizer = models.make_tokenizer(caption(draw(seed), rng) for seed in range(100))

    assert tokenizer.tokenize("a purple star") == ["a</w>", "purple</w>", "star</w>"]
    assert tokenizer.unk_token not in tokenizer.tokenize("Zoë 漢 🜚")
