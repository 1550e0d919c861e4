import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.errors import DescriptionRefused
from consent.formats import dps
from consent.formats.described import Licence, Link, Party, Reading, Ref, Relation
from consent.formats.doubts import DoubtCode
from tests.consent.formats.test_croissant import json_values

SYSTEM = "https://dataandtrustalliance.org/DPS/CodeSystem"
# As the published text has them.
DSP = "https://dataandtrustalliance.org/DSP/CodeSystem/Method"
SENSOR = "soensor-and-iot-output-biometric"


def coded(code: str, system: str = f"{SYSTEM}/Method") -> dict[str, str]:
    return {"code": code, "system": system, "description": "in words"}


SAID: dict[str, dict[str, Any]] = {
    "source": {
        "version": "1.0.0",
        "title": "Cups",
        "id": "urn:uuid:82c6724a-024b-44d7-bc2e-fff10c4c68de",
        "location": "https://cups.example/",
        "issuer": [{"name": "The Cup Society", "address": ["1 Cup Street"]}],
        "description": "Pictures of cups.",
    },
    "provenance": {
        "source": "https://mugs.example/dps.json",
        "origin": {"name": "Mug Works"},
        "origin-geography": [{"country": "DK"}],
        "date": "2026-11-20",
        "generation-period": {"start": "2026-01-01", "end": "2026-02-01"},
        "generation-method": [coded("user-generated-content-behavior")],
        "format": ["image/png"],
    },
    "use": {
        "classification": [coded("pii", f"{SYSTEM}/Regulations")],
        "consents": ["https://cups.example/consents"],
        "license": ["CC-BY-4.0"],
        "intended-purpose": [coded("ai-pre-training", f"{SYSTEM}/Use")],
    },
}


def read(group: str = "use", **changes: Any) -> Reading:
    said = {name: dict(content) for name, content in SAID.items()}
    said[group] |= changes
    return dps.read(json.dumps(said).encode())


def codes(reading: Reading) -> list[DoubtCode]:
    return [doubt.code for doubt in reading.doubts]


def test_what_a_data_set_is_and_where_it_comes_from_is_read() -> None:
    reading = read()
    assert (reading.form_version, reading.doubts) == ("1.0.0", ())
    described = reading.description
    assert (described.name, described.published) == ("Cups", "2026-11-20")
    assert described.licence == Licence("CC-BY-4.0", "CC-BY-4.0")
    assert described.creators == (Party("The Cup Society"),)
    assert described.links == (
        Link(Relation.DERIVED_FROM, Ref(), Ref("https://mugs.example/dps.json")),
        Link(Relation.ATTRIBUTED_TO, Ref(), Ref("Mug Works")),
    )
    assert described.further["use.consents"] == ["https://cups.example/consents"]
    assert [usage.raw.keys() for usage in described.usage] == [{"intended-purpose"}, {"consents"}]


def test_provenance_inside_provenance_is_read() -> None:
    kiln = {"source": "https://kiln.example/"}
    clay: Any = {"source": ["https://clay.example/"], "sub-provenance": [kiln]}
    links = read("provenance", **{"sub-provenance": [clay]}).description.links
    assert [link.target.identifier for link in links[-2:]] == [
        "https://clay.example/",
        "https://kiln.example/",
    ]


def test_provenance_that_never_ends_is_cut() -> None:
    inner: dict[str, Any] = {}
    for _ in range(12):
        inner = {"sub-provenance": [inner]}
    assert DoubtCode.MALFORMED in codes(read("provenance", **inner))


@pytest.mark.parametrize(
    ("group", "changes", "code"),
    [
        ("source", {"title": ""}, DoubtCode.NAME_MISSING),
        ("source", {"id": None}, DoubtCode.IDENTIFIER_MISSING),
        ("source", {"issuer": []}, DoubtCode.CREATOR_MISSING),
        ("source", {"mood": "good"}, DoubtCode.TERM_UNKNOWN),
        ("provenance", {"date": None}, DoubtCode.PUBLISHED_MISSING),
        ("provenance", {"date": "2026-11-20T10:00:00"}, DoubtCode.TIME_WITHOUT_ZONE),
        ("provenance", {"previous-date": "once"}, DoubtCode.TIME_UNREADABLE),
        ("provenance", {"generation-period": {"end": "soon"}}, DoubtCode.TIME_UNREADABLE),
        ("provenance", {"format": []}, DoubtCode.MALFORMED),
        ("provenance", {"generation-method": [coded("magic")]}, DoubtCode.CODE_UNKNOWN),
        ("provenance", {"generation-method": [{"code": 7}]}, DoubtCode.MALFORMED),
        ("provenance", {"generation-method": [coded(SENSOR)]}, DoubtCode.TERM_RENAMED),
        ("provenance", {"generation-method": [coded("other", DSP)]}, DoubtCode.CODE_SYSTEM_VARIANT),
        ("use", {"license": []}, DoubtCode.LICENCE_MISSING),
        ("use", {"license": ["3PL"]}, DoubtCode.LICENCE_UNKNOWN),
        ("use", {"consents": []}, DoubtCode.CONSENTS_MISSING),
        ("use", {"consents": ["a drawer"]}, DoubtCode.MALFORMED),
        ("use", {"storage-prohibited": [{"country": "US"}]}, DoubtCode.TERM_RENAMED),
        ("use", {"privacy-indicators": [{"tool": coded("k-anonymity")}]}, DoubtCode.TERM_RENAMED),
        ("use", {"privacy-indicators": [], "privacy-enhancing": []}, DoubtCode.REPEATED),
        ("use", {"intended-purpose": []}, DoubtCode.MALFORMED),
    ],
)  # fmt: skip
def test_each_doubt_is_told(group: str, changes: dict[str, Any], code: DoubtCode) -> None:
    assert code in codes(read(group, **changes))


def test_personal_data_that_is_said_not_to_be_there_needs_no_consents() -> None:
    said = {**coded("pii", f"{SYSTEM}/Regulations"), "evaluated": False}
    assert codes(read(classification=[said], consents=[])) == []


def test_another_name_for_a_property_is_read_as_the_standard_calls_it() -> None:
    said: Any = [{"country": "US"}]
    usage = read(**{"storage-prohibited": said}).description.usage
    assert {"storage-forbidden": said} in [one.raw for one in usage]


def test_a_group_left_out_is_a_doubt() -> None:
    reading = dps.read(json.dumps({"source": SAID["source"], "more": 1}).encode())
    assert [doubt.place for doubt in reading.doubts if doubt.code is DoubtCode.MALFORMED][:2] == [
        "provenance", "use"
    ]  # fmt: skip
    assert reading.description.unknown == {"more": 1}


@pytest.mark.parametrize(
    ("data", "complaint"), [(b"{}", "none of source, provenance"), (b"[]", "wanted an object")]
)
def test_what_is_no_metadata_is_refused(data: bytes, complaint: str) -> None:
    with pytest.raises(DescriptionRefused, match=complaint):
        dps.read(data)


@given(st.sampled_from(list(SAID)), st.data())
def test_no_metadata_does_more_harm_than_a_refusal(group: str, data: st.DataObject) -> None:
    keys = st.sampled_from([*SAID[group], "sub-provenance", "privacy-enhancing", "previous-date"])
    changes = data.draw(st.dictionaries(keys, json_values, max_size=3))
    with suppress(DescriptionRefused):
        read(group, **changes)
