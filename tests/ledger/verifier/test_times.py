"""The times that leaves say, against what tokens state."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ledger.canonical import JSON
from ledger.leaf import parse_leaf
from ledger.timestamps import Stamp
from ledger.verifier.findings import Code, Findings
from ledger.verifier.report import Report
from ledger.verifier.times import USUAL_DELAY, check_times, promised_delay
from tests.ledger.bundles import Log, case

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
# Thirty seconds for the transaction, sixty for the place, and the token's accuracy.
SLACK = timedelta(seconds=91)

Found = list[tuple[Code, int | None]]


def found(
    times: list[datetime], tokens: dict[int, datetime], delay: timedelta = USUAL_DELAY
) -> Found:
    """Return what is found of leaves that say ``times``, with tokens by the size of their tree."""
    log = Log()
    for log.at in times:
        log.append("run.failed", {})
    leaves = {leaf.index: leaf for leaf in map(parse_leaf, log.leaves)}
    stamps = {size: Stamp(time, SECOND) for size, time in tokens.items()}
    check_times(leaves, stamps, delay, findings := Findings())
    return [(finding.code, finding.index) for finding in findings]


@pytest.mark.parametrize(
    ("token", "wanted"),
    [
        (NOON + timedelta(days=400), []),
        (NOON - SECOND, []),
        (NOON - SECOND * 2, [(Code.TIME_AHEAD, 0)]),
        (NOON - timedelta(days=400), [(Code.TIME_AHEAD, 0)]),
    ],
)
def test_leaf_is_not_later_than_a_token_over_it(token: datetime, wanted: Found) -> None:
    assert found([NOON], {1: token}) == wanted


@pytest.mark.parametrize(
    ("at", "grain"), [(NOON + MINUTE, MINUTE), (NOON, HOUR)], ids=["minute", "full hour"]
)
def test_leaf_is_not_much_earlier_than_a_token_without_it(at: datetime, grain: timedelta) -> None:
    latest = at + grain + SLACK
    assert found([NOON, at], {1: latest}) == []
    assert found([NOON, at], {1: latest + SECOND}) == [(Code.TIME_BEHIND, 1)]


def test_longer_merge_delay_allows_for_more() -> None:
    times, tokens = [NOON, NOON + MINUTE], {1: NOON + MINUTE * 30}
    assert found(times, tokens) == [(Code.TIME_BEHIND, 1)]
    assert found(times, tokens, HOUR) == []


def test_each_leaf_lies_between_the_tokens_before_and_behind_it() -> None:
    times = [NOON + MINUTE, NOON + HOUR + MINUTE, NOON - HOUR * 2, NOON + MINUTE * 59]
    tokens = {1: NOON + MINUTE * 2, 4: NOON + HOUR}
    assert found(times, tokens) == [(Code.TIME_AHEAD, 1), (Code.TIME_BEHIND, 2)]
    assert found(times, {}) == []


@pytest.mark.parametrize("said", ["0001-01-01T00:01:00+00:00", "9999-12-31T23:59:00+00:00"])
@pytest.mark.parametrize("stated", [datetime.min, NOON, datetime.max])
def test_times_at_the_ends_of_the_calendar_are_compared(said: str, stated: datetime) -> None:
    at, token = datetime.fromisoformat(said), stated.replace(tzinfo=UTC)
    is_late, is_early = at - token > SECOND, token - at > HOUR
    wanted: Found = [(Code.TIME_AHEAD, 0)] if is_late else []
    wanted += [(Code.TIME_BEHIND, 1)] if is_early else []
    assert found([at, at], {1: token}) == wanted


@pytest.mark.parametrize(
    ("content", "seconds"),
    [
        ({"maximum_merge_delay_seconds": 600}, 600),
        ({"maximum_merge_delay_seconds": 86_400}, 86_400),
        ({"maximum_merge_delay_seconds": 86_401}, 60),
        ({"maximum_merge_delay_seconds": -1}, 60),
        ({"maximum_merge_delay_seconds": True}, 60),
        ({"maximum_merge_delay_seconds": "600"}, 60),
        ({}, 60),
    ],
)
def test_promise_of_the_report_counts_where_it_can_be_one(
    content: Mapping[str, JSON], seconds: int
) -> None:
    it = replace(case(), content=dict(content))
    report = Report.parse(it.files()["report.json"])
    assert promised_delay(report) == timedelta(seconds=seconds)


def test_without_a_report_the_usual_promise_counts() -> None:
    assert promised_delay(None) == USUAL_DELAY
