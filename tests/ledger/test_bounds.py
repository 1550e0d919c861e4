"""Between which times a leaf came to be."""

from datetime import UTC, datetime, timedelta

import pytest

from ledger.bounds import MINUTE, Bounds
from ledger.timestamps import Stamp

SECOND = timedelta(seconds=1)
LAST = datetime.max.replace(tzinfo=UTC)


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


@pytest.mark.parametrize(
    ("index", "minutes", "said"),
    [
        (3, -2, None),
        (3, 60, None),
        (3, 61, "says 2026-11-20T11:01:00Z, a token saw it at 2026-11-20T11:00:01Z"),
        (
            3,
            -3,
            "says 2026-11-20T09:57:00Z, a token saw the log without it at 2026-11-20T09:59:59Z",
        ),
        (0, -9_999, None),
        (5, 9_999, None),
    ],
)
def test_leaf_is_contradicted_by_a_token_over_it_or_by_one_without_it(
    index: int, minutes: int, said: str | None
) -> None:
    bounds = Bounds([(3, _stamp(10)), (5, _stamp(11))])
    at = _stamp(10).time + minutes * MINUTE
    found = bounds.contradict(index, at, MINUTE, MINUTE)
    assert (str(found) if found else None) == said


@pytest.mark.parametrize("end", [datetime.min, datetime.max])
def test_token_and_leaf_may_say_any_time_of_the_calendar(end: datetime) -> None:
    time = end.replace(tzinfo=UTC)
    bounds = Bounds([(3, Stamp(time, timedelta(days=1)))])
    for index in (2, 3):
        for at in (datetime.min, datetime.max):
            bounds.contradict(index, at.replace(tzinfo=UTC), MINUTE, timedelta(days=1))
    assert bounds.of(2) == (None, min(time, LAST - timedelta(days=1)) + timedelta(days=1))
