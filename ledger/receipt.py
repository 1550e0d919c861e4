"""COSE receipts (RFC 9942): one CBOR object that proves one leaf under a signed root.

A receipt is a COSE_Sign1 (RFC 9052, section 4.2) whose payload, the root, is detached: who
verifies computes it from the leaf and the path. The log signs one root per checkpoint; a receipt
is that signature with one leaf's path in the unprotected header.

The RFC leaves the tree size unsigned, so that a receipt can be edited to another one. Ours binds
it, in a private header parameter, and the origin as the issuer's claim. It also wants at least
one hash in a path, though RFC 9162 gives the only leaf of a tree none: here that one path is
empty, and no other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .errors import ProofError
from .merkle import HASH_SIZE, leaf_hash, root_from_path
from .note import KEY_ID_SIZE, MAX_SIZE, Checkpoint, SignatureType, Signer, Verifier

MEDIA_TYPE = 'application/cose; cose-type="cose-sign1"'
# A path of 63 hashes, an origin and a signature fit in half of it.
MAX_RECEIPT_SIZE = 8192
MAX_PATH = 63

# COSE_Sign1's tag, 18, is one byte on the wire (RFC 9052, section 2).
_SIGN1 = b"\xd2"
_ALG, _KID, _CLAIMS, _VDS, _VDP = 1, 4, 15, 395, 396
# Below -65536 header parameters are for private use (RFC 9052, section 11.1).
_TREE_SIZE = -65537
_ISSUER = 1  # RFC 8392, section 3.1.1; in a header by RFC 9597
# RFC 9053, section 2.2. RFC 9864 prefers -19, which says the curve, but the readers of receipts
# that there are know -8 alone; the key tells the curve.
_EDDSA = -8
_RFC9162_SHA256 = 1
_INCLUSION = -1
_SIGNATURE_SIZE = 64
_MAX_DEPTH = 4


@dataclass(frozen=True)
class SignedRoot:
    """A log's signature, by its Ed25519 key, over the root of its first ``size`` leaves.

    As bytes it is a COSE_Sign1 without a proof. The root is not in it.
    """

    origin: str
    size: int
    key_id: bytes
    signature: bytes

    @classmethod
    def parse(cls, data: bytes) -> "SignedRoot":
        """Parse what ``bytes`` gives. Raises ProofError."""
        protected, _, signature = _parse_sign1(data)
        signed = cls(*_parse_protected(protected), signature)
        _check_encoding(bytes(signed), data)
        return signed

    def __bytes__(self) -> bytes:
        return _sign1(self, {})

    @property
    def protected(self) -> bytes:
        """Return the protected header as it is signed."""
        return _encode(
            {
                _ALG: _EDDSA,
                _KID: self.key_id,
                _CLAIMS: {_ISSUER: self.origin},
                _VDS: _RFC9162_SHA256,
                _TREE_SIZE: self.size,
            }
        )

    def verify(self, checkpoint: Checkpoint, verifiers: Sequence[Verifier]) -> None:
        """Check that one of ``verifiers`` signed the root of ``checkpoint``. Raises ProofError."""
        if (checkpoint.origin, checkpoint.size) != (self.origin, self.size):
            raise ProofError(f"signed root is one of {self.origin} at size {self.size}")
        wanted = (SignatureType.ED25519, self.origin, self.key_id)
        known = [one for one in verifiers if (one.type, one.name, one.key_id) == wanted]
        if not known:
            raise ProofError("root is signed by no known key")
        try:
            key = Ed25519PublicKey.from_public_bytes(known[0].public)
            key.verify(self.signature, _to_be_signed(self.protected, checkpoint.root))
        except (InvalidSignature, ValueError) as exc:
            raise ProofError(f"signature does not hold for the root of size {self.size}") from exc


@dataclass(frozen=True)
class Receipt:
    """A signed root, and the path that leads to it from the leaf at ``index``."""

    signed: SignedRoot
    index: int
    path: tuple[bytes, ...]

    @classmethod
    def parse(cls, data: bytes) -> "Receipt":
        """Parse a receipt; only its one deterministic encoding is read. Raises ProofError."""
        protected, unprotected, signature = _parse_sign1(data)
        signed = SignedRoot(*_parse_protected(protected), signature)
        receipt = cls(signed, *_parse_proof(unprotected))
        _check_encoding(bytes(receipt), data)
        return receipt

    def __bytes__(self) -> bytes:
        proof = _encode([self.signed.size, self.index, list(self.path)])
        return _sign1(self.signed, {_VDP: {_INCLUSION: [proof]}})

    def verify(self, leaf_hash: bytes, verifiers: Sequence[Verifier]) -> Checkpoint:
        """Check that ``leaf_hash`` stands at ``index`` in a tree that one of ``verifiers`` signed.

        Returns origin, size and root of that tree. Raises ProofError.
        """
        root = root_from_path(leaf_hash, self.index, self.signed.size, self.path)
        checkpoint = Checkpoint(self.signed.origin, self.signed.size, root)
        self.signed.verify(checkpoint, verifiers)
        return checkpoint


def sign_root(checkpoint: Checkpoint, signers: Sequence[Signer]) -> SignedRoot:
    """Sign the root of ``checkpoint`` for receipts, by the first of ``signers`` that is Ed25519.

    Raises ProofError when none is, under the checkpoint's origin.
    """
    wanted = (SignatureType.ED25519, checkpoint.origin)
    signer = next((one for one in signers if (one.type, one.name) == wanted), None)
    if signer is None:
        raise ProofError(f"{checkpoint.origin} has no Ed25519 key to sign receipts with")
    unsigned = SignedRoot(checkpoint.origin, checkpoint.size, signer.verifier.key_id, b"")
    signature = signer.key.sign(_to_be_signed(unsigned.protected, checkpoint.root))
    return SignedRoot(unsigned.origin, unsigned.size, unsigned.key_id, signature)


def verify_receipt(receipt: bytes, leaf: bytes, verifiers: Sequence[Verifier]) -> Checkpoint:
    """Check that ``receipt`` proves the exact bytes of ``leaf`` under one of these keys.

    Returns origin, size and root of the tree. Raises ProofError.
    """
    return Receipt.parse(receipt).verify(leaf_hash(leaf), verifiers)


class _NoTags(dict[int, Any]):
    """Refuses each tag: cbor2 would build dates, patterns and shared values from them."""

    def __missing__(self, tag: int) -> Any:
        raise ProofError(f"receipt holds tag {tag}")


def _encode(value: Any) -> bytes:
    # Deterministic by RFC 8949, section 4.2.1: for our keys the older length-first order agrees.
    return cbor2.dumps(value, canonical=True)


def _decode(data: bytes) -> Any:
    try:
        return cbor2.loads(
            data,
            semantic_decoders=_NoTags(),
            max_depth=_MAX_DEPTH,
            allow_indefinite=False,
            allow_duplicate_keys=False,
        )
    except cbor2.CBORError as exc:
        raise ProofError("receipt is not the CBOR that a receipt is made of") from exc


def _sign1(signed: SignedRoot, unprotected: dict[int, Any]) -> bytes:
    return _SIGN1 + _encode([signed.protected, unprotected, None, signed.signature])


def _to_be_signed(protected: bytes, root: bytes) -> bytes:
    # RFC 9052, section 4.4; no application data. No signed note begins with these bytes: they
    # are not UTF-8, so that one key may sign both.
    return _encode(["Signature1", protected, b"", root])


def _parse_sign1(data: bytes) -> tuple[bytes, dict[Any, Any], bytes]:
    if len(data) > MAX_RECEIPT_SIZE:
        raise ProofError(f"receipt is longer than {MAX_RECEIPT_SIZE} bytes")
    if data[:1] != _SIGN1:
        raise ProofError("receipt is no COSE_Sign1")
    protected, unprotected, payload, signature = _take(_decode(data[1:]), 4)
    if type(protected) is not bytes or type(unprotected) is not dict or payload is not None:
        raise ProofError("receipt has not two headers and a detached payload")
    return protected, unprotected, _bytes(signature, _SIGNATURE_SIZE)


def _parse_protected(protected: bytes) -> tuple[str, int, bytes]:
    header = _decode(protected)
    wanted = {_ALG, _KID, _CLAIMS, _VDS, _TREE_SIZE}
    if type(header) is not dict or header.keys() != wanted:
        raise ProofError("receipt's protected header has not exactly the parameters of ours")
    if (header[_ALG], header[_VDS]) != (_EDDSA, _RFC9162_SHA256):
        raise ProofError("receipt is of another algorithm, or over another structure")
    claims = header[_CLAIMS]
    origin = claims.get(_ISSUER) if type(claims) is dict else None
    if type(origin) is not str:
        raise ProofError("receipt names no issuer")
    return origin, _integer(header[_TREE_SIZE]), _bytes(header[_KID], KEY_ID_SIZE)


def _parse_proof(unprotected: dict[Any, Any]) -> tuple[int, tuple[bytes, ...]]:
    proofs = unprotected.get(_VDP)
    (proof,) = _take(proofs.get(_INCLUSION) if type(proofs) is dict else None, 1)
    if type(proof) is not bytes:
        raise ProofError("receipt's proof is no byte string")
    _, index, path = _take(_decode(proof), 3)
    if type(path) is not list or len(path) > MAX_PATH:
        raise ProofError(f"receipt's path is no list of at most {MAX_PATH} hashes")
    hashes = tuple(_bytes(value, HASH_SIZE) for value in path)
    return _integer(index), hashes


def _check_encoding(encoded: bytes, data: bytes) -> None:
    # Comparing leaves one text for each receipt: no other order or width, no tree size in the
    # proof beside the signed one, nothing behind the end.
    if encoded != data:
        raise ProofError("receipt is not encoded as its content is")


def _take(value: Any, count: int) -> list[Any]:
    if type(value) is not list or len(value) != count:
        raise ProofError(f"receipt has no list of {count} where one belongs")
    return value


def _bytes(value: Any, size: int) -> bytes:
    if type(value) is not bytes or len(value) != size:
        raise ProofError(f"receipt has no {size} bytes where they belong")
    return value


def _integer(value: Any) -> int:
    if type(value) is not int or not 0 <= value <= MAX_SIZE:
        raise ProofError("receipt has no number from 0 to 2**63 - 1 where one belongs")
    return value
