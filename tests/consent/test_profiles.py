import json
from importlib.resources import files
from typing import Any

import pytest

from consent import profiles
from consent.errors import ProfileRefused
from consent.uses import Use

STRICT = json.loads((files(profiles) / "strict-1.json").read_text())


def test_the_strict_default_has_a_rule_for_every_use() -> None:
    assert set(profiles.load().profile.rules) == set(Use)


@pytest.mark.parametrize("label", ["", "strict", "../strict/1", "strict/1/2"])
def test_a_label_that_is_none_is_refused(label: str) -> None:
    with pytest.raises(ProfileRefused, match="wanted name/version"):
        profiles.load(label)


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(ProfileRefused, match="no profile is called lenient/1"):
        profiles.load("lenient/1")


@pytest.mark.parametrize(
    "change",
    [
        {"extra": 1},
        {"sensitive_themes": ["boring"]},
        {"signals": {"default": "signal", "smoke": "newest"}},
        {"rules": {**STRICT["rules"], "train": {**STRICT["rules"]["train"], "minimum": "oath"}}},
        {
            "rules": {
                **STRICT["rules"],
                "train": {**STRICT["rules"]["train"], "below_minimum": "allowed"},
            }
        },
    ],
)
def test_a_malformed_profile_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ProfileRefused, match="malformed"):
        profiles.parse(json.dumps({**STRICT, **change}).encode())


def test_a_profile_without_a_rule_for_a_use_is_refused() -> None:
    rules = {use: rule for use, rule in STRICT["rules"].items() if use != "depict"}
    with pytest.raises(ProfileRefused, match="no rule for depict"):
        profiles.parse(json.dumps({**STRICT, "rules": rules}).encode())


def test_a_profile_that_leaves_a_conflict_or_the_clock_open_is_refused() -> None:
    with pytest.raises(ProfileRefused, match="who wins against a signal by default"):
        profiles.parse(json.dumps({**STRICT, "signals": {"gpc": "signal"}}).encode())
    clock = {"country": "DE", "zone": "Europe/Berlin"}
    with pytest.raises(ProfileRefused, match="neither months nor days"):
        profiles.parse(json.dumps({**STRICT, "clock": clock}).encode())
