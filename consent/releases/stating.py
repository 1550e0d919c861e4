"""What one line of a table says, read under what somebody said of the whole."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Self

from consent.errors import TermsRefused
from consent.identity import IdentifierKind, tidy
from consent.releases.columns import Meaning
from consent.releases.dates import Unclear, birthday, read_day, read_term
from consent.releases.snags import Snag
from consent.releases.words import Explained, read_words
from consent.uses import SHOWN, Basis, Medium, Remedy, Theme, Use

MAX_CELL = 4_000
_FORMULA = ("=", "@")
_MALFORMED = {
    IdentifierKind.NAME: Snag.NAME_MALFORMED,
    IdentifierKind.EMAIL: Snag.EMAIL_MALFORMED,
    IdentifierKind.PHONE: Snag.PHONE_MALFORMED,
    IdentifierKind.ADDRESS: Snag.ADDRESS_MALFORMED,
    IdentifierKind.ACCOUNT_NAME: Snag.NUMBER_MALFORMED,
}
Names = tuple[tuple[IdentifierKind, str], ...]


@dataclass(frozen=True)
class Said:
    """What somebody said of a whole table.

    ``mapping`` is what columns mean; ``day_first`` how 03/04/2019 is meant; ``region`` the country
    of numbers without prefix; ``words`` what words in it mean. ``uses``, ``media``,
    ``territories`` and ``term`` hold for lines that say nothing of it themselves.
    """

    mapping: Mapping[str, str] = field(default_factory=dict)
    day_first: bool | None = None
    region: str = ""
    uses: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    territories: tuple[str, ...] = ()
    term: str = ""
    basis: str = Basis.CONSENT.value
    remedy: str = Remedy.STOP_NEW_USE.value
    words: Explained = field(default_factory=dict)

    @classmethod
    def parse(cls, said: Mapping[str, Any]) -> Self:
        """Read it out of plain values by name, as JSON and forms hold them; what is left out is
        as nobody said it."""
        return cls(
            mapping=dict(said.get("mapping") or {}),
            day_first=said.get("day_first"),
            region=said.get("region", ""),
            uses=tuple(said.get("uses", ())),
            media=tuple(said.get("media", ())),
            territories=tuple(said.get("territories", ())),
            term=said.get("term", ""),
            basis=said.get("basis", Basis.CONSENT.value),
            remedy=said.get("remedy", Remedy.STOP_NEW_USE.value),
            words={word: tuple(codes) for word, codes in (said.get("words") or {}).items()},
        )


@dataclass(frozen=True)
class Stated:
    """What a line says: who signed, what they allowed, on which day, on which scans.

    ``until`` is the last day of its term, None for one without end. ``unknown`` are words that
    somebody has to explain, with what they are of. ``snags`` are what stands against the line.
    ``majority`` is of how many years people are of age.
    """

    known: Names = ()
    guardian: Names = ()
    born: date | None = None
    signed: date | None = None
    until: date | None = None
    uses: frozenset[Use] = frozenset()
    refused: frozenset[Use] = frozenset()
    media: frozenset[Medium] = frozenset()
    territories: frozenset[str] = frozenset()
    themes: frozenset[Theme] = frozenset()
    scans: tuple[str, ...] = ()
    unknown: tuple[tuple[str, str], ...] = ()
    snags: tuple[Snag, ...] = ()
    majority: int = 18

    @property
    def of_age(self) -> date | None:
        """Return the day on which whoever signed as a child comes of age; None for others."""
        if self.born is None or self.signed is None:
            return None
        day = birthday(self.born, self.majority)
        return day if self.signed < day else None


def plain(cell: str) -> str:
    """Return a cell's text: composed, trimmed, and without what guards it from spreadsheets."""
    text = unicodedata.normalize("NFC", cell).strip()
    return text[1:] if text[:1] == "'" and text[1:2] in {"=", "+", "-", "@"} else text


def state(
    cells: Mapping[Meaning, Sequence[str]],
    said: Said,
    today: date,
    majority: int = 18,
    *,
    is_ragged: bool = False,
) -> Stated:
    """Read the cells of one line, by what their columns mean. Nothing is raised."""
    return _Line(cells, said, today, is_ragged=is_ragged).read(majority)


class _Line:
    """One line on its way: each part is read by itself, and notes what stands against it."""

    def __init__(
        self, cells: Mapping[Meaning, Sequence[str]], said: Said, today: date, *, is_ragged: bool
    ) -> None:
        self._cells = {
            meaning: [text for text in map(plain, texts) if text]
            for meaning, texts in cells.items()
        }
        self._said, self._today = said, today
        self._snags: list[Snag] = [Snag.ROW_RAGGED] if is_ragged else []
        self._unknown: list[tuple[str, str]] = []

    def read(self, majority: int) -> Stated:
        """Return what the line says."""
        self._look_over()
        known = tuple(self._person())
        guardian = tuple(self._guardian())
        born = self._born()
        signed = self._signed(born)
        uses, refused = self._uses()
        stated = Stated(
            known=(*known, *([(IdentifierKind.BIRTH_DATE, born.isoformat())] if born else [])),
            guardian=guardian,
            born=born,
            signed=signed,
            until=self._until(signed),
            uses=uses,
            refused=refused,
            media=frozenset(map(Medium, self._places("media", Medium, uses))),
            territories=self._places("territories", str, uses),
            themes=frozenset(map(Theme, self._words(Meaning.THEMES, Snag.THEMES_UNKNOWN))),
            scans=self._scans(),
            majority=majority,
        )
        if stated.of_age and not guardian:
            self._snags.append(Snag.GUARDIAN_MISSING)
        return replace(
            stated, unknown=tuple(self._unknown), snags=tuple(dict.fromkeys(self._snags))
        )

    def _look_over(self) -> None:
        read = [
            text
            for meaning, texts in self._cells.items()
            if meaning not in {Meaning.UNKNOWN, Meaning.IGNORED}
            for text in texts
        ]
        tests = (
            (Snag.TEXT_DAMAGED, lambda text: "\ufffd" in text),
            (Snag.TEXT_TOO_LONG, lambda text: len(text) > MAX_CELL),
            (Snag.FORMULA, lambda text: text.startswith(_FORMULA)),
        )
        self._snags += [snag for snag, test in tests if any(map(test, read))]

    def _one(self, meaning: Meaning) -> str:
        return next(iter(self._cells.get(meaning, ())), "")

    def _person(self) -> Iterator[tuple[IdentifierKind, str]]:
        parts = (self._one(Meaning.FIRST_NAME), self._one(Meaning.LAST_NAME))
        name = self._one(Meaning.NAME) or " ".join(filter(None, parts))
        if not name:
            self._snags.append(Snag.NAME_MISSING)
        stated = (
            (IdentifierKind.NAME, name),
            (IdentifierKind.EMAIL, self._one(Meaning.EMAIL)),
            (IdentifierKind.PHONE, self._one(Meaning.PHONE)),
            (IdentifierKind.ADDRESS, self._one(Meaning.ADDRESS)),
            (IdentifierKind.ACCOUNT_NAME, self._one(Meaning.NUMBER)),
        )
        for kind, text in stated:
            if text and (value := self._tidy(kind, text, _MALFORMED[kind])):
                yield kind, value

    def _guardian(self) -> Iterator[tuple[IdentifierKind, str]]:
        name = self._one(Meaning.GUARDIAN)
        stated = (
            (IdentifierKind.NAME, name),
            (IdentifierKind.EMAIL, self._one(Meaning.GUARDIAN_EMAIL)),
            (IdentifierKind.PHONE, self._one(Meaning.GUARDIAN_PHONE)),
        )
        for kind, text in stated if name else ():
            if text and (value := self._tidy(kind, text, Snag.GUARDIAN_MALFORMED)):
                yield kind, value

    def _tidy(self, kind: IdentifierKind, text: str, snag: Snag) -> str:
        try:
            return tidy(kind, text, self._said.region or None)
        except TermsRefused:
            self._snags.append(snag)
            return ""

    def _day(self, meaning: Meaning, unreadable: Snag) -> date | None:
        text = self._one(meaning)
        found = read_day(text, day_first=self._said.day_first) if text else None
        if isinstance(found, Unclear):
            is_two = found is Unclear.AMBIGUOUS
            self._snags.append(Snag.DATE_AMBIGUOUS if is_two else unreadable)
            return None
        return found

    def _born(self) -> date | None:
        born = self._day(Meaning.BIRTH_DATE, Snag.BIRTH_DATE_UNREADABLE)
        if born and born > self._today:
            self._snags.append(Snag.BIRTH_DATE_UNREADABLE)
        return born

    def _signed(self, born: date | None) -> date | None:
        if not self._one(Meaning.SIGNED):
            self._snags.append(Snag.SIGNED_MISSING)
        signed = self._day(Meaning.SIGNED, Snag.SIGNED_UNREADABLE)
        if signed and signed > self._today:
            self._snags.append(Snag.SIGNED_LATER)
        if signed and born and signed < born:
            self._snags.append(Snag.SIGNED_UNBORN)
        return signed

    def _until(self, signed: date | None) -> date | None:
        text = self._one(Meaning.TERM) or self._said.term
        if not text:
            self._snags.append(Snag.TERM_MISSING)
            return None
        until = read_term(text, signed, day_first=self._said.day_first)
        if isinstance(until, Unclear):
            is_two = until is Unclear.AMBIGUOUS
            self._snags.append(Snag.DATE_AMBIGUOUS if is_two else Snag.TERM_UNREADABLE)
            return None
        if until is not None and until < self._today:
            self._snags.append(Snag.TERM_OVER)
        return until

    def _uses(self) -> tuple[frozenset[Use], frozenset[Use]]:
        allowed = self._words(Meaning.USES, Snag.USES_UNKNOWN)
        refused = frozenset(map(Use, self._words(Meaning.REFUSED, Snag.USES_UNKNOWN)))
        said_nothing = not self._one(Meaning.USES)
        uses = frozenset(map(Use, self._said.uses if said_nothing else allowed))
        if not uses and not refused and Snag.USES_UNKNOWN not in self._snags:
            self._snags.append(Snag.USES_MISSING)
        # What the whole table allows, a line may except.
        uses = uses - refused if said_nothing else uses
        if uses & refused:
            self._snags.append(Snag.USES_CONTRADICT)
        return uses, refused

    def _places(self, what: str, kind: type[str], uses: frozenset[Use]) -> frozenset:
        meaning = Meaning(what)
        codes = self._words(meaning, Snag(f"{what}_unknown"))
        if not self._one(meaning):
            codes = frozenset(getattr(self._said, what))
        if not codes and uses & SHOWN and Snag(f"{what}_unknown") not in self._snags:
            self._snags.append(Snag(f"{what}_missing"))
        return frozenset(map(kind, codes))

    def _words(self, meaning: Meaning, snag: Snag) -> frozenset[str]:
        what = "uses" if meaning is Meaning.REFUSED else meaning.value
        meant = read_words(what, self._one(meaning), self._said.words)
        if meant.unknown:
            self._snags.append(snag)
            self._unknown += [(what, word) for word in meant.unknown]
        return meant.codes

    def _scans(self) -> tuple[str, ...]:
        cells = self._cells.get(Meaning.SCAN, ())
        names = [name.strip() for cell in cells for name in cell.replace("|", ";").split(";")]
        scans = tuple(dict.fromkeys(filter(None, names)))
        if not scans:
            self._snags.append(Snag.SCAN_UNNAMED)
        return scans
