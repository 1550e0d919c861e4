from hashlib import md5, sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.formats import statements
from consent.formats.described import Digest
from consent.formats.doubts import DoubtCode, Doubts

COFFEE = sha256(b"coffee").hexdigest()


def codes(doubts: Doubts) -> list[DoubtCode]:
    return [doubt.code for doubt in doubts]


@pytest.mark.parametrize(
    ("stated", "algorithm", "found"),
    [
        (COFFEE, "", Digest("sha256", COFFEE)),
        (COFFEE.upper(), "sha256", Digest("sha256", COFFEE)),
        (f"sha256:{COFFEE}", "", Digest("sha256", COFFEE)),
        (f"SHA-256={COFFEE}", "md5", Digest("sha256", COFFEE)),
        (md5(b"coffee").hexdigest(), "", Digest("md5", md5(b"coffee").hexdigest())),  # noqa: S324
        (COFFEE[:50], "", None),
        (COFFEE, "md5", None),
        ("not hex at all", "", None),
    ],
)
def test_a_digest_is_known_by_its_length_or_prefix(
    stated: str, algorithm: str, found: Digest | None
) -> None:
    assert statements.digest(stated, "", Doubts(), algorithm=algorithm) == found


@pytest.mark.parametrize("stated", ["TODO", "<todo>", "N/A", "none", "...", "0" * 40, "ab" * 32])
def test_what_fills_a_place_is_no_digest(stated: str) -> None:
    doubts = Doubts()
    assert statements.digest(stated, "", doubts) is None
    assert codes(doubts) == [DoubtCode.DIGEST_PLACEHOLDER]


@pytest.mark.parametrize(
    ("value", "number", "is_doubtful"),
    [
        (7, 7, False),
        (7.0, 7, False),
        (" 7 ", 7, False),
        ("7.00", 7, False),
        (None, None, False),
        ("", None, False),
        (7.5, None, True),
        (True, None, True),
        (-1, None, True),
        (2**53, None, True),
        ("seven", None, True),
        ([7], None, True),
    ],
)
def test_counts_are_whole_and_not_too_large(
    value: Any, number: int | None, is_doubtful: bool
) -> None:
    doubts = Doubts()
    assert statements.whole_number(value, "", doubts) == number
    assert bool(codes(doubts)) is is_doubtful


def test_numbers_are_read_as_text_however_long() -> None:
    assert statements.text(7, "", Doubts()) == "7"
    assert statements.text(0.5, "", Doubts()) == "0.5"
    assert statements.text(10**5000, "", Doubts()).startswith("0x")


def test_a_licence_of_many_words_is_read_by_a_person() -> None:
    assert statements.find_spdx("as we like " * 100) == ""


@pytest.mark.parametrize(
    ("stated", "code"),
    [
        ("2026", None),
        ("2026-11", None),
        ("2026-11-20", None),
        ("2026-11-20T10:00:00Z", None),
        ("2026-11-20T10:00:00+01:00", None),
        ("2026-11-20 10:00", DoubtCode.TIME_WITHOUT_ZONE),
        ("20.11.2026", DoubtCode.TIME_UNREADABLE),
        ("2026-02-30", DoubtCode.TIME_UNREADABLE),
    ],
)
def test_times_need_a_zone_and_days_do_not(stated: str, code: DoubtCode | None) -> None:
    doubts = Doubts()
    assert statements.time(stated, "", doubts) == stated
    assert codes(doubts) == ([code] if code else [])


@pytest.mark.parametrize(
    ("stated", "is_safe"),
    [
        ("a.png", True),
        ("a b/ç.png", True),
        ("https://a.example/1.png?x=..", True),
        ("s3://bucket/a.png", True),
        ("a/../b.png", False),
        ("C:\\a.png", False),
        ("data:image/png;base64,AA", False),
        ("https:a.png", False),
        ("a\nb", False),
    ],
)
def test_a_place_leads_nowhere_else(stated: str, is_safe: bool) -> None:
    doubts = Doubts()
    assert statements.location(stated, "", doubts) == stated
    assert (codes(doubts) == []) is is_safe
    assert is_safe or not statements.is_plain_location(stated)


@given(st.text("ab/.:-_~@%?&\\ \n\0", max_size=12))
def test_the_quick_way_to_read_a_place_agrees_with_the_whole_one(stated: str) -> None:
    if statements.is_plain_location(stated):
        doubts = Doubts()
        assert statements.location(stated, "", doubts) == stated
        assert codes(doubts) == []


@given(st.text("01abcdef", min_size=62, max_size=66) | st.sampled_from([COFFEE, "0" * 64]))
def test_the_quick_way_to_know_a_sha256_agrees_with_the_whole_one(stated: str) -> None:
    whole = statements.digest(stated, "", Doubts(), algorithm="sha256")
    assert statements.is_sha256(stated) is (whole is not None)
