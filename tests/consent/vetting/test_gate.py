import pytest

from consent import licences
from consent.errors import TermsRefused
from consent.uses import Use
from consent.vetting.gate import Code, Severity, Verdict, judge
from consent.vetting.labels import doubtful
from consent.vetting.licences import Term, check_licences, terms_of
from consent.vetting.representativeness import Group, check_groups, read_lines, shares


def found(mix: dict[str, int], *uses: Use) -> dict[Code, int]:
    return {one.code: one.count for one in check_licences(mix, uses)}


def test_every_licence_that_we_know_has_terms_that_we_know() -> None:
    assert {term for one in licences.KNOWN for term in terms_of(one)} == set(Term) - {
        Term.OWN,
        Term.UNKNOWN,
    }
    assert terms_of("CC-BY-NC-SA-4.0") == {
        Term.ATTRIBUTION,
        Term.NON_COMMERCIAL,
        Term.SHARE_ALIKE,
    }
    others = ["CC0-1.0", "MIT", "LicenseRef-Studio", "GPL-3.0"]
    assert [sorted(terms_of(one)) for one in others] == [
        [],
        [Term.ATTRIBUTION],
        [Term.OWN],
        [Term.UNKNOWN],
    ]


@pytest.mark.parametrize(
    ("licence", "uses", "code"),
    [
        ("CC-BY-NC-4.0", {Use.TRAIN, Use.COMMERCIAL}, Code.LICENCE_NON_COMMERCIAL),
        ("CC-BY-ND-4.0", {Use.FINE_TUNE}, Code.LICENCE_NO_DERIVATIVES),
        (
            "CC-BY-ND-4.0",
            {Use.REFERENCE_INPUT, Use.DISTRIBUTE},
            Code.LICENCE_REFERENCE_DERIVED,
        ),
        ("CC-BY-SA-4.0", {Use.EVALUATE}, Code.LICENCE_SHARE_ALIKE),
        ("LicenseRef-Studio", {Use.TRAIN}, Code.LICENCE_OWN),
        ("GPL-3.0", {Use.TRAIN}, Code.LICENCE_UNKNOWN),
        ("MIT", {Use.TRAIN}, Code.LICENCE_ATTRIBUTION),
    ],
)
def test_a_licence_counts_where_its_term_meets_a_use(
    licence: str, uses: set[Use], code: Code
) -> None:
    assert found({licence: 3, "CC0-1.0": 4}, *uses)[code] == 3


def test_a_licence_that_fits_is_not_found() -> None:
    assert found({"CC0-1.0": 9}, *Use) == {}
    assert found({"CC-BY-NC-4.0": 1}, Use.TRAIN) == {Code.LICENCE_ATTRIBUTION: 1}
    assert Code.LICENCE_NO_DERIVATIVES not in found({"CC-BY-ND-4.0": 1}, Use.EVALUATE)


@pytest.mark.parametrize(
    ("mix", "is_mixed"),
    [
        (["CC-BY-SA-4.0", "CC-BY-NC-SA-4.0"], True),
        (["CC-BY-SA-1.0", "CC-BY-SA-4.0"], True),
        (["CC-BY-SA-2.0", "CC-BY-SA-4.0", "CC-BY-4.0"], False),
    ],
)
def test_licences_that_each_want_all_under_themselves(mix: list[str], is_mixed: bool) -> None:
    hits = found(dict.fromkeys(mix, 1), Use.TRAIN)
    assert (Code.LICENCE_SHARE_ALIKE_MIXED in hits) is is_mixed


def test_findings_name_the_licences() -> None:
    mix = {"CC-BY-NC-4.0": 3, "CC-BY-NC-ND-2.0": 1, "CC0-1.0": 5}
    first = check_licences(mix, [Use.COMMERCIAL])[0]
    assert first.detail == {"CC-BY-NC-4.0": 3, "CC-BY-NC-ND-2.0": 1}
    assert first.sentence.startswith("4 pictures are under a licence that forbids commercial use")


def test_the_gate_goes_by_the_gravest() -> None:
    by_severity = {
        severity: [code for code in Code if code.severity == severity] for severity in Severity
    }
    assert all(by_severity.values())
    notes, asks = by_severity[Severity.NOTE], by_severity[Severity.ASKS]
    assert judge([]) == judge(notes) == Verdict.MAY
    assert judge([*notes, asks[0]]) == Verdict.AFTER_DECISIONS
    assert judge([*by_severity[Severity.BLOCKS][:1], *asks]) == Verdict.NOT
    assert all(verdict.sentence.endswith(".") for verdict in Verdict)


@pytest.mark.parametrize("code", sorted(Code))
def test_every_code_has_a_sentence_for_one_and_for_many(code: Code) -> None:
    one, many = code.sentence(1), code.sentence(1_234)
    for said in (one, many):
        assert "{" not in said
        assert said.endswith(".")
    assert ("1,234" in many) is (one != many)


def test_labels_are_heard_and_numbers_are_not_labels() -> None:
    flags = (("NSFW", "LIKELY"), ("p_watermark", "0.91"), ("punsafe", "0.02"), ("score", "7"))
    assert doubtful(flags) == ["nsfw", "pwatermark"]
    assert doubtful((("nsfw", "UNLIKELY"), ("status", "ok"), ("blurry", ""))) == []


def test_groups_are_held_to_what_was_wanted() -> None:
    groups = read_lines("age: over 60; 40; 15 %\n\nage: under 60; 960\nlight: dark; 0; 10\n")
    assert groups[0] == Group("age", "over 60", 40, 150)
    said = shares(groups)
    assert [one.is_short for one in said] == [True, False, True]
    assert said[0].sentence == "age, over 60: 40 pictures, 4.0 % of 15.0 % wanted"
    assert not shares([Group("a", "b", 135, 150), Group("a", "c", 865)])[0].is_short


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "0 groups"),
        ("age over 60; 3", "line 1"),
        ("age: x; 1; 60\nage: y; 1; 60", "more than 100 %"),
        ("age: x; 1\nage: x; 2", "twice"),
        (f"age: {'x' * 61}; 1", "1 to 60 letters"),
        ("age: x; 99999999999", "wanted 0 to"),
    ],
)
def test_groups_that_make_no_sense_are_refused(text: str, said: str) -> None:
    with pytest.raises(TermsRefused, match=said):
        read_lines(text)
    with pytest.raises(TermsRefused, match="percentage"):
        check_groups([Group("age", "x", 1, 1001)])
