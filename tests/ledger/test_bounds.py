"""Between which times a leaf came to be."""

from datetime import UTC, datetime, timedelta

import pytest

from ledger.bounds import Bounds
from ledger.timestamps import Stamp

SECOND = timedelta(seconds=1)


def _stamp(hour: int, accuracy: timedelta = SECOND) -> Stamp:
    return Stamp(datetime(2026, 11, 20, hour, tzinfo=UTC), accuracy)


@pytest.mark.parametrize(
    ("index", "not_before", "not_after"),
    [
        (0, None, 10),
        (2, None, 10),
        (3, 10, 11),
        (4, 10, 11),
        (5, 11, 12),
        (7, 12, 13),
        (9, 13, None),
    ],
)
def test_a_leaf_lies_between_the_tightest_tokens_before_and_behind_it(
    index: int, not_before: int | None, not_after: int | None
) -> None:
    bounds = Bounds([(9, _stamp(13)), (3, _stamp(10)), (5, _stamp(11)), (7, _stamp(12))])
    assert bounds.of(index) == (
        _stamp(not_before).time - SECOND if not_before else None,
        _stamp(not_after).time + SECOND if not_after else None,
    )


def test_a_late_token_over_an_old_tree_widens_nothing() -> None:
    bounds = Bounds([(3, _stamp(10)), (5, _stamp(14)), (7, _stamp(12))])
    assert bounds.of(4) == (_stamp(10).time - SECOND, _stamp(12).time + SECOND)
    assert bounds.of(8) == (_stamp(14).time - SECOND, None)


def test_no_token_bounds_nothing() -> None:
    assert not Bounds([])
    assert Bounds([]).of(7) == (None, None)
