"""COSE receipts: made, read, refused, and read by a second reader that knows only the RFCs."""

from collections.abc import Callable
from typing import Any

import cbor2
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import transaction
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from consent.roles import RoleCode
from ledger import merkle
from ledger.errors import ProofError
from ledger.models import Checkpoint as CheckpointRow
from ledger.models import Log
from ledger.note import Checkpoint, SignatureType, Signer
from ledger.proofs import prove_record
from ledger.receipt import Receipt, SignedRoot, sign_root, verify_receipt
from ledger.signing import read_verifiers
from ledger.verification import verify_log
from tests.consent.factories import open_house
from tests.ledger.acts import record
from tests.ledger.forging import forge
from tests.ledger.tlog_client import Key, fold_path, leaf_hash

from .vectors import fixed

ORIGIN = "log.example/default"
ED = Signer.from_seed(ORIGIN, SignatureType.ED25519, fixed("ed"))
MLDSA = Signer.from_seed(ORIGIN, SignatureType.MLDSA44, fixed("ml"))
OTHER = Signer.from_seed(ORIGIN, SignatureType.ED25519, fixed("other"))
KEYS = (ED.verifier, MLDSA.verifier)
LEAVES = [b"leaf %d" % number for number in range(8)]
HASHES = [merkle.leaf_hash(leaf) for leaf in LEAVES]


def head(size: int = 8, origin: str = ORIGIN) -> Checkpoint:
    return Checkpoint(origin, size, merkle.tree_root(HASHES[:size]))


def made(index: int = 5, size: int = 8) -> Receipt:
    path = merkle.inclusion_path(HASHES[:size], index)
    return Receipt(sign_root(head(size), [MLDSA, ED]), index, tuple(path))


def read_by_the_rfcs(receipt: bytes, leaf: bytes, key: Key) -> tuple[str, int, int]:
    """Verify a receipt with a general CBOR reader; return origin, size and index."""
    message = cbor2.loads(receipt)
    assert message.tag == 18
    protected, unprotected, payload, signature = message.value
    header = cbor2.loads(protected)
    assert (header[1], header[4], header[395], payload) == (-8, key.id, 1, None)
    assert header[15][1] == key.name
    size, index, path = cbor2.loads(unprotected[396][-1][0])
    root = fold_path(leaf_hash(leaf), index, size, path)
    signed = cbor2.dumps(["Signature1", protected, b"", root])
    Ed25519PublicKey.from_public_bytes(key.public).verify(signature, signed)
    assert header[-65537] == size
    return header[15][1], size, index


def test_receipt_survives_its_bytes_and_proves_its_leaf() -> None:
    receipt = made()
    assert Receipt.parse(bytes(receipt)) == receipt
    assert verify_receipt(bytes(receipt), LEAVES[5], KEYS) == head()
    assert SignedRoot.parse(bytes(receipt.signed)) == receipt.signed
    assert len(bytes(receipt)) < 350


@pytest.mark.parametrize("size", range(1, 9))
def test_every_leaf_has_a_receipt_that_a_stranger_can_read(size: int) -> None:
    key = Key.read(ED.verifier.vkey)
    for index in range(size):
        receipt = bytes(made(index, size))
        assert read_by_the_rfcs(receipt, LEAVES[index], key) == (ORIGIN, size, index)
        with pytest.raises(InvalidSignature):
            read_by_the_rfcs(receipt, b"another leaf", key)


def test_only_leaf_of_a_log_has_an_empty_path_and_no_other_leaf_has() -> None:
    receipt = made(0, 1)
    assert receipt.path == ()
    assert verify_receipt(bytes(receipt), LEAVES[0], KEYS) == head(1)
    with pytest.raises(ProofError, match="path of 0 is too short for leaf 5 of 8"):
        verify_receipt(bytes(Receipt(made().signed, 5, ())), LEAVES[5], KEYS)


def test_every_bit_of_a_receipt_counts() -> None:
    good = bytes(made())
    for bit in range(len(good) * 8):
        bent = bytearray(good)
        bent[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ProofError):
            verify_receipt(bytes(bent), LEAVES[5], KEYS)


def test_receipt_cut_or_lengthened_is_refused() -> None:
    good = bytes(made())
    for end in range(len(good)):
        with pytest.raises(ProofError):
            Receipt.parse(good[:end])
    for more in (b"\0", b"\xf6", good):
        with pytest.raises(ProofError, match="not encoded as its content is"):
            Receipt.parse(good + more)


def test_receipt_proves_no_other_leaf_index_or_size() -> None:
    receipt = made()
    complaint = r"does not hold|too short|too long|leaf index is"
    for index in (0, 4, 6, 7, 8):
        with pytest.raises(ProofError, match=complaint):
            Receipt(receipt.signed, index, receipt.path).verify(HASHES[5], KEYS)
    with pytest.raises(ProofError, match="signature does not hold for the root of size 8"):
        receipt.verify(HASHES[4], KEYS)
    # RFC 9942 alone lets this pass: the path of leaf 5 is the same in trees of 7 and 8.
    signed = receipt.signed
    smaller = SignedRoot(signed.origin, 7, signed.key_id, signed.signature)
    with pytest.raises(ProofError, match="signature does not hold for the root of size 7"):
        Receipt(smaller, 5, receipt.path).verify(HASHES[5], KEYS)


@pytest.mark.parametrize("keys", [(), (MLDSA.verifier,), (OTHER.verifier, MLDSA.verifier)])
def test_receipt_by_no_known_key_is_refused(keys: Any) -> None:
    with pytest.raises(ProofError, match="signed by no known key"):
        made().verify(HASHES[5], keys)


def test_signed_root_is_that_of_its_checkpoint_only() -> None:
    signed = sign_root(head(), [ED])
    signed.verify(head(), KEYS)
    for other in (head(7), head(8, "log.example/other")):
        with pytest.raises(ProofError, match="signed root is one of log.example/default at size 8"):
            signed.verify(other, KEYS)
    with pytest.raises(ProofError, match="does not hold for the root of size 8"):
        signed.verify(Checkpoint(ORIGIN, 8, bytes(32)), KEYS)


@pytest.mark.parametrize("signers", [(), (MLDSA,)])
def test_only_an_ed25519_key_of_the_log_signs_roots(signers: Any) -> None:
    with pytest.raises(ProofError, match="has no Ed25519 key to sign receipts with"):
        sign_root(head(), signers)
    with pytest.raises(ProofError, match="log.example/other has no Ed25519 key"):
        sign_root(head(8, "log.example/other"), [ED])


PARTS = cbor2.loads(bytes(made())).value
PROTECTED = cbor2.loads(PARTS[0])
PROOF = cbor2.loads(PARTS[1][396][-1][0])


def encode(value: Any) -> bytes:
    return cbor2.dumps(value, canonical=True)


def with_parts(**changes: Any) -> bytes:
    """Return the receipt with a part of its COSE_Sign1 exchanged."""
    places = {"protected": 0, "unprotected": 1, "payload": 2, "signature": 3}
    parts = list(PARTS)
    for name, value in changes.items():
        parts[places[name]] = value
    return encode(cbor2.CBORTag(18, parts))


def with_header(header: dict[Any, Any]) -> bytes:
    return with_parts(protected=encode({**PROTECTED, **header}))


def with_proof(*proof: Any) -> bytes:
    return with_parts(unprotected={396: {-1: [encode(list(proof))]}})


SIZE, INDEX, PATH = PROOF


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "is no COSE_Sign1"),
        (encode(PARTS), "is no COSE_Sign1"),
        (encode(cbor2.CBORTag(98, PARTS)), "is no COSE_Sign1"),
        (b"\xd2" * 9000, "longer than 8192 bytes"),
        (b"\xd2", "is not the CBOR"),
        (b"\xd2" + b"\x81" * 100, "is not the CBOR"),
        (b"\xd2\x9f\xff", "is not the CBOR"),
        (b"\xd2\x84\xa2\x01\x01\x01\x02", "is not the CBOR"),
        (b"\xd2\xd8\x1c\x80", "is not the CBOR"),
        (b"\xd2\xc0\x61a", "is not the CBOR"),
        (b"\xd2\xd8\x23\x63(a+", "is not the CBOR"),
        (b"\xd2\xd2\x80", "is not the CBOR"),
        (b"\xd2\x80", "no list of 4"),
        (b"\xd2\xa0", "no list of 4"),
        (with_parts(payload=b""), "a detached payload"),
        (with_parts(payload=bytes(32)), "a detached payload"),
        (with_parts(unprotected=[]), "two headers"),
        (with_parts(protected="x"), "two headers"),
        (with_parts(signature=bytes(63)), "no 64 bytes"),
        (with_parts(signature="x" * 64), "no 64 bytes"),
        (with_parts(protected=b""), "is not the CBOR"),
        (with_parts(protected=encode([])), "not exactly the parameters of ours"),
        (with_header({2: [395]}), "not exactly the parameters of ours"),
        (with_parts(protected=encode({1: -8})), "not exactly the parameters of ours"),
        (with_header({1: -19}), "another algorithm"),
        (with_header({395: 2}), "over another structure"),
        (with_header({15: ORIGIN}), "names no issuer"),
        (with_header({15: {2: ORIGIN}}), "names no issuer"),
        (with_header({15: {1: ORIGIN.encode()}}), "names no issuer"),
        (with_header({15: {1: ORIGIN, 2: "x"}}), "not encoded as its content is"),
        (with_header({4: b"key"}), "no 4 bytes"),
        (with_header({-65537: -1}), "no number from 0"),
        (with_header({-65537: 2**63}), "no number from 0"),
        (with_header({-65537: True}), "no number from 0"),
        (with_header({-65537: 8.0}), "no number from 0"),
        (with_header({395: True}), "not encoded as its content is"),
        (with_parts(unprotected={}), "no list of 1"),
        (with_parts(unprotected={396: []}), "no list of 1"),
        (with_parts(unprotected={396: {-1: []}}), "no list of 1"),
        (with_parts(unprotected={396: {-1: [encode(PROOF)] * 2}}), "no list of 1"),
        (with_parts(unprotected={396: {-1: [PROOF]}}), "is not the CBOR|no byte string"),
        (with_parts(unprotected={**PARTS[1], 4: b"more"}), "not encoded as its content is"),
        (with_parts(unprotected={396: {**PARTS[1][396], -2: []}}), "not encoded as its content is"),
        (with_proof(SIZE, INDEX), "no list of 3"),
        (with_proof(SIZE, INDEX, {}), "no list of at most 63"),
        (with_proof(SIZE, INDEX, [bytes(32)] * 64), "no list of at most 63"),
        (with_proof(SIZE, INDEX, [bytes(31)]), "no 32 bytes"),
        (with_proof(SIZE, "5", PATH), "no number from 0"),
        (with_proof(7, INDEX, PATH), "not encoded as its content is"),
        (with_proof("8", INDEX, PATH), "not encoded as its content is"),
        (b"\xd8\x12" + bytes(made())[1:], "is no COSE_Sign1"),
    ],
)
def test_malformed_receipt_is_refused(data: bytes, complaint: str) -> None:
    with pytest.raises(ProofError, match=complaint):
        Receipt.parse(data)


def test_signed_root_with_a_proof_and_receipt_without_are_refused() -> None:
    with pytest.raises(ProofError, match="not encoded as its content is"):
        SignedRoot.parse(bytes(made()))
    with pytest.raises(ProofError, match="no list of 1"):
        Receipt.parse(bytes(made().signed))


@given(st.binary(max_size=400))
def test_whatever_comes_only_our_error_leaves(data: bytes) -> None:
    for tail in (data, b"\xd2" + data, b"\xd2\x84" + data):
        with pytest.raises(ProofError):
            Receipt.parse(tail)


@given(st.integers(0, 330), st.binary(min_size=1, max_size=12))
def test_receipt_with_a_piece_written_over_is_refused(at: int, piece: bytes) -> None:
    good = bytes(made())
    bent = good[:at] + piece + good[at + len(piece) :]
    if bent != good:
        with pytest.raises(ProofError):
            verify_receipt(bent, LEAVES[5], KEYS)


@pytest.mark.django_db(transaction=True)
def test_every_record_gets_its_receipt_from_the_checkpoint_in_force(
    log: Log, sequence: Callable[[], int]
) -> None:
    with transaction.atomic():
        uuids = [record(tries=n).uuid for n in range(4)]
    sequence()
    key = Key.read(read_verifiers(ORIGIN)[0].vkey)
    for uuid in uuids:
        proved = prove_record(uuid)
        receipt = bytes(proved.receipt)
        told = read_by_the_rfcs(receipt, proved.leaf, key)
        assert told == (ORIGIN, 5, proved.index)
        assert verify_receipt(receipt, proved.leaf, read_verifiers(ORIGIN)).size == 5


@pytest.mark.django_db(transaction=True)
def test_receipt_is_fetched_by_people_with_a_role(log: Log, sequence: Callable[[], int]) -> None:
    account = open_house().account("Una", RoleCode.AUDITOR)
    written = record()
    client = Client()
    address = f"/api/v1/records/{written.uuid}/receipt"
    assert client.get(address).status_code == 401
    client.force_login(account)
    waiting = client.get(address)
    assert (waiting.status_code, waiting.json()["type"]) == (409, "NotYetPublished")
    sequence()
    answer = client.get(address, headers={"accept": "application/cose"})
    assert (answer.status_code, answer["Content-Type"]) == (
        200,
        'application/cose; cose-type="cose-sign1"',
    )
    leaf = client.get(f"/api/v1/records/{written.uuid}").json()["leaf"]
    assert verify_receipt(answer.content, leaf.encode(), read_verifiers(ORIGIN)).origin == ORIGIN


@pytest.mark.django_db(transaction=True)
def test_changed_root_signature_is_found_by_verification(
    log: Log, sequence: Callable[[], int], acting_as: Any
) -> None:
    record()
    sequence()
    row = CheckpointRow.objects.get()
    bent = row.signed_root[:-1] + bytes([row.signed_root[-1] ^ 1])
    with acting_as("superuser"):
        forge(f"UPDATE ledger_checkpoint SET signed_root = '\\x{bent.hex()}'")
    messages = [finding.message for finding in verify_log(log).findings]
    assert any("signature does not hold for the root of size 2" in text for text in messages)
