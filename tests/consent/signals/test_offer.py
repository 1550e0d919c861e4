import json
from typing import Any

import pytest

from consent.signals.finding import Code, Reach, Source
from consent.signals.offer import CONTEXT, PROFILE, TERMS, Constraint, parse
from consent.signals.reading import read
from tests.consent.signals.seen import ITEM, MINING, seen

CONTEXTS = [CONTEXT, {"tdm": TERMS}]


def offer(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "@context": CONTEXTS,
        "@type": "Offer",
        "profile": PROFILE,
        "uid": "https://provider.example/policies/1",
        "assigner": {
            "uid": "https://provider.example",
            "vcard:fn": "Provider",
            "vcard:hasEmail": "mailto:contact@provider.example",
        },
        "permission": [{"action": "tdm:mine", "duty": [{"action": "obtainConsent"}]}],
    }
    return {key: value for key, value in (made | changes).items() if value is not None}


def test_offer_is_read_with_its_duties_constraints_and_assigner() -> None:
    constraint = {"leftOperand": "purpose", "operator": "eq", "rightOperand": "tdm:non-research"}
    permission = {
        "target": "https://provider.example/papers",
        "action": f"{TERMS}mine",
        "duty": {"action": "http://www.w3.org/ns/odrl/2/compensate"},
        "constraint": constraint,
    }
    read_ = parse(json.dumps(offer(permission=permission, type="Offer")).encode())
    (rule,) = read_.permissions
    assert (rule.action, rule.duties) == ("tdm:mine", ("compensate",))
    assert rule.constraints == (Constraint("purpose", "eq", "tdm:non-research"),)
    assert rule.target == "https://provider.example/papers"
    assert read_.assigner["vcard:fn"] == "Provider"
    assert read_.uid == "https://provider.example/policies/1"
    assert read_.terms == "compensate; purpose eq tdm:non-research"


@pytest.mark.parametrize(
    ("changes", "terms"),
    [
        ({}, "obtainConsent"),
        ({"permission": {"action": "tdm:mine"}}, "to be agreed"),
        ({"obligation": [{"action": "odrl:compensate"}]}, "compensate; obtainConsent"),
        ({"@context": [CONTEXT]}, "obtainConsent"),
        ({"uid": None, "@id": "urn:x"}, "obtainConsent"),
    ],
)
def test_offer_says_what_it_asks_for(changes: dict[str, Any], terms: str) -> None:
    policy = seen(Source.TDM_POLICY, json.dumps(offer(**changes)), media_type="application/ld+json")
    (found,) = read(policy, ITEM)
    assert (found.standing, found.code, found.conditions) == ("conditions", "tdm_offer", terms)
    assert found.uses == MINING
    assert "Provider" not in found.detail + found.conditions


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"@context": None}, "its contexts are not those of the profile"),
        ({"@context": [CONTEXT, {"tdm": "https://x.example/"}]}, "its contexts are not"),
        ({"@context": {"tdm": TERMS}}, "its contexts are not"),
        ({"@type": "Set"}, "it is no Offer"),
        ({"@type": None}, "it is no Offer"),
        ({"profile": None}, "not of the TDM profile"),
        ({"profile": [PROFILE]}, "not of the TDM profile"),
        ({"assigner": None}, "names no assigner"),
        ({"assigner": "https://provider.example"}, "names no assigner"),
        ({"uid": None}, "has no identifier"),
        ({"permission": None}, "speaks of no mining"),
        ({"permission": [{"action": "read"}]}, "speaks of no mining"),
        ({"permission": "tdm:mine"}, "one of its rules is no object"),
        ({"permission": [{}]}, "no action that is a term"),
        ({"permission": [{"action": [{"rdf:value": {}}]}]}, "no action that is a term"),
        ({"permission": [{"action": "tdm:mine"}] * 101}, "more than 100 rules"),
        ({"permission": [{"action": "tdm:mine", "constraint": [{}]}]}, "made of three terms"),
    ],
)
def test_what_is_outside_the_profile_leaves_the_conditions_unknown(
    changes: dict[str, Any], reason: str
) -> None:
    (found,) = read(seen(Source.TDM_POLICY, json.dumps(offer(**changes))), ITEM)
    assert (found.standing, found.code) == ("conditions", "tdm_conditions_unknown")
    assert reason in found.detail


@pytest.mark.parametrize(
    ("raw", "reach", "media_type", "code"),
    [
        ("", Reach.UNREACHABLE, "", Code.TDM_CONDITIONS_UNKNOWN),
        ("", Reach.ABSENT, "", Code.TDM_CONDITIONS_UNKNOWN),
        ("<html>", Reach.FOUND, "Text/HTML; charset=utf-8", Code.TDM_POLICY_FOR_PEOPLE),
        ("<html>", Reach.FOUND, "application/json", Code.TDM_CONDITIONS_UNKNOWN),
        ("[]", Reach.FOUND, "application/json", Code.TDM_CONDITIONS_UNKNOWN),
        (json.dumps(offer()), Reach.FOUND, "text/plain", Code.TDM_CONDITIONS_UNKNOWN),
        (json.dumps(offer()), Reach.FOUND, "", Code.TDM_OFFER),
    ],
)
def test_policies_for_people_and_those_that_cannot_be_had(
    raw: str, reach: Reach, media_type: str, code: Code
) -> None:
    (found,) = read(seen(Source.TDM_POLICY, raw, reach=reach, media_type=media_type), ITEM)
    assert (found.standing, found.code) == ("conditions", code)


def test_policy_that_prohibits_mining_reserves() -> None:
    changes = {"permission": None, "prohibition": [{"action": "tdm:mine"}]}
    (found,) = read(seen(Source.TDM_POLICY, json.dumps(offer(**changes))), ITEM)
    assert (found.standing, found.code) == ("reserved", "tdm_prohibited")
