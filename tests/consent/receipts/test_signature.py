"""eddsa-jcs-2022 against the vector of its specification, and against what is no signature."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent.errors import ReceiptRefused
from consent.receipts.signature import (
    encode_base58,
    multikey,
    read_multikey,
    sign,
    verify_signature,
)

# "Data Integrity EdDSA Cryptosuites v1.0", appendix B, representation eddsa-jcs-2022.
PUBLIC = "z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
CONTEXT = [
    "https://www.w3.org/ns/credentials/v2",
    "https://www.w3.org/ns/credentials/examples/v2",
]
SECURED: dict[str, Any] = {
    "@context": CONTEXT,
    "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
    "type": ["VerifiableCredential", "AlumniCredential"],
    "name": "Alumni Credential",
    "description": "A minimum viable example of an Alumni Credential.",
    "issuer": "https://vc.example/issuers/5678",
    "validFrom": "2023-01-01T00:00:00Z",
    "credentialSubject": {
        "id": "did:example:abcdefgh",
        "alumniOf": "The School of Examples",
    },
    "proof": {
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "created": "2023-02-24T23:36:38Z",
        "verificationMethod": f"did:key:{PUBLIC}#{PUBLIC}",
        "proofPurpose": "assertionMethod",
        "@context": CONTEXT,
        "proofValue": "z2HnFSSPPBzR36zdDgK8PbEHeXbR56YF24jwMpt3R1eHXQzJDMWS93FCzpvJpwTWd3GAVFuUfjoJ"
        "dcnTMuVor51aX",
    },
}
KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)


def test_vector_of_the_specification_verifies() -> None:
    assert verify_signature(SECURED) == PUBLIC


@pytest.mark.parametrize(
    ("part", "value", "complaint"),
    [
        ("created", "2023-02-24T23:36:39Z", "does not hold"),
        ("cryptosuite", "eddsa-rdfc-2022", "another kind"),
        ("proofPurpose", "authentication", "another kind"),
        ("proofValue", "z" + "1" * 64, "does not hold"),
        ("proofValue", "z1", "has not 64 bytes"),
        ("proofValue", "zz", "has not 64 bytes"),
        ("proofValue", "z" + "z" * 100, "too long"),
        ("proofValue", "uAAAA", "not written in base58"),
        ("proofValue", "z0OIl", "not written in base58"),
        ("proofValue", 7, "something else than texts"),
        ("verificationMethod", "https://vc.example/issuers/5678#key", "no did:key"),
        ("verificationMethod", "did:key:zzz#zzz", "has not 34 bytes"),
        ("@context", CONTEXT[:1], "another context"),
        ("challenge", "more", "not of the form"),
    ],
)
def test_changed_proof_is_refused(part: str, value: Any, complaint: str) -> None:
    with pytest.raises(ReceiptRefused, match=complaint):
        verify_signature({**SECURED, "proof": {**SECURED["proof"], part: value}})


@pytest.mark.parametrize("document", [{}, {"proof": []}, {"proof": {"type": "none"}}])
def test_document_without_a_proof_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(ReceiptRefused, match="not of the form of Data Integrity"):
        verify_signature(document)


def test_what_is_signed_verifies_until_one_value_changes() -> None:
    secured = sign({"a": [1, {"ü": "ß"}], "b": None}, KEY, "2026-11-21T00:00:00Z")
    assert verify_signature(secured) == multikey(KEY.public_key())
    with pytest.raises(ReceiptRefused, match="something was changed"):
        verify_signature({**secured, "b": False})


def test_what_canonical_json_cannot_hold_is_refused() -> None:
    with pytest.raises(ReceiptRefused, match="canonical JSON"):
        sign({"a": 2**60}, KEY, "2026-11-21T00:00:00Z")


def test_multikey_is_read_back_and_other_keys_are_refused() -> None:
    assert multikey(read_multikey(PUBLIC)) == PUBLIC
    with pytest.raises(ReceiptRefused, match="no Ed25519 multikey"):
        read_multikey("z" + encode_base58(b"\xec\x01" + bytes(32)))


@pytest.mark.parametrize(
    ("data", "text"), [(b"", ""), (b"\0\0", "11"), (b"\0\0\x28\x7f\xb4\xcd", "11233QC4")]
)
def test_base58_known_answers(data: bytes, text: str) -> None:
    assert encode_base58(data) == text
