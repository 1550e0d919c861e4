"""Our codes in the words of the Data Privacy Vocabulary (DPV 2), and the inline JSON-LD context.

Sources: w3id.org/dpv with its extensions eu-gdpr, pd and loc; the DPV guide for ISO/IEC TS 27560.
What DPV has no word for stands under ``urn:muniment:ns:``, the prefix of our other exports.
"""

from typing import Any

from consent.uses import Basis, Capacity, Right, Use

RECORD_PROFILE = "dpv-27560:record-2"
RECEIPT_PROFILE = "dpv-27560:receipt-record"

_IRI = {"@type": "@id"}
_TERMS_OF_IRIS = (
    "dct:creator",
    "dpv:hasDataController",
    "dpv:hasJurisdiction",
    "dpv:hasLegalBasis",
    "dpv:hasPersonalData",
    "dpv:hasRecipient",
    "dpv:hasRight",
    "dpv:isIndicatedBy",
    "rdfs:subClassOf",
    "skos:broader",
)
_TERMS_OF_TIMES = ("dct:created", "dct:modified", "dct:valid", "dpv:isIndicatedAtTime")

# Data Integrity wants a list, so that others may add contexts of their own behind it.
CONTEXT: list[dict[str, Any]] = [
    {
        "dct": "http://purl.org/dc/terms/",
        "dpv": "https://w3id.org/dpv#",
        "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
        "loc": "https://w3id.org/dpv/loc#",
        "muniment": "urn:muniment:ns:",
        "entity": "urn:muniment:ns:entity/",
        "pd": "https://w3id.org/dpv/pd#",
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
        "sec": "https://w3id.org/security#",
        "skos": "http://www.w3.org/2004/02/skos/core#",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
        **{term: {"@id": term} | _IRI for term in _TERMS_OF_IRIS},
        **{term: {"@id": term, "@type": "xsd:dateTime"} for term in _TERMS_OF_TIMES},
        "dpv:hasEntity": {"@id": "dpv:hasEntity", "@container": "@id"},
        "muniment:columns": {"@id": "muniment:columns", "@type": "@json"},
        "muniment:opening": {"@id": "muniment:opening", "@type": "@json"},
        # Data Integrity's terms, which its own context would give.
        "type": "@type",
        "proof": {"@id": "sec:proof", "@type": "@id", "@container": "@graph"},
        "DataIntegrityProof": "sec:DataIntegrityProof",
        "created": {"@id": "dct:created", "@type": "xsd:dateTime"},
        "cryptosuite": "sec:cryptosuite",
        "proofPurpose": {"@id": "sec:proofPurpose", "@type": "@vocab"},
        "assertionMethod": "sec:assertionMethod",
        "proofValue": "sec:proofValue",
        "verificationMethod": {"@id": "sec:verificationMethod", "@type": "@id"},
    }
]

# The broader DPV purpose of each of our uses.
PURPOSES = {
    Use.TRAIN: "dpv:ResearchAndDevelopment",
    Use.FINE_TUNE: "dpv:ResearchAndDevelopment",
    Use.EVALUATE: "dpv:ResearchAndDevelopment",
    Use.REFERENCE_INPUT: "dpv:ServiceProvision",
    Use.DEPICT: "dpv:ServiceProvision",
    Use.DISTRIBUTE: "dpv:ServiceProvision",
    Use.COMMERCIAL: "dpv:CommercialPurpose",
    Use.MODERATION: "dpv:MisusePreventionAndDetection",
}

LEGAL_BASES = {
    Basis.CONSENT: ["dpv:ExpressedConsent", "eu-gdpr:A6-1-a"],
    Basis.CONTRACT: ["dpv:Contract", "eu-gdpr:A6-1-b"],
    Basis.LEGITIMATE_INTEREST: ["dpv:LegitimateInterest", "eu-gdpr:A6-1-f"],
}

PERSONAL_DATA = {
    Right.LIKENESS: ["pd:Picture", "pd:PhysicalCharacteristic"],
    Right.WORKS: ["pd:Picture"],
    Right.STYLE: ["dpv:PersonalData"],
}

# To take back consent, to see, to be erased.
RIGHTS = ["eu-gdpr:A7-3", "eu-gdpr:A15", "eu-gdpr:A17"]

# How an answer ends, in the words of DPV; by whose act that is.
ENDINGS = {
    "withdrawn": (["dpv:ConsentWithdrawn"], "giver"),
    "revoked": (["dpv:ConsentRevoked"], "controller"),
    "invalidated": (["dpv:ConsentInvalidated"], "controller"),
    "expired": (["dpv:ConsentExpired"], "controller"),
    "renewed": (["dpv:ConsentStatusInvalidForProcessing", "muniment:Replaced"], "giver"),
    "superseded": (["dpv:ConsentStatusInvalidForProcessing", "muniment:Replaced"], "giver"),
    "lapsed": (["dpv:ConsentStatusInvalidForProcessing", "muniment:Lapsed"], "controller"),
}
ASKING = {
    "draft": ["dpv:ConsentUnknown"],
    "requested": ["dpv:ConsentRequested"],
    "deferred": ["dpv:ConsentRequestDeferred"],
}

# Who gave the answer: the role alone, since a receipt speaks of its own person only.
GIVERS = {
    Capacity.SELF: "entity:person",
    Capacity.GUARDIAN: "entity:guardian",
    Capacity.AGENT: "entity:agent",
    Capacity.ESTATE: "entity:estate",
}
