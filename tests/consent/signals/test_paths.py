from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.errors import SignalUnreadable
from consent.signals.paths import LONGEST_URL, Pattern, path_of

HOST = "https://pictures.example"


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        # How Google documents that paths match, with RFC 9309, section 2.2.3.
        ("/", "/anything", True),
        ("/fish", "/fish.html", True),
        ("/fish", "/fishheads/yummy.html", True),
        ("/fish", "/Fish.asp", False),
        ("/fish", "/catfish", False),
        ("/fish*", "/fish", True),
        ("/fish/", "/fish", False),
        ("/fish/", "/fish/?id=anything", True),
        ("/*.php", "/folder/filename.php?parameters", True),
        ("/*.php", "/windows.PHP", False),
        ("/*.php$", "/filename.php", True),
        ("/*.php$", "/filename.php?parameters", False),
        ("/*.php$", "/filename.php5", False),
        ("/fish*.php", "/fishheads/catfish.php?parameters", True),
        ("/fish*.php", "/Fish.PHP", False),
        ("/path/foo-%24", "/path/foo-$", True),
        ("/path/a-%2A.html", "/path/a-*.html", True),
        ("/path/a-%2a.html", "/path/a-bc.html", False),
        ("/a$b", "/a$b", True),
        ("/foo/bar/ツ", "/foo/bar/%E3%83%84", True),
        ("/foo/bar/%E3%83%84", "/foo/bar/ツ", True),
        ("/foo/bar/%62%61%7A", "/foo/bar/baz", True),
        ("/foo/bar?baz=%2f", "/foo/bar?baz=/", False),
        ("/100%", "/100%", True),
        ("/$", "/", True),
        ("/$", "/a", False),
        ("*.jpg", "/a/b.jpg", True),
        ("*", "/", True),
        ("**$", "/x", True),
        ("/ab*ba$", "/aba", False),
        ("", "/x", True),
        ("$", "/x", False),
    ],
)
def test_patterns_match_as_documented(pattern: str, path: str, matches: bool) -> None:
    assert Pattern.parse(pattern.encode()).matches(path_of(HOST + path)) is matches


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://a.example", b"/"),
        ("https://a.example?x=1", b"/?x=1"),
        ("https://a.example/b?x=/#y", b"/b?x=/"),
        ("https://a.example/%7Eme", b"/~me"),
        ("a/b", b"/a/b"),
        ("/a?u=https://b.example/", b"/"),
        ("\ud800", b"/%ED%A0%80"),
    ],
)
def test_path_of_a_url_is_cut_out(url: str, path: bytes) -> None:
    assert path_of(url) == path


def test_url_that_no_server_takes_is_refused() -> None:
    assert path_of("x" * LONGEST_URL)
    with pytest.raises(SignalUnreadable, match="longer than 4096 characters"):
        path_of("x" * (LONGEST_URL + 1))


def model(pattern: str, path: str) -> bool:
    """Match letter by letter, as one would explain it."""

    @cache
    def rest(i: int, j: int) -> bool:
        if i == len(pattern):
            return True
        if pattern[i] == "$" and i == len(pattern) - 1:
            return j == len(path)
        if pattern[i] == "*":
            return any(rest(i + 1, k) for k in range(j, len(path) + 1))
        return j < len(path) and pattern[i] == path[j] and rest(i + 1, j + 1)

    return rest(0, 0)


@given(st.text("ab/*$", max_size=9), st.text("ab/", max_size=12))
def test_matching_agrees_with_the_model(pattern: str, path: str) -> None:
    # A dollar sign that is not at the end stands for itself, and no path here holds one.
    expected = model(pattern, "/" + path)
    assert Pattern.parse(pattern.encode()).matches(path_of(HOST + "/" + path)) is expected


@given(st.text("ab*$%24", max_size=9))
def test_octets_count_the_pattern_in_its_one_form(text: str) -> None:
    pattern = Pattern.parse(text.encode())
    again = b"*".join(pattern.pieces) + b"$" * pattern.is_anchored
    assert pattern.octets == len(again)
    assert Pattern.parse(again) == pattern
