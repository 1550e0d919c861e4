import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.identity import IdentifierKind, likeness

NAME = IdentifierKind.NAME


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Cleo Invented", "Invented, Cleo Maria"),
        ("Cleo Invented", "Kleo Inventet"),
        ("Müller Jonas", "Jonas Mueler"),
    ],
)
def test_slips_and_further_names_leave_a_name_similar(one: str, other: str) -> None:
    assert likeness(NAME, one, other) >= 0.85


@pytest.mark.parametrize(
    ("one", "other"), [("Cleo Invented", "Noor Invented"), ("Cleo", "Invented"), ("Ada", "😀")]
)
def test_people_with_one_name_in_common_are_not_similar(one: str, other: str) -> None:
    assert likeness(NAME, one, other) < 0.85


def test_what_an_index_would_find_is_alike_however_it_is_spelled() -> None:
    one, other = "Hauptstr. 5a, 10115 Berlin", "c/o Invented; 5 a Allee am Park; 10115 Mitte"
    assert likeness(IdentifierKind.ADDRESS, one, "Haupt-Strasse 5a 10115 BERLIN-MITTE") >= 0.9
    assert likeness(IdentifierKind.ADDRESS, one, other) < 0.85
    assert likeness(NAME, "Katherine Smith", "Smyth, Kathryn") >= 0.9


def test_dates_and_numbers_are_compared_by_their_digits() -> None:
    assert likeness(IdentifierKind.BIRTH_DATE, "1990-12-31", "1990-12-13") > 0.85
    assert likeness(IdentifierKind.PHONE, "+4930901820", "+4930901820") == 1


@given(st.text(min_size=1, max_size=50), st.text(min_size=1, max_size=50))
def test_likeness_is_symmetric_and_between_none_and_one(one: str, other: str) -> None:
    assert 0 <= likeness(NAME, one, other) <= 1
    assert likeness(NAME, one, other) == pytest.approx(likeness(NAME, other, one))
    assert likeness(NAME, one, one) == 1
