"""Croissant as the official library understands it."""

import json
from datetime import UTC, datetime

import mlcroissant
import pytest
from hypothesis import given, settings

from consent.formats import croissant, croissant_writer
from consent.formats.described import DescribedItem, Description, Digest
from consent.formats.doubts import DoubtCode
from tests.consent.formats.material import descriptions, some_items
from tests.consent.formats.test_croissant import COFFEE, codes, document

# Its own library's.
pytestmark = pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated")


@settings(max_examples=15)
@given(descriptions(), some_items())
def test_what_is_written_is_accepted_by_the_official_validator(
    description: Description, items: tuple[DescribedItem, ...]
) -> None:
    written = json.loads(croissant_writer.write(description, items))
    loaded = mlcroissant.Dataset(written).metadata
    assert (loaded.issues.errors, loaded.name) == (set(), description.name)
    assert {file.sha256 for file in loaded.distribution} == {
        item.digest.value for item in items if item.digest
    }


def test_what_is_written_in_full_leaves_the_official_validator_nothing_to_warn_of() -> None:
    loaded = mlcroissant.Dataset(document(citeAs="The Cup Society: Cups.")).metadata
    assert (loaded.issues.errors, loaded.issues.warnings) == (set(), set())


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_what_the_official_library_writes_is_read(version: str) -> None:
    file = mlcroissant.FileObject(
        id="coffee.png",
        name="coffee.png",
        content_url="https://cups.example/coffee.png",
        content_size="12 B",
        encoding_formats=["image/png"],
        sha256=COFFEE,
    )
    written = mlcroissant.Metadata(
        name="Cups",
        description="Pictures of cups.",
        conforms_to=f"http://mlcommons.org/croissant/{version}",
        creators=[mlcroissant.Organization(name="The Cup Society")],
        date_published=datetime(2026, 11, 20, tzinfo=UTC),
        license=["https://creativecommons.org/licenses/by/4.0/"],
        url="https://cups.example/",
        version="1.0.0",
        data_biases=["mostly red"],
        data_collection_type=["Web Scraping"],
        distribution=[file],
    ).to_json()
    reading = croissant.read(json.dumps(written, default=str).encode())
    (item,) = reading.items
    told = reading.description
    assert (reading.form_version, told.name, told.version) == (version, "Cups", "1.0.0")
    assert (told.licence.spdx, told.creators[0].name) == ("CC-BY-4.0", "The Cup Society")
    assert told.rai == {"dataBiases": "mostly red", "dataCollectionType": "Web Scraping"}
    assert (item.location, item.digest) == (file.content_url, Digest("sha256", COFFEE))
    assert (item.size, codes(item.doubts)) == (12, [DoubtCode.BASIS_MISSING])
    assert {doubt.code for doubt in reading.doubts} <= {DoubtCode.TIME_WITHOUT_ZONE}
