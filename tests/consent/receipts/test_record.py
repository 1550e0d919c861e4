"""A record says what the answer's columns say, in terms of DPV that a foreign reader resolves."""

import json
import re
from typing import Any

import pytest
import rdflib

from consent.errors import ReceiptRefused
from consent.receipts.record import Parts, consent_record
from consent.uses import Use
from tests.consent.receipts.written import columns, parts, signed

OF_DPV = re.compile(
    r"https://w3id\.org/dpv(/pd|/loc|/legal/eu/gdpr)?#[A-Za-z0-9-]+|http://purl\.org/dc/terms/\w+"
)
OTHERS = (
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "http://www.w3.org/2000/01/rdf-schema#",
    "http://www.w3.org/2004/02/skos/core#",
    "https://w3id.org/security#",
    "urn:muniment:ns:",
)
LATER = "2026-12-01T00:00:00+00:00"
LAST = "2026-12-02T00:00:00+00:00"


# The library warns of its own inner workings.
own_warnings = pytest.mark.filterwarnings("ignore:.*deprecated:DeprecationWarning")


def graph_of(document: dict[str, Any]) -> rdflib.Dataset:
    """Read it with the graph of its proof: no address is fetched, the network is blocked."""
    graph = rdflib.Dataset(default_union=True)
    graph.parse(data=json.dumps(document), format="json-ld")
    return graph


def statuses(row: dict[str, Any], use: str) -> list[str]:
    processes = consent_record(row, parts())["dpv:hasProcess"]["dpv:hasProcess"]
    (process,) = [p for p in processes if p["dpv:hasPurpose"]["@id"] == f"muniment:use/{use}"]
    return [status["@type"][-1] for status in process["dpv:hasConsentStatus"]]


def test_mandatory_fields_are_there() -> None:
    record = consent_record(columns(), parts())
    assert record["dct:conformsTo"] == "dpv-27560:record-2"
    assert record["dpv:hasIdentifier"] == columns()["id"]
    assert record["dpv:hasDataSubject"]["dpv:hasIdentifier"] == "S-7K3F-9QXM"
    assert record["dpv:hasNotice"]["muniment:digest"] == parts().notice.digest
    assert record["dpv:hasJurisdiction"] == "loc:DE"
    assert record["dpv:hasConsentControl"] == {
        "@type": "dpv:WithdrawConsent",
        "dpv:isExercisedAt": "https://house.example/portal/",
    }
    process = record["dpv:hasProcess"]
    assert process["dpv:hasLegalBasis"] == ["dpv:ExpressedConsent", "eu-gdpr:A6-1-a"]
    assert process["dpv:hasPersonalData"] == ["pd:Picture", "pd:PhysicalCharacteristic"]
    assert process["dpv:hasStorageCondition"][1]["dpv:hasDuration"] == {
        "@type": "dpv:UntilTimeDuration",
        "rdf:value": "2028-11-20T00:00:00+00:00",
    }


def test_each_use_is_a_process_of_its_own_and_the_outer_one_bears_no_status() -> None:
    outer = consent_record(columns(), parts())["dpv:hasProcess"]
    assert "dpv:hasConsentStatus" not in outer
    train, commercial = outer["dpv:hasProcess"]
    assert train["dpv:hasPurpose"]["skos:broader"] == "dpv:ResearchAndDevelopment"
    assert train["dpv:hasConsentStatus"] == [
        {
            "@type": ["dpv:ConsentGiven"],
            "dpv:isIndicatedAtTime": "2026-11-20T15:04:05.000001+00:00",
            "dpv:isIndicatedBy": "entity:person",
            "dpv:hasIndicationMethod": "form",
            "dpv:isExercisedAt": "form",
            "dpv:hasDuration": {
                "@type": "dpv:UntilTimeDuration",
                "rdf:value": "2028-11-20T00:00:00+00:00",
            },
        }
    ]
    assert commercial["dpv:hasConsentStatus"][0]["@type"] == ["dpv:ConsentRefused"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"state": "draft", "given_at": None}, ["dpv:ConsentUnknown"]),
        ({"state": "requested", "given_at": None}, ["dpv:ConsentRequested"]),
        ({"state": "deferred", "given_at": None}, ["dpv:ConsentRequestDeferred"]),
        ({"state": "lapsed", "given_at": None, "ended_at": LAST}, ["muniment:Lapsed"]),
        (
            {"state": "suspended", "suspended_at": [LATER]},
            ["dpv:ConsentGiven", "muniment:Suspended"],
        ),
        (
            {"suspended_at": [LATER], "resumed_at": [LAST]},
            ["dpv:ConsentGiven", "muniment:Suspended", "muniment:Resumed"],
        ),
        (
            {"state": "withdrawn", "ended_at": LAST},
            ["dpv:ConsentGiven", "dpv:ConsentWithdrawn"],
        ),
        ({"state": "revoked", "ended_at": LAST}, ["dpv:ConsentGiven", "dpv:ConsentRevoked"]),
        (
            {"state": "invalidated", "ended_at": LAST},
            ["dpv:ConsentGiven", "dpv:ConsentInvalidated"],
        ),
        ({"state": "expired", "ended_at": LAST}, ["dpv:ConsentGiven", "dpv:ConsentExpired"]),
        ({"state": "renewed", "ended_at": LAST}, ["dpv:ConsentGiven", "muniment:Replaced"]),
    ],
)
def test_events_follow_the_state(changes: dict[str, Any], told: list[str]) -> None:
    row = columns(**changes)
    assert statuses(row, "train") == told
    assert consent_record(row, parts())["dct:modified"] == (
        row.get("ended_at")
        or (row["resumed_at"] + row["suspended_at"] + [None])[0]
        or row["given_at"]
        or row["opened_at"]
    )


def test_a_no_to_all_is_told_as_a_refusal_and_may_be_taken_back() -> None:
    row = columns(state="withdrawn", uses=[], refused=["train"], mode="opt_out", ended_at=LAST)
    assert statuses(row, "train") == ["dpv:ConsentRefused", "dpv:ConsentWithdrawn"]


def test_a_guardian_is_told_by_role_alone() -> None:
    record = consent_record(columns(capacity="guardian", power_until=LAST), parts())
    assert record["dpv:hasEntity"]["entity:guardian"] == {
        "@type": "dpv:Representative",
        "skos:prefLabel": "a guardian",
    }
    given = record["dpv:hasProcess"]["dpv:hasProcess"][0]["dpv:hasConsentStatus"][0]
    assert given["dpv:isIndicatedBy"] == "entity:guardian"


def test_every_entity_referred_to_is_declared() -> None:
    record = consent_record(columns(recipients=["acme", "beta"], capacity="agent"), parts())
    text = json.dumps({k: v for k, v in record.items() if k not in {"@context", "dpv:hasEntity"}})
    assert set(re.findall(r'"(entity:[^"]+)"', text)) == set(record["dpv:hasEntity"])
    assert {"entity:recipient/acme", "entity:recipient/beta"} <= set(record["dpv:hasEntity"])


def test_every_use_has_a_purpose_of_dpv() -> None:
    record = consent_record(columns(uses=[use.value for use in Use], refused=[]), parts())
    found = record["dpv:hasProcess"]["dpv:hasProcess"]
    assert len(found) == len(Use)
    assert all(one["dpv:hasPurpose"]["skos:broader"].startswith("dpv:") for one in found)


def test_parts_are_read_back_out_of_a_record() -> None:
    assert Parts.of(consent_record(columns(), parts())) == parts()


@pytest.mark.parametrize(
    ("record", "complaint"), [({}, "lacks a part"), ({"dpv:hasNotice": 7}, "lacks a part")]
)
def test_record_without_its_parts_is_refused(record: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ReceiptRefused, match=complaint):
        Parts.of(record)


@pytest.mark.parametrize(
    "changes", [{"uses": ["everything"]}, {"opened_at": "yesterday"}, {"state": "gone"}]
)
def test_columns_of_no_answer_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ReceiptRefused, match="not those of an answer"):
        consent_record(columns(given_at=None) | changes, parts())


def keys_of(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(keys_of, value)) if value else set()
    if not isinstance(value, dict):
        return set()
    within = {"muniment:columns", "muniment:opening", "@context"}
    return set(value).union(*(keys_of(v) for k, v in value.items() if k not in within))


@own_warnings
def test_a_foreign_reader_resolves_every_term() -> None:
    document = signed()
    graph = graph_of(document)
    properties = {str(term) for term in graph.predicates()}
    assert all(OF_DPV.fullmatch(term) or term.startswith(OTHERS) for term in properties)
    # A term that the context does not explain would be left out of the graph without a word.
    terms = {key for key in keys_of(document) if ":" in key and not key.startswith("entity:")}
    prefixes: dict[str, str] = document["@context"][0]
    expanded = {prefixes[t.split(":")[0]] + t.split(":")[1] for t in terms}
    assert expanded <= properties
    assert len(expanded) > 40


@own_warnings
def test_a_foreign_reader_finds_person_notice_and_entities() -> None:
    graph = graph_of(signed())
    dpv = rdflib.Namespace("https://w3id.org/dpv#")
    (record,) = graph.subjects(rdflib.RDF.type, dpv.ConsentRecord)
    person = graph.value(record, dpv.hasDataSubject)
    assert str(graph.value(person, dpv.hasIdentifier)) == "S-7K3F-9QXM"
    controller = graph.value(record, dpv.hasDataController)
    assert str(graph.value(controller, dpv.hasName)) == "An Invented Organisation"
    assert controller in set(graph.objects(record, dpv.hasEntity))
