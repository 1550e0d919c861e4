"""Canonical JSON of our subset: the one byte string that a value may have.

Inside the subset sorted orjson and RFC 8785 give the same bytes (a test holds it), so that any
RFC 8785 implementation reads and writes our records. Outside of it nothing is encoded: design,
section 4.
"""

import re
from functools import lru_cache
from typing import TypeAlias

import orjson

from .errors import CanonicalError

JSON: TypeAlias = bool | int | str | list["JSON"] | tuple["JSON", ...] | dict[str, "JSON"] | None

MAX_INTEGER = 2**53 - 1
MAX_DEPTH = 16
# Longer ones are not kept: somebody's keys could fill the memory with themselves.
_KEPT_KEY = 64
KEY_PATTERN = re.compile(r"[a-z][a-z0-9_]*\Z")


def canonical(value: JSON, *, inside: int = 0) -> bytes:
    """Encode ``value`` as RFC 8785 canonical JSON.

    Takes exact ``dict``, ``list``, ``tuple`` (an array too), ``str``, ``int``, ``bool`` and
    ``None``, no subclass of them. Raises CanonicalError for anything else, for a key that does
    not match ``[a-z][a-z0-9_]*``, an integer beyond ±(2**53 - 1), a lone surrogate, and for more
    than 16 containers inside each other, the ``inside`` ones counted that will lie around it.
    """
    _check(value, MAX_DEPTH - inside)
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError as exc:
        raise CanonicalError("a string holds a lone surrogate") from exc


def parse(data: bytes) -> JSON:
    """Decode canonical JSON; arrays come back as lists.

    Raises CanonicalError when ``data`` is no JSON, lies outside the subset, or is not the
    canonical form of what it says (other spacing, order, escapes, a key twice).
    """
    try:
        value: JSON = orjson.loads(data)
    except orjson.JSONDecodeError as exc:
        raise CanonicalError(f"not JSON: {exc}") from exc
    # Comparing afterwards closes what the parser lets pass: duplicate keys, 1.0 for 1, order.
    if canonical(value) != data:
        raise CanonicalError("JSON is not in canonical form")
    return value


def parse_object(data: bytes) -> dict[str, JSON]:
    """Decode canonical JSON that must be an object. Raises CanonicalError as ``parse`` does."""
    value = parse(data)
    if type(value) is not dict:
        raise CanonicalError(f"JSON is a {type(value).__name__}, wanted an object")
    return value


def _check(value: JSON, depth: int) -> None:
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return
    if kind is int:
        _check_integer(value)  # type: ignore[arg-type]
    elif kind is dict:
        _check_depth(depth)
        for key, member in value.items():  # type: ignore[union-attr]
            if type(key) is not str or not (
                _is_key(key) if len(key) <= _KEPT_KEY else KEY_PATTERN.match(key)
            ):
                raise CanonicalError("key does not match [a-z][a-z0-9_]*")
            if type(member) is not str:  # most are: one call less for each
                _check(member, depth - 1)
    elif kind is list or kind is tuple:
        _check_depth(depth)
        for member in value:  # type: ignore[union-attr]
            _check(member, depth - 1)
    else:
        raise CanonicalError(f"{kind.__name__} is not a type of canonical JSON")


def _check_integer(value: int) -> None:
    if not -MAX_INTEGER <= value <= MAX_INTEGER:
        raise CanonicalError("integer lies beyond 2**53 - 1")


@lru_cache(maxsize=4096)  # the same few keys come again and again
def _is_key(key: str) -> bool:
    return KEY_PATTERN.match(key) is not None


def _check_depth(depth: int) -> None:
    if depth == 0:
        raise CanonicalError(f"more than {MAX_DEPTH} containers inside each other")
