"""Is somebody whom a paper names one who is known here? Told by keyed indexes alone. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from consent.identity.kinds import Form, IdentifierKind

# Keyed indexes by what they are of: a family of identifiers and a normal form.
Indexes = Mapping[tuple[str, Form], frozenset[bytes]]

# By what is found whom a paper may mean: whole names and what belongs to one, not a birth date.
FINDING = frozenset({Form.EXACT, Form.FOLDED, Form.E164})
_NAME = IdentifierKind.NAME.family
# What belongs to one person, or at most to one household. Not a number out of a drawer, which
# says something of that drawer only.
_OWN = (
    (IdentifierKind.EMAIL.family, Form.FOLDED),
    (IdentifierKind.PHONE.family, Form.E164),
)
_BORN = (IdentifierKind.BIRTH_DATE.family, Form.DATE)


@dataclass(frozen=True)
class Verdict:
    """Who it is for certain, and whom it may be. Neither: nobody who is known here."""

    sure: Any | None = None
    perhaps: tuple[Any, ...] = ()


def find_match(stated: Indexes, known: Mapping[Any, Indexes]) -> Verdict:
    """Return who of ``known`` the one is of whom ``stated`` tells.

    Certain is who has the same name, and something of their own or the birth date in common with
    it, and no other birth date; and only when that is one. Whoever shares a mailbox under another
    name, or a name and nothing else, is somebody whom it may be.
    """
    sure = [one for one, held in known.items() if _is_same(stated, held)]
    if len(sure) == 1:
        return Verdict(sure[0])
    return Verdict(None, tuple(sure or (one for one, held in known.items() if _may(stated, held))))


def _is_same(stated: Indexes, held: Indexes) -> bool:
    if _is_born_otherwise(stated, held) or not _share(stated, held, [(_NAME, Form.FOLDED)]):
        return False
    return _share(stated, held, (*_OWN, _BORN))


def _may(stated: Indexes, held: Indexes) -> bool:
    if _share(stated, held, _OWN):
        return True
    if _share(stated, held, [(_NAME, Form.FOLDED)]):
        return not _is_born_otherwise(stated, held)
    return _share(stated, held, [(_NAME, Form.PHONETIC)]) and _share(stated, held, [_BORN])


def _is_born_otherwise(stated: Indexes, held: Indexes) -> bool:
    here, there = stated.get(_BORN), held.get(_BORN)
    return bool(here and there and not here & there)


def _share(stated: Indexes, held: Indexes, wanted: Iterable[tuple[str, Form]]) -> bool:
    nothing: frozenset[bytes] = frozenset()
    return any(stated.get(one, nothing) & held.get(one, nothing) for one in wanted)
