"""The geometry of the charts on the start page: numbers in, rectangles out; templates draw them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

WIDTH, HEIGHT = 1080, 210
_LEFT, _TOP, _BOTTOM = 44, 10, 22
_GAP = 0.28
OTHERS = "others"
_HUES = 5


@dataclass(frozen=True)
class Block:
    """One rectangle of a column, in the chart's own units; ``hue`` is the place in the key."""

    x: float
    y: float
    width: float
    height: float
    hue: int
    title: str


@dataclass(frozen=True)
class Tick:
    """A line across, or a day below, with its text."""

    at: float
    text: str


@dataclass(frozen=True)
class Columns:
    """A chart of stacked columns, one a day; ``families`` is the key, the largest first."""

    blocks: tuple[Block, ...]
    levels: tuple[Tick, ...]
    days: tuple[Tick, ...]
    families: tuple[str, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT


@dataclass(frozen=True)
class Share:
    """A part of a whole: its state, how many in words, and how many per cent."""

    state: str
    text: str
    percent: float


def stack_days(
    counts: Mapping[str, Mapping[str, int]], *, until: date, days: int = 30
) -> Columns | None:
    """Lay out counts by day and family, the last ``days`` up to ``until``; None when all are 0."""
    span = [until - timedelta(days=back) for back in range(days - 1, -1, -1)]
    totals = Counter[str]()
    for day in span:
        totals.update(counts.get(day.isoformat(), {}))
    if not totals.total():
        return None
    families = _families(totals)
    rows = [_gather(counts.get(day.isoformat(), {}), families) for day in span]
    top = round_up(max(sum(row) for row in rows))
    step = (WIDTH - _LEFT) / days
    blocks = tuple(
        block
        for number, (day, row) in enumerate(zip(span, rows, strict=True))
        for block in _column(day, row, families, _LEFT + number * step, step * (1 - _GAP), top)
    )
    levels = tuple(Tick(_height_at(value, top), f"{value:,}") for value in _levels(top))
    named = tuple(
        Tick(round(_LEFT + (number + (1 - _GAP) / 2) * step, 1), f"{day.day} {day:%b}")
        for number, day in enumerate(span)
        if number % 7 == (days - 1) % 7
    )
    return Columns(blocks, levels, named, tuple(f"{name} {totals[name]:,}" for name in families))


def share(counts: Sequence[tuple[str, str, int]]) -> tuple[Share, ...]:
    """Turn (state, words, count) into shares of the whole; empty when there is nothing."""
    whole = sum(number for _, _, number in counts)
    return tuple(
        Share(state, f"{number:,} {words}", round(100 * number / whole, 2))
        for state, words, number in counts
        if number
    )


def round_up(value: int) -> int:
    """Return the next 1, 2 or 5 times a power of ten, at least 4, for the top of a scale."""
    power = 1
    while True:
        for top in (power, 2 * power, 5 * power):
            if top >= max(value, 4):
                return top
        power *= 10


def _families(totals: Counter[str]) -> list[str]:
    """Name the largest families, and gather the small ones; changes ``totals`` to match."""
    ordered = [name for name, _ in totals.most_common()]
    if len(ordered) <= _HUES + 1:
        return ordered
    shown = ordered[:_HUES]
    totals[OTHERS] = sum(totals[name] for name in ordered[_HUES:])
    return [*shown, OTHERS]


def _gather(day: Mapping[str, int], families: Sequence[str]) -> list[int]:
    row = [day.get(name, 0) for name in families]
    if families[-1] == OTHERS:
        row[-1] = sum(day.values()) - sum(row[:-1])
    return row


def _column(
    day: date, row: Sequence[int], families: Sequence[str], x: float, width: float, top: int
) -> list[Block]:
    blocks, below = [], 0
    for hue, (name, number) in enumerate(zip(families, row, strict=True)):
        if not number:
            continue
        foot, head = _height_at(below, top), _height_at(below + number, top)
        title = f"{day.day} {day:%B}, {name}: {number:,}"
        blocks.append(Block(round(x, 1), head, round(width, 1), round(foot - head, 1), hue, title))
        below += number
    return blocks


def _height_at(value: int, top: int) -> float:
    return round(HEIGHT - _BOTTOM - (HEIGHT - _BOTTOM - _TOP) * value / top, 1)


def _levels(top: int) -> list[int]:
    return [0, top // 2, top] if top % 2 == 0 else [0, top]
