"""Reader: whose answers were given before they came of age, by their birth date alone.

No birth date is opened and none is kept in the clear. Of each day on which whoever comes of age
in a span was born, the keyed index is computed under which such a birth date is found anyway.
"""

from calendar import isleap
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import DateTimeField, Min
from django.db.models.functions import Cast, Coalesce

from consent import profiles
from consent.clock import of_age_at
from consent.identity import Form, IdentifierKind
from consent.models import Grant, GrantState
from ledger.vault import blind_indexer

# Whoever has come of age by then was born within so many years before: nobody is older.
_LONGEST = timedelta(days=100 * 366)
_GRANTS = """
    SELECT DISTINCT g.id
    FROM unnest(%s::bytea[], %s::timestamptz[]) AS born (key, of_age_at)
    JOIN consent_searchkey k ON k.key = born.key
    JOIN consent_identifier i ON i.id = k.identifier_id AND i.until IS NULL
    CROSS JOIN LATERAL unnest(consent_selves(ARRAY[i.subject_id], false)) AS self (id)
    JOIN consent_grant g ON g.subject_id = self.id
        AND coalesce(g.signed_on::timestamptz, g.given_at) < born.of_age_at
    WHERE g.state = 'given' AND cardinality(g.uses) > 0 AND g.capacity IN ('self', 'guardian')
        AND (g.valid_until IS NULL OR g.valid_until > statement_timestamp())"""
_OF_ONE = " AND g.id = %s"


def find_outgrown(after: datetime, until: datetime, only: UUID | None = None) -> set[UUID]:
    """Return what is allowed today by the word of, or for, a child who is of age in that span.

    The span is open at its beginning. Answers that other people gave by power of attorney are
    left out.
    """
    keys, moments = _births(after, until)
    if not keys:
        return set()
    with connection.cursor() as cursor:
        if only is None:
            cursor.execute(_GRANTS, [keys, moments])
        else:
            cursor.execute(_GRANTS + _OF_ONE, [keys, moments, only])
        return {pk for (pk,) in cursor.fetchall()}


def find_all_outgrown(until: datetime, only: UUID | None = None) -> set[UUID]:
    """Return as ``find_outgrown`` for whoever is of age by then, since the first answer stands.

    With ``only``, of this one answer: just the days since it was given are looked at.
    """
    standing = Grant.objects.filter(state=GrantState.GIVEN, uses__len__gt=0)
    standing = standing if only is None else standing.filter(pk=only)
    # What was recorded later is as old as its paper.
    said_at = Coalesce(Cast("signed_on", DateTimeField()), "given_at")
    first = standing.aggregate(first=Min(said_at))["first"]
    return find_outgrown(first, until, only) if first else set()


def births_between(after: datetime, until: datetime, *, years: int, zone: str) -> Iterator[date]:
    """Yield each day on which somebody was born who comes of age in a span, open at its beginning.

    Nobody is asked after who came of age more than a century before its end.
    """
    first = max(after, until - _LONGEST).astimezone(ZoneInfo(zone)).date()
    last = until.astimezone(ZoneInfo(zone)).date()
    # From a day earlier: a leap day comes round with the day that follows it.
    birth = _years_before(first, years) - timedelta(days=1)
    while birth <= _years_before(last, years):
        if after < of_age_at(birth, years, zone) <= until:
            yield birth
        birth += timedelta(days=1)


def _births(after: datetime, until: datetime) -> tuple[list[bytes], list[datetime]]:
    """Return the indexes of birth dates, and when whoever was born then comes of age."""
    profile = profiles.load()
    zone, years = profile.clock.zone, profile.majority_years
    index = blind_indexer(f"identity.{IdentifierKind.BIRTH_DATE.family}.{Form.DATE}")
    births = list(births_between(after, until, years=years, zone=zone))
    keys = [index(birth.isoformat()) for birth in births]
    return keys, [of_age_at(birth, years, zone) for birth in births]


def _years_before(day: date, years: int) -> date:
    """Return the day a number of years before, or the last of that February."""
    is_missing = (day.month, day.day) == (2, 29) and not isleap(day.year - years)
    return day.replace(year=day.year - years, day=28 if is_missing else day.day)
