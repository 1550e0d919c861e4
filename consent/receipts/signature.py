"""Signatures inside JSON documents: W3C Data Integrity, cryptosuite eddsa-jcs-2022.

Source: "Data Integrity EdDSA Cryptosuites v1.0", section 3.3. The document without its proof and
the proof without its value are each written in canonical JSON (RFC 8785) and hashed; Ed25519 signs
both digests. The key stands in the proof as a did:key, so that a reader needs nothing else to see
whether it fits; whose key it is, he must know from elsewhere.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from consent.errors import ReceiptRefused

SUITE = "eddsa-jcs-2022"
# Multicodec ed25519-pub, as an unsigned varint.
_ED25519 = b"\xed\x01"
_KEY_SIZE, _SIGNATURE_SIZE = 32, 64
_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
# Nothing read here is longer: decoding takes time by the square.
_LONGEST = 128
_PROOF = frozenset(
    {"type", "cryptosuite", "created", "verificationMethod", "proofPurpose", "proofValue"}
)


def sign(document: Mapping[str, Any], key: Ed25519PrivateKey, created: str) -> dict[str, Any]:
    """Return ``document`` with its proof; ``created`` is an XML Schema dateTime.

    Raises ReceiptRefused for what canonical JSON cannot hold.
    """
    public = multikey(key.public_key())
    proof = {
        "type": "DataIntegrityProof",
        "cryptosuite": SUITE,
        "created": created,
        "verificationMethod": f"did:key:{public}#{public}",
        "proofPurpose": "assertionMethod",
    }
    if "@context" in document:
        proof["@context"] = document["@context"]
    signature = key.sign(_signed_bytes(document, proof))
    return {**document, "proof": {**proof, "proofValue": "z" + encode_base58(signature)}}


def verify_signature(secured: Mapping[str, Any]) -> str:
    """Check the proof in ``secured``; return the key that made it as a multikey.

    Whose key that is must be known from elsewhere. Raises ReceiptRefused.
    """
    proof = secured.get("proof")
    if not isinstance(proof, dict) or _PROOF - proof.keys() or proof.keys() - _PROOF - {"@context"}:
        raise ReceiptRefused("proof is not of the form of Data Integrity")
    if any(not isinstance(proof[name], str) for name in _PROOF):
        raise ReceiptRefused("proof holds something else than texts")
    stated = (proof["type"], proof["cryptosuite"], proof["proofPurpose"])
    if stated != ("DataIntegrityProof", SUITE, "assertionMethod"):
        raise ReceiptRefused(f"proof is of another kind, wanted {SUITE}")
    if proof.get("@context") != secured.get("@context"):
        raise ReceiptRefused("proof was made under another context")
    method: str = proof["verificationMethod"]
    public = method.partition("#")[2]
    if method != f"did:key:{public}#{public}":
        raise ReceiptRefused("proof names no did:key")
    options = {name: value for name, value in proof.items() if name != "proofValue"}
    signature = _decode(proof["proofValue"], _SIGNATURE_SIZE, "signature")
    document = {name: value for name, value in secured.items() if name != "proof"}
    try:
        read_multikey(public).verify(signature, _signed_bytes(document, options))
    except InvalidSignature as error:
        raise ReceiptRefused("signature does not hold: something was changed") from error
    return public


def canonical_json(value: Any) -> bytes:
    """Return ``value`` as RFC 8785 has it. Raises ReceiptRefused."""
    try:
        return rfc8785.dumps(value)
    except (rfc8785.CanonicalizationError, RecursionError, ValueError, TypeError) as error:
        raise ReceiptRefused("document cannot be written as canonical JSON") from error


def multikey(key: Ed25519PublicKey) -> str:
    """Return the key as text (Controlled Identifiers v1.0, section 2.2.2)."""
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return "z" + encode_base58(_ED25519 + raw)


def read_multikey(text: str) -> Ed25519PublicKey:
    """Return the key that ``text`` holds. Raises ReceiptRefused."""
    raw = _decode(text, len(_ED25519) + _KEY_SIZE, "key")
    if not raw.startswith(_ED25519):
        raise ReceiptRefused("key is no Ed25519 multikey")
    return Ed25519PublicKey.from_public_bytes(raw[len(_ED25519) :])


def encode_base58(data: bytes) -> str:
    """Return ``data`` in base58btc: a leading zero byte is a leading 1."""
    number, digits = int.from_bytes(data), ""
    while number:
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + digits


def _decode(text: str, size: int, what: str) -> bytes:
    """Return the ``size`` bytes that multibase base58btc ``text`` holds. Raises ReceiptRefused."""
    number, digits = 0, text[1:]
    if not text.startswith("z") or len(text) > _LONGEST or set(digits) - set(_ALPHABET):
        raise ReceiptRefused(f"{what} is not written in base58")
    for digit in digits:
        number = number * len(_ALPHABET) + _ALPHABET.index(digit)
    try:
        data = number.to_bytes(size)
    except OverflowError as error:
        raise ReceiptRefused(f"{what} is too long, wanted {size} bytes") from error
    # One text for one value: shorter ones, or with more zeros in front, are not what is written.
    if encode_base58(data) != digits:
        raise ReceiptRefused(f"{what} has not {size} bytes")
    return data


def _signed_bytes(document: Mapping[str, Any], options: Mapping[str, Any]) -> bytes:
    """Return what is signed (section 3.3.4): digest of the options, then of the document."""
    parts = (dict(options), dict(document))
    return b"".join(sha256(canonical_json(part)).digest() for part in parts)
