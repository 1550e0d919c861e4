"""Two things measured in turn, and the line that tells their ratio."""

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

Line = dict[str, Any]


def in_turn(*actions: Callable[[], float], rounds: int) -> tuple[tuple[float, ...], ...]:
    """Run ``actions`` one after the other, ``rounds`` times; return what each gave.

    A noisy machine slows neighbours alike, so that the ratio of one round says more than either.
    """
    taken = [[action() for action in actions] for _ in range(rounds)]
    return tuple(zip(*taken, strict=True))


def line(
    name: str,
    unit: str,
    values: Sequence[float],
    baselines: Sequence[float],
    *,
    of: str,
    must: str = "",
    aim: str = "",
) -> Line:
    """Tell the round whose ratio is the median; ``of`` names the baseline."""
    ratios = [value / baseline for value, baseline in zip(values, baselines, strict=True)]
    middle = sorted(range(len(ratios)), key=ratios.__getitem__)[len(ratios) // 2]
    told = {
        "name": name,
        "value": _rounded(values[middle]),
        "unit": unit,
        "baseline": _rounded(baselines[middle]),
        "ratio": round(median(ratios) if len(ratios) % 2 else ratios[middle], 3),
        "of": of,
        "must": must,
        "aim": aim,
    }
    return {key: value for key, value in told.items() if value != ""}


def seconds(action: Callable[[], object]) -> float:
    """Return how long ``action`` takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def rate(action: Callable[[], object], times: int) -> float:
    """Return how often a second ``action`` runs, one after the other."""

    def repeat() -> None:
        for _ in range(times):
            action()

    return times / seconds(repeat)


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that ``share`` of ``values`` do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _rounded(value: float) -> float:
    return round(value, 1) if value >= 10 else round(value, 5)
