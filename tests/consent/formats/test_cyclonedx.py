import json
from typing import Any
from uuid import UUID

import pytest
from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given, settings
from hypothesis import strategies as st

from consent.formats import cyclonedx
from consent.formats.cyclonedx import Material, Model
from consent.formats.described import Licence, Ref
from consent.licences import KNOWN
from tests.consent.formats.material import (
    addresses,
    licences,
    names,
    own_licences,
    parties,
    sha256s,
    versions,
    words,
)

SERIAL = UUID("01993a2e-7d7b-7cc5-8f5a-2f6a1c1e9d11")
AT = "2026-11-20T10:00:00+00:00"


def write(model: Model) -> bytes:
    return cyclonedx.write(model, serial=SERIAL, at=AT, producer="muniment")


def complaint(written: bytes) -> str:
    found = JsonStrictValidator(SchemaVersion.V1_6).validate_str(written.decode())
    return "" if found is None else str(found)


some_words = st.lists(words, max_size=2).map(tuple)
shared = {
    "name": words,
    "licence": st.just(Licence()) | licences | own_licences,
    "digest": st.none() | sha256s,
    "about": st.just("") | words,
    "creators": st.lists(parties, max_size=2).map(tuple),
}
materials = st.builds(
    Material,
    ref=st.builds(Ref, addresses, versions),
    address=st.just("") | addresses,
    sensitive=some_words,
    **shared,
)
models = st.builds(
    Model,
    ref=st.builds(Ref, names, st.just("") | versions),
    task=st.just("") | names,
    architecture=st.just("") | names,
    use_cases=some_words,
    limitations=some_words,
    properties=st.lists(st.tuples(names, words), max_size=2).map(tuple),
    **shared,
)
whole = st.builds(
    lambda model, of, on: Model(**{**vars(model), "materials": tuple(of), "bases": tuple(on)}),
    models,
    st.lists(materials, max_size=3),
    st.lists(models, max_size=2),
)


@settings(max_examples=40)
@given(whole)
def test_what_is_written_keeps_to_the_published_schema(model: Model) -> None:
    assert complaint(write(model)) == ""


@settings(max_examples=40)
@given(whole)
def test_another_library_reads_what_is_written(model: Model) -> None:
    reader: Any = Bom
    bom = reader.from_json(json.loads(write(model)))
    component = bom.metadata.component
    assert component is not None
    assert (component.name, str(component.bom_ref)) == (model.name, cyclonedx._key(model.ref))
    others = {cyclonedx._key(base.ref) for base in model.bases}
    others |= {cyclonedx._key(material.ref) for material in model.materials}
    found = {str(one.bom_ref) for one in bom.components}
    assert found == others - {cyclonedx._key(model.ref)}


def test_a_model_names_what_it_was_trained_on_and_under_which_licence() -> None:
    cups = Material(Ref("cups", "3"), "Cups", Licence("CC-BY-4.0", "CC-BY-4.0"))
    bom = json.loads(write(Model(Ref("painter", "1"), "Painter", materials=(cups, cups))))
    card = bom["metadata"]["component"]["modelCard"]
    assert card["modelParameters"]["datasets"] == [{"ref": "cups@3"}]
    (data,) = bom["components"]
    assert (data["bom-ref"], data["licenses"]) == ("cups@3", [{"license": {"id": "CC-BY-4.0"}}])
    assert bom["dependencies"][0] == {"ref": "painter@1", "dependsOn": ["cups@3"]}


@pytest.mark.parametrize("spdx", sorted(KNOWN))
def test_each_licence_that_we_know_is_in_the_schema(spdx: str) -> None:
    assert complaint(write(Model(Ref("m"), "M", Licence(spdx, spdx)))) == ""


def test_a_licence_of_ones_own_is_named() -> None:
    bom = json.loads(write(Model(Ref("m"), "M", Licence("LicenseRef-a", "LicenseRef-a"))))
    assert bom["metadata"]["component"]["licenses"] == [{"license": {"name": "LicenseRef-a"}}]
