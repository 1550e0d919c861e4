from itertools import product

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from fixtures.generator.check import Finding, find_shape
from fixtures.generator.draw import COLOURS, SHAPES, SIDE, draw

FIRST_SEED = 90_000_000  # far from those the generator was trained on
RED = (220, 40, 40)
MIDDLE = (SIDE // 2, SIDE // 2)


def canvas(shade: int = 200) -> NDArray[np.uint8]:
    return np.full((SIDE, SIDE, 3), shade, np.uint8)


def polygon(corners: int, *, radius: int = 60, turn: float = 0.1) -> NDArray[np.int32]:
    angles = turn + np.arange(corners) * 2 * np.pi / corners
    return (np.stack([np.cos(angles), np.sin(angles)], axis=1) * radius + SIDE / 2).astype(np.int32)


def test_at_least_97_of_100_drawings_are_told_right() -> None:
    drawings = [
        draw(FIRST_SEED + number, shape=shape, colour=colour)
        for number, (shape, colour, _) in enumerate(product(SHAPES, COLOURS, range(20)))
    ]
    right = [find_shape(each.image) == Finding(each.colour, each.shape) for each in drawings]

    assert len(drawings) == 480
    assert sum(right) >= 0.97 * len(right)


def test_noise_and_blur_do_not_change_the_answer() -> None:
    rng = np.random.default_rng(0)
    for number, shape in enumerate(SHAPES * 10):
        drawing = draw(FIRST_SEED + number, shape=shape)
        grain = rng.normal(0, 4, drawing.image.shape)
        grainy = (drawing.image + grain).clip(0, 255)
        worn = cv2.GaussianBlur(grainy, (5, 5), 0).astype(np.uint8)
        assert find_shape(worn) == Finding(drawing.colour, drawing.shape)


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_an_empty_picture_holds_nothing(shade: int) -> None:
    assert find_shape(canvas(shade)) == Finding(None, None)


def test_pure_noise_holds_no_shape() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)

    assert find_shape(noise).shape is None


@pytest.mark.parametrize("corners", [5, 6, 7])
def test_a_polygon_of_five_to_seven_corners_has_no_name(corners: int) -> None:
    image = canvas()
    cv2.fillPoly(image, [polygon(corners)], RED)

    assert find_shape(image) == Finding("red", None)


@pytest.mark.parametrize("axes", [(60, 40), (80, 50), (70, 20)])
def test_an_ellipse_is_no_circle(axes: tuple[int, int]) -> None:
    image = canvas()
    cv2.ellipse(image, MIDDLE, axes, 20, 0, 360, RED, cv2.FILLED)

    assert find_shape(image) == Finding("red", None)


@pytest.mark.parametrize("width", [60, 30, 12])
def test_an_oblong_is_no_square(width: int) -> None:
    image = canvas()
    cv2.rectangle(image, (60, 60), (60 + width, 160), RED, cv2.FILLED)

    assert find_shape(image).shape is None


@pytest.mark.parametrize("points", [4, 6, 7, 8])
def test_a_star_of_other_than_five_points_has_no_name(points: int) -> None:
    outline = polygon(2 * points, radius=80)
    outline[1::2] = (outline[1::2] - SIDE // 2) * 0.45 + SIDE // 2
    image = canvas()
    cv2.fillPoly(image, [outline], RED)

    assert find_shape(image).shape is None


def test_a_half_disc_has_no_name() -> None:
    image = canvas()
    cv2.ellipse(image, MIDDLE, (60, 60), 0, 0, 180, RED, cv2.FILLED)

    assert find_shape(image).shape is None


def test_a_plus_has_no_name() -> None:
    image = canvas()
    cv2.rectangle(image, (110, 60), (146, 196), RED, cv2.FILLED)
    cv2.rectangle(image, (60, 110), (196, 146), RED, cv2.FILLED)

    assert find_shape(image).shape is None


@pytest.mark.parametrize(
    "paint",
    [
        (128, 128, 128),
        (20, 20, 25),
        (230, 70, 160),
        (60, 210, 200),
        (150, 220, 40),
        (255, 200, 205),
    ],
    ids=["grey", "black", "pink", "turquoise", "lime", "pale"],
)
def test_a_circle_of_another_colour_is_a_circle_of_no_colour(paint: tuple[int, int, int]) -> None:
    image = canvas()
    cv2.circle(image, MIDDLE, 60, paint, cv2.FILLED)

    assert find_shape(image) == Finding(None, "circle")


def test_a_circle_of_two_colours_has_no_colour() -> None:
    image = canvas()
    cv2.circle(image, MIDDLE, 60, RED, cv2.FILLED)
    image[: SIDE // 2][(image[: SIDE // 2] == RED).all(axis=2)] = (40, 60, 220)

    assert find_shape(image) == Finding(None, "circle")


def test_a_ring_has_no_colour_inside() -> None:
    image = canvas()
    cv2.circle(image, MIDDLE, 60, RED, 12)

    assert find_shape(image).colour is None


def test_two_equal_objects_leave_no_main_one() -> None:
    image = canvas()
    cv2.circle(image, (64, 128), 40, RED, cv2.FILLED)
    cv2.circle(image, (192, 128), 40, RED, cv2.FILLED)

    assert find_shape(image) == Finding(None, None)


def test_a_speck_is_no_object() -> None:
    image = canvas()
    cv2.circle(image, MIDDLE, 8, RED, cv2.FILLED)

    assert find_shape(image) == Finding(None, None)


def test_an_object_cut_by_the_edge_is_not_told() -> None:
    image = canvas()
    cv2.circle(image, (0, 128), 60, RED, cv2.FILLED)

    assert find_shape(image) == Finding(None, None)
