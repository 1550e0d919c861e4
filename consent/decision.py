"""Do these grants cover these uses at this moment? The answer, with its reasons.

Pure: the same grants, context, moment and profile give the same decision for ever, so that any
past decision can be made again. Strict: what nobody allowed is refused, a refusal by the person
outweighs any permission, and what is not known well enough goes to a human.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from consent.uses import WORLD, Assurance, Medium, Theme, Use


class Outcome(StrEnum):
    """What a decision says, mildest first."""

    ALLOWED = "allowed"
    NEEDS_REVIEW = "needs_review"
    REFUSED = "refused"


class Code(StrEnum):
    """Why. Stable: outsiders match on these."""

    GRANTED = "granted"
    UNKNOWN_PERSON = "unknown_person"
    RESTRICTED = "restricted"
    REFUSED_BY_PERSON = "refused_by_person"
    NEVER_GIVEN = "never_given"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"
    ASSURANCE_TOO_LOW = "assurance_too_low"
    MEDIUM_UNKNOWN = "medium_unknown"
    MEDIUM_NOT_COVERED = "medium_not_covered"
    TERRITORY_UNKNOWN = "territory_unknown"
    TERRITORY_NOT_COVERED = "territory_not_covered"
    THEME_FORBIDDEN = "theme_forbidden"
    THEME_BARRED = "theme_barred"
    THEME_SENSITIVE = "theme_sensitive"


class Place(StrEnum):
    """Whether a use is bound to where the picture is shown."""

    IGNORED = "ignored"
    IF_KNOWN = "if_known"
    REQUIRED = "required"


@dataclass(frozen=True)
class UseRule:
    """What a profile asks of one use."""

    minimum: Assurance
    below_minimum: Outcome
    place: Place


@dataclass(frozen=True)
class Profile:
    """The rules of one jurisdiction or house, in one version."""

    name: str
    version: int
    rules: Mapping[Use, UseRule]
    forbidden_themes: frozenset[Theme]
    sensitive_themes: frozenset[Theme]

    @property
    def label(self) -> str:
        """Return ``name/version``, as decisions cite it."""
        return f"{self.name}/{self.version}"


@dataclass(frozen=True)
class Period:
    """From ``start`` on, until just before ``end``; without an end, for good."""

    start: datetime
    end: datetime | None = None

    def covers(self, at: datetime) -> bool:
        """Return whether ``at`` lies within."""
        return self.start <= at and (self.end is None or at < self.end)


@dataclass(frozen=True)
class Person:
    """A subject, as far as decisions go: when processing of their data was restricted."""

    id: UUID
    restrictions: tuple[Period, ...] = ()


@dataclass(frozen=True)
class GrantTerms:
    """The frozen terms of one answer, and when it stood.

    ``standing`` is from when it was given until it was withdrawn or superseded; ``term`` is how
    long it was meant to hold. ``uses`` are allowed, ``refused`` are denied.
    """

    id: UUID
    person: UUID
    standing: Period
    term: Period
    assurance: Assurance
    uses: frozenset[Use] = frozenset()
    refused: frozenset[Use] = frozenset()
    media: frozenset[Medium] = frozenset()
    territories: frozenset[str] = frozenset()
    barred_themes: frozenset[Theme] = frozenset()


@dataclass(frozen=True)
class Context:
    """What is known of the occasion. ``None`` means not known, never *anywhere*."""

    medium: Medium | None = None
    territory: str | None = None
    themes: frozenset[Theme] = frozenset()


@dataclass(frozen=True)
class Reason:
    """One finding about one person and one use, as a code and as a sentence."""

    code: Code
    outcome: Outcome
    person: UUID
    use: Use
    detail: str


@dataclass(frozen=True)
class Decision:
    """The worst finding over all people and uses decides; ``grants`` are those relied on."""

    outcome: Outcome
    reasons: tuple[Reason, ...]
    grants: tuple[UUID, ...]
    profile: str
    at: datetime


@dataclass(frozen=True)
class _Finding:
    outcome: Outcome
    code: Code
    detail: str
    grant: UUID | None = field(default=None, compare=False)


def decide(
    *,
    people: Mapping[UUID, Person],
    asked: Sequence[UUID],
    uses: Iterable[Use],
    grants: Iterable[GrantTerms],
    context: Context,
    at: datetime,
    profile: Profile,
) -> Decision:
    """Decide whether every use is covered for every person asked about.

    ``people`` and ``grants`` are what is known of them; somebody who is asked about and not in
    ``people`` is refused. Nobody asked about means that nobody is concerned: allowed.
    """
    by_person: dict[UUID, list[GrantTerms]] = {}
    for grant in grants:
        by_person.setdefault(grant.person, []).append(grant)
    order = [use for use in Use if use in set(uses)]
    findings = [
        (person, use, _decide_one(people.get(person), use, by_person, context, at, profile))
        for person in dict.fromkeys(asked)
        for use in order
    ]
    return Decision(
        outcome=_worst(finding.outcome for _, _, finding in findings),
        reasons=tuple(
            Reason(finding.code, finding.outcome, person, use, finding.detail)
            for person, use, finding in findings
        ),
        grants=tuple(dict.fromkeys(f.grant for _, _, f in findings if f.grant is not None)),
        profile=profile.label,
        at=at,
    )


def _decide_one(
    person: Person | None,
    use: Use,
    grants: Mapping[UUID, Sequence[GrantTerms]],
    context: Context,
    at: datetime,
    profile: Profile,
) -> _Finding:
    if person is None:
        return _refusal(Code.UNKNOWN_PERSON, "no such person is known here")
    if any(period.covers(at) for period in person.restrictions):
        return _refusal(
            Code.RESTRICTED, "the person has asked to be erased, so nothing new may be made"
        )
    if forbidden := profile.forbidden_themes & context.themes:
        return _refusal(
            Code.THEME_FORBIDDEN, f"the house forbids {_list(forbidden)} content with people in it"
        )
    known = [grant for grant in grants.get(person.id, ()) if grant.standing.start <= at]
    standing = [grant for grant in known if grant.standing.covers(at)]
    in_force = [grant for grant in standing if grant.term.covers(at)]
    if any(use in grant.refused for grant in in_force):
        return _refusal(Code.REFUSED_BY_PERSON, f"the person has said no to {use.words}")
    covering = [grant for grant in in_force if use in grant.uses]
    if not covering:
        return _explain_absence(use, known, standing, at)
    return min(
        (_examine(grant, use, context, profile) for grant in covering),
        key=lambda finding: _SEVERITY[finding.outcome],
    )


def _explain_absence(
    use: Use, known: Sequence[GrantTerms], standing: Sequence[GrantTerms], at: datetime
) -> _Finding:
    later = [grant.term.start for grant in standing if use in grant.uses and grant.term.start > at]
    if later:
        return _refusal(
            Code.NOT_YET_VALID, f"consent to {use.words} holds only from {_day(min(later))}"
        )
    ends = [grant.term.end for grant in standing if use in grant.uses and grant.term.end]
    if ends:
        return _refusal(Code.EXPIRED, f"consent to {use.words} ended on {_day(max(ends))}")
    gone = [grant.standing.end for grant in known if use in grant.uses and grant.standing.end]
    if gone:
        return _refusal(
            Code.WITHDRAWN, f"consent to {use.words} was withdrawn on {_day(max(gone))}"
        )
    return _refusal(Code.NEVER_GIVEN, f"the person never consented to {use.words}")


def _examine(grant: GrantTerms, use: Use, context: Context, profile: Profile) -> _Finding:
    if barred := grant.barred_themes & context.themes:
        return _refusal(Code.THEME_BARRED, f"the person ruled out {_list(barred)} content")
    findings = [
        *_check_assurance(grant, profile.rules[use]),
        *_check_place(grant, context, profile.rules[use].place),
        *_check_sensitive(context, profile),
    ]
    if findings:
        return max(findings, key=lambda finding: _SEVERITY[finding.outcome])
    return _Finding(Outcome.ALLOWED, Code.GRANTED, f"the person consented to {use.words}", grant.id)


def _check_assurance(grant: GrantTerms, rule: UseRule) -> list[_Finding]:
    if grant.assurance.rank >= rule.minimum.rank:
        return []
    detail = f"consent rests on {grant.assurance.words}, this use needs {rule.minimum.words}"
    return [_Finding(rule.below_minimum, Code.ASSURANCE_TOO_LOW, detail)]


def _check_place(grant: GrantTerms, context: Context, place: Place) -> list[_Finding]:
    if place is Place.IGNORED:
        return []
    findings = []
    if context.medium is None and place is Place.REQUIRED:
        findings.append(_question(Code.MEDIUM_UNKNOWN, "where it will be shown is not known"))
    if context.medium is not None and context.medium not in grant.media:
        detail = f"consent does not cover showing it in {context.medium.words} media"
        findings.append(_refusal(Code.MEDIUM_NOT_COVERED, detail))
    if WORLD in grant.territories:
        return findings
    if context.territory is None and place is Place.REQUIRED:
        findings.append(
            _question(Code.TERRITORY_UNKNOWN, "in which country it will be shown is not known")
        )
    if context.territory is not None and context.territory not in grant.territories:
        detail = f"consent does not cover the territory {context.territory}"
        findings.append(_refusal(Code.TERRITORY_NOT_COVERED, detail))
    return findings


def _check_sensitive(context: Context, profile: Profile) -> list[_Finding]:
    sensitive = profile.sensitive_themes & context.themes
    if not sensitive:
        return []
    detail = f"{_list(sensitive)} content with people in it needs a human look"
    return [_question(Code.THEME_SENSITIVE, detail)]


_SEVERITY = {outcome: rank for rank, outcome in enumerate(Outcome)}


def _worst(outcomes: Iterable[Outcome]) -> Outcome:
    return max(outcomes, key=_SEVERITY.__getitem__, default=Outcome.ALLOWED)


def _refusal(code: Code, detail: str) -> _Finding:
    return _Finding(Outcome.REFUSED, code, detail)


def _question(code: Code, detail: str) -> _Finding:
    return _Finding(Outcome.NEEDS_REVIEW, code, detail)


def _list(themes: Iterable[Theme]) -> str:
    return " and ".join(sorted(theme.words for theme in themes))


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%B %Y}"
