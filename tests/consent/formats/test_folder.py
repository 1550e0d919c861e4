import json
from contextlib import suppress
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.errors import DescriptionRefused
from consent.formats import folder
from consent.formats.folder import DescribedFile, Description

FILES = (
    DescribedFile("coffee.png", sha256(b"coffee").hexdigest(), "CC0-1.0", "public_domain", ()),
    DescribedFile(
        "people/ada.png",
        sha256(b"ada").hexdigest(),
        "LicenseRef-release",
        "consent",
        ("S-2345-6789",),
    ),
)
DESCRIPTION = Description("Demo", "1.0.0", "CC-BY-4.0", FILES)


def document(**changes: Any) -> dict[str, Any]:
    written = folder.write(DESCRIPTION, about="Two pictures.", date_published="2026-11-20")
    return {**json.loads(written), **changes}


def read(**changes: Any) -> Description:
    return folder.read(json.dumps(document(**changes)).encode())


def test_what_is_written_reads_back() -> None:
    assert read() == DESCRIPTION


def test_what_is_written_has_what_the_standard_requires() -> None:
    required = {
        "@context", "@type", "conformsTo", "name", "description", "license", "datePublished",
    }  # fmt: skip
    written = document()
    assert required <= set(written)
    assert written["conformsTo"] == ["http://mlcommons.org/croissant/1.1"]
    for file in written["distribution"]:
        assert {"@id", "@type", "name", "contentUrl", "encodingFormat", "sha256"} <= set(file)


def test_a_file_without_licence_has_that_of_the_data_set() -> None:
    files = [{"@type": "cr:FileObject", "contentUrl": "a.png"}]
    assert read(distribution=files).files[0].licence == "CC-BY-4.0"


@pytest.mark.parametrize(
    "conforms",
    [
        "http://mlcommons.org/croissant/1.0",
        {"@id": "http://mlcommons.org/croissant/1.1"},
        ["http://mlcommons.org/croissant/RAI/1.0", "http://mlcommons.org/croissant/1.1"],
        "https://mlcommons.org/croissant/0.8",
    ],
)
def test_each_way_to_state_conformance_is_read(conforms: Any) -> None:
    assert read(conformsTo=conforms) == DESCRIPTION


def test_a_malformed_statement_about_people_does_not_read_as_nobody() -> None:
    files = [{"@type": "cr:FileObject", "contentUrl": "a.png", "muniment:depicts": [{"a": 1}]}]
    assert read(distribution=files).files[0].depicts == ("?",)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"conformsTo": "http://mlcommons.org/croissant/2.0"}, "does not say that it conforms"),
        ({"conformsTo": None}, "does not say that it conforms"),
        ({"distribution": document()["distribution"] * 2}, "names a file twice"),
    ],
)
def test_what_cannot_be_understood_is_refused(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(DescriptionRefused, match=complaint):
        read(**changes)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "is no JSON"),
        (b"\xff\xfe", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b"[]", "is a list, wanted an object"),
        (b'{"a":1,"a":2}', "a key twice"),
        (b" " * (folder.MAX_BYTES + 1), "at most 8388608"),
    ],
)
def test_what_is_no_description_is_refused(data: bytes, complaint: str) -> None:
    with pytest.raises(DescriptionRefused, match=complaint):
        folder.read(data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(list(document())), json_values))
def test_no_document_does_more_harm_than_a_refusal(changes: dict[str, Any]) -> None:
    with suppress(DescriptionRefused):
        read(**changes)
