"""Reader: decisions about stored people, now or as they would have been at a past moment.

Whether a run may begin is asked before each: everything is read in one round trip, past the ORM.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from consent import profiles
from consent.decision import (
    Code,
    Context,
    Decision,
    GrantTerms,
    Merge,
    Outcome,
    Period,
    Person,
    Reservation,
    Title,
    decide,
)
from consent.models import CLOSED, GrantState, RequestState
from consent.moment import database_now
from consent.signals.finding import Standing
from consent.uses import Assurance, Basis, Medium, Method, Right, Theme, Use
from ledger import binary

ANYWHERE_UNKNOWN = Context()
# People who are decided about in one round trip.
_TOGETHER = 1_000

# A request that ended otherwise than by erasure gives the data free again.
_LIFTING = ", ".join(f"'{state}'" for state in sorted(CLOSED - {RequestState.CLOSED_FULFILLED}))
_MERGES = """(SELECT json_agg(json_build_array(m.into_id, m.merged_at, m.parted_at))
    FROM consent_merge m WHERE m.subject_id = s.id)"""
_PEOPLE = (
    "SELECT s.id, r.restricted_at, "  # noqa: S608
    f"CASE WHEN r.state IN ({_LIFTING}) THEN r.closed_at END, clock_timestamp(), {_MERGES} "
    "FROM consent_subject s LEFT JOIN consent_privacyrequest r "
    "ON r.subject_id = s.id AND r.kind = 'erasure' AND r.restricted_at IS NOT NULL WHERE "
)
_GRANTS = """SELECT row_to_json(g) FROM (
    SELECT id, subject_id, state, given_at, ended_at, valid_from, valid_until, signed_on,
        assurance, "right", basis, method, uses, refused, media, territories, recipients,
        families, barred_themes, suspended_at, resumed_at, power_until
    FROM consent_grant WHERE given_at IS NOT NULL AND """
# Everybody who ever counted as one of them: at which moment is for the decision to say.
_THEM = "= ANY ((SELECT consent_selves($1::uuid[], true))::uuid[])"
# A browser repeats itself at each request: a signal speaks when it is first seen.
_RESERVATIONS = """SELECT o.subject_id, f.signal, array_to_json(f.uses), min(o.seen_at), f.standing
    FROM consent_observation o JOIN consent_signalfinding f ON f.observation_id = o.id
    WHERE f.standing IN ('reserved', 'conditions', 'malformed') AND """
_BY_SIGNAL = (
    " GROUP BY o.subject_id, f.signal, f.uses, f.standing ORDER BY min(o.seen_at), f.signal"
)


@dataclass(frozen=True)
class _Held:
    """What is held of those who are asked about, and what time it is."""

    people: Mapping[UUID, Person]
    grants: Sequence[GrantTerms]
    reservations: Sequence[Reservation]
    merges: Sequence[Merge]
    now: datetime


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

    One round trip, one more for the titles in works or style. An id that is nobody's is answered
    with a refusal, not an error. Raises ProfileRefused.
    """
    rules = profiles.load(profile).profile
    asked = tuple(dict.fromkeys(subjects))
    titles = find_titles(asked, right)
    held = _read({*asked, *(title.origin for title in titles), *(t.holder for t in titles)})
    return decide(
        people=held.people,
        asked=asked,
        uses=uses,
        grants=held.grants,
        context=context,
        at=at or held.now,
        profile=rules,
        right=right,
        titles=titles,
        reservations=held.reservations,
        merges=held.merges,
    )


def find_consenting(
    subjects: Iterable[UUID],
    uses: Collection[Use],
    *,
    profile: str = profiles.DEFAULT,
    right: Right = Right.LIKENESS,
) -> set[UUID]:
    """Return those of ``subjects`` whose answers cover every one of ``uses`` now.

    For many people: a round trip for each thousand. Raises ProfileRefused.
    """
    consenting: set[UUID] = set()
    rest = iter(dict.fromkeys(subjects))
    while some := list(islice(rest, _TOGETHER)):
        decision = decide_uses(some, uses, profile=profile, right=right)
        unclear = {one.person for one in decision.reasons if one.outcome is not Outcome.ALLOWED}
        consenting |= set(some) - unclear
    return consenting


def find_titles(origins: Collection[UUID], right: Right) -> list[Title]:
    """Return all links of the chains of title that begin with ``origins``, whenever they held."""
    if right is Right.LIKENESS or not origins:
        return []
    # UNION without ALL ends even where a chain runs in a circle.
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE reached (id) AS (
                SELECT unnest(consent_selves(%s::uuid[], true))
                UNION
                SELECT unnest(consent_selves(ARRAY[t.holder_id], true))
                FROM reached JOIN consent_title t ON t.origin_id = reached.id
                WHERE t."right" = %s
            ) SELECT t.origin_id, t.holder_id,
                greatest(t.starts_at, t.recorded_at), least(t.ends_at, t.ended_at), t.exclusive
            FROM consent_title t JOIN reached ON t.origin_id = reached.id WHERE t."right" = %s""",
            [list(origins), right.value, right.value],
        )
        return [
            Title(origin, holder, right, Period(start, end), exclusive)
            for origin, holder, start, end, exclusive in cursor.fetchall()
        ]


def _read(heard: Collection[UUID]) -> _Held:
    them = [binary.text_array(heard)]
    answers = binary.send_all(
        [
            (f"{_PEOPLE}s.id {_THEM}", them),
            (f"{_GRANTS}subject_id {_THEM}) g", them),
            (f"{_RESERVATIONS}o.subject_id {_THEM}{_BY_SIGNAL}", them),
        ]
    )
    people, grants, reservations = answers()
    return _Held(
        people=_people(people),
        grants=[_terms(orjson.loads(grant)) for (grant,) in grants],
        reservations=[
            Reservation(
                kind=signal.decode(),
                uses=frozenset(map(Use, orjson.loads(uses))),
                # A request without a signal takes none back: a later answer may outweigh it.
                period=Period(_time(seen_at)),
                person=_id(subject),
                standing=Standing(standing.decode()),
            )
            for subject, signal, uses, seen_at, standing in reservations
        ],
        merges=list(dict.fromkeys(merge for row in people for merge in _merges(row))),
        # Told with the people; where nobody is known it is asked for.
        now=_time(people[0][3]) if people else database_now(),
    )


def _people(rows: Iterable[binary.Cells]) -> dict[UUID, Person]:
    periods: dict[UUID, list[Period]] = {}
    for subject, restricted_at, lifted_at, *_ in rows:
        known = periods.setdefault(_id(subject), [])
        if restricted_at:
            known.append(Period(_time(restricted_at), _time(lifted_at) if lifted_at else None))
    return {subject: Person(subject, tuple(known)) for subject, known in periods.items()}


def _merges(row: binary.Cells) -> list[Merge]:
    return [
        Merge(
            _id(row[0]), UUID(into), Period(datetime.fromisoformat(merged_at), _moment(parted_at))
        )
        for into, merged_at, parted_at in orjson.loads(row[4] or b"[]")
    ]


_ENDED_AS = {
    GrantState.REVOKED.value: Code.REVOKED,
    GrantState.INVALIDATED.value: Code.INVALIDATED,
}


def _terms(row: dict[str, Any]) -> GrantTerms:
    """Return what decisions need to know of a stored answer."""
    given_at, power_until = datetime.fromisoformat(row["given_at"]), _moment(row["power_until"])
    # An answer whose term ran out was never taken back: its term says when it ended.
    taken_back = None if row["state"] == GrantState.EXPIRED else _moment(row["ended_at"])
    resumed = [*map(_moment, row["resumed_at"]), None]
    ended_as = _ENDED_AS.get(row["state"], Code.WITHDRAWN)
    return GrantTerms(
        id=UUID(row["id"]),
        person=UUID(row["subject_id"]),
        standing=Period(given_at, taken_back),
        term=Period(datetime.fromisoformat(row["valid_from"]), _moment(row["valid_until"])),
        assurance=Assurance(row["assurance"]),
        right=Right(row["right"]),
        basis=Basis(row["basis"]),
        written=Method(row["method"]).is_written,
        uses=frozenset(map(Use, row["uses"])),
        refused=frozenset(map(Use, row["refused"])),
        media=frozenset(map(Medium, row["media"])),
        territories=frozenset(row["territories"]),
        recipients=frozenset(row["recipients"]),
        families=frozenset(row["families"]),
        barred_themes=frozenset(map(Theme, row["barred_themes"])),
        signed=_midnight(row["signed_on"]),
        suspensions=tuple(map(Period, map(datetime.fromisoformat, row["suspended_at"]), resumed)),
        power=Period(given_at, power_until) if power_until else None,
        ended_as=ended_as,
    )


def _midnight(day: str | None) -> datetime | None:
    return datetime.fromisoformat(day).replace(tzinfo=UTC) if day else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _time(cell: bytes) -> datetime:
    return datetime.fromisoformat(cell.decode())


def _id(cell: bytes) -> UUID:
    return UUID(cell.decode())
