"""The times that leaves say, held against the tokens before and behind them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from ledger.bounds import HOUR, MINUTE, Bounds
from ledger.leaf import parse_at
from ledger.timestamps import Stamp

from .bundle import LEAVES
from .findings import Code, Findings
from .leaves import Leaves
from .report import Report

# What the service promises where its operator has set nothing else, and the most that one can set.
USUAL_DELAY = timedelta(seconds=60)
LONGEST_DELAY = timedelta(days=1)
STATED_DELAY = "maximum_merge_delay_seconds"


@dataclass(frozen=True)
class Timed:
    """So many leaves lie in a tree that one of so many tokens is over.

    ``merge_delay`` is how long a record was taken to wait for its place at most.
    """

    leaves: int
    tokens: int
    merge_delay: timedelta

    def __str__(self) -> str:
        seconds = self.merge_delay // timedelta(seconds=1)
        return (
            f"{self.leaves} leaves are under time-stamp tokens ({self.tokens}), and a record is "
            f"taken to wait {seconds} s at most for its place"
        )


def check_times(
    leaves: Leaves, stamps: Mapping[int, Stamp], merge_delay: timedelta, findings: Findings
) -> Timed | None:
    """Check that no leaf says a time later than a token over a tree that holds it.

    Nor one so much earlier than a token over a tree without it that the cut of the time, a
    transaction and ``merge_delay`` do not account for it. ``stamps`` are by size; returns None
    when there are none.
    """
    if not stamps:
        return None
    bounds = Bounds(stamps.items())
    for leaf in leaves.values():
        at = parse_at(leaf.body.at)
        # Times of some kinds are cut to the hour. Which, a bundle does not say: what stands on the
        # full hour may have been.
        found = bounds.contradict(leaf.index, at, MINUTE if at.minute else HOUR, merge_delay)
        if found:
            code = Code.TIME_AHEAD if found.is_ahead else Code.TIME_BEHIND
            findings.add(code, found, LEAVES, index=leaf.index, kind=leaf.body.kind)
    return Timed(sum(index < max(stamps) for index in leaves), len(stamps), merge_delay)


def promised_delay(report: Report | None) -> timedelta:
    """Return how long a record waits at most, as the report says its operator promises.

    The usual promise where it says nothing that can be.
    """
    stated = report.content.get(STATED_DELAY) if report else None
    longest = LONGEST_DELAY // timedelta(seconds=1)
    if type(stated) is int and 0 <= stated <= longest:
        return timedelta(seconds=stated)
    return USUAL_DELAY
