"""Strict JSON at the border: what a record could never say is refused before anybody reads it."""

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

_LARGEST = 2**53 - 1
_DEEPEST = 32


class StrictJSONParser(JSONParser):
    """Parse JSON without doubled names, fractions, large integers, NUL or lone surrogates.

    Raises ParseError, which says what was met and what is wanted.
    """

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,  # noqa: ARG002
        parser_context: Mapping[str, Any] | None = None,  # noqa: ARG002
    ) -> Any:
        return parse(stream.read())


def parse(body: bytes) -> Any:
    """Parse one strict JSON text in UTF-8. Raises ParseError."""
    try:
        text = body.decode()
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_int=_integer,
            parse_float=_refuse_fraction,
            parse_constant=_refuse_constant,
        )
        _verify(value)
    except UnicodeDecodeError as exc:
        raise ParseError("the body is not UTF-8") from exc
    except RecursionError as exc:
        raise ParseError(f"the JSON is nested more than {_DEEPEST} levels deep") from exc
    except json.JSONDecodeError as exc:
        raise ParseError(f"the body is no JSON: {exc.msg} at character {exc.pos}") from exc
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ParseError("a JSON object has the same name twice: give each name once")
    return members


def _integer(digits: str) -> int:
    if len(digits) > len(str(-_LARGEST)) or abs(int(digits)) > _LARGEST:
        raise ParseError("an integer is beyond ±(2^53−1): write it as text")
    return int(digits)


def _refuse_fraction(number: str) -> NoReturn:
    raise ParseError(f'a number has a fraction or an exponent: write it as text, "{number[:20]}"')


def _refuse_constant(name: str) -> NoReturn:
    raise ParseError(f"{name} is no JSON number")


def _verify(value: Any, depth: int = 0) -> None:
    """Refuse deep nesting, and text that PostgreSQL or UTF-8 cannot hold. Raises ParseError."""
    if depth > _DEEPEST:
        raise ParseError(f"the JSON is nested more than {_DEEPEST} levels deep")
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise ParseError("a text holds a NUL character or half of a surrogate pair")
    elif isinstance(value, dict):
        for name, member in value.items():
            _verify(name, depth)
            _verify(member, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _verify(item, depth + 1)
