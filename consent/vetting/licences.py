"""What the licences of a collection mean together, for what it is to be used for.

Data, not code: ``RULES`` says under which uses a term of a licence stands against them, and the
gate says it in words. Terms are those of the Creative Commons deeds and legal codes; of the
others, whether a notice must go along. No legal advice: what is disputed goes to a human.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from consent import licences
from consent.uses import Use
from consent.vetting.gate import Code, Finding


class Term(StrEnum):
    """What a licence asks or forbids."""

    ATTRIBUTION = "attribution"
    SHARE_ALIKE = "share_alike"
    NON_COMMERCIAL = "non_commercial"
    NO_DERIVATIVES = "no_derivatives"
    OWN = "own"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Rule:
    """That ``term`` counts when the version is for all of ``uses`` (none: always)."""

    code: Code
    term: Term
    uses: frozenset[Use] = frozenset()


_MADE_FROM = frozenset({Use.TRAIN, Use.FINE_TUNE, Use.REFERENCE_INPUT})
RULES = (
    Rule(Code.LICENCE_UNKNOWN, Term.UNKNOWN),
    Rule(Code.LICENCE_NON_COMMERCIAL, Term.NON_COMMERCIAL, frozenset({Use.COMMERCIAL})),
    Rule(
        Code.LICENCE_REFERENCE_DERIVED,
        Term.NO_DERIVATIVES,
        frozenset({Use.REFERENCE_INPUT, Use.DISTRIBUTE}),
    ),
    *(
        Rule(Code.LICENCE_NO_DERIVATIVES, Term.NO_DERIVATIVES, frozenset({use}))
        for use in sorted(_MADE_FROM)
    ),
    Rule(Code.LICENCE_OWN, Term.OWN),
    Rule(Code.LICENCE_SHARE_ALIKE, Term.SHARE_ALIKE),
    Rule(Code.LICENCE_ATTRIBUTION, Term.ATTRIBUTION),
)

# Those that ask for nothing; all others that we know want at least their notice kept.
_FREE = frozenset({"0BSD", "CC-PDDC", "CC0-1.0", "MIT-0", "PDDL-1.0", "Unlicense"})
_DEED = re.compile(r"CC-BY((?:-(?:NC|ND|SA))*)-(\d\.\d)")
_MARKS = {"NC": Term.NON_COMMERCIAL, "ND": Term.NO_DERIVATIVES, "SA": Term.SHARE_ALIKE}


def terms_of(licence: str) -> frozenset[Term]:
    """Return what the licence with this SPDX identifier asks or forbids."""
    if deed := _DEED.fullmatch(licence):
        marks = filter(None, deed[1].split("-"))
        return frozenset({Term.ATTRIBUTION, *(_MARKS[mark] for mark in marks)})
    if not licences.is_known(licence):
        return frozenset({Term.UNKNOWN})
    if licence not in licences.KNOWN:
        return frozenset({Term.OWN})
    return frozenset() if licence in _FREE else frozenset({Term.ATTRIBUTION})


def check_licences(mix: Mapping[str, int], uses: Collection[Use]) -> list[Finding]:
    """Return what stands against a mix of licences (pictures by SPDX identifier), each once."""
    found: dict[Code, dict[str, int]] = {}
    for rule in RULES:
        if rule.uses <= set(uses):
            hit = {one: count for one, count in mix.items() if rule.term in terms_of(one)}
            found.setdefault(rule.code, {}).update(hit)
    # What may not be passed on at all need not be decided about as well.
    if found.get(Code.LICENCE_REFERENCE_DERIVED):
        found[Code.LICENCE_NO_DERIVATIVES] = {}
    found[Code.LICENCE_SHARE_ALIKE_MIXED] = _mixed(mix)
    return [
        Finding(code, sum(hit.values()), dict(sorted(hit.items())))
        for code, hit in found.items()
        if hit
    ]


def _mixed(mix: Mapping[str, int]) -> dict[str, int]:
    """Return those that want to be passed on under themselves, when they cannot all be."""
    alike = {one: count for one, count in mix.items() if Term.SHARE_ALIKE in terms_of(one)}
    return alike if len({_family(one) for one in alike}) > 1 else {}


def _family(licence: str) -> str:
    """Return what a share-alike licence shares with those under which it lets adaptations go.

    From 2.0 on each lets them go under later versions of itself; 1.0 only under 1.0.
    """
    stem, _, version = licence.rpartition("-")
    return licence if version == "1.0" else stem
