"""An answer of lineage as a picture: an Impact in, SVG out, the same bytes for the same answer.

From left to right as things were made of each other, or from top to bottom for narrow screens.
Trunk nodes are boxes of their own, up to a bound; leaves are one box of each kind with its count.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from html import escape
from itertools import pairwise

from consent.lineage.graph import Direction, Impact, Kind, Node, by_number

SHOWN = 8
_BOX, _GAP, _HIGH, _APART = 132, 38, 46, 14
_HEAD, _EDGE = 30, 12
_NARROW, _LABEL, _LABEL_NARROW = 320, 17, 36

# For a file by itself; in the admin the theme's own style sheet gives the colours.
_STYLE = """<style>
.mu-graph{--ink:#1c2434;--quiet:#5b6577;--line:#a9b4c4;--card:#fff;--back:#f6f8fb;--tone:#4263c9;
background:var(--back);font-family:system-ui,sans-serif}
@media (prefers-color-scheme:dark){.mu-graph{--ink:#e9edf4;--quiet:#a3aebf;--line:#56637a;
--card:#1d2533;--back:#131a26;--tone:#8fa8ff}}
.mu-graph rect{fill:var(--card);stroke:var(--line)}.mu-graph .trunk{stroke:var(--tone)}
.mu-graph .start{stroke:var(--tone);stroke-width:2.5}.mu-graph .more{stroke-dasharray:4 3}
.mu-graph text{fill:var(--ink);font-size:13px}.mu-graph .small,.mu-graph .head{fill:var(--quiet);
font-size:11px}.mu-graph path{fill:none;stroke:var(--line);stroke-width:1.5}
.mu-graph .tip{fill:var(--line);stroke:none}
</style>"""


class Shape(StrEnum):
    """For wide and for narrow screens."""

    WIDE = "wide"
    TALL = "tall"


@dataclass(frozen=True)
class _Box:
    """One box: what stands for, in which layer, and where."""

    key: Node | str
    name: str
    note: str
    role: str
    href: str = ""
    x: float = 0
    y: float = 0
    width: float = _BOX


@dataclass(frozen=True)
class _Layer:
    head: str
    boxes: tuple[_Box, ...]


def draw(
    impact: Impact,
    kinds: Sequence[Kind],
    *,
    name: str,
    shape: Shape = Shape.WIDE,
    href: Callable[[Node], str] = lambda _: "",
    is_file: bool = False,
) -> str:
    """Return the SVG of ``impact``. ``kinds`` stand in the order in which they are drawn,
    ``name`` is what the start is called, ``href`` gives the page of a trunk node or of the start.

    With ``is_file`` it carries its own colours, light and dark, and stands alone.
    """
    layers = _lay_out(impact, kinds, name, href)
    placed, width, height = _place(layers, shape, below=24 if impact.loose.get("run") else 0)
    boxes = [box for layer in placed for box in layer.boxes]
    lines = _connect(impact, placed) if shape is Shape.WIDE else _stack(placed, width)
    words = _describe(impact, kinds, name)
    heads = [_head(layer, shape) for layer in placed]
    return "".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="mu-graph mu-graph-{shape.value}"',
            f' viewBox="0 0 {width:g} {height:g}" role="group"',
            f' aria-label="{escape(words)}">',
            f"<title>{escape(f'What came of {name}' if _is_down(impact) else f'Origin of {name}')}",
            f"</title><desc>{escape(words)}</desc>",
            _STYLE if is_file else "",
            *lines,
            *heads,
            *(_show(box, shape) for box in boxes),
            "</svg>",
        ]
    )


def _lay_out(
    impact: Impact, kinds: Sequence[Kind], name: str, href: Callable[[Node], str]
) -> list[_Layer]:
    layers: list[_Layer] = []
    for kind in kinds:
        count = impact.counts.get(kind.name, 0)
        boxes: list[_Box] = []
        if kind.name == impact.start.kind:
            boxes = [_Box(impact.start, name, kind.one, "start", href(impact.start))]
        if kind.is_trunk:
            before = layers[-1].boxes if layers else ()
            boxes += _trunk_boxes(impact, kind, before, href)
        elif count:
            others = " more" if boxes else ""
            words = f"{kind.one if count == 1 else kind.many}{others}"
            boxes.append(_Box(kind.name, f"{count:,}", words, "leaf"))
        if boxes:
            layers.append(_Layer(kind.many, tuple(boxes)))
    return layers


def _trunk_boxes(
    impact: Impact, kind: Kind, before: Sequence[_Box], href: Callable[[Node], str]
) -> list[_Box]:
    nodes = [n for n in impact.trunk if n.kind == kind.name and n != impact.start]
    places = {box.key: place for place, box in enumerate(before)}

    def order(node: Node) -> tuple[float, list[tuple[int, str]], str]:
        """Put a node beside those it was made of, so that few lines cross."""
        near = [places[one] for one, other in impact.edges if other == node and one in places]
        mean = sum(near) / len(near) if near else float(len(places))
        return mean, by_number(impact.label(node)), str(node.id)

    ordered = sorted(nodes, key=order)
    shown = ordered if len(ordered) <= SHOWN else ordered[: SHOWN - 1]
    boxes = [
        _Box(node, impact.label(node), _note(impact, node, kind), "trunk", href(node))
        for node in shown
    ]
    if rest := len(ordered) - len(shown):
        boxes.append(_Box(kind.name, f"and {rest:,} more", kind.many, "more"))
    return boxes


def _note(impact: Impact, node: Node, kind: Kind) -> str:
    counts = [
        f"{count:,} {leaf}{'' if count == 1 else 's'}"
        for (at, leaf), count in sorted(impact.hanging.items())
        if at == node and count and leaf in {"item", "output"}
    ]
    return ", ".join(counts) or kind.one


def _place(
    layers: Sequence[_Layer], shape: Shape, *, below: float
) -> tuple[list[_Layer], float, float]:
    if shape is Shape.TALL:
        return _place_tall(layers)
    tallest = max((len(layer.boxes) for layer in layers), default=1)
    height = _HEAD + tallest * (_HIGH + _APART) + _EDGE + below
    placed = []
    for number, layer in enumerate(layers):
        x = _EDGE + number * (_BOX + _GAP)
        spare = (tallest - len(layer.boxes)) * (_HIGH + _APART) / 2
        boxes = tuple(
            replace(box, x=x, y=_HEAD + _EDGE + spare + place * (_HIGH + _APART))
            for place, box in enumerate(layer.boxes)
        )
        placed.append(_Layer(layer.head, boxes))
    width = 2 * _EDGE + len(layers) * _BOX + max(len(layers) - 1, 0) * _GAP
    return placed, width, height


def _place_tall(layers: Sequence[_Layer]) -> tuple[list[_Layer], float, float]:
    y = float(_EDGE)
    placed = []
    for layer in layers:
        y += 18
        boxes = []
        for box in layer.boxes:
            boxes.append(replace(box, x=_EDGE, y=y, width=_NARROW - 2 * _EDGE))
            y += _HIGH + 6
        placed.append(_Layer(layer.head, tuple(boxes)))
        y += _APART
    return placed, _NARROW, y


def _connect(impact: Impact, layers: Sequence[_Layer]) -> list[str]:
    """Draw a line for each edge between boxes that are shown; what is not goes by *more*."""
    where = {box.key: box for layer in layers for box in layer.boxes}
    low = max(box.y for box in where.values()) + _HIGH + 20
    lines: dict[tuple[Node | str, Node | str], str] = {}
    for one, other in _edges(impact, layers):
        source = where.get(one) or where.get(one.kind if isinstance(one, Node) else one)
        target = where.get(other) or where.get(other.kind if isinstance(other, Node) else other)
        if source and target and source.key != target.key:
            lines.setdefault((source.key, target.key), _line(source, target, low, where.values()))
    return list(lines.values())


def _edges(impact: Impact, layers: Sequence[_Layer]) -> Iterable[tuple[Node | str, Node | str]]:
    yield from impact.edges
    kinds = [_kind_of(layer.boxes[0]) for layer in layers]
    trunk = {node.kind for node in impact.trunk}
    for near, far in pairwise(kinds):
        if near not in trunk and far not in trunk:
            yield _end(impact, near), _end(impact, far)
    for (node, leaf), count in sorted(impact.hanging.items()):
        if count and leaf in kinds and node.kind in kinds:
            is_before = kinds.index(leaf) < kinds.index(node.kind)
            near_leaf = abs(kinds.index(leaf) - kinds.index(node.kind)) == 1
            if near_leaf:
                yield (_end(impact, leaf), node) if is_before else (node, _end(impact, leaf))
    if impact.loose.get("run") and "run" in kinds:
        yield impact.start, "run"


def _end(impact: Impact, kind: str) -> Node | str:
    return impact.start if kind == impact.start.kind else kind


def _line(source: _Box, target: _Box, low: float, between: Iterable[_Box]) -> str:
    if target.x <= source.x:  # within a layer: by the left of it
        x, y, to = source.x, source.y + _HIGH / 2, target.y + _HIGH / 2
        return f'<path d="M{x:g} {y:g}C{x - 26:g} {y:g} {x - 26:g} {to:g} {x - 6:g} {to:g}"/>'
    x, y = source.x + source.width, source.y + _HIGH / 2
    to_x, to_y = target.x - 6, target.y + _HIGH / 2
    if to_x - x > 2 * _BOX:  # past several layers: below them all
        x, y, to_x, to_y = x - _BOX / 2, source.y + _HIGH, to_x + _BOX / 2, target.y + _HIGH
        turn = low - 16
        return (
            f'<path d="M{x:g} {y:g}V{turn:g}Q{x:g} {low:g} {x + 16:g} {low:g}'
            f'H{to_x - 16:g}Q{to_x:g} {low:g} {to_x:g} {turn:g}V{to_y + 6:g}"/>'
            f'<path class="tip" d="M{to_x - 4:g} {to_y + 6:g}l4 -6l4 6z"/>'
        )
    if to_x - x > _BOX:
        return _pass(source, target, between)
    middle = (x + to_x) / 2
    tip = f'<path class="tip" d="M{to_x:g} {to_y - 4:g}l6 4l-6 4z"/>'
    return f'<path d="M{x:g} {y:g}C{middle:g} {y:g} {middle:g} {to_y:g} {to_x:g} {to_y:g}"/>{tip}'


def _pass(source: _Box, target: _Box, between: Iterable[_Box]) -> str:
    """Draw a line past one layer: over its boxes or under them, whichever is nearer."""
    x, y = source.x + source.width, source.y + _HIGH / 2
    to_x, to_y = target.x - 6, target.y + _HIGH / 2
    past = [box for box in between if x < box.x < to_x]
    over, under = min(box.y for box in past) - 9, max(box.y for box in past) + _HIGH + 9
    mean = (y + to_y) / 2
    by = over if abs(mean - over) <= abs(mean - under) else under
    left, right = past[0].x, past[0].x + past[0].width
    near, far = (x + left) / 2, (right + to_x) / 2
    return (
        f'<path d="M{x:g} {y:g}C{near:g} {y:g} {near:g} {by:g} {left:g} {by:g}H{right:g}'
        f'C{far:g} {by:g} {far:g} {to_y:g} {to_x:g} {to_y:g}"/>'
        f'<path class="tip" d="M{to_x:g} {to_y - 4:g}l6 4l-6 4z"/>'
    )


def _stack(layers: Sequence[_Layer], width: float) -> list[str]:
    """Draw an arrow from each layer to the next: narrow screens have room for no more."""
    lines = []
    for near, far in pairwise(layers):
        y, to, x = near.boxes[-1].y + _HIGH, far.boxes[0].y - 6, width / 2
        tip = f'<path class="tip" d="M{x - 4:g} {to:g}l4 6l4 -6z"/>'
        lines.append(f'<path d="M{x:g} {y:g}V{to:g}"/>{tip}')
    return lines


def _head(layer: _Layer, shape: Shape) -> str:
    first = layer.boxes[0]
    y = _HEAD - 8 if shape is Shape.WIDE else first.y - 6
    x = first.x + first.width / 2 if shape is Shape.WIDE else first.x
    anchor = ' text-anchor="middle"' if shape is Shape.WIDE else ""
    return (
        f'<text class="head" x="{x:g}" y="{y:g}"{anchor}>{escape(layer.head.capitalize())}</text>'
    )


def _show(box: _Box, shape: Shape) -> str:
    length = _LABEL if shape is Shape.WIDE else _LABEL_NARROW
    x, y = box.x + box.width / 2, box.y
    drawn = (
        f"<g><title>{escape(f'{box.name}: {box.note}')}</title>"
        f'<rect class="{box.role}" x="{box.x:g}" y="{y:g}" width="{box.width:g}"'
        f' height="{_HIGH}" rx="7"/>'
        f'<text x="{x:g}" y="{y + 19:g}" text-anchor="middle">{_cut(box.name, length)}</text>'
        f'<text class="small" x="{x:g}" y="{y + 36:g}" text-anchor="middle">'
        f"{_cut(box.note, length + 6)}</text></g>"
    )
    return f'<a href="{escape(box.href)}">{drawn}</a>' if box.href else drawn


def _cut(text: str, length: int) -> str:
    """Leave out the middle of what is too long: names differ at their ends, by number."""
    return escape(text if len(text) <= length else f"{text[: length - 6]}…{text[-5:]}")


def _describe(impact: Impact, kinds: Sequence[Kind], name: str) -> str:
    told = [
        f"{impact.counts[kind.name]:,} {kind.one if impact.counts[kind.name] == 1 else kind.many}"
        for kind in kinds
        if impact.counts.get(kind.name)
    ]
    found = ", ".join(told) or "nothing"
    return f"What came of {name}: {found}." if _is_down(impact) else f"{name} came of {found}."


def _kind_of(box: _Box) -> str:
    return box.key.kind if isinstance(box.key, Node) else box.key


def _is_down(impact: Impact) -> bool:
    return impact.direction is Direction.DOWNSTREAM
