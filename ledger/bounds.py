"""Between which times a leaf came to be, by tokens over the trees before and behind it."""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime
from itertools import accumulate

from ledger.timestamps import Stamp


class Bounds:
    """The bounds that tokens set; a token over a tree of n leaves speaks of leaf n - 1 and n.

    ``stamps`` are sizes and what their tokens state, in any order. Each bound is given the
    token's accuracy.
    """

    def __init__(self, stamps: Iterable[tuple[int, Stamp]]) -> None:
        ordered = sorted(stamps, key=lambda stamp: stamp[0])
        self._sizes = [size for size, _ in ordered]
        early = [stamp.time - stamp.accuracy for _, stamp in ordered]
        late = [stamp.time + stamp.accuracy for _, stamp in reversed(ordered)]
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
