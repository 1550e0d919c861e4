"""Bounded readers of what others wrote: JSON, XML, and the lines of HTTP headers."""

import json
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, TypeVar
from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import fromstring

from consent.errors import SignalUnreadable

LONGEST_JSON = 2**19
LONGEST_XML = 2 * 2**20
LONGEST_HEADERS = 2**18
_SMALL = 2**12
Parsed = TypeVar("Parsed")


def read_json(data: bytes, longest: int = LONGEST_JSON) -> Any:
    """Decode JSON. Raises SignalUnreadable when it is none, gives a key twice, or is too large."""
    _check_length(data, longest)
    try:
        return json.loads(
            data.removeprefix(b"\xef\xbb\xbf").decode(),
            object_pairs_hook=_without_duplicates,
            parse_constant=_refuse_constant,
        )
    except (ValueError, RecursionError) as error:
        raise SignalUnreadable("it is no JSON") from error


def read_xml(data: bytes) -> Element:
    """Parse XML; entities and outside references are refused. Raises SignalUnreadable."""
    _check_length(data, LONGEST_XML)
    try:
        root: Element = fromstring(data)
    except (ParseError, ValueError, LookupError) as error:
        raise SignalUnreadable("it is no XML without entities") from error
    return root


def header_values(data: bytes, *names: str) -> Iterator[tuple[str, str]]:
    """Yield name and value of the header lines called ``names`` (lower case), as they came.

    Values are Latin-1 without blanks around them, RFC 9110, section 5.5. A line that begins with a
    blank goes on with the one before. Raises SignalUnreadable when the headers are too large.
    """
    _check_length(data, LONGEST_HEADERS)
    folded = data.decode("latin-1").replace("\r\n", "\n").replace("\r", "\n")
    for line in folded.replace("\n ", " ").replace("\n\t", " ").split("\n"):
        name, colon, value = line.partition(":")
        if colon and name.strip(" \t").lower() in names:
            yield name.strip(" \t").lower(), value.strip(" \t")


def parsed_once(parse: Callable[[bytes], Parsed]) -> Callable[[bytes], Parsed]:
    """Return ``parse`` with a memory: of a host thousands of items are asked about, one by one.

    It holds the files of a year where they are small; a large one takes megabytes when parsed.
    """
    small, large = lru_cache(maxsize=512)(parse), lru_cache(maxsize=8)(parse)
    return lambda data: (small if len(data) <= _SMALL else large)(data)


def listed(value: object) -> list[Any]:
    """Return a JSON value that may stand alone or in a list as a list; None as an empty one."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _check_length(data: bytes, longest: int) -> None:
    if len(data) > longest:
        raise SignalUnreadable(f"it has {len(data)} bytes, at most {longest} are read")


def _without_duplicates(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    for key, value in pairs:
        if key in answer:
            raise SignalUnreadable("it gives a key twice in one object")
        answer[key] = value
    return answer


def _refuse_constant(_name: str) -> Any:
    raise SignalUnreadable("it holds a number that JSON does not know")
