"""One answer for each use, out of all findings about one item: the strictest place wins.

Only TDMRep says otherwise: there a later place supersedes an earlier one, each property for
itself, so that it is first brought to one word of its own. Nothing said is no permission.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from uuid import UUID

from consent.signals.finding import (
    MINING,
    Code,
    Finding,
    Observation,
    Reach,
    Signal,
    Source,
    Standing,
)
from consent.signals.places import is_same, normal
from consent.signals.tdmrep import PLACES
from consent.uses import Use

# Policies that say under which conditions mining may be had.
_TELLING = (Code.TDM_OFFER, Code.TDM_POLICY_FOR_PEOPLE)

_Newest = dict[tuple[object, ...], tuple[datetime, tuple[Observation, ...]]]


@dataclass(frozen=True)
class Answer:
    """What all signals together say of one use, and the findings that this rests on.

    *Silent* rests on all that were found to say nothing. *Malformed* outweighs *permitted*: what
    could not be read may be a reservation.
    """

    use: Use
    standing: Standing
    findings: tuple[Finding, ...]

    @property
    def observations(self) -> tuple[UUID, ...]:
        """Return the observations relied on, each once."""
        return tuple(dict.fromkeys(found.observation for found in self.findings))


@dataclass(frozen=True)
class _Word:
    """One voice among those combined, and the findings that it is made of."""

    standing: Standing
    uses: frozenset[Use]
    findings: tuple[Finding, ...]


def combine(findings: Iterable[Finding]) -> dict[Use, Answer]:
    """Return an answer for every use out of the findings about one item at one moment."""
    every = list(findings)
    words = [
        _Word(found.standing, found.uses, (found,))
        for found in every
        if found.signal is not Signal.TDMREP
    ]
    words += _resolve_tdmrep([found for found in every if found.signal is Signal.TDMREP])
    return {use: _answer(use, [word for word in words if use in word.uses]) for use in Use}


def seen_at(observations: Iterable[Observation], at: datetime) -> list[Observation]:
    """Return what counts at ``at``, oldest first: of each source and place what was seen last.

    That a place cannot be reached takes nothing back: it counts beside what was seen there before.
    Each request counts, since the next one without Sec-GPC takes no opt-out back.
    """
    newest: _Newest = {}
    for moment, seen in _sightings(observations):
        if moment > at:
            break
        _supersede(newest, moment, seen)
    return _counting(newest)


def in_force_since(
    observations: Iterable[Observation], moment: datetime, until: datetime
) -> Iterator[list[Observation]]:
    """Yield what counts at ``moment``, and then each time that something was seen up to ``until``.

    Of what came after, only answers: one that did not come bars a crawler, and this is none.
    """
    every = list(observations)
    yield seen_at(every, moment)
    newest: _Newest = {}
    answers = _sightings(one for one in every if one.reach is not Reach.UNREACHABLE)
    for when, some in groupby(answers, itemgetter(0)):
        if when > until:
            break
        for _, seen in some:
            _supersede(newest, when, seen)
        if when > moment:
            yield _counting(newest)


def _sightings(observations: Iterable[Observation]) -> list[tuple[datetime, Observation]]:
    """Return each time that something was seen, in time order."""
    sightings = [
        (moment, one)
        for one in observations
        for moment in (one.seen_at, one.confirmed_at)
        if moment is not None
    ]
    return sorted(sightings, key=itemgetter(0))


def _counting(newest: _Newest) -> list[Observation]:
    return [one for _, some in newest.values() for one in some]


def _supersede(newest: _Newest, moment: datetime, seen: Observation) -> None:
    """Put what was seen in the stead of what was seen there before; order stays that of time.

    Where two things were seen at one moment both count.
    """
    place = (seen.source, normal(seen.place))
    if seen.source is Source.REQUEST_HEADERS:
        newest[seen.id,] = moment, (seen,)
        return
    silence = (*place, Reach.UNREACHABLE)
    newest.pop(silence, None)
    key = silence if seen.reach is Reach.UNREACHABLE else place
    when, before = newest.pop(key, (moment, ()))
    newest[key] = moment, (*before, seen) if when == moment else (seen,)


def _answer(use: Use, words: Sequence[_Word]) -> Answer:
    strictest = max((word.standing for word in words), key=_rank, default=Standing.SILENT)
    relied = (found for word in words if word.standing is strictest for found in word.findings)
    return Answer(use, strictest, tuple(dict.fromkeys(relied)))


def _resolve_tdmrep(findings: Sequence[Finding]) -> list[_Word]:
    """Bring the places of TDMRep to the one that holds, with the policy that was named last.

    What could not be read counts on, unless a later place says what holds.
    """
    holding: Finding | None = None
    named: Finding | None = None
    unread: list[Finding] = []
    placed = sorted((one for one in findings if one.source in PLACES), key=_order)
    for _, group in groupby(placed, key=_order):
        place = list(group)
        stated = [one for one in place if one.standing in (Standing.RESERVED, Standing.PERMITTED)]
        if stated:
            holding, unread = max(stated, key=lambda one: one.standing.rank), []
        unread += [one for one in place if one.standing is Standing.MALFORMED and one.uses]
        naming = [one for one in place if one.conditions]
        if naming:
            named = holding if holding in naming else naming[0]
    words = [_Word(one.standing, one.uses, (one,)) for one in unread]
    if holding is None:
        silent = tuple(one for one in placed if one.standing is Standing.SILENT)
        return [*words, _Word(Standing.SILENT, MINING, silent)]
    policies = [one for one in findings if named and _is_policy(one, named.conditions)]
    return [*words, _under_policy(holding, named, policies)]


def _under_policy(holding: Finding, named: Finding | None, policies: Sequence[Finding]) -> _Word:
    """Return what holds; a reservation whose policy tells its conditions is had on conditions.

    Conditions that are unknown leave it reserved, and so does one policy of several that does.
    """
    if holding.standing is Standing.PERMITTED or named is None or not policies:
        return _Word(holding.standing, holding.uses, (holding,))
    is_told = all(one.code in _TELLING for one in policies)
    standing = Standing.CONDITIONS if is_told else Standing.RESERVED
    return _Word(standing, holding.uses, tuple(dict.fromkeys((holding, named, *policies))))


def _is_policy(found: Finding, url: str) -> bool:
    return found.source is Source.TDM_POLICY and is_same(found.place, url)


def _order(found: Finding) -> int:
    return PLACES[found.source]


def _rank(standing: Standing) -> int:
    return standing.rank
