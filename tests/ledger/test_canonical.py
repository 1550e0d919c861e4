import enum
import re
import tracemalloc
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from ledger.canonical import MAX_DEPTH, canonical, parse, parse_object
from ledger.errors import CanonicalError

KEYS = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
INTEGERS = st.integers(-(2**53) + 1, 2**53 - 1)
SCALARS = st.none() | st.booleans() | INTEGERS | st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner, max_size=5)
)


def test_long_keys_are_not_remembered() -> None:
    tracemalloc.start()
    for number in range(200):
        assert len(parse_object(b'{"%b%d":1}' % (b"k" * 50_000, number))) == 1
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 1 << 20


@given(VALUES)
def test_our_bytes_are_those_of_rfc_8785(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@given(VALUES)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert parse(canonical(value)) == value


@pytest.mark.parametrize("code", [*range(0x20), 0x22, 0x5C, 0x7F, 0x85, 0x2028, 0xFFFF, 0x1F600])
def test_each_awkward_character_is_written_as_rfc_8785_writes_it(code: int) -> None:
    assert canonical([chr(code)]) == rfc8785.dumps([chr(code)])


class Sub(str):
    __slots__ = ()


class Number(int):
    pass


class Members(dict[str, Any]):
    pass


class Level(enum.IntEnum):
    ONE = 1


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (1.0, "float is not a type"),
        (float("nan"), "float is not a type"),
        ([0.5], "float is not a type"),
        (b"bytes", "bytes is not a type"),
        ({1, 2}, "set is not a type"),
        (Sub("a"), "Sub is not a type"),
        (Number(1), "Number is not a type"),
        (Level.ONE, "Level is not a type"),
        (Members(), "Members is not a type"),
        (object(), "object is not a type"),
        (2**53, "integer lies beyond 2**53 - 1"),
        (-(2**53), "integer lies beyond 2**53 - 1"),
        ({"A": 1}, "key does not match"),
        ({"": 1}, "key does not match"),
        ({"1a": 1}, "key does not match"),
        ({"a\n": 1}, "key does not match"),
        ({"é": 1}, "key does not match"),
        ({1: 1}, "key does not match"),
        ({Sub("a"): 1}, "key does not match"),
        ("\ud800", "lone surrogate"),
        (["a\udfffb"], "lone surrogate"),
    ],
)
def test_value_outside_the_subset_is_refused(value: Any, complaint: str) -> None:
    with pytest.raises(CanonicalError, match=re.escape(complaint)):
        canonical(value)


def nested(depth: int) -> Any:
    value: Any = 1
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


def test_sixteen_containers_may_stand_inside_each_other_and_no_more() -> None:
    assert parse(canonical(nested(MAX_DEPTH))) == nested(MAX_DEPTH)
    with pytest.raises(CanonicalError, match="more than 16 containers"):
        canonical(nested(MAX_DEPTH + 1))


def test_tuple_is_written_as_an_array() -> None:
    assert canonical({"a": (1, 2)}) == canonical({"a": [1, 2]})


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":1}',
        '{"b":1,"a":1}',
        '{"a": 1}',
        '{"a":1}\n',
        '\ufeff{"a":1}',
        '{"a":1.0}',
        '{"a":1e2}',
        '{"a":-0}',
        '{"a":"\\u0041"}',
        '{"a":"\\/"}',
        '{"a":9007199254740992}',
        '{"a":100000000000000000000000}',
        '{"a":NaN}',
        '{"a":"\\ud800"}',
        "",
        "{",
        "[" * 100_000,
        "[" * 500 + "]" * 500,
    ],
)
def test_any_other_text_for_a_value_is_refused(text: str) -> None:
    with pytest.raises(CanonicalError):
        parse(text.encode())


def test_bytes_that_are_no_utf8_are_refused() -> None:
    with pytest.raises(CanonicalError, match="not JSON"):
        parse(b'"\xff"')


def test_object_is_wanted_where_one_is_wanted() -> None:
    assert parse_object(b'{"a":1}') == {"a": 1}
    with pytest.raises(CanonicalError, match="JSON is a list, wanted an object"):
        parse_object(b"[]")
