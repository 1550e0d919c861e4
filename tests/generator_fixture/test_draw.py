from itertools import product

import numpy as np
import pytest

from fixtures.generator.draw import COLOURS, SHAPES, SIDE, caption, draw


def test_one_seed_draws_the_same_bytes_every_time() -> None:
    assert draw(7).image.tobytes() == draw(7).image.tobytes()


def test_two_seeds_draw_different_pictures() -> None:
    pictures = {draw(seed, shape="star", colour="red").image.tobytes() for seed in range(50)}

    assert len(pictures) == 50


@pytest.mark.parametrize(("shape", "colour"), list(product(SHAPES, COLOURS)))
def test_what_is_asked_for_is_drawn(shape: str, colour: str) -> None:
    drawing = draw(3, shape=shape, colour=colour)

    assert (drawing.shape, drawing.colour) == (shape, colour)
    assert drawing.image.shape == (SIDE, SIDE, 3)
    assert drawing.image.dtype == np.uint8


def test_asking_for_a_colour_leaves_shape_and_size_of_the_seed() -> None:
    plain, asked = draw(11), draw(11, colour="blue")

    assert (plain.shape, plain.size) == (asked.shape, asked.size)


def test_one_generator_says_the_same_captions_every_time() -> None:
    drawing = draw(7)
    said = [[caption(drawing, np.random.default_rng(5)) for _ in range(3)] for _ in range(2)]

    assert said[0] == said[1]


def test_every_caption_names_colour_and_shape() -> None:
    rng = np.random.default_rng(0)
    drawing = draw(1, shape="star", colour="orange")

    assert all("orange star" in caption(drawing, rng) for _ in range(200))


def test_an_orange_thing_takes_an_and_a_red_one_a() -> None:
    rng = np.random.default_rng(0)
    orange = {caption(draw(1, shape="star", colour="orange"), rng) for _ in range(200)}
    red = {caption(draw(1, shape="star", colour="red"), rng) for _ in range(200)}

    assert not any("a orange" in words for words in orange)
    assert not any("an red" in words for words in red)


def test_every_seed_is_a_combination_met_often() -> None:
    met = {(draw(seed).shape, draw(seed).colour) for seed in range(300)}

    assert met == set(product(SHAPES, COLOURS))
