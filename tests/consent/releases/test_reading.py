from datetime import date

import pytest

from consent.errors import DescriptionRefused
from consent.identity import Form, IdentifierKind
from consent.identity.matching import Verdict, find_match
from consent.releases.columns import Meaning, guess, override
from consent.releases.dates import Unclear, birthday, read_day, read_term
from consent.releases.snags import SENTENCES, Snag, sentence
from consent.releases.stating import Said, Stated, state
from consent.releases.table import MAX_LINES, read_table
from consent.releases.words import read_words
from consent.uses import Medium, Use

TODAY = date(2026, 11, 21)
APRIL = date(2019, 4, 3)
GOOD = {
    Meaning.NAME: ["Cleo Invented"],
    Meaning.EMAIL: ["cleo@people.example"],
    Meaning.USES: ["depiction; advertising"],
    Meaning.MEDIA: ["print"],
    Meaning.TERRITORIES: ["DE, AT"],
    Meaning.TERM: ["unlimited"],
    Meaning.SIGNED: ["2019-04-03"],
    Meaning.SCAN: ["0001.pdf"],
}


def said_of(changes: dict[Meaning, str], **said: object) -> Stated:
    cells = GOOD | {meaning: [text] for meaning, text in changes.items()}
    return state(cells, Said.parse(said), TODAY)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2019-04-03", APRIL),
        ("2019-04-03 00:00:00", APRIL),
        ("03.04.2019", APRIL),
        ("3. April 2019", APRIL),
        ("3rd april 2019", APRIL),
        ("April 3, 2019", APRIL),
        ("13/04/2019", date(2019, 4, 13)),
        ("04/13/2019", date(2019, 4, 13)),
        ("03/03/2019", date(2019, 3, 3)),
        ("03/04/2019", Unclear.AMBIGUOUS),
        ("03-04-2019", Unclear.AMBIGUOUS),
        ("03/04/19", Unclear.UNREADABLE),
        ("43558", Unclear.UNREADABLE),
        ("31/31/2019", Unclear.UNREADABLE),
        ("30.02.2019", Unclear.UNREADABLE),
        ("0019-04-03", Unclear.UNREADABLE),
    ],
)
def test_a_day_is_read_only_as_the_one_that_it_can_be(text: str, day: date | Unclear) -> None:
    assert read_day(text) == day


def test_which_stands_first_is_as_somebody_said() -> None:
    assert read_day("03/04/2019", day_first=True) == APRIL
    assert read_day("04/03/2019", day_first=False) == APRIL
    assert read_day("13/04/2019", day_first=False) is Unclear.UNREADABLE


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("unlimited", None),
        ("unbefristet", None),
        ("5 years", date(2025, 2, 28)),
        ("1 Jahr", date(2021, 2, 28)),
        ("18 months", date(2021, 8, 29)),
        ("2030-12-31", date(2030, 12, 31)),
        ("31.12.9999", None),
        ("01/02/2030", Unclear.AMBIGUOUS),
        ("0 years", Unclear.UNREADABLE),
        ("a while", Unclear.UNREADABLE),
    ],
)
def test_a_term_counts_from_the_day_of_signing(text: str, until: date | Unclear | None) -> None:
    assert read_term(text, date(2020, 2, 29)) == until


def test_who_was_born_on_a_leap_day_is_older_in_march() -> None:
    assert birthday(date(2004, 2, 29), 18) == date(2022, 3, 1)
    assert birthday(date(2004, 2, 29), 20) == date(2024, 2, 29)


@pytest.mark.parametrize(
    ("what", "text", "codes", "unknown"),
    [
        ("uses", "Werbung, Editorial", {"commercial", "distribute"}, ()),
        ("uses", "all purposes", set(), ("all purposes",)),
        ("uses", "fine-tuning a model", {"fine_tune"}, ()),
        ("media", "All media", set(Medium), ()),
        ("media", "print and web", {"print", "online"}, ()),
        ("territories", "Deutschland; Österreich", {"DE", "AT"}, ()),
        ("territories", "UK", {"GB"}, ()),
        ("territories", "NO", {"NO"}, ()),
        ("territories", "XX", set(), ("XX",)),
        ("territories", "none", set(), ()),
        ("themes", "politics | nudity", {"political", "sexual"}, ()),
    ],
)
def test_words_mean_what_they_can_only_mean(
    what: str, text: str, codes: set[str], unknown: tuple[str, ...]
) -> None:
    meant = read_words(what, text, {})
    assert (set(meant.codes), meant.unknown) == (codes, unknown)


def test_the_union_is_its_members() -> None:
    assert {"DE", "FR", "SE"} < read_words("territories", "EU", {}).codes


def test_a_word_means_what_somebody_said() -> None:
    explained = {"uses:all purposes": ("depict", "distribute")}
    assert said_of({Meaning.USES: "All purposes"}, words=explained).uses == {
        Use.DEPICT,
        Use.DISTRIBUTE,
    }


def test_a_whole_line_is_read() -> None:
    stated = said_of({})
    assert stated.snags == ()
    assert stated.known == (
        (IdentifierKind.NAME, "Cleo Invented"),
        (IdentifierKind.EMAIL, "cleo@people.example"),
    )
    assert (stated.signed, stated.until, stated.scans) == (APRIL, None, ("0001.pdf",))
    assert stated.uses == {Use.DEPICT, Use.COMMERCIAL}


@pytest.mark.parametrize(
    ("changes", "snag"),
    [
        ({Meaning.NAME: ""}, Snag.NAME_MISSING),
        ({Meaning.NAME: "=HYPERLINK(1)"}, Snag.FORMULA),
        ({Meaning.NAME: "M\ufffdller"}, Snag.TEXT_DAMAGED),
        ({Meaning.NAME: "x" * 5_000}, Snag.TEXT_TOO_LONG),
        ({Meaning.NAME: "Cleo\x00"}, Snag.NAME_MALFORMED),
        ({Meaning.EMAIL: "cleo"}, Snag.EMAIL_MALFORMED),
        ({Meaning.PHONE: "030 1234567"}, Snag.PHONE_MALFORMED),
        ({Meaning.ADDRESS: "x" * 501}, Snag.ADDRESS_MALFORMED),
        ({Meaning.NUMBER: "x" * 201}, Snag.NUMBER_MALFORMED),
        ({Meaning.BIRTH_DATE: "1990"}, Snag.BIRTH_DATE_UNREADABLE),
        ({Meaning.BIRTH_DATE: "2030-01-01"}, Snag.BIRTH_DATE_UNREADABLE),
        ({Meaning.SIGNED: "03/04/2019"}, Snag.DATE_AMBIGUOUS),
        ({Meaning.SIGNED: ""}, Snag.SIGNED_MISSING),
        ({Meaning.SIGNED: "spring 2019"}, Snag.SIGNED_UNREADABLE),
        ({Meaning.SIGNED: "2026-11-22"}, Snag.SIGNED_LATER),
        ({Meaning.BIRTH_DATE: "2019-05-01"}, Snag.SIGNED_UNBORN),
        ({Meaning.USES: ""}, Snag.USES_MISSING),
        ({Meaning.USES: "everything"}, Snag.USES_UNKNOWN),
        ({Meaning.REFUSED: "advertising"}, Snag.USES_CONTRADICT),
        ({Meaning.MEDIA: ""}, Snag.MEDIA_MISSING),
        ({Meaning.MEDIA: "hologram"}, Snag.MEDIA_UNKNOWN),
        ({Meaning.TERRITORIES: ""}, Snag.TERRITORIES_MISSING),
        ({Meaning.TERRITORIES: "Atlantis"}, Snag.TERRITORIES_UNKNOWN),
        ({Meaning.THEMES: "clowns"}, Snag.THEMES_UNKNOWN),
        ({Meaning.TERM: ""}, Snag.TERM_MISSING),
        ({Meaning.TERM: "long"}, Snag.TERM_UNREADABLE),
        ({Meaning.TERM: "5 years"}, Snag.TERM_OVER),
        ({Meaning.BIRTH_DATE: "2010-01-01"}, Snag.GUARDIAN_MISSING),
        ({Meaning.GUARDIAN: "Ida", Meaning.GUARDIAN_EMAIL: "ida"}, Snag.GUARDIAN_MALFORMED),
        ({Meaning.SCAN: " ; "}, Snag.SCAN_UNNAMED),
    ],
)
def test_what_stands_against_a_line_is_said(changes: dict[Meaning, str], snag: Snag) -> None:
    assert snag in said_of(changes).snags


def test_a_ragged_line_waits() -> None:
    assert state(GOOD, Said(), TODAY, is_ragged=True).snags == (Snag.ROW_RAGGED,)


def test_where_a_line_says_nothing_the_whole_counts() -> None:
    stated = said_of(
        {Meaning.USES: "", Meaning.MEDIA: "", Meaning.TERM: "", Meaning.REFUSED: "advertising"},
        uses=["depict", "commercial"],
        media=["online"],
        term="unlimited",
    )
    assert [set(stated.uses), set(stated.refused)] == [{Use.DEPICT}, {Use.COMMERCIAL}]
    assert stated.media == {Medium.ONLINE}
    assert stated.snags == ()


def test_a_guarded_number_is_the_number() -> None:
    assert (IdentifierKind.PHONE, "+493012345678") in said_of(
        {Meaning.PHONE: "'+49 30 12345678"}
    ).known


def test_who_signed_as_a_child_comes_of_age() -> None:
    stated = said_of({Meaning.BIRTH_DATE: "2010-01-01", Meaning.GUARDIAN: "Ida Invented"})
    assert (stated.of_age, stated.snags) == (date(2028, 1, 1), ())
    assert said_of({Meaning.BIRTH_DATE: "1990-01-01"}).of_age is None


def test_each_snag_has_its_sentence() -> None:
    assert set(SENTENCES) == set(Snag)
    assert sentence("name_missing") == "It does not say who signed."
    assert sentence("other") == "other"


def test_columns_are_guessed_and_set_right() -> None:
    guessed = guess(["Vorname", "Nachname", "Geburtsdatum", "Date signed", "E-Mail", "Datum", "x"])
    assert list(guessed.values()) == [
        *(Meaning.FIRST_NAME, Meaning.LAST_NAME, Meaning.BIRTH_DATE, Meaning.SIGNED),
        *(Meaning.EMAIL, Meaning.UNKNOWN, Meaning.UNKNOWN),
    ]
    assert override(guessed, {"x": "scan"})["x"] is Meaning.SCAN
    with pytest.raises(DescriptionRefused, match="two columns mean email"):
        override(guessed, {"x": "email"})


def test_the_bytes_of_each_line_are_kept_and_make_up_the_table() -> None:
    content = b'\xef\xbb\xbfname;scan\r\n"Cleo\nInvented";1.pdf\r\n\r\nIda;2.pdf'
    table = read_table(content)
    assert table.names == ("name", "scan")
    assert [line.cells for line in table.lines] == [("Cleo\nInvented", "1.pdf"), ("Ida", "2.pdf")]
    assert table.header + b"".join(line.raw for line in table.lines) == content


def test_a_table_of_a_spreadsheet_is_read_as_it_is_said_to_be() -> None:
    content = "name;scan\nMüller;1.pdf\n".encode("windows-1252")
    with pytest.raises(DescriptionRefused, match="no UTF-8, first in line 2: bring it again"):
        read_table(content)
    assert read_table(content, "windows-1252").lines[0].cells == ("Müller", "1.pdf")
    wide = read_table("name\tscan\nMüller\t1.pdf\n".encode("utf-16"))
    assert wide.lines[0].cells == ("Müller", "1.pdf")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "table is empty"),
        (b"name,scan\n", "no line below its header"),
        (b"name\nCleo\n", "fewer than two columns"),
        (b"name,,scan\na,b,c\n", "must name each column"),
        (b"name,name\na,b\n", "must name each column"),
        (b"Cleo,cleo@people.example\nIda,x\n", "first line is somebody's already"),
        (b"Cleo,1.pdf\nIda,2.pdf\n", "first line is somebody's already"),
        (b"name,scan\n" + b"a,b\n" * (MAX_LINES + 1), "more than 5000 lines"),
        (b"\xff\xfen\0a\0\xd8", "no UTF-16"),
        (b'name,scan\n"' + b"x" * (5 << 20), "has more than"),
    ],
)
def test_what_is_no_table_is_refused_with_a_sentence(content: bytes, complaint: str) -> None:
    with pytest.raises(DescriptionRefused, match=complaint):
        read_table(content)


def test_an_encoding_that_nobody_knows_is_refused() -> None:
    with pytest.raises(DescriptionRefused, match="encoding is none of"):
        read_table(b"name,scan\na,b\n", "rot13")


NAME, SOUND = ("name", Form.FOLDED), ("name", Form.PHONETIC)
MAIL, BORN = ("email", Form.FOLDED), ("birth_date", Form.DATE)


def keys(**texts: str) -> dict[tuple[str, Form], frozenset[bytes]]:
    places = {"name": NAME, "sound": SOUND, "mail": MAIL, "born": BORN}
    return {places[place]: frozenset({text.encode()}) for place, text in texts.items()}


@pytest.mark.parametrize(
    ("held", "verdict"),
    [
        (keys(name="cleo", mail="c@x"), Verdict("one")),
        (keys(name="cleo", born="1990"), Verdict("one")),
        (keys(name="cleo", mail="c@x", born="1991"), Verdict(None, ("one",))),
        (keys(name="ida", mail="c@x"), Verdict(None, ("one",))),
        (keys(name="cleo"), Verdict(None, ("one",))),
        (keys(name="cleo", born="1991"), Verdict()),
        (keys(name="klio", sound="KL", born="1990"), Verdict(None, ("one",))),
        (keys(name="klio", sound="KL"), Verdict()),
        (keys(name="ida", born="1990"), Verdict()),
    ],
)
def test_who_it_is_follows_from_what_is_shared(
    held: dict[tuple[str, Form], frozenset[bytes]], verdict: Verdict
) -> None:
    stated = keys(name="cleo", sound="KL", mail="c@x", born="1990")
    assert find_match(stated, {"one": held}) == verdict


def test_two_who_fit_are_for_a_person_to_tell_apart() -> None:
    stated = keys(name="cleo", mail="c@x")
    both = {"one": stated, "other": stated}
    assert find_match(stated, both) == Verdict(None, ("one", "other"))
    assert find_match(stated, {"one": stated, "namesake": keys(name="cleo")}) == Verdict("one")
