import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import c2pa
import pytest

from consent.signals.finding import Source
from consent.signals.reading import read
from consent.uses import Use
from generation import c2pa as house
from tests.consent.signals.seen import ITEM, seen
from tests.generation.images import encoded

TRAINING = {Use.TRAIN, Use.FINE_TUNE}


def each(uses: Iterable[str], standing: str) -> dict[str, set[str]]:
    return {use: {standing} for use in uses}


def store(
    *assertions: dict[str, Any], state: str = "Trusted", ingredient: list[Any] | None = None
) -> str:
    manifests: dict[str, Any] = {"urn:active": {"assertions": list(assertions)}}
    if ingredient is not None:
        manifests["urn:ingredient"] = {"assertions": ingredient}
    made = {"active_manifest": "urn:active", "manifests": manifests, "validation_state": state}
    return json.dumps(made)


def stated(label: str = "cawg.training-mining", /, **entries: object) -> dict[str, Any]:
    prefix = label.partition(".")[0]
    uses = {
        f"{prefix}.{name}": {"use": entry} if isinstance(entry, str) else entry
        for name, entry in entries.items()
    }
    return {"label": label, "data": {"entries": uses}}


def standings(text: str) -> dict[str, set[str]]:
    """Return by use what its findings say; silence is left out."""
    said: dict[str, set[str]] = {}
    for found in read(seen(Source.C2PA_MANIFEST, text), ITEM):
        for use in found.uses:
            if found.standing != "silent":
                said.setdefault(use, set()).add(found.standing)
    return said


def codes(text: str) -> list[str]:
    return [f"{one.signal} {one.code}" for one in read(seen(Source.C2PA_MANIFEST, text), ITEM)]


@pytest.mark.parametrize("label", ["c2pa.training-mining", "cawg.training-mining"])
def test_each_entry_speaks_of_its_own_uses(label: str) -> None:
    text = store(
        stated(
            label,
            ai_generative_training="notAllowed",
            ai_inference="allowed",
            data_mining={"use": "constrained", "constraint_info": "https://x.example/terms"},
        )
    )
    assert standings(text) == {
        "train": {"reserved"},
        "fine_tune": {"reserved"},
        "reference_input": {"permitted"},
        "evaluate": {"permitted", "conditions"},
    }
    (terms,) = {one.conditions for one in read(seen(Source.C2PA_MANIFEST, text), ITEM)} - {""}
    assert terms == "https://x.example/terms"


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ({"ai_generative_training": "allowed"}, each(TRAINING, "permitted")),
        ({"ai_training": "allowed"}, {}),
        ({"ai_training": "notAllowed"}, each(TRAINING, "reserved")),
        ({"data_mining": "allowed"}, {"evaluate": {"permitted"}}),
        ({"data_mining": "notAllowed"}, each([*TRAINING, "evaluate"], "reserved")),
        (
            {"data_mining": "notAllowed", "ai_generative_training": "allowed"},
            {"evaluate": {"reserved"}} | each(TRAINING, "permitted"),
        ),
        ({"ai_generative_training": "constrained"}, each(TRAINING, "reserved")),
        (
            {"ai_generative_training": {"use": "constrained", "constraints_info": "by mail"}},
            each(TRAINING, "conditions"),
        ),
        (
            {"ai_generative_training": {"use": "constrained", "constraint_info": " "}},
            each(TRAINING, "reserved"),
        ),
        ({"ai_generative_training": "NotAllowed"}, each(TRAINING, "malformed")),
        ({"ai_generative_training": None}, each(TRAINING, "malformed")),
        ({"ai_generative_training": ["allowed"]}, each(TRAINING, "malformed")),
        ({"of_our_own": "notAllowed"}, {}),
        ({}, {}),
    ],
)
def test_entries(entries: dict[str, object], expected: dict[str, set[str]]) -> None:
    assert standings(store(stated(**entries))) == expected


@pytest.mark.parametrize("state", ["Valid", "Invalid", "", "trusted"])
def test_only_a_trusted_file_permits_and_any_file_reserves(state: str) -> None:
    text = store(stated(ai_generative_training="allowed", ai_inference="notAllowed"), state=state)
    assert standings(text) == each(["reference_input", "evaluate"], "reserved")
    assert "cawg entry_unproven" in codes(text)


def test_reservation_of_an_ingredient_goes_on_and_its_permission_does_not() -> None:
    before = stated(ai_generative_training="notAllowed", ai_inference="allowed")
    text = store(ingredient=[before])
    assert standings(text) == each(TRAINING, "reserved")
    assert codes(text) == [
        "cawg entry_of_ingredient",
        "cawg entry_unproven",
        "c2pa nothing_said",
    ]


def test_labels_are_told_apart_and_drafts_without_entries_are_read() -> None:
    second = stated("c2pa.training-mining__1", ai_inference="notAllowed")
    draft = {"label": "cawg.training-mining", "data": {"cawg.ai_training": {"use": "notAllowed"}}}
    other = stated("c2pa.actions", ai_inference="allowed")
    assert codes(store(second, draft, other)) == [
        "c2pa entry_not_allowed",
        "cawg entry_not_allowed",
    ]


def test_stricter_of_two_entries_of_one_name_counts() -> None:
    both = {"c2pa.ai_inference": {"use": "notAllowed"}, "cawg.ai_inference": {"use": "allowed"}}
    assertion = {"label": "cawg.training-mining", "data": {"entries": both}}
    assert standings(store(assertion))["evaluate"] == {"reserved"}


def test_as_many_assertions_as_may_be_are_read() -> None:
    assert len(codes(store(*[stated(ai_inference="allowed")] * 1000))) == 1001


def test_assertion_that_names_no_known_use_is_silent() -> None:
    text = store(stated(of_our_own="notAllowed"))
    assert codes(text) == ["cawg nothing_said", "c2pa nothing_said"]


@pytest.mark.parametrize("data", [None, [], "x", {}, {"entriec": {}}, {"entries": []}])
def test_assertion_without_entries_is_malformed(data: object) -> None:
    text = store({"label": "cawg.training-mining", "data": data})
    assert codes(text) == ["cawg unreadable", "c2pa nothing_said"]


@pytest.mark.parametrize(
    "text",
    [
        *("[]", "{}", "{", "null", '{"manifests": []}', '{"manifests": {"a": 1}}'),
        '{"manifests": {"a": {"assertions": {}}}}',
        json.dumps({"manifests": {str(n): {} for n in range(1001)}}),
        store(*[stated()] * 1001),
    ],
)
def test_what_is_no_manifest_store_is_malformed(text: str) -> None:
    assert codes(text) == ["c2pa unreadable", "cawg unreadable"]


def test_file_signed_by_the_library_is_read_as_its_reader_gives_it(keys: Path) -> None:
    manifest = {
        "claim_generator_info": [{"name": "Camera", "version": "1"}],
        "assertions": [
            {
                "label": "c2pa.actions.v2",
                "data": {
                    "actions": [
                        {
                            "action": "c2pa.created",
                            "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
                        }
                    ]
                },
            },
            stated(ai_generative_training="notAllowed", ai_inference="allowed"),
        ],
    }
    signed = house.sign(encoded(), "image/png", manifest)
    context = c2pa.Context.from_dict(
        {
            "version": 1,
            "trust": {
                "user_anchors": (keys / "root.pem").read_text(),
                "trust_config": house.TRUSTED_PURPOSES,
            },
        }
    )
    with c2pa.Reader("image/png", io.BytesIO(signed), context=context) as reader:
        text = reader.json()
    assert standings(text) == {
        "train": {"reserved"},
        "fine_tune": {"reserved"},
        "reference_input": {"permitted"},
        "evaluate": {"permitted"},
    }


@pytest.fixture
def keys(home: Path) -> Path:
    return house.ensure_certificates().parent
