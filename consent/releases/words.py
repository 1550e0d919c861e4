"""What words on old papers mean in our vocabulary, as far as they mean one thing only.

*All purposes* is left out on purpose: what a paper from before image generators allows of them is
for a person to say, once for a whole table.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import phonenumbers

from consent.identity import fold
from consent.uses import WORLD, Medium, Theme, Use, Worded

# By what somebody calls them: "uses:werbung" → codes.
Explained = Mapping[str, tuple[str, ...]]
_SPLIT = re.compile(r"[;|\n]")
_COMMAS = re.compile(r"[;|,/\n]| and | und | & ")
_EU = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"

_USES = {
    Use.TRAIN: "ai training;machine learning;ki training;training",
    Use.FINE_TUNE: "fine tuning;finetuning",
    Use.EVALUATE: "evaluation;testing",
    Use.REFERENCE_INPUT: "reference;reference picture;referenzbild",
    Use.DEPICT: "depiction;abbildung;likeness",
    Use.DISTRIBUTE: "distribution;publication;publishing;editorial;veroffentlichung;redaktionell",
    Use.COMMERCIAL: "advertising;advertisement;werbung;kommerziell;commercial purposes",
    Use.MODERATION: "moderation",
}
_MEDIA = {
    Medium.INTERNAL: "intern;internal use;internal only",
    Medium.ONLINE: "web;internet;website;websites",
    Medium.SOCIAL: "social;soziale medien;social networks",
    Medium.PRINT: "druck;printed;magazines;zeitschriften",
    Medium.BROADCAST: "tv;television;fernsehen;radio;rundfunk",
    Medium.OUTDOOR: "billboard;billboards;plakat;plakate;out of home",
}
_ALL_MEDIA = frozenset({"all", "all media", "any media", "alle", "alle medien"})
_THEMES = {
    Theme.SEXUAL: "erotic;nudity;erotik;nackt",
    Theme.POLITICAL: "politics;politik;politisch",
    Theme.RELIGIOUS: "religion;religios",
    Theme.MEDICAL: "health;medicine;medizin;medizinisch",
    Theme.ENDORSEMENT: "endorsements",
    Theme.VIOLENT: "violence;gewalt",
}
_PLACES = {
    WORLD: "world;worldwide;weltweit;global;ww;international;all countries",
    _EU: "eu;european union;europaische union;eu27",
    "DE AT CH": "dach",
    "DE": "germany;deutschland",
    "AT": "austria;osterreich",
    "CH": "switzerland;schweiz",
    "FR": "france;frankreich",
    "GB": "uk;united kingdom;great britain;grossbritannien",
    "US": "usa;united states;vereinigte staaten",
    "IT": "italy;italien",
    "ES": "spain;spanien",
    "NL": "netherlands;niederlande",
    "BE": "belgium;belgien",
    "PL": "poland;polen",
}
_NOTHING = frozenset({"-", "–", "none", "n/a", "keine"})


@dataclass(frozen=True)
class Meant:
    """What a cell means: codes, and the words in it that mean nothing yet."""

    codes: frozenset[str] = frozenset()
    unknown: tuple[str, ...] = ()


def fold_word(word: str) -> str:
    """Return a word as it is looked up: whatever its case, accents and punctuation."""
    return fold(word)


def _codes(kind: type[Worded], further: Mapping[Any, str]) -> dict[str, tuple[str, ...]]:
    known: dict[str, tuple[str, ...]] = {}
    for code in kind:
        also = further.get(code, "").split(";")
        for word in (code.value, code.words, *also):
            known[fold(word)] = (code.value,)
    return known


KNOWN: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "uses": _codes(Use, _USES),
    "media": _codes(Medium, _MEDIA)
    | {fold(word): tuple(one.value for one in Medium) for word in _ALL_MEDIA},
    "themes": _codes(Theme, _THEMES),
    "territories": {
        fold(word): tuple(codes.split())
        for codes, words in _PLACES.items()
        for word in words.split(";")
    },
}
CODES: Mapping[str, frozenset[str]] = {
    "uses": frozenset(Use),
    "media": frozenset(Medium),
    "themes": frozenset(Theme),
    "territories": frozenset({WORLD, *phonenumbers.SUPPORTED_REGIONS}),
}


def read_words(what: str, text: str, explained: Explained) -> Meant:
    """Return what a cell means; ``what`` is one of ``KNOWN``.

    ``explained`` holds what somebody said of words, by ``what:word``; it counts before ours.
    """
    if text.strip().casefold() in _NOTHING:
        return Meant()
    whole = _meaning(what, text, explained)
    if whole is not None:
        return Meant(frozenset(whole))
    return _put_together(_read(what, one, explained) for one in _SPLIT.split(text))


def _read(what: str, text: str, explained: Explained) -> Meant:
    whole = _meaning(what, text, explained)
    if whole is not None:
        return Meant(frozenset(whole))
    codes: set[str] = set()
    unknown: list[str] = []
    for word in filter(None, map(str.strip, _COMMAS.split(text))):
        meant = _meaning(what, word, explained)
        if meant is None:
            unknown.append(word)
        codes.update(meant or ())
    return Meant(frozenset(codes), tuple(unknown))


def _put_together(parts: Iterable[Meant]) -> Meant:
    some = list(parts)
    return Meant(
        frozenset().union(*(one.codes for one in some)),
        tuple(word for one in some for word in one.unknown),
    )


def _meaning(what: str, word: str, explained: Explained) -> tuple[str, ...] | None:
    folded = fold(word)
    if f"{what}:{folded}" in explained:
        return explained[f"{what}:{folded}"]
    if folded in KNOWN[what]:
        return KNOWN[what][folded]
    code = word.strip().upper()
    return (code,) if what == "territories" and code in CODES[what] else None
