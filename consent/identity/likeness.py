"""How alike two identifiers are, for a search that opens everything."""

from collections.abc import Mapping
from statistics import fmean

import jellyfish

from consent.identity.kinds import Form, IdentifierKind
from consent.identity.normal import normal_forms

# How alike two spellings are at least that have a normal form in common.
SAME_FORM = 0.9
_TOO_LITTLE = frozenset({Form.STREET, Form.CITY})
_NAMES = frozenset({IdentifierKind.NAME, IdentifierKind.ALIAS})


def likeness(kind: IdentifierKind, one: str, other: str) -> float:
    """Return how alike two identifiers of ``kind`` are, from 0 to 1 (Jaro-Winkler).

    Both are as ``tidy`` returns them. Names are compared as a whole and word by word, so that a
    second first name or a missing one costs little: each word of the shorter is held against
    its best match in the longer. What an index would find is alike, however it is spelled.
    """
    mine, theirs = normal_forms(kind, one), normal_forms(kind, other)
    here, there = _whole(mine), _whole(theirs)
    alike = [jellyfish.jaro_winkler_similarity(here, there)]
    if kind in _NAMES:
        alike.append(_by_word(here.split(), there.split()))
    if any(form not in _TOO_LITTLE and theirs.get(form) == text for form, text in mine.items()):
        alike.append(SAME_FORM)
    return max(alike)


def _whole(forms: Mapping[Form, str]) -> str:
    """Return the loosest form that still spells the whole of it."""
    return max(forms.items(), key=lambda item: (item[0].rank <= 1, item[0].rank))[1]


def _by_word(one: list[str], other: list[str]) -> float:
    shorter, longer = sorted((one, other), key=len)
    # A single word in common says little: half of all people may share a first name.
    if not shorter or len(shorter) == 1 < len(longer):
        return 0.0
    if len(shorter) < len(longer):
        return _found_in(shorter, longer)
    return min(_found_in(one, other), _found_in(other, one))


def _found_in(words: list[str], others: list[str]) -> float:
    """Return how alike each of ``words`` is to its best match, on average."""
    return fmean(
        max(jellyfish.jaro_winkler_similarity(word, other) for other in others) for word in words
    )
