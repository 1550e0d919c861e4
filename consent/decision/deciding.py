"""Do these answers cover these uses at this moment? The answer, with its reasons.

Pure: the same answers, context, moment and profile give the same decision for ever, so that any
past decision can be made again. Strict: what nobody allowed is refused, a refusal by the person
outweighs any permission, and what is not known well enough goes to a human.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from consent.decision.examining import Case, check_sensitive, examine, themes_in_words
from consent.decision.findings import (
    Code,
    Decision,
    Finding,
    Outcome,
    Reason,
    allow,
    day,
    is_allowed,
    question,
    refuse,
    severity,
    worst,
)
from consent.decision.merging import find_heads, unite, unite_people, unite_titles
from consent.decision.profile import Priority, Profile
from consent.decision.terms import Context, GrantTerms, Merge, Person, Reservation, Title
from consent.signals.finding import Standing
from consent.uses import Right, Theme, Use


@dataclass(frozen=True)
class _Voices:
    """Whose answers count for one person's right: who may say yes, and who may say no."""

    yes: frozenset[UUID]
    no: frozenset[UUID]


def decide(
    *,
    people: Mapping[UUID, Person],
    asked: Sequence[UUID],
    uses: Iterable[Use],
    grants: Iterable[GrantTerms],
    context: Context,
    at: datetime,
    profile: Profile,
    right: Right = Right.LIKENESS,
    titles: Sequence[Title] = (),
    reservations: Sequence[Reservation] = (),
    merges: Sequence[Merge] = (),
) -> Decision:
    """Decide whether every use is covered for every person asked about.

    ``people`` and ``grants`` are what is known of them; somebody who is asked about and not in
    ``people`` is refused. For works and style, the grants of those count to whom ``titles`` lead,
    so they belong in ``grants`` too; so do those of everybody whom ``merges`` make one person.
    Nobody asked about: allowed, unless a signal stands against it.
    """
    heads = find_heads(merges, at)
    people, titles = unite_people(people, heads), unite_titles(titles, heads)
    by_person = _given_by_then(unite(grants, heads), right, at)
    seen = [one for one in unite(reservations, heads) if one.period.covers(at)]
    cases = [Case(use, context, at, profile) for use in Use if use in set(uses)]
    findings: list[tuple[UUID | None, Use, Finding]] = []
    for person in dict.fromkeys(asked):
        who = heads.get(person, person)
        voices = _find_voices(who, right, titles, at)
        heard = [grant for voice in voices.no for grant in by_person.get(voice, ())]
        for case in cases:
            answer = _decide_one(people.get(who), heard, voices, case)
            against = [one for one in seen if one.person in {None, who}]
            weighed = _weigh(answer, against, heard, case)
            findings += ((person, case.use, finding) for finding in weighed)
    if not asked:
        findings += ((None, case.use, _say(one)) for case in cases for one in _about(seen, case))
    return Decision(
        outcome=worst(finding.outcome for _, _, finding in findings),
        reasons=tuple(
            Reason(finding.code, finding.outcome, person, use, finding.detail)
            for person, use, finding in findings
        ),
        grants=tuple(dict.fromkeys(f.grant for _, _, f in findings if f.grant and is_allowed(f))),
        profile=profile.label,
        at=at,
    )


def _given_by_then(
    grants: Iterable[GrantTerms], right: Right, at: datetime
) -> dict[UUID, list[GrantTerms]]:
    by_person: dict[UUID, list[GrantTerms]] = {}
    for grant in grants:
        if grant.right is right and grant.standing.start <= at:
            by_person.setdefault(grant.person, []).append(grant)
    return by_person


def _find_voices(person: UUID, right: Right, titles: Sequence[Title], at: datetime) -> _Voices:
    """Follow the chain of title. A *no* counts from anybody on it, who parted with it or not."""
    if right is Right.LIKENESS:
        return _Voices(frozenset({person}), frozenset({person}))
    ours = [title for title in titles if title.right is right]
    standing = [title for title in ours if title.period.covers(at) and not _is_void(title, ours)]
    reached, waiting = {person}, [person]
    while waiting:
        origin = waiting.pop()
        holders = {title.holder for title in standing if title.origin == origin} - reached
        reached |= holders
        waiting += holders
    parted = {title.origin for title in standing if title.exclusive and title.holder in reached}
    return _Voices(frozenset(reached - parted), frozenset(reached))


def _is_void(title: Title, titles: Sequence[Title]) -> bool:
    """Say whether its origin had parted with the right before: nobody passes on what is gone."""
    return any(
        earlier.exclusive
        and earlier.origin == title.origin
        and earlier.period.start < title.period.start
        and earlier.period.covers(title.period.start)
        for earlier in titles
    )


def _decide_one(
    person: Person | None, heard: Sequence[GrantTerms], voices: _Voices, case: Case
) -> Finding:
    """Find what the answers ``heard``, all given by then, say of one person and use."""
    if person is None:
        return refuse(Code.UNKNOWN_PERSON, "no such person is known here")
    if any(period.covers(case.at) for period in person.restrictions):
        detail = "the person has asked to be erased, so nothing new may be made"
        return refuse(Code.RESTRICTED, detail)
    if forbidden := case.profile.forbidden_themes & case.context.themes:
        detail = f"the house forbids {themes_in_words(forbidden)} content with people in it"
        return refuse(Code.THEME_FORBIDDEN, detail)
    standing = [grant for grant in heard if grant.standing.covers(case.at)]
    # A term ends what was allowed, never what was refused.
    if any(case.use in grant.refused for grant in standing):
        return refuse(Code.REFUSED_BY_PERSON, f"the person has said no to {case.use.words}")
    in_force = [grant for grant in standing if grant.term.covers(case.at)]
    barred = frozenset[Theme]().union(*(grant.barred_themes for grant in in_force))
    if ruled_out := barred & case.context.themes:
        detail = f"the person ruled out {themes_in_words(ruled_out)} content"
        return refuse(Code.THEME_BARRED, detail)
    allowing = [grant for grant in in_force if case.use in grant.uses]
    covering = [
        grant
        for grant in allowing
        if grant.person in voices.yes and not grant.is_suspended(case.at)
    ]
    if covering:
        # Of answers that do equally well the newest is relied on.
        newest_first = sorted(covering, key=lambda grant: grant.said_at, reverse=True)
        findings = (examine(grant, person.id, case) for grant in newest_first)
        return min(findings, key=severity)
    if allowing:
        return _explain_set_aside(allowing, voices, case)
    return _explain_absence(heard, case)


def _explain_set_aside(allowing: Sequence[GrantTerms], voices: _Voices, case: Case) -> Finding:
    if any(grant.person in voices.yes for grant in allowing):
        return refuse(Code.SUSPENDED, f"consent to {case.use.words} is suspended")
    detail = "the right has passed to somebody else, who has not consented"
    return refuse(Code.TITLE_PASSED, detail)


_ENDED = {
    Code.WITHDRAWN: "withdrawn",
    Code.REVOKED: "given up by us",
    Code.INVALIDATED: "found void",
}


def _explain_absence(heard: Sequence[GrantTerms], case: Case) -> Finding:
    use, at = case.use, case.at
    spoken = [grant for grant in heard if use in grant.uses]
    standing = [grant for grant in spoken if grant.standing.covers(at)]
    if later := [grant.term.start for grant in standing if grant.term.start > at]:
        detail = f"consent to {use.words} holds only from {day(min(later))}"
        return refuse(Code.NOT_YET_VALID, detail)
    if ends := [grant.term.end for grant in standing if grant.term.end]:
        return refuse(Code.EXPIRED, f"consent to {use.words} ended on {day(max(ends))}")
    if gone := [(grant.standing.end, grant.ended_as) for grant in spoken if grant.standing.end]:
        ended_at, how = max(gone)
        return refuse(how, f"consent to {use.words} was {_ENDED[how]} on {day(ended_at)}")
    if case.rule.silence is Outcome.ALLOWED:
        silent = allow(Code.NOT_REFUSED, f"the person has not said no to {use.words}")
        return max([silent, *check_sensitive(case)], key=severity)
    detail = f"the person never consented to {use.words}"
    return Finding(case.rule.silence, Code.NEVER_GIVEN, detail)


def _weigh(
    answer: Finding, against: Sequence[Reservation], heard: Sequence[GrantTerms], case: Case
) -> Iterator[Finding]:
    """Yield what holds once signals are weighed, strictest first, or each that is outweighed.

    A signal that only asks outweighs a plain yes, never what asks already: then both are told.
    """
    speaking = _about(against, case)
    if answer.outcome is Outcome.REFUSED or not speaking:
        yield answer
        return
    given = next((grant.said_at for grant in heard if grant.id == answer.grant), None)
    winning = [_say(one) for one in speaking if _signal_wins(one, given, case.profile)]
    if winning:
        asking = () if is_allowed(answer) else (answer,)
        yield from sorted([*winning, *asking], key=severity, reverse=True)
        return
    yield answer
    for one in speaking:
        detail = f"the answer outweighs the signal {one.kind} seen on {day(one.period.start)}"
        yield allow(Code.SIGNAL_OUTWEIGHED, detail)


def _signal_wins(signal: Reservation, given: datetime | None, profile: Profile) -> bool:
    """Say whether a signal beats an answer; where there is none, it beats silence."""
    priority = profile.priority(signal.kind)
    if given is None or priority is Priority.SIGNAL:
        return True
    return priority is Priority.NEWEST and signal.period.start >= given


def _about(reservations: Iterable[Reservation], case: Case) -> list[Reservation]:
    return [one for one in reservations if case.use in one.uses]


def _say(one: Reservation) -> Finding:
    signal = f"the signal {one.kind} seen on {day(one.period.start)}"
    if one.standing is Standing.CONDITIONS:
        detail = f"{signal} allows it on conditions only: somebody has to read them and decide"
        return question(Code.SIGNAL_CONDITIONS, detail)
    if one.standing is Standing.MALFORMED:
        detail = f"{signal} cannot be read and may reserve it: somebody has to look at it"
        return question(Code.SIGNAL_MALFORMED, detail)
    return refuse(Code.SIGNAL_RESERVED, f"{signal} reserves it")
