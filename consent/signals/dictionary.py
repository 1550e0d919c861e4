"""Dictionaries of structured fields: RFC 9651, section 4.2.2, read strictly and to the end.

Only tokens are told apart here, since the preferences that we read are tokens; all other values
are parsed, so that what is no dictionary is refused, and come back as None.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from consent.errors import SignalUnreadable

_KEY = re.compile(r"[a-z*][a-z0-9_.*-]*")
_TOKEN = re.compile(r"[A-Za-z*][A-Za-z0-9:/!#$%&'*+.^_`|~-]*")
_NUMBER = re.compile(r"-?(?:[0-9]{1,12}\.[0-9]{1,3}|[0-9]{1,15})(?![0-9.])")
_INTEGER = re.compile(r"-?[0-9]{1,15}(?![0-9.])")
_STRING = re.compile(r'"(?:[ !#-\[\]-~]|\\["\\])*"')
_BINARY = re.compile(r":[A-Za-z0-9+/=]*:")
_BOOLEAN = re.compile(r"\?[01]")
_DISPLAY = re.compile(r'%"((?:[ !#$&-~]|%[0-9a-f]{2})*)"')


class Member(NamedTuple):
    """One value: the token that it is, or None."""

    token: str | None


def parse_dictionary(text: str) -> dict[str, Member]:
    """Return the members by key, the last of each; an empty text has none.

    Raises SignalUnreadable for anything that is no dictionary, as section 4.2 orders.
    """
    return _Reader(text.strip(" ")).dictionary()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0

    def dictionary(self) -> dict[str, Member]:
        members: dict[str, Member] = {}
        while self._at < len(self._text):
            if members:
                self._expect(",")
                self._skip(" \t")
            key = self._key()
            # A later member takes the place of an earlier one, and its place in the order.
            members.pop(key, None)
            members[key] = self._value() if self._takes("=") else Member(None)
            self._parameters()
            self._skip(" \t")
        return members

    def _value(self) -> Member:
        return self._inner_list() if self._takes("(") else self._item()

    def _inner_list(self) -> Member:
        while True:
            self._skip(" ")
            if self._takes(")"):
                return Member(None)
            self._item()
            self._parameters()
            if self._peek() not in " )":
                raise self._refusal()

    def _item(self) -> Member:
        first = self._peek()
        if first.isascii() and (first.isalpha() or first == "*"):
            return Member(self._match(_TOKEN))
        _ITEMS.get(first, _number)(self)
        return Member(None)

    def _parameters(self) -> None:
        while self._takes(";"):
            self._skip(" ")
            self._key()
            if self._takes("="):
                self._item()

    def _key(self) -> str:
        return self._match(_KEY)

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise self._refusal()
        self._at = found.end()
        return found[0]

    def _peek(self) -> str:
        """Return the next character, at the end one that nothing begins with."""
        return self._text[self._at : self._at + 1] or "\0"

    def _takes(self, character: str) -> bool:
        if self._peek() != character:
            return False
        self._at += 1
        return True

    def _expect(self, character: str) -> None:
        if not self._takes(character):
            raise self._refusal()

    def _skip(self, blanks: str) -> None:
        while self._peek() in blanks:
            self._at += 1

    def _refusal(self) -> SignalUnreadable:
        return SignalUnreadable(f"it is no structured dictionary from character {self._at} on")


def _number(reader: _Reader) -> None:
    reader._match(_NUMBER)


def _date(reader: _Reader) -> None:
    reader._expect("@")
    reader._match(_INTEGER)


def _display(reader: _Reader) -> None:
    text = reader._match(_DISPLAY)[2:-1]
    try:
        re.sub(r"%(..)", lambda found: chr(int(found[1], 16)), text).encode("latin-1").decode()
    except UnicodeDecodeError as error:
        raise reader._refusal() from error


def _plain(pattern: re.Pattern[str]) -> Callable[[_Reader], None]:
    def read(reader: _Reader) -> None:
        reader._match(pattern)

    return read


_ITEMS: dict[str, Callable[[_Reader], None]] = {
    '"': _plain(_STRING),
    ":": _plain(_BINARY),
    "?": _plain(_BOOLEAN),
    "@": _date,
    "%": _display,
}
