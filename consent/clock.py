"""When a privacy request must be answered: as a profile says, counted as the law counts.

Regulation (EEC, Euratom) No 1182/71, Art. 3: a period of months ends with the last hour of the
day that has the same number as the day of receipt, or of the month's last day where that number
is missing; where that is a holiday, a Saturday or a Sunday, of the next working day.
"""

import calendar
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays

SATURDAY = 5


@dataclass(frozen=True)
class ClockRules:
    """How long an answer may take, and whose calendar and clock on the wall count.

    ``working_day`` says whether a term that ends on a day off runs on to the next working day.
    """

    country: str
    zone: str
    months: int = 0
    days: int = 0
    extension_months: int = 0
    extension_days: int = 0
    working_day: bool = True


def deadline(received_at: datetime, rules: ClockRules, *, extended: bool = False) -> datetime:
    """Return the moment by which an answer must be out, exclusive: the day after begins then.

    An extension counts from receipt too, and is the caller's to have announced before the first
    deadline passed.
    """
    zone = ZoneInfo(rules.zone)
    months = rules.months + (rules.extension_months if extended else 0)
    days = rules.days + (rules.extension_days if extended else 0)
    last_day = add_months(received_at.astimezone(zone).date(), months) + timedelta(days=days)
    if rules.working_day:
        last_day = next_working_day(last_day, rules.country)
    return datetime.combine(last_day + timedelta(days=1), time(), zone)


def of_age_at(birth: date, years: int, zone: str) -> datetime:
    """Return the moment at which somebody comes of age: their day begins in ``zone``.

    Whoever was born on 29 February is a year older with 1 March where there is no such day: the
    last day of the year of life must be over.
    """
    is_missing = (birth.month, birth.day) == (2, 29) and not calendar.isleap(birth.year + years)
    day = date(birth.year + years, 3, 1) if is_missing else birth.replace(year=birth.year + years)
    return datetime.combine(day, time(), ZoneInfo(zone))


def day_end(day: date, zone: str) -> datetime:
    """Return the moment at which a day is over in ``zone``, exclusive."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone))


def last_day(end: datetime, zone: str) -> date:
    """Return the last day in ``zone`` of a term that ends at ``end``, exclusive."""
    return (end - timedelta(microseconds=1)).astimezone(ZoneInfo(zone)).date()


def add_months(day: date, months: int) -> date:
    """Return the same day number ``months`` later, or that month's last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def next_working_day(day: date, country: str) -> date:
    """Return ``day``, or the first day after it that is no weekend and no holiday there."""
    while day.weekday() >= SATURDAY or day in _holidays(country, day.year):
        day += timedelta(days=1)
    return day


@cache
def _holidays(country: str, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays(country, years=year))
