from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.clock import ClockRules, add_months, deadline, next_working_day

RULES = ClockRules(months=1, extension_months=2, country="DE", zone="Europe/Berlin")
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("received", "last_day"),
    [
        ((2026, 9, 14), (2026, 10, 14)),
        ((2026, 1, 31), (2026, 3, 2)),  # 28 February 2026 is a Saturday
        ((2024, 1, 31), (2024, 2, 29)),
        ((2026, 11, 25), (2026, 12, 28)),  # Christmas, St Stephen's, then a Sunday
        ((2026, 3, 3), (2026, 4, 7)),  # Good Friday to Easter Monday
        ((2026, 12, 1), (2027, 1, 4)),  # New Year's Day is a Friday
    ],
)
def test_an_answer_is_due_by_the_end_of_the_laws_last_day(
    received: tuple[int, int, int], last_day: tuple[int, int, int]
) -> None:
    due = deadline(datetime(*received, 15, tzinfo=BERLIN), RULES)
    assert (due - datetime(*last_day, tzinfo=BERLIN)).days == 1
    assert (due.hour, due.minute) == (0, 0)


def test_the_day_of_receipt_is_the_day_on_the_wall_there() -> None:
    late_evening = datetime(2026, 9, 13, 22, 30, tzinfo=UTC)  # already the 14th in Berlin
    assert deadline(late_evening, RULES) == datetime(2026, 10, 15, tzinfo=BERLIN)


def test_an_extension_counts_from_receipt_too() -> None:
    due = deadline(datetime(2026, 9, 14, 12, tzinfo=BERLIN), RULES, extended=True)
    assert due == datetime(2026, 12, 15, tzinfo=BERLIN)


@given(st.dates(date(1900, 1, 1), date(2200, 1, 1)), st.integers(1, 12))
def test_months_keep_the_day_number_or_take_the_last_day(day: date, months: int) -> None:
    later = add_months(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == day.day or (later.day < day.day and (later.day + 1) > 28)


@given(st.dates(date(2020, 1, 1), date(2035, 12, 31)))
def test_a_working_day_is_found_within_ten_days(day: date) -> None:
    found = next_working_day(day, "DE")
    assert found.weekday() < 5
    assert 0 <= (found - day).days < 10


def test_a_term_of_days_ends_on_its_day_where_the_law_shifts_nothing() -> None:
    rules = ClockRules(
        days=45, extension_days=45, country="US", zone="America/Los_Angeles", working_day=False
    )
    # 4 July 2026 is a Saturday and a holiday.
    received = datetime(2026, 5, 20, 12, tzinfo=ZoneInfo("America/Los_Angeles"))
    assert deadline(received, rules) == datetime(2026, 7, 5, tzinfo=ZoneInfo(rules.zone))
    extended = deadline(received, rules, extended=True)
    assert extended == datetime(2026, 8, 19, tzinfo=ZoneInfo(rules.zone))
