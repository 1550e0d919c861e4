"""JSON from outside: bounded, with each key once, no number that JSON does not know."""

import json
import math
from collections.abc import Iterable
from typing import Any

from consent.errors import DescriptionRefused

MAX_DEPTH = 64
MAX_NODES = 1_000_000


def parse_object(data: bytes, *, longest: int) -> dict[str, Any]:
    """Return the object in ``data``, at most ``longest`` bytes. Raises DescriptionRefused."""
    document = parse(data, longest=longest)
    if not isinstance(document, dict):
        raise DescriptionRefused(f"description is a {type(document).__name__}, wanted an object")
    return document


def parse(data: bytes, *, longest: int) -> Any:
    """Return what ``data`` says. Raises DescriptionRefused."""
    if len(data) > longest:
        raise DescriptionRefused(f"description has {len(data)} bytes, at most {longest}")
    try:
        document = json.loads(
            data.decode("utf-8-sig"),
            object_pairs_hook=_without_duplicates,
            parse_constant=_no_constant,
            parse_float=_finite,
        )
    except (ValueError, RecursionError) as error:
        # Theirs would quote what was met.
        raise DescriptionRefused("description is no JSON") from error
    _check(document)
    return document


def _without_duplicates(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    for key, value in pairs:
        if key in answer:
            raise DescriptionRefused("description gives a key twice in one object")
        answer[key] = value
    return answer


def _no_constant(name: str) -> None:
    raise DescriptionRefused(f"description holds {name}, which is no number of JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise DescriptionRefused("description holds a number too large to be kept")
    return number


def _check(document: Any) -> None:
    """Refuse what is too deep or too much, and texts that are no Unicode; level by level."""
    level, nodes = [document], 0
    for _ in range(MAX_DEPTH):
        nodes += len(level)
        if nodes > MAX_NODES:
            raise DescriptionRefused(f"description has more than {MAX_NODES} values")
        below: list[Any] = []
        for value in level:
            if isinstance(value, str):
                _check_text(value)
            elif isinstance(value, dict):
                below.extend(value)
                below.extend(value.values())
            elif isinstance(value, list):
                below.extend(value)
        if not below:
            return
        level = below
    raise DescriptionRefused(f"description is nested deeper than {MAX_DEPTH}")


def _check_text(text: str) -> None:
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise DescriptionRefused("description holds half of a surrogate pair") from error
