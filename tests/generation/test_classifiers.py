import numpy as np
import pytest
from PIL import Image
from pytest_django import Settings

from generation import classifiers
from tests.generation.images import drawn


@pytest.fixture(scope="module")
def astronaut() -> Image.Image:
    data = pytest.importorskip("skimage.data")
    return Image.fromarray(np.asarray(data.astronaut()))


def test_one_face_is_counted(astronaut: Image.Image) -> None:
    assert classifiers.look(astronaut) == {"face.count": 1}


def test_size_and_mode_do_not_matter(astronaut: Image.Image) -> None:
    large = astronaut.convert("RGBA").resize((1400, 1400))
    assert classifiers.look(large) == {"face.count": 1}


@pytest.mark.parametrize("size", [(1, 1), (64, 48), (256, 256)])
def test_noise_has_no_face(size: tuple[int, int]) -> None:
    assert classifiers.look(drawn(size=size)) == {"face.count": 0}


class Redness:
    name = "test.redness"
    version = "1"

    def signals(self, image: Image.Image) -> dict[str, int]:
        return {"red.mean": round(np.asarray(image.convert("RGB"))[..., 0].mean())}


def test_a_plug_in_adds_its_signals(settings: Settings) -> None:
    settings.MUNIMENT_CLASSIFIERS = [
        *classifiers.DEFAULT_CLASSIFIERS,
        "tests.generation.test_classifiers.Redness",
    ]
    classifiers.active_classifiers.cache_clear()
    try:
        red = Image.new("RGB", (64, 64), (200, 0, 0))
        assert classifiers.look(red) == {"face.count": 0, "red.mean": 200}
    finally:
        classifiers.active_classifiers.cache_clear()
