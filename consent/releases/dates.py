"""Days and terms as people write them into tables; what could be two days is nobody's guess."""

import calendar
import re
from datetime import date
from enum import StrEnum

_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ]00:00(?::00(?:\.0+)?)?)?")
# German and other continental spelling: with points the day stands first.
_POINTS = re.compile(r"(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})")
_EITHER = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})")
_DAY_NAMED = re.compile(r"(\d{1,2})(?:\.|st|nd|rd|th)?[\s-]+([a-zä]+)\.?,?[\s-]+(\d{4})")
_MONTH_NAMED = re.compile(r"([a-zä]+)\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})")
_LENGTH = re.compile(r"(\d{1,3})\s*(years?|yrs?|y|jahre?n?|months?|monate?n?)")
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            *("jan january januar", "feb february februar", "mar march märz maerz mrz"),
            *("apr april", "may mai", "jun june juni", "jul july juli", "aug august"),
            *("sep sept september", "oct october okt oktober", "nov november"),
            "dec december dez dezember",
        ),
        1,
    )
    for name in names.split()
}
UNLIMITED = frozenset(
    {
        *("unlimited", "perpetual", "perpetuity", "forever", "indefinite", "indefinitely"),
        *("no limit", "without limit", "for good", "in perpetuity"),
        *("unbefristet", "unbegrenzt", "zeitlich unbegrenzt", "dauerhaft"),
    }
)


_NEVER = 9999


class Unclear(StrEnum):
    """Why a text is no single day."""

    UNREADABLE = "unreadable"
    AMBIGUOUS = "ambiguous"


def read_day(text: str, *, day_first: bool | None = None) -> date | Unclear:
    """Return the one day that ``text`` can mean.

    ``day_first`` is what somebody said of days such as 03/04/2019; None: nobody said. A year in
    two digits, and a spreadsheet's number of a day, are unreadable.
    """
    folded = " ".join(text.casefold().split())
    if found := _ISO.fullmatch(folded):
        return _day(found[1], found[2], found[3])
    if found := _POINTS.fullmatch(folded):
        return _day(found[3], found[2], found[1])
    if found := _EITHER.fullmatch(folded):
        return _either(*found.groups(), day_first=day_first)
    if (found := _DAY_NAMED.fullmatch(folded)) and found[2] in _MONTHS:
        return _day(found[3], _MONTHS[found[2]], found[1])
    if (found := _MONTH_NAMED.fullmatch(folded)) and found[1] in _MONTHS:
        return _day(found[3], _MONTHS[found[1]], found[2])
    return Unclear.UNREADABLE


def read_term(
    text: str, signed: date | None, *, day_first: bool | None = None
) -> date | Unclear | None:
    """Return the last day of a term, or None where it has no end.

    A length such as *5 years* counts from ``signed``; without that it is unreadable.
    """
    folded = " ".join(text.casefold().split())
    if folded in UNLIMITED:
        return None
    if found := _LENGTH.fullmatch(folded):
        months = int(found[1]) * (1 if found[2].startswith("m") else 12)
        return _later(signed, months) if signed and months else Unclear.UNREADABLE
    last = read_day(text, day_first=day_first)
    # 31.12.9999 is how programs write that there is no end.
    return None if isinstance(last, date) and last.year >= _NEVER else last


def birthday(born: date, years: int) -> date:
    """Return the day on which somebody born on ``born`` is so many years old.

    Who was born on a leap day is a year older on 1 March, at the latest in any law we know.
    """
    if (born.month, born.day) == (2, 29) and not calendar.isleap(born.year + years):
        return date(born.year + years, 3, 1)
    return born.replace(year=born.year + years)


def _either(first: str, second: str, year: str, *, day_first: bool | None) -> date | Unclear:
    as_day, as_month = _day(year, second, first), _day(year, first, second)
    if day_first is not None:
        return as_day if day_first else as_month
    readings = {one for one in (as_day, as_month) if isinstance(one, date)}
    if len(readings) > 1:
        return Unclear.AMBIGUOUS
    return readings.pop() if readings else Unclear.UNREADABLE


def _later(day: date, months: int) -> date | Unclear:
    """Return the same day some months later, or the month's last where there is none."""
    at = day.month - 1 + months
    year, month = day.year + at // 12, at % 12 + 1
    if year >= _NEVER:
        return Unclear.UNREADABLE
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _day(year: str, month: str | int, day: str) -> date | Unclear:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return Unclear.UNREADABLE
    # Before photography there was nothing to release.
    return found if found.year >= 1850 else Unclear.UNREADABLE
