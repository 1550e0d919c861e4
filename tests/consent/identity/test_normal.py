"""What finds each other, and what does not. The people are invented."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.errors import TermsRefused
from consent.identity import (
    MAX_LENGTH,
    Form,
    IdentifierKind,
    email_form,
    fold,
    normal_forms,
    phonetic,
    readings,
    tidy,
)

NAME, PHONE, ADDRESS = IdentifierKind.NAME, IdentifierKind.PHONE, IdentifierKind.ADDRESS


def form(kind: IdentifierKind, value: str, wanted: Form) -> str | None:
    return normal_forms(kind, tidy(kind, value)).get(wanted)


@pytest.mark.parametrize(
    "spellings",
    [
        ("Müller", "Mueller", "MULLER", "mu\u0308ller", "Mül\u00adler"),
        ("Jörg Groß", "Joerg Gross", "GROSS, JORG"),
        ("Zoë O'Invented", "zoe oinvented", "O’Invented Zoë"),
        ("Юлия Иванова", "Yuliya Ivanova"),
        ("Søren Æble", "SOEREN AEBLE"),
    ],
)
def test_spellings_of_one_name_fold_to_one_text(spellings: tuple[str, ...]) -> None:
    assert len({form(NAME, one, Form.FOLDED) for one in spellings}) == 1
    assert len({form(NAME, one, Form.PHONETIC) for one in spellings}) == 1


@pytest.mark.parametrize(
    ("one", "other"), [("Ada Invented", "Ida Invented"), ("Müller", "Möller"), ("Anna", "Hanna")]
)
def test_other_names_stay_others(one: str, other: str) -> None:
    assert form(NAME, one, Form.FOLDED) != form(NAME, other, Form.FOLDED)


@pytest.mark.parametrize(
    ("one", "other"), [("Stefan Philips", "Stephan Fillips"), ("Katherine Smith", "Kathryn Smyth")]
)
def test_names_that_sound_alike_meet_in_the_phonetic_form(one: str, other: str) -> None:
    assert form(NAME, one, Form.PHONETIC) == form(NAME, other, Form.PHONETIC)
    assert form(NAME, one, Form.FOLDED) != form(NAME, other, Form.FOLDED)


def test_an_e_mail_address_is_folded_with_its_domain_in_ascii() -> None:
    assert email_form(" Ada@BÜCHER.example ") == "ada@xn--bcher-kva.example"
    assert email_form("ada@xn--bcher-kva.EXAMPLE") == "ada@xn--bcher-kva.example"
    assert email_form("a@-_-.example") == "a@-_-.example"


@pytest.mark.parametrize("said", ["030 901820", "+49 30 901820", "0049 (30) 90-18-20"])
def test_a_phone_number_is_international_whatever_its_spelling(said: str) -> None:
    assert tidy(PHONE, said, "DE") == "+4930901820"


@pytest.mark.parametrize(
    ("kind", "value", "complaint"),
    [
        (PHONE, "030 901820", "lacks its country code"),
        (PHONE, "+1 234", "too long or too short"),
        (PHONE, "call me", "malformed"),
        (NAME, " ", "name is empty"),
        (NAME, "x" * 201, "more than 200 characters"),
        (NAME, "a\0b", "control characters"),
        (NAME, "a\ud800b", "control characters"),
        (NAME, "two\nlines", "control characters"),
        (IdentifierKind.EMAIL, "cleo", "malformed"),
        (IdentifierKind.BIRTH_DATE, "31.12.90", "year-month-day"),
        (IdentifierKind.BIRTH_DATE, "1990-02-30", "year-month-day"),
    ],
)
def test_what_is_malformed_is_refused_in_words_without_it(
    kind: IdentifierKind, value: str, complaint: str
) -> None:
    with pytest.raises(TermsRefused, match=complaint) as refusal:
        tidy(kind, value)
    assert len(value.strip()) < 3 or value.strip() not in str(refusal.value)


@pytest.mark.parametrize(
    "address",
    [
        "Hauptstr. 5a, 10115 Berlin",
        "Hauptstraße 5 A\r\n10115 Berlin\r\nDeutschland",
        "Haupt-Strasse 5a 10115 BERLIN",
        "5a Hauptstrasse; 10115 Berlin",
    ],
)
def test_an_address_is_read_into_its_parts_however_it_is_written(address: str) -> None:
    forms = normal_forms(ADDRESS, tidy(ADDRESS, address))
    assert (forms[Form.PLACE], forms[Form.STREET], forms[Form.CITY]) == (
        "10115 5a", "hauptstrasse", "berlin"
    )  # fmt: skip


def test_an_address_of_another_country_is_read_too() -> None:
    forms = normal_forms(ADDRESS, "12 High Street, London SW1A 1AA")
    assert (forms[Form.PLACE], forms[Form.CITY]) == ("sw1a1aa 12", "london")
    assert Form.PLACE not in normal_forms(ADDRESS, "Poste restante, Paris")


def test_a_term_is_read_as_everything_that_it_may_be() -> None:
    assert set(readings("cleo@people.example")) >= {IdentifierKind.EMAIL, NAME}
    assert readings("+49 30 901820")[PHONE] == "+4930901820"
    assert readings("1990-12-31")[IdentifierKind.BIRTH_DATE] == "1990-12-31"
    assert PHONE not in readings("cleo")
    assert readings("\0") == {}


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    folded = fold(text)
    assert fold(folded) == folded
    assert folded.isascii()
    assert fold(text.upper()) == fold(text.upper().lower())
    phonetic(text)


@given(st.text())
def test_an_e_mail_form_is_its_own(text: str) -> None:
    assert email_form(email_form(text)) == email_form(text)


@given(st.sampled_from(IdentifierKind), st.text(max_size=600))
def test_tidy_values_are_their_own_and_have_forms(kind: IdentifierKind, text: str) -> None:
    try:
        value = tidy(kind, text, "DE")
    except TermsRefused:
        return
    assert tidy(kind, value) == value
    assert len(value) <= MAX_LENGTH[kind] * 3
    assert normal_forms(kind, value)
