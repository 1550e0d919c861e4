import pytest

from consent.errors import SignalUnreadable
from consent.signals.dictionary import parse_dictionary


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", {}),
        ("  ", {}),
        ("a=y", {"a": "y"}),
        (" a=y,b=n \t,\tc=*x:/", {"a": "y", "b": "n", "c": "*x:/"}),
        ("a=y\t", {"a": "y"}),
        ("a=y, a=n", {"a": "n"}),
        ("a=y, a", {"a": None}),
        ("a;x;y=1;z=?0, b", {"a": None, "b": None}),
        ("a=y;q=0.5; r=z", {"a": "y"}),
        ('a="y", b="\\"\\\\ "', {"a": None, "b": None}),
        ("a=1, b=-1.25, c=999999999999.999, d=:aGk=:, e=?1, f=@-5", dict.fromkeys("abcdef")),
        ('a=%"caf%c3%a9", b=(y "n" 1);x, c=()', dict.fromkeys("abc")),
        ("a=(  y   n;x  )", {"a": None}),
        ("*=y, a_-.*9=n", {"*": "y", "a_-.*9": "n"}),
    ],
)
def test_dictionaries_of_rfc_9651_are_read(text: str, tokens: dict[str, str | None]) -> None:
    assert {key: member.token for key, member in parse_dictionary(text).items()} == tokens


@pytest.mark.parametrize(
    "text",
    [
        *("A=y", "a=y,", "a=y,\t", "a=y b=n", "a= y", "a =y", "=y", "a=", "a=(", "a=(y", ",a"),
        *('a="', 'a="\\x"', 'a="é"', "a=é", "é", "a=?2", "a=:é:", "a=:aa", "a=@1.5", "a=@"),
        *("a=1.", "a=.5", "a=1.2345", "a=1234567890123.1", "a=1234567890123456", "a=-", "a=--1"),
        *('a=%"%C3%A9"', 'a=%"%c3"', 'a=%"%"', "a=%x", "a;", "a;X", "a;b=", "a=(y;)", 'a=("y"n)'),
        *('a=y"', "a=\x00", "a\x00", "a=(y\x00"),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(SignalUnreadable, match="no structured dictionary from character"):
        parse_dictionary(text)
