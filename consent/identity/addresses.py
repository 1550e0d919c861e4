"""Postal addresses as people write them, read for what stays the same in every spelling."""

import re
from dataclasses import dataclass

from consent.identity.folding import fold

_PARTS = re.compile(r"[,;\n\r]+")
_NUMBER = re.compile(r"\d{1,6}[a-z]?")
_STREET = re.compile(r"str$")
_POSTCODE_DIGITS = 4


@dataclass(frozen=True)
class Address:
    """What could be read; folded, empty where it could not."""

    street: str = ""
    number: str = ""
    postcode: str = ""
    city: str = ""


def read_address(text: str) -> Address:
    """Read street and number out of the first part, postcode and town out of a later one.

    Parts stand on lines of their own or between commas; a postcode begins a part by itself. The
    house number stands before the street or behind it.
    """
    parts = [words for part in _PARTS.split(text) if (words := fold(part).split())]
    first, *others = _split_at_postcode(parts) or [[]]
    street, number = _read_street(first)
    place = next((part for part in others if any(map(_has_digit, part))), [])
    return Address(
        street=street,
        number=number,
        postcode="".join(filter(_has_digit, place)),
        city=" ".join(word for word in place if not _has_digit(word)),
    )


def _split_at_postcode(parts: list[list[str]]) -> list[list[str]]:
    """Part "Hauptstr. 5 10115 Berlin", written on one line, before its postcode."""
    if not parts:
        return []
    first = parts[0]
    numbers = [at for at, word in enumerate(first) if _has_digit(word)]
    later = [at for at in numbers[1:] if len(first[at]) >= _POSTCODE_DIGITS]
    return [first[: later[0]], first[later[0] :], *parts[1:]] if later else parts


def _read_street(words: list[str]) -> tuple[str, str]:
    at = next((at for at, word in enumerate(words) if _NUMBER.fullmatch(word)), None)
    if at is None:
        return _join(words), ""
    number, behind = words[at], words[at + 1 :]
    if behind and len(behind[0]) == 1 and behind[0].isalpha():
        number, behind = number + behind[0], behind[1:]
    return _join(words[:at] or behind), number


def _join(words: list[str]) -> str:
    return "".join(_STREET.sub("strasse", word) for word in words)


def _has_digit(word: str) -> bool:
    return any(character.isdigit() for character in word)
