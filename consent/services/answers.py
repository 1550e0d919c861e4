"""What a person says to a notice, checked, and as the columns of a grant."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Self

from consent.errors import TermsRefused
from consent.services.projects import check_code
from consent.uses import (
    ANY,
    SHOWN,
    TERRITORY,
    Assurance,
    Basis,
    Medium,
    Method,
    Mode,
    Remedy,
    Right,
    Theme,
    Use,
)

MAX_CODES = 100
_ANYBODY = frozenset({ANY})


@dataclass(frozen=True)
class Answer:
    """What a person said to a notice, as it will be frozen."""

    mode: Mode
    assurance: Assurance
    method: Method
    right: Right = Right.LIKENESS
    basis: Basis = Basis.CONSENT
    uses: frozenset[Use] = frozenset()
    refused: frozenset[Use] = frozenset()
    media: frozenset[Medium] = frozenset()
    territories: frozenset[str] = frozenset()
    recipients: frozenset[str] = _ANYBODY
    families: frozenset[str] = _ANYBODY
    barred_themes: frozenset[Theme] = frozenset()
    remedy: Remedy = Remedy.STOP_NEW_USE
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    signed_on: date | None = None

    @classmethod
    def parse(cls, said: Mapping[str, Any]) -> Self:
        """Read the terms out of codes by name, as forms and requests hold them.

        Raises KeyError, ValueError for what is not there or no code: both check before.
        """
        return cls(
            mode=Mode(said["mode"]),
            right=Right(said["right"]),
            basis=Basis(said["basis"]),
            assurance=Assurance(said["assurance"]),
            method=Method(said["method"]),
            uses=frozenset(map(Use, said["uses"])),
            refused=frozenset(map(Use, said["refused"])),
            media=frozenset(map(Medium, said["media"])),
            territories=frozenset(said["territories"]),
            recipients=frozenset(said["recipients"]),
            families=frozenset(said["families"]),
            barred_themes=frozenset(map(Theme, said["barred_themes"])),
            remedy=Remedy(said["remedy"]),
            valid_from=said.get("valid_from"),
            valid_until=said["valid_until"],
            signed_on=said.get("signed_on"),
        )

    def columns(self) -> dict[str, Any]:
        """Return the terms as a grant's columns, without the moment from which they hold."""
        return {
            "right": self.right.value,
            "basis": self.basis.value,
            "mode": self.mode.value,
            "uses": values(self.uses),
            "refused": values(self.refused),
            "media": values(self.media),
            "territories": sorted(self.territories),
            "recipients": sorted(self.recipients),
            "families": sorted(self.families),
            "barred_themes": values(self.barred_themes),
            "assurance": self.assurance.value,
            "method": self.method.value,
            "remedy": self.remedy.value,
            "valid_from": self.valid_from,
            "valid_until": self.valid_until,
            "signed_on": self.signed_on,
        }


def check_answer(answer: Answer, now: datetime) -> None:
    """Raise TermsRefused when an answer contradicts itself or names what cannot be."""
    wanted = {
        Mode.OPT_IN: bool(answer.uses) and not answer.refused,
        Mode.OPT_OUT: bool(answer.refused) and not answer.uses,
        Mode.GRANULAR: bool(answer.uses or answer.refused),
    }
    if not wanted[answer.mode]:
        raise TermsRefused(f"uses do not fit the mode {answer.mode.words}")
    if both := answer.uses & answer.refused:
        raise TermsRefused(f"answer allows and refuses {', '.join(sorted(both))}")
    if answer.uses & SHOWN and not (answer.media and answer.territories):
        raise TermsRefused("answer must name media and territories for what shows the person")
    _check_codes(answer)
    start = answer.valid_from or now
    if answer.valid_until is not None and answer.valid_until <= max(start, now):
        raise TermsRefused("term ends before it begins, or has ended already")
    if answer.signed_on is not None and answer.signed_on > now.date():
        raise TermsRefused("the day of signing is yet to come")


def values(codes: Iterable[StrEnum]) -> list[str]:
    """Return codes as they are stored: their values, in order."""
    return sorted(code.value for code in codes)


def _check_codes(answer: Answer) -> None:
    if malformed := [code for code in answer.territories if not TERRITORY.fullmatch(code)]:
        raise TermsRefused(f"{len(malformed)} territories are malformed, wanted ISO 3166 or WORLD")
    for what, codes in (("recipients", answer.recipients), ("model families", answer.families)):
        if not 0 < len(codes) <= MAX_CODES:
            raise TermsRefused(
                f"answer names {len(codes)} {what}, wanted {ANY} or up to {MAX_CODES}"
            )
        for code in codes - {ANY}:
            check_code(code)
