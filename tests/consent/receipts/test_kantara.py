"""Receipts of others: what they claim, and each thing that is not simply trusted."""

import json
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from consent.errors import ReceiptRefused
from consent.formats.doubts import DoubtCode
from consent.receipts.kantara import Claim, read_kantara
from consent.uses import Method

ISSUER = Ed25519PrivateKey.from_private_bytes(b"\x09" * 32)


def pem(key: Any) -> str:
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return str(public.decode())


def purpose(**changes: Any) -> dict[str, Any]:
    return {
        "purpose": "Training of image models",
        "purposeCategory": ["2 - Contracted Service"],
        "consentType": "EXPLICIT",
        "piiCategory": ["Biographical"],
        "primaryPurpose": True,
        "termination": "2030-01-01T00:00:00Z",
        "thirdPartyDisclosure": False,
    } | changes


def kantara(*purposes: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "version": "KI-CR-v1.1.0",
        "jurisdiction": "DE",
        "consentTimestamp": 1_700_000_000,
        "collectionMethod": "web form",
        "consentReceiptID": "5b0d8f0e-6a11-4c52-8d5e-0c2f6ad3a00f",
        "language": "en",
        "piiPrincipalId": "cleo@people.example",
        "piiControllers": [{"piiController": "An Invented Agency"}],
        "policyUrl": "https://agency.example/policy",
        "services": [{"service": "Castings", "purposes": list(purposes) or [purpose()]}],
        "sensitive": False,
        "spiCat": [],
    } | changes


def read(document: dict[str, Any]) -> Claim:
    return read_kantara(json.dumps(document).encode())


def codes(claim: Claim) -> list[DoubtCode]:
    return [doubt.code for doubt in claim.doubts]


def as_jwt(document: dict[str, Any], key: Any = ISSUER, algorithm: str = "EdDSA") -> bytes:
    return jwt.encode(document, key, algorithm=algorithm).encode()


def test_claim_says_what_the_receipt_says() -> None:
    claim = read_kantara(as_jwt(kantara()), key=pem(ISSUER))
    assert claim.is_signed
    assert claim.is_plain
    assert claim.method is Method.FORM
    assert claim.said_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert claim.ends_at == datetime(2030, 1, 1, tzinfo=UTC)
    assert [one.words for one in claim.purposes] == ["Training of image models"]
    # Free words are never taken for one of our uses.
    assert codes(claim) == [DoubtCode.PURPOSE_IN_WORDS]


def test_json_is_signed_by_nobody_and_a_jwt_without_a_key_is_not_checked() -> None:
    assert codes(read(kantara()))[0] is DoubtCode.SIGNATURE_MISSING
    claim = read_kantara(as_jwt(kantara()))
    assert codes(claim)[0] is DoubtCode.SIGNATURE_UNCHECKED
    assert not claim.is_signed
    assert not claim.is_plain


def test_key_of_another_and_a_changed_payload_are_refused() -> None:
    other = Ed25519PrivateKey.from_private_bytes(b"\x0a" * 32)
    with pytest.raises(ReceiptRefused, match="does not hold by the key given"):
        read_kantara(as_jwt(kantara()), key=pem(other))
    head, _, signature = as_jwt(kantara()).split(b".")
    payload = as_jwt(kantara(jurisdiction="FR")).split(b".")[1]
    with pytest.raises(ReceiptRefused, match="does not hold by the key given"):
        read_kantara(b".".join([head, payload, signature]), key=pem(ISSUER))


def test_a_jwt_that_signs_with_nothing_or_a_shared_secret_is_refused() -> None:
    nothing = jwt.encode(kantara(), "", algorithm="none").encode()
    secret = jwt.encode(kantara(), "s" * 40, algorithm="HS256").encode()
    for token in (nothing, secret):
        with pytest.raises(ReceiptRefused, match="no JWT that the key given could check"):
            read_kantara(token, key=pem(ISSUER))


def test_other_algorithms_of_public_keys_are_checked_too() -> None:
    key = generate_private_key(SECP256R1())
    assert read_kantara(as_jwt(kantara(), key, "ES256"), key=pem(key)).is_signed


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"version": None}, DoubtCode.VERSION_MISSING),
        ({"version": "KI-CR-v1.0.0"}, DoubtCode.VERSION_UNKNOWN),
        ({"version": ["KI-CR-v1.1.0"]}, DoubtCode.VERSION_UNKNOWN),
        ({"consentTimestamp": "yesterday"}, DoubtCode.MALFORMED),
        ({"consentTimestamp": 10**17}, DoubtCode.TIME_UNREADABLE),
        ({"piiControllers": []}, DoubtCode.CREATOR_MISSING),
        ({"collectionMethod": "carrier pigeon"}, DoubtCode.METHOD_UNKNOWN),
        ({"sensitive": True, "spiCat": ["Health"]}, DoubtCode.SENSITIVE),
        ({"services": []}, DoubtCode.PURPOSE_MISSING),
        ({"services": "all"}, DoubtCode.MALFORMED),
        ({"services": [{"purposes": [7]}]}, DoubtCode.MALFORMED),
        ({"services": [{"purposes": [purpose()] * 101}]}, DoubtCode.TOO_MANY),
    ],
)
def test_each_thing_not_trusted_is_said(changes: dict[str, Any], code: DoubtCode) -> None:
    assert code in codes(read(kantara(**changes)))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"consentType": "IMPLICIT"}, DoubtCode.CONSENT_NOT_EXPLICIT),
        ({"consentType": None}, DoubtCode.CONSENT_NOT_EXPLICIT),
        ({"thirdPartyDisclosure": True, "thirdPartyName": "A"}, DoubtCode.THIRD_PARTY),
        ({"thirdPartyDisclosure": None}, DoubtCode.THIRD_PARTY),
        ({"termination": "when the account is closed"}, DoubtCode.TERM_UNREADABLE),
        ({"termination": "2030-01-01T00:00:00"}, DoubtCode.TIME_WITHOUT_ZONE),
    ],
)
def test_each_doubt_of_a_purpose_is_said(changes: dict[str, Any], code: DoubtCode) -> None:
    claim = read(kantara(purpose(**changes)))
    assert code in codes(claim)
    assert not claim.is_plain


def test_the_earliest_end_counts() -> None:
    early = purpose(termination="2027-01-01T00:00:00Z")
    assert read(kantara(purpose(), early)).ends_at == datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "receipt is no JSON"),
        (b"[]", "wanted an object"),
        (b"a.b.c", "no JWT"),
        (b'{"version":1,"version":2}', "gives a key twice"),
        (b" " * 70_000, "at most 65536"),
    ],
)
def test_what_is_no_receipt_is_refused(data: bytes, complaint: str) -> None:
    with pytest.raises(ReceiptRefused, match=complaint):
        read_kantara(data)


def test_key_without_a_signature_is_refused() -> None:
    with pytest.raises(ReceiptRefused, match="carries no signature"):
        read_kantara(json.dumps(kantara()).encode(), key=pem(ISSUER))
