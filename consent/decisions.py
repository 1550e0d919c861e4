"""Reader: decisions about stored people, now or as they would have been at a past moment."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection

from consent import profiles
from consent.decision import Context, Decision, Period, Person, Reservation, Title, decide
from consent.models import CLOSED, Grant, RequestKind, RequestState, SignalFinding, Subject
from consent.moment import ClockTimestamp, database_now
from consent.signals.finding import Standing
from consent.uses import Right, Use

ANYWHERE_UNKNOWN = Context()


def decide_uses(
    subjects: Sequence[UUID],
    uses: Iterable[Use],
    *,
    context: Context = ANYWHERE_UNKNOWN,
    at: datetime | None = None,
    profile: str = profiles.DEFAULT,
    right: Right = Right.LIKENESS,
) -> Decision:
    """Decide whether every use is covered for every one of ``subjects``, at ``at`` or now.

    Three queries, one more for the titles in works or style. An id that is nobody's is answered
    with a refusal, not an error. Raises ProfileRefused.
    """
    rules = profiles.load(profile).profile
    asked = tuple(dict.fromkeys(subjects))
    titles = find_titles(asked, right)
    heard = {*asked, *(title.holder for title in titles)}
    people, now = find_people(asked)
    return decide(
        people=people,
        asked=asked,
        uses=uses,
        grants=[grant.terms() for grant in Grant.objects.answered().filter(subject__in=heard)],
        context=context,
        at=at or now,
        profile=rules,
        right=right,
        titles=titles,
        reservations=find_reservations(asked),
    )


def find_people(subjects: Sequence[UUID]) -> tuple[dict[UUID, Person], datetime]:
    """Return those of ``subjects`` that are known, with their restrictions; and the clock."""
    if not subjects:
        return {}, database_now()
    rows = Subject.objects.filter(pk__in=subjects).values_list(
        "pk",
        "requests__kind",
        "requests__state",
        "requests__restricted_at",
        "requests__closed_at",
        ClockTimestamp(),
    )
    periods: dict[UUID, list[Period]] = {}
    now: datetime | None = None
    for subject, kind, state, restricted_at, closed_at, clock in rows:
        now = clock
        known = periods.setdefault(subject, [])
        if kind == RequestKind.ERASURE and restricted_at is not None:
            # A request that ended otherwise than by erasure gives the data free again.
            lifted = state in CLOSED - {RequestState.CLOSED_FULFILLED}
            known.append(Period(restricted_at, closed_at if lifted else None))
    people = {subject: Person(subject, tuple(known)) for subject, known in periods.items()}
    return people, now or database_now()


def find_titles(origins: Collection[UUID], right: Right) -> list[Title]:
    """Return all links of the chains of title that begin with ``origins``, whenever they held."""
    if right is Right.LIKENESS or not origins:
        return []
    # UNION without ALL ends even where a chain runs in a circle.
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE reached (id) AS (
                SELECT unnest(%s::uuid[])
                UNION
                SELECT t.holder_id FROM reached JOIN consent_title t ON t.origin_id = reached.id
                WHERE t."right" = %s
            ) SELECT t.origin_id, t.holder_id,
                t.starts_at, least(t.ends_at, t.ended_at), t.exclusive
            FROM consent_title t JOIN reached ON t.origin_id = reached.id WHERE t."right" = %s""",
            [list(origins), right.value, right.value],
        )
        return [
            Title(origin, holder, right, Period(start, end), exclusive)
            for origin, holder, start, end, exclusive in cursor.fetchall()
        ]


def find_reservations(subjects: Collection[UUID]) -> list[Reservation]:
    """Return what signals of ``subjects`` reserve, from when each was seen.

    A request without a signal takes none back: a later answer may outweigh it.
    """
    found = SignalFinding.objects.filter(
        observation__subject__in=subjects, standing=Standing.RESERVED.value
    ).values_list("observation__subject", "signal", "uses", "observation__seen_at")
    return [
        Reservation(signal, frozenset(map(Use, uses)), Period(seen_at), subject)
        for subject, signal, uses, seen_at in found
    ]
