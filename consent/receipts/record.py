"""A consent record: one answer of one person after the DPV guide for ISO/IEC TS 27560.

The terms come out of the answer's columns alone, as the database gives them: whoever holds the
columns writes the same record again, byte for byte, and so can tell whether one says more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from consent.errors import ReceiptRefused
from consent.receipts.events import events_of
from consent.receipts.vocabulary import (
    CONTEXT,
    GIVERS,
    LEGAL_BASES,
    PERSONAL_DATA,
    PURPOSES,
    RECORD_PROFILE,
    RIGHTS,
)
from consent.uses import (
    ANY,
    Assurance,
    Basis,
    Capacity,
    Medium,
    Method,
    Mode,
    Remedy,
    Right,
    Theme,
    Use,
)
from ledger.canonical import JSON

Columns = Mapping[str, Any]
CONTROLLER, PERSON = "entity:controller", GIVERS[Capacity.SELF]
UNTIL_TAKEN_BACK = "the answer is taken back, or erasure is asked for"


@dataclass(frozen=True)
class House:
    """The controller, as it is named in records; ``country`` is an ISO 3166-1 code.

    ``withdrawal`` is where an answer is taken back: an address on the web or of mail.
    """

    name: str
    address: str
    contact: str
    country: str
    withdrawal: str


@dataclass(frozen=True)
class NoticeShown:
    """Which notice was answered; ``digest`` is ``sha256:`` over its canonical content."""

    code: str
    version: int
    language: str
    title: str
    digest: str


@dataclass(frozen=True)
class Paper:
    """One piece of evidence by digest and size in bytes, never itself."""

    digest: str
    size: int


@dataclass(frozen=True)
class Parts:
    """What a record says beside the answer's own terms; ``person`` is a random handle."""

    person: str
    house: House
    notice: NoticeShown
    evidence: Sequence[Paper] = ()

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Self:
        """Read the parts back out of a record. Raises ReceiptRefused."""
        try:
            house, notice = record["dpv:hasEntity"][CONTROLLER], record["dpv:hasNotice"]
            return cls(
                record["dpv:hasDataSubject"]["dpv:hasIdentifier"],
                House(
                    house["dpv:hasName"],
                    house["dpv:hasAddress"],
                    house["dpv:hasContact"],
                    record["dpv:hasJurisdiction"].removeprefix("loc:"),
                    record["dpv:hasConsentControl"]["dpv:isExercisedAt"],
                ),
                NoticeShown(
                    notice["muniment:code"],
                    notice["muniment:version"],
                    notice["dct:language"],
                    notice["dct:title"],
                    notice["muniment:digest"],
                ),
                tuple(
                    Paper(one["muniment:digest"], one["muniment:size"])
                    for one in record["muniment:evidence"]
                ),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ReceiptRefused("record lacks a part that it must have") from error


def consent_record(columns: Columns, parts: Parts) -> dict[str, Any]:
    """Return the record as DPV JSON-LD with its context inline.

    ``columns`` are those of the answer's row by name, times as ISO 8601 texts; those not known
    here are left out. Raises ReceiptRefused when one is missing or holds no code of ours.
    """
    try:
        return _record(columns, parts)
    except (KeyError, TypeError, ValueError) as error:
        raise ReceiptRefused("columns are not those of an answer") from error


def _record(columns: Columns, parts: Parts) -> dict[str, Any]:
    events = events_of(columns)
    return {
        "@context": CONTEXT,
        "@id": f"urn:uuid:{columns['id']}",
        "@type": "dpv:ConsentRecord",
        "dct:conformsTo": RECORD_PROFILE,
        "dct:created": columns["opened_at"],
        "dct:creator": CONTROLLER,
        "dct:language": parts.notice.language,
        "dct:modified": events[-1].at,
        "dpv:hasIdentifier": str(columns["id"]),
        "dpv:hasConsentControl": {
            "@type": "dpv:WithdrawConsent",
            "dpv:isExercisedAt": parts.house.withdrawal,
        },
        "dpv:hasDataController": CONTROLLER,
        "dpv:hasDataSubject": {
            "@id": PERSON,
            "@type": "dpv:DataSubject",
            "dpv:hasIdentifier": parts.person,
        },
        "dpv:hasEntity": _entities(columns, parts.house),
        "dpv:hasJurisdiction": f"loc:{parts.house.country}",
        "dpv:hasNotice": _notice(columns, parts.notice),
        "dpv:hasProcess": {
            **_shared_terms(columns, parts.house),
            "dpv:hasProcess": [
                _process(Use(use), [event.told(columns, is_refused=refused) for event in events])
                for refused, uses in ((False, columns["uses"]), (True, columns["refused"]))
                for use in uses
            ],
        },
        "muniment:evidence": [
            {"muniment:digest": paper.digest, "muniment:size": paper.size}
            for paper in parts.evidence
        ],
    }


def _notice(columns: Columns, notice: NoticeShown) -> dict[str, JSON]:
    return {
        "@id": f"urn:uuid:{columns['notice_id']}",
        "@type": "dpv:ConsentNotice",
        "dct:language": notice.language,
        "dct:title": notice.title,
        "dpv:hasIdentifier": str(columns["notice_id"]),
        "muniment:code": notice.code,
        "muniment:digest": notice.digest,
        "muniment:version": notice.version,
    }


def _shared_terms(columns: Columns, house: House) -> dict[str, Any]:
    """Return what holds for all uses of the answer: the outer process, which bears no status."""
    return {
        "@type": "dpv:Process",
        "dpv:hasDataSource": {"@type": "dpv:DataSubjectDataSource"},
        "dpv:hasLegalBasis": LEGAL_BASES[Basis(columns["basis"])],
        "dpv:hasPersonalData": PERSONAL_DATA[Right(columns["right"])],
        "dpv:hasRecipient": [f"entity:{key}" for key in _recipients(columns)],
        "dpv:hasRight": RIGHTS,
        "dpv:hasStorageCondition": [
            {"@type": "dpv:StorageLocation", "dpv:hasLocation": {"@id": f"loc:{house.country}"}},
            {"@type": "dpv:StorageDuration", "dpv:hasDuration": _storage(columns)},
        ],
        "muniment:assurance": Assurance(columns["assurance"]).value,
        "muniment:barredTheme": [Theme(code).value for code in columns["barred_themes"]],
        "muniment:medium": [Medium(code).value for code in columns["media"]],
        "muniment:mode": Mode(columns["mode"]).value,
        "muniment:modelFamily": list(columns["families"]),
        "muniment:remedy": Remedy(columns["remedy"]).value,
        "muniment:right": Right(columns["right"]).value,
        "muniment:territory": list(columns["territories"]),
    }


def _storage(columns: Columns) -> dict[str, JSON]:
    if until := columns.get("valid_until"):
        return {"@type": "dpv:UntilTimeDuration", "rdf:value": until}
    return {"@type": "dpv:UntilEventDuration", "rdf:value": UNTIL_TAKEN_BACK}


def _process(use: Use, statuses: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "@type": "dpv:Process",
        "dpv:hasConsentStatus": statuses,
        "dpv:hasPurpose": {
            "@id": f"muniment:use/{use.value}",
            "@type": "dpv:Purpose",
            "skos:broader": PURPOSES[use],
            "skos:prefLabel": use.words,
        },
    }


def _entities(columns: Columns, house: House) -> dict[str, Any]:
    """Return everybody whom the record refers to, by the key it refers with."""
    capacity = Capacity(columns["capacity"])
    # How an answer came is said with its events; a code that is none of ours is refused here.
    Method(columns["method"])
    named: dict[str, Any] = {
        CONTROLLER: {
            "@type": "dpv:DataController",
            "dpv:hasAddress": house.address,
            "dpv:hasContact": house.contact,
            "dpv:hasName": house.name,
        },
        PERSON: {"@type": "dpv:DataSubject"},
    }
    if capacity is not Capacity.SELF:
        # No more than the role: who it was concerns somebody else.
        named[GIVERS[capacity]] = {"@type": "dpv:Representative", "skos:prefLabel": capacity.words}
    for key, words in _recipients(columns).items():
        named[f"entity:{key}"] = {
            "@type": "dpv:Entity" if words == "any recipient" else "dpv:Recipient",
            "skos:prefLabel": words,
            **({"rdfs:subClassOf": "dpv:Recipient"} if words == "any recipient" else {}),
        }
    return named


def _recipients(columns: Columns) -> dict[str, str]:
    codes = columns["recipients"]
    if ANY in codes:
        return {"recipient/any": "any recipient"}
    return {f"recipient/{code}": str(code) for code in codes}
