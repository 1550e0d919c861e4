"""How alike two identifiers are, for a search that opens everything."""

from statistics import fmean

import jellyfish

from consent.identity.kinds import IdentifierKind
from consent.identity.normal import normal_forms

_NAMES = frozenset({IdentifierKind.NAME, IdentifierKind.ALIAS})


def likeness(kind: IdentifierKind, one: str, other: str) -> float:
    """Return how alike two identifiers of ``kind`` are, from 0 to 1 (Jaro-Winkler).

    Both are as ``tidy`` returns them. Names are compared as a whole and word by word, so that a
    second first name or a missing one costs little: each word of the shorter is held against
    its best match in the longer.
    """
    here, there = _text(kind, one), _text(kind, other)
    if not here or not there:
        return float(one == other)
    whole = jellyfish.jaro_winkler_similarity(here, there)
    return max(whole, _by_word(here.split(), there.split())) if kind in _NAMES else whole


def _text(kind: IdentifierKind, value: str) -> str:
    """Return the loosest form that still spells the whole of it."""
    forms = normal_forms(kind, value)
    return max(forms.items(), key=lambda item: (item[0].rank <= 1, item[0].rank))[1]


def _by_word(one: list[str], other: list[str]) -> float:
    shorter, longer = sorted((one, other), key=len)
    # A single word in common says little: half of all people may share a first name.
    if len(shorter) == 1 < len(longer):
        return 0.0
    return fmean(
        max(jellyfish.jaro_winkler_similarity(word, against) for against in longer)
        for word in shorter
    )
