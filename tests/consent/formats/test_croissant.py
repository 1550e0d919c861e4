import json
from contextlib import suppress
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.errors import DescriptionRefused
from consent.formats import croissant, croissant_writer
from consent.formats.described import (
    DescribedItem,
    Description,
    Digest,
    Licence,
    Link,
    Party,
    Reading,
    Ref,
    Relation,
    UsageKind,
)
from consent.formats.doubts import NOTES, SENTENCES, Doubt, DoubtCode, Doubts
from consent.formats.strict_json import MAX_DEPTH
from tests.consent.formats.material import descriptions, some_items

COFFEE = sha256(b"coffee").hexdigest()
FILE = {
    "@type": "cr:FileObject",
    "@id": "coffee",
    "name": "coffee",
    "contentUrl": "coffee.png",
    "encodingFormat": "image/png",
    "sha256": COFFEE,
    "muniment:legalBasis": "public_domain",
}
SET = Description(
    name="Cups",
    version="1.0.0",
    about="Pictures of cups.",
    url="https://cups.example/",
    published="2026-11-20",
    licence=Licence("https://spdx.org/licenses/CC-BY-4.0", "CC-BY-4.0"),
    creators=(Party("The Cup Society", "", "Organization"),),
)
ITEM = DescribedItem(
    1,
    "coffee.png",
    Digest("sha256", COFFEE),
    media_type="image/png",
    licence=SET.licence,
    legal_basis="public_domain",
)


def document(**changes: Any) -> dict[str, Any]:
    said = {**json.loads(croissant_writer.write(SET, [ITEM])), **changes}
    return {key: value for key, value in said.items() if value is not None}


def read(**changes: Any) -> Reading:
    return croissant.read(json.dumps(document(**changes)).encode())


def file_with(**changes: Any) -> DescribedItem:
    entry = {key: value for key, value in {**FILE, **changes}.items() if value is not None}
    (item,) = read(distribution=[entry]).items
    return item


def record_set(file: str) -> list[dict[str, Any]]:
    source = {"fileObject": {"@id": file}, "extract": {"column": "shade"}}
    return [{"@type": "cr:RecordSet", "@id": "all", "field": [{"@id": "f", "source": source}]}]


def codes(doubts: Any) -> list[DoubtCode]:
    return [doubt.code for doubt in doubts]


@given(descriptions(), some_items())
def test_what_is_written_reads_back(
    description: Description, items: tuple[DescribedItem, ...]
) -> None:
    reading = croissant.read(croissant_writer.write(description, items))
    assert reading.description == description
    assert tuple(reading.items) == items
    assert (reading.form_version, reading.doubts) == ("1.1", ())


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"conformsTo": None}, DoubtCode.VERSION_MISSING),
        ({"conformsTo": "http://mlcommons.org/croissant/2.0"}, DoubtCode.VERSION_UNKNOWN),
        ({"conformsTo": 7}, DoubtCode.VERSION_UNKNOWN),
        ({"name": ""}, DoubtCode.NAME_MISSING),
        ({"name": True}, DoubtCode.MALFORMED),
        ({"creator": None}, DoubtCode.CREATOR_MISSING),
        ({"creator": {"name": "TODO"}}, DoubtCode.CREATOR_MISSING),
        ({"license": None}, DoubtCode.LICENCE_MISSING),
        ({"license": "unknown"}, DoubtCode.LICENCE_PLACEHOLDER),
        ({"license": "as we like"}, DoubtCode.LICENCE_UNKNOWN),
        ({"license": ["MIT", "CC0-1.0"]}, DoubtCode.LICENCE_AMBIGUOUS),
        ({"datePublished": None}, DoubtCode.PUBLISHED_MISSING),
        ({"datePublished": "2026-11-20T10:00:00"}, DoubtCode.TIME_WITHOUT_ZONE),
        ({"datePublished": "yesterday"}, DoubtCode.TIME_UNREADABLE),
        ({"usageInfo": {"a": 1}}, DoubtCode.USAGE_UNKNOWN),
        ({"favouriteColour": "red"}, DoubtCode.TERM_UNKNOWN),
        ({"foo:bar": "red"}, DoubtCode.PREFIX_UNDECLARED),
        ({"sc:name": "Mugs"}, DoubtCode.REPEATED),
        ({"rai:dataCollectionRaw": "camera"}, DoubtCode.TERM_RENAMED),
        ({"@context": "https://elsewhere.example/context"}, DoubtCode.CONTEXT_UNREAD),
        ({"@context": 7}, DoubtCode.MALFORMED),
        ({"@context": {f"t{n}": "sc:name" for n in range(501)}}, DoubtCode.MALFORMED),
        ({"distribution": ["a.png"]}, DoubtCode.MALFORMED),
        ({"distribution": {"@type": "FileSet", "includes": "*.png"}}, DoubtCode.FILES_NOT_LISTED),
        ({"prov:wasDerivedFrom": {"version": "1"}}, DoubtCode.IDENTIFIER_MISSING),
        ({"recordSet": record_set("mug")}, DoubtCode.REFERENCE_UNRESOLVED),
    ],
)
def test_each_doubt_of_the_whole_is_told(changes: dict[str, Any], code: DoubtCode) -> None:
    assert code in codes(read(**changes).doubts)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sha256": None}, DoubtCode.DIGEST_MISSING),
        ({"sha256": " "}, DoubtCode.DIGEST_MISSING),
        ({"sha256": "0" * 64}, DoubtCode.DIGEST_PLACEHOLDER),
        ({"sha256": "deadbeef" * 8}, DoubtCode.DIGEST_PLACEHOLDER),
        ({"sha256": sha256().hexdigest()}, DoubtCode.DIGEST_PLACEHOLDER),
        ({"sha256": "TODO"}, DoubtCode.DIGEST_PLACEHOLDER),
        ({"sha256": "<sha256>"}, DoubtCode.DIGEST_MALFORMED),
        ({"sha256": COFFEE[:-1]}, DoubtCode.DIGEST_MALFORMED),
        ({"sha256": "z" + COFFEE[1:]}, DoubtCode.DIGEST_MALFORMED),
        ({"sha256": None, "md5": COFFEE[:32]}, DoubtCode.DIGEST_WEAK),
        ({"contentUrl": None}, DoubtCode.LOCATION_MISSING),
        ({"contentUrl": "../coffee.png"}, DoubtCode.LOCATION_UNSAFE),
        ({"contentUrl": "/etc/passwd"}, DoubtCode.LOCATION_UNSAFE),
        ({"contentUrl": "file:///etc/passwd"}, DoubtCode.LOCATION_UNSAFE),
        ({"contentUrl": "a\0b"}, DoubtCode.LOCATION_UNSAFE),
        ({"contentUrl": "a" * 5000}, DoubtCode.TEXT_TOO_LONG),
        ({"contentSize": "large"}, DoubtCode.NUMBER_UNREADABLE),
        ({"width": -1}, DoubtCode.NUMBER_UNREADABLE),
        ({"width": 2**60}, DoubtCode.NUMBER_UNREADABLE),
        ({"muniment:legalBasis": None}, DoubtCode.BASIS_MISSING),
        ({"muniment:legalBasis": "because"}, DoubtCode.BASIS_UNKNOWN),
        ({"muniment:depicts": [{"a": 1}]}, DoubtCode.PEOPLE_UNREADABLE),
        ({"muniment:flags": "good"}, DoubtCode.MALFORMED),
        ({"containedIn": {"@id": "archive"}}, DoubtCode.REFERENCE_UNRESOLVED),
        ({"license": "?"}, DoubtCode.LICENCE_PLACEHOLDER),
        ({"description": "a\x07b"}, DoubtCode.TEXT_DAMAGED),
        ({"description": "a" * 30_000}, DoubtCode.TEXT_TOO_LONG),
    ],
)
def test_each_doubt_of_an_item_is_told(changes: dict[str, Any], code: DoubtCode) -> None:
    assert codes(file_with().doubts) == []
    assert code in codes(file_with(**changes).doubts)


def test_a_doubtful_digest_is_no_digest() -> None:
    assert file_with(sha256="0" * 64).digest is None
    assert file_with(sha256=f"sha256:{COFFEE.upper()}").digest == Digest("sha256", COFFEE)


def test_record_sets_are_kept_and_their_files_looked_for() -> None:
    reading = read(recordSet=record_set("file-1"))
    assert reading.doubts == ()
    assert reading.description.further == {"recordSet": record_set("file-1")}
    data = [{"data": [{"fileObject": "a column of this name"}]}]
    assert read(recordSet=data).doubts == ()


def test_a_file_twice_is_a_doubt_of_the_second() -> None:
    first, second = read(distribution=[FILE, FILE]).items
    assert (codes(first.doubts), codes(second.doubts)) == ([], [DoubtCode.LOCATION_REPEATED])


def test_a_file_without_licence_has_that_of_the_data_set() -> None:
    assert file_with().licence == SET.licence
    (item,) = read(license=None, distribution=[FILE]).items
    assert codes(item.doubts) == [DoubtCode.LICENCE_MISSING]


def test_a_malformed_statement_about_people_does_not_read_as_nobody() -> None:
    assert file_with(**{"muniment:depicts": [{"a": 1}]}).depicts == ("?",)


@pytest.mark.parametrize(
    ("stated", "size"), [(12, 12), ("12", 12), ("12 B", 12), ("1.5 kB", 1500), ("2 MiB", 2**21)]
)
def test_sizes_are_read_in_bytes(stated: Any, size: int) -> None:
    assert file_with(contentSize=stated).size == size


@pytest.mark.parametrize(
    ("stated", "spdx"),
    [
        ("https://spdx.org/licenses/CC-BY-2.0.html", "CC-BY-2.0"),
        ("https://creativecommons.org/licenses/by-nc-sa/4.0/legalcode", "CC-BY-NC-SA-4.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("https://creativecommons.org/publicdomain/mark/1.0/", ""),
        ("cc-by-4.0", "CC-BY-4.0"),
        ("CC BY-SA 4.0", "CC-BY-SA-4.0"),
        ("mit", "MIT"),
        ("LicenseRef-Release", "LicenseRef-Release"),
        ({"@type": "CreativeWork", "url": "https://spdx.org/licenses/MIT"}, "MIT"),
    ],
)
def test_licences_are_read_as_spdx_however_they_are_spelt(stated: Any, spdx: str) -> None:
    assert read(license=stated).description.licence.spdx == spdx


def test_an_older_description_is_read_by_its_vocabulary() -> None:
    context = {"@vocab": "https://schema.org/", "ml": "http://mlcommons.org/schema/"}
    old = {
        "@context": context,
        "@type": "sc:Dataset",
        "sc:name": "Cups",
        "sc:license": "CC0-1.0",
        "distribution": [{**FILE, "@type": "sc:FileObject", "@id": None}],
    }
    reading = croissant.read(json.dumps(old).encode())
    (item,) = reading.items
    assert (reading.form_version, reading.description.name) == ("0.8", "Cups")
    assert (item.location, item.digest) == ("coffee.png", Digest("sha256", COFFEE))


def test_a_term_is_known_by_what_it_stands_for_not_by_its_prefix() -> None:
    said = {
        "@context": {
            "s": "http://schema.org/",
            "c": "http://mlcommons.org/croissant/",
            "t": {"@id": "s:name"},
        },
        "@type": "s:Dataset",
        "t": "Cups",
        "https://schema.org/version": "2",
        "c:sdVersion": "3",
    }  # fmt: skip
    description = croissant.read(json.dumps(said).encode()).description
    assert (description.name, description.version) == ("Cups", "2")
    assert description.metadata_version == "3"


def test_a_term_with_a_meaning_of_its_own_is_told_by_its_address() -> None:
    context = {"sha256": "urn:mine:", "shade": "https://shades.example/shade"}
    said = {"@context": context, "@type": "Dataset", "distribution": [FILE], "shade": "red"}
    reading = croissant.read(json.dumps(said).encode())
    (item,) = reading.items
    assert (item.digest, item.unknown) == (None, (("urn:mine:", COFFEE),))
    assert reading.description.unknown == {"https://shades.example/shade": "red"}


def test_a_data_set_is_found_in_a_graph() -> None:
    said = {"@context": "https://schema.org/", "@graph": [{"@type": "Person"}, document()]}
    assert croissant.read(json.dumps(said).encode()).description.name == "Cups"
    with pytest.raises(DescriptionRefused, match="a graph without a data set"):
        croissant.read(b'{"@graph": []}')


def test_terms_of_use_are_told_apart_and_kept_unchanged() -> None:
    duo = {"@type": "DefinedTerm", "termCode": "DUO:0000042"}
    stated = ["http://purl.obolibrary.org/obo/DUO_0000007", "ask", duo, {"permission": []}]
    usage = read(usageInfo=stated).description.usage
    assert [one.kind for one in usage] == [
        UsageKind.DUO, UsageKind.TEXT, UsageKind.DUO, UsageKind.ODRL
    ]  # fmt: skip
    assert [one.raw for one in usage] == stated


def test_both_ends_of_a_time_frame_are_kept_under_the_name_of_the_standard() -> None:
    rai = read(**{
        "rai:dataCollectionTimeFrameStart": "2024", "rai:dataCollectionTimeFrameEnd": "2025"
    }).description.rai  # fmt: skip
    assert rai == {"dataCollectionTimeframe": ["2024", "2025"]}


def test_what_a_data_set_comes_from_is_a_link() -> None:
    links = read(**{"prov:wasDerivedFrom": "https://mugs.example/"}).description.links
    assert links == (Link(Relation.DERIVED_FROM, Ref(), Ref("https://mugs.example/")),)
    based = read(isBasedOn={"name": "Mugs", "version": "3"}).description
    assert based.links[0].target == based.nodes[0].ref == Ref("Mugs", "3")


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "is no JSON"),
        (b"\xff\xfe", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b"[]", "is a list, wanted an object"),
        (b'{"a":1,"a":2}', "a key twice"),
        (b'{"a":NaN}', "NaN, which is no number"),
        (b'{"a":1e999}', "a number too large"),
        (b'{"a":"\\ud800"}', "half of a surrogate pair"),
        (b'{"a":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}", "nested deeper than 64"),
        (b'{"a":[' + b"0," * 1_000_000 + b"0]}", "more than 1000000 values"),
        (b" " * (croissant.MAX_BYTES + 1), "at most 8388608"),
    ],
)
def test_what_is_no_description_is_refused(data: bytes, complaint: str) -> None:
    with pytest.raises(DescriptionRefused, match=complaint):
        croissant.read(data)


def test_too_many_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(croissant, "MAX_FILES", 1)
    with pytest.raises(DescriptionRefused, match="names 2 files, at most 1"):
        read(distribution=[FILE, FILE])


scalars = st.none() | st.booleans() | st.integers() | st.text() | st.just(0.5)
keys = st.text() | st.sampled_from([*FILE, "url", "version"])
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=10,
)


@given(
    st.dictionaries(st.sampled_from([*document(), "usageInfo", "prov:wasDerivedFrom"]), json_values)
)
def test_no_document_does_more_harm_than_a_refusal(changes: dict[str, Any]) -> None:
    with suppress(DescriptionRefused):
        reading = read(**changes)
        for doubt in [*reading.doubts, *(d for item in reading.items for d in item.doubts)]:
            assert doubt.sentence.isprintable()


def test_each_doubt_has_a_sentence_and_some_are_only_notes() -> None:
    assert SENTENCES.keys() == set(DoubtCode)
    doubt = Doubt(DoubtCode.TERM_UNKNOWN, "x", "{met}")
    assert doubt.sentence == "We do not know this term and keep it as it is: {met}."
    assert doubt.is_note
    assert len(NOTES) < len(DoubtCode)


def test_doubts_are_told_once_and_end_somewhere() -> None:
    doubts = Doubts()
    for number in range(2_000):
        doubts.add(DoubtCode.TERM_UNKNOWN, "a", number)
        doubts.add(DoubtCode.NAME_MISSING)
    assert len(doubts.freeze()) == 1_001
    assert doubts.freeze()[-1].code is DoubtCode.TOO_MANY
    doubts = Doubts()
    doubts.add(DoubtCode.MALFORMED, "a\nb", 10**10_000)
    assert doubts.freeze() == (Doubt(DoubtCode.MALFORMED, "a\ufffdb", "a very large number"),)
