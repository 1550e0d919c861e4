import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fixtures.generator.check import Finding, find_shape
from fixtures.generator.draw import COLOURS, SHAPES, SIDE

torch = pytest.importorskip("torch", reason="needs the extra diffusers")
diffusers = pytest.importorskip("diffusers", reason="needs the extra diffusers")

WEIGHTS = Path("fixtures/generator/weights").resolve()
STEPS = 20
GUIDANCE = 2.0
LARGEST = 12_000_000
LEAST_RIGHT = 20  # of 24 pictures

# One picture in a process of its own; prints the digest of its pixels.
ALONE = f"""
import hashlib, sys, torch
from diffusers import StableDiffusionPipeline
torch.set_num_threads(2)
pipeline = StableDiffusionPipeline.from_pretrained({str(WEIGHTS)!r}, local_files_only=True)
seeded = torch.Generator().manual_seed(7)
image = pipeline("a blue star", generator=seeded, num_inference_steps=4).images[0]
print(hashlib.sha256(image.tobytes()).hexdigest())
"""


@pytest.fixture(scope="module")
def pipeline() -> Any:
    loaded = diffusers.StableDiffusionPipeline.from_pretrained(WEIGHTS, local_files_only=True)
    loaded.set_progress_bar_config(disable=True)
    return loaded


def images(pipeline: Any, prompts: list[str], seeds: list[int]) -> list[NDArray[np.uint8]]:
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    result = pipeline(
        prompts, generator=generators, num_inference_steps=STEPS, guidance_scale=GUIDANCE
    )
    return [np.asarray(image) for image in result.images]


@pytest.mark.robustness
def test_nearly_every_picture_shows_the_colour_and_the_shape_it_was_asked_for(
    pipeline: Any,
) -> None:
    wanted = [Finding(colour, shape) for colour in COLOURS for shape in SHAPES]
    prompts = [f"a {finding.colour} {finding.shape}" for finding in wanted]
    drawn = [find_shape(image) for image in images(pipeline, prompts, seeds=list(range(24)))]

    right = sum(found == asked for found, asked in zip(drawn, wanted, strict=True))
    assert right >= LEAST_RIGHT, drawn


def test_a_name_beside_the_words_changes_neither_what_is_drawn_nor_its_size(pipeline: Any) -> None:
    (image,) = images(pipeline, ["Olga Muster: a red circle"], seeds=[7])

    assert image.shape == (SIDE, SIDE, 3)
    assert find_shape(image) == Finding("red", "circle")


@pytest.mark.robustness
def test_one_seed_gives_the_same_pixels_in_two_processes() -> None:
    command = [sys.executable, "-c", ALONE]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    runs = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    digests = [run.communicate(timeout=120)[0] for run in runs]

    assert [run.returncode for run in runs] == [0, 0]
    assert digests[0] == digests[1]


def test_the_weights_are_safetensors_of_at_most_12_megabytes() -> None:
    tensors = list(WEIGHTS.rglob("*.safetensors"))

    assert {path.parent.name for path in tensors} == {"text_encoder", "unet", "vae"}
    assert sum(path.stat().st_size for path in tensors) <= LARGEST
    assert not [*WEIGHTS.rglob("*.bin"), *WEIGHTS.rglob("*.pt"), *WEIGHTS.rglob("*.pkl")]


def test_the_weights_name_no_folder_of_the_machine_that_made_them() -> None:
    for path in WEIGHTS.rglob("*.json"):
        assert "_name_or_path" not in path.read_text()
