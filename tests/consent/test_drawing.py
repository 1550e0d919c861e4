"""Pictures of lineage: pure, so that a graph is written down and its drawing read as XML."""

import xml.etree.ElementTree as ET
from uuid import UUID

import pytest

from consent.impact_report import kinds_drawn
from consent.lineage import Direction, Impact, Node
from consent.lineage.drawing import SHOWN, Shape, draw

SVG = "{http://www.w3.org/2000/svg}"
PERSON = Node("subject", UUID(int=1))


def node(kind: str, number: int) -> Node:
    return Node(kind, UUID(int=number))


def impact_of(versions: int, name: str = "faces v{}") -> Impact:
    """Return the impact of a person in some versions, all of which made one model."""
    model = node("model", 1)
    nodes = [node("version", number) for number in range(1, versions + 1)]
    return Impact(
        start=PERSON,
        direction=Direction.DOWNSTREAM,
        counts={"item": 2 * versions, "version": versions, "model": 1, "run": 7, "output": 28},
        trunk=(*nodes, model),
        edges=tuple((one, model) for one in nodes),
        hanging={**{(one, "item"): 2 for one in nodes}, (model, "run"): 4, (model, "output"): 16},
        loose={"run": 3, "output": 12},
        labels={**{one: name.format(one.id.int) for one in nodes}, model: "atelier 1"},
    )


def drawn(impact: Impact, shape: Shape = Shape.WIDE, *, is_file: bool = False) -> str:
    def href(one: Node) -> str:
        return f"/{one.kind}/{one.id.int}?a=1&b=2"

    return draw(impact, kinds_drawn(impact), name="P-7", shape=shape, href=href, is_file=is_file)


def texts(svg: str) -> list[str]:
    return [one.text or "" for one in ET.fromstring(svg).iter(f"{SVG}text")]  # noqa: S314


@pytest.mark.parametrize("shape", sorted(Shape))
def test_layers_stand_in_the_order_in_which_things_are_made(shape: Shape) -> None:
    heads = ["People", "Items", "Versions", "Models", "Runs", "Outputs"]
    assert [text for text in texts(drawn(impact_of(2), shape)) if text in heads] == heads


def test_the_same_answer_gives_the_same_bytes() -> None:
    assert drawn(impact_of(20)) == drawn(impact_of(20))


def test_beyond_a_bound_the_rest_is_counted() -> None:
    assert not [text for text in texts(drawn(impact_of(SHOWN))) if "more" in text]
    shown = texts(drawn(impact_of(19)))
    assert "and 12 more" in shown
    assert ("faces v2" in shown, "faces v8" in shown) == (True, False)


def test_lines_lead_through_what_is_not_shown() -> None:
    tips = [
        one for one in ET.fromstring(drawn(impact_of(19))).iter(f"{SVG}path")  # noqa: S314
        if one.get("class") == "tip"
    ]  # fmt: skip
    # Person to items, items to 7 versions and the rest, those 8 to the model, model to runs,
    # runs to outputs, and the person to runs of other models.
    assert len(tips) == 1 + 8 + 8 + 1 + 1 + 1


def test_names_are_escaped_and_cut_in_the_middle() -> None:
    svg = drawn(impact_of(12, "<b>portraits & more</b> v{}"))
    root = ET.fromstring(svg)  # noqa: S314
    assert "<b>" not in svg
    assert "<b>portraits & more</b> v2: 2 items" in [one.text for one in root.iter(f"{SVG}title")]
    assert "<b>portrait…b> v2" in texts(svg)
    assert root.find(f".//{SVG}a").get("href") == "/subject/1?a=1&b=2"  # type: ignore[union-attr]


def test_a_screen_reader_is_told_what_there_is() -> None:
    root = ET.fromstring(drawn(impact_of(2)))  # noqa: S314
    told = "What came of P-7: 4 items, 2 versions, 1 model, 7 runs, 28 outputs."
    assert (root.get("aria-label"), root.findtext(f"{SVG}desc")) == (told, told)
    assert root.findtext(f"{SVG}title") == "What came of P-7"


def test_only_a_file_carries_its_own_colours() -> None:
    assert "prefers-color-scheme:dark" in drawn(impact_of(1), is_file=True)
    assert "<style>" not in drawn(impact_of(1))


@pytest.mark.parametrize("shape", sorted(Shape))
def test_boxes_lie_within_the_picture_and_not_on_each_other(shape: Shape) -> None:
    root = ET.fromstring(drawn(impact_of(30), shape))  # noqa: S314
    width, height = (float(part) for part in (root.get("viewBox") or "").split()[2:])
    boxes = [
        tuple(float(one.get(side) or 0) for side in ("x", "y", "width", "height"))
        for one in root.iter(f"{SVG}rect")
    ]
    assert len(boxes) == 1 + 1 + SHOWN + 1 + 1 + 1
    assert all(x >= 0 and y >= 0 and x + w <= width and y + h <= height for x, y, w, h in boxes)
    for x, y, w, h in boxes:
        others = [(p, q) for p, q, _, _ in boxes if (p, q) != (x, y)]
        assert not [1 for p, q in others if p < x + w and x < p + w and q < y + h and y < q + h]


def test_nothing_at_all_is_still_a_picture() -> None:
    empty = Impact(PERSON, Direction.UPSTREAM, {}, (), (), {}, {})
    assert "P-7 came of nothing." in drawn(empty)
