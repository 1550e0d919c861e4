"""Reader: what somebody allows today, use by use, as the decision itself sees it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.utils.functional import Promise

from consent.decision import Code, Outcome
from consent.decision.findings import Reason
from consent.decisions import decide_uses
from consent.models import Depiction, Grant, GrantState, Subject
from consent.portal.words import REASONS, RIGHTS, USES
from consent.uses import Right, Use

# These ask about an occasion, which a page about the person cannot name.
_OF_THE_OCCASION = frozenset(
    {
        Code.MEDIUM_UNKNOWN,
        Code.TERRITORY_UNKNOWN,
        Code.RECIPIENT_UNKNOWN,
        Code.FAMILY_UNKNOWN,
    }
)
ASKING = (GrantState.REQUESTED, GrantState.DEFERRED)


class Word(StrEnum):
    """What stands in a person's table."""

    YES = "yes"
    NO = "no"
    ASKED = "asked"
    UNSURE = "unsure"


@dataclass(frozen=True)
class Line:
    """One use: what holds today, why, since when, and the answer it rests on."""

    label: Promise
    hint: Promise
    word: Word
    why: Promise | None
    since: datetime | None
    grant: Grant | None


@dataclass(frozen=True)
class Table:
    """All uses of one right."""

    title: Promise
    lines: Sequence[Line]


def tables_of(subject: Subject) -> list[Table]:
    """Return a table for the person's likeness, and for works and style where they answered."""
    selves = Subject.objects.selves(subject.pk)
    grants = list(Grant.objects.filter(subject__in=selves).select_related("notice"))
    rights = [right for right in Right if right in {Right.LIKENESS, *(g.right for g in grants)}]
    return [_table(subject, right, [g for g in grants if g.right == right]) for right in rights]


def count_pictures(subject: Subject) -> int:
    """Return in how many pictures of frozen data sets the person is."""
    return Depiction.objects.filter(subject__in=Subject.objects.selves(subject.pk)).count()


def _table(subject: Subject, right: Right, grants: Sequence[Grant]) -> Table:
    decision = decide_uses([subject.pk], Use, right=right)
    return Table(
        RIGHTS[right],
        [_line(use, [one for one in decision.reasons if one.use is use], grants) for use in Use],
    )


def _line(use: Use, reasons: Iterable[Reason], grants: Sequence[Grant]) -> Line:
    against = [
        one
        for one in reasons
        if one.outcome is not Outcome.ALLOWED and one.code not in _OF_THE_OCCASION
    ]
    heaviest = max(against, key=lambda one: one.outcome.severity, default=None)
    asking = [g for g in grants if g.state in ASKING and use in {*g.uses, *g.refused}]
    label, hint = USES[use]
    if heaviest is None:
        yes = _newest(g for g in grants if g.state == GrantState.GIVEN and use in g.uses)
        return Line(label, hint, Word.YES, None, yes.given_at if yes else None, yes)
    why = REASONS.get(heaviest.code)
    if asking:
        return Line(label, hint, Word.ASKED, why, asking[0].opened_at, asking[0])
    word = Word.NO if heaviest.outcome is Outcome.REFUSED else Word.UNSURE
    grant = _newest(g for g in grants if g.given_at and use in {*g.uses, *g.refused})
    return Line(label, hint, word, why, _since(heaviest.code, grant), grant)


def _newest(grants: Iterable[Grant]) -> Grant | None:
    """Return the answer that stands, else the one that ended last."""
    return max(
        grants,
        key=lambda one: (one.ended_at is None, one.ended_at or one.given_at or one.opened_at),
        default=None,
    )


_ENDED = {Code.WITHDRAWN, Code.REVOKED, Code.INVALIDATED}


def _since(code: Code, grant: Grant | None) -> datetime | None:
    if grant is None:
        return None
    return grant.ended_at if code in _ENDED and grant.ended_at else grant.given_at
