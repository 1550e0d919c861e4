"""Between which times a leaf came to be, by tokens over the trees before and behind it.

A record's ``at`` is cut to a minute or an hour, and its leaf comes some time later: by then its
transaction has ended, and the log has given it a place.
"""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from ledger.leaf import format_at
from ledger.timestamps import Stamp

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
TRANSACTION_AT_MOST = timedelta(seconds=30)
_FIRST, _LAST = (each.replace(tzinfo=UTC) for each in (datetime.min, datetime.max))


@dataclass(frozen=True)
class Contradiction:
    """A token that contradicts what a leaf says: what ``at`` it says, and when the token saw it.

    ``is_ahead``: the leaf was there by ``seen``. Else the log was seen without it at ``seen``.
    """

    at: datetime
    seen: datetime
    is_ahead: bool

    def __str__(self) -> str:
        seen = format_at(self.seen.replace(microsecond=0))
        what = "it" if self.is_ahead else "the log without it"
        return f"says {format_at(self.at)}, a token saw {what} at {seen}"


class Bounds:
    """The bounds that tokens set; a token over a tree of n leaves speaks of leaf n - 1 and n.

    ``stamps`` are sizes and what their tokens state, in any order. Each bound is given the
    token's accuracy.
    """

    def __init__(self, stamps: Iterable[tuple[int, Stamp]]) -> None:
        ordered = sorted(stamps, key=lambda stamp: stamp[0])
        self._sizes = [size for size, _ in ordered]
        early = [_shift(stamp.time, -stamp.accuracy) for _, stamp in ordered]
        late = [_shift(stamp.time, stamp.accuracy) for _, stamp in reversed(ordered)]
        self._not_before = list(accumulate(early, max))
        self._not_after = list(accumulate(late, min))

    def __bool__(self) -> bool:
        return bool(self._sizes)

    def of(self, index: int) -> tuple[datetime | None, datetime | None]:
        """Return when leaf ``index`` was not there yet, and when it was; None for no token."""
        without = bisect_right(self._sizes, index)
        behind = len(self._sizes) - without
        return (
            self._not_before[without - 1] if without else None,
            self._not_after[behind - 1] if behind else None,
        )

    def contradict(
        self, index: int, at: datetime, grain: timedelta, merge_delay: timedelta
    ) -> Contradiction | None:
        """Return what contradicts that leaf ``index`` says ``at``, cut to ``grain``; else None.

        ``merge_delay`` is how long a committed record waits for its place at most.
        """
        not_before, not_after = self.of(index)
        if not_after and at > not_after:
            return Contradiction(at, not_after, is_ahead=True)
        # A difference cannot overflow; a sum could, and a leaf may say any time.
        if not_before and not_before - at > grain + TRANSACTION_AT_MOST + merge_delay:
            return Contradiction(at, not_before, is_ahead=False)
        return None


def _shift(time: datetime, by: timedelta) -> datetime:
    """Return ``time`` moved, at most to an end of the calendar: an authority may state any."""
    try:
        return time + by
    except OverflowError:
        return _FIRST if by < timedelta() else _LAST
