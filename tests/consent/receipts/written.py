"""A receipt of an invented answer in a small log of its own, all without a database."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent.receipts.receipt import Logged, consent_receipt
from consent.receipts.record import House, NoticeShown, Paper, Parts
from consent.receipts.signature import sign
from ledger.canonical import canonical
from ledger.commitment import commit_segments
from ledger.leaf import body_bytes, leaf_bytes
from ledger.merkle import inclusion_path, leaf_hash, tree_root
from ledger.note import Checkpoint, SignatureType, Signer, sign_note
from ledger.row_digest import row_digest
from ledger.tlogpolicy import LogKey, Policy
from ledger.tlogproof import TlogProof

ORIGIN = "log.example/default"
SIGNERS = tuple(
    Signer.from_seed(ORIGIN, kind, bytes([kind]) * 32)
    for kind in (SignatureType.ED25519, SignatureType.MLDSA44)
)
POLICY = Policy(tuple(LogKey(signer.verifier) for signer in SIGNERS))
KEY = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
ANOTHER_KEY = Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)
NOTICE_TEXT = "We train a model with your pictures. You may take this back."
EVIDENCE = b"an invented scan"
ISSUED_AT = "2026-11-21T09:30:00Z"


def columns(**changes: Any) -> dict[str, Any]:
    """Return the row of an answer as the database gives it: yes to training, no to sale."""
    return {
        "id": "5b0d8f0e-6a11-4c52-8d5e-0c2f6ad3a001",
        "subject_id": "5b0d8f0e-6a11-4c52-8d5e-0c2f6ad3a002",
        "notice_id": "5b0d8f0e-6a11-4c52-8d5e-0c2f6ad3a003",
        "right": "likeness",
        "basis": "consent",
        "mode": "granular",
        "uses": ["train"],
        "refused": ["commercial"],
        "media": ["online"],
        "territories": ["WORLD"],
        "recipients": ["ANY"],
        "families": ["ANY"],
        "barred_themes": ["political"],
        "assurance": "signed_release",
        "method": "form",
        "remedy": "retrain",
        "capacity": "self",
        "valid_from": "2026-11-20T15:04:05.000001+00:00",
        "valid_until": "2028-11-20T00:00:00+00:00",
        "opened_at": "2026-11-20T15:04:05.000001+00:00",
        "given_at": "2026-11-20T15:04:05.000001+00:00",
        "suspended_at": [],
        "resumed_at": [],
        "state": "given",
    } | changes


def notice() -> NoticeShown:
    said: dict[str, Any] = {
        "code": "release",
        "language": "en",
        "text": NOTICE_TEXT,
        "title": "A release",
        "version": 1,
    }
    digest = f"sha256:{sha256(canonical(said)).hexdigest()}"
    return NoticeShown("release", 1, "en", "A release", digest)


def parts(**changes: Any) -> Parts:
    house = House(
        "An Invented Organisation",
        "1 Invented Street, Berlin",
        "privacy@house.example",
        "DE",
        "https://house.example/portal/",
    )
    paper = Paper(f"sha256:{sha256(EVIDENCE).hexdigest()}", len(EVIDENCE))
    return replace(Parts("S-7K3F-9QXM", house, notice(), (paper,)), **changes)


def logged(row: dict[str, Any], **changes: Any) -> Logged:
    """Record ``row`` as leaf 1 of a log of three, and prove that."""
    payload = {
        "at": "2026-11-20T15:04:05Z",
        "by": row["capacity"],
        "method": row["method"],
        "notice": notice().digest,
        "row": {"columns": row_digest(row), "id": row["id"], "table": "consent_grant"},
    } | changes
    openings = commit_segments(
        "grant.given",
        [("subject", payload), ("actor", {"account": "5b0d8f0e-6a11-4c52-8d5e-0c2f6ad3a009"})],
        randomness=iter([b"\x01" * 32, b"\x02" * 32]).__next__,
    )
    body = body_bytes(
        at=datetime(2026, 11, 20, 15, tzinfo=UTC),
        commitments=[opening.commitment for opening in openings],
        facts={"mode": row["mode"]},
        kind="grant.given",
    )
    leaf = leaf_bytes(1, leaf_hash(b"before"), body)
    hashes = [leaf_hash(b"before"), leaf_hash(leaf), leaf_hash(b"after")]
    note = sign_note(Checkpoint(ORIGIN, 3, tree_root(hashes)).text, SIGNERS)
    proof = TlogProof(1, tuple(inclusion_path(hashes, 1)), note)
    position = next(at for at, opening in enumerate(openings) if opening.role == "subject")
    return Logged(leaf.decode(), str(proof), position, openings[position])


def unsigned(row: dict[str, Any] | None = None) -> dict[str, Any]:
    row = row or columns()
    return consent_receipt(
        row,
        parts(),
        logged(row),
        receipt_id="5b0d8f0e-6a11-4c52-8d5e-0c2f6ad3a00f",
        issued_at=ISSUED_AT,
    )


def signed(document: dict[str, Any] | None = None, key: Ed25519PrivateKey = KEY) -> dict[str, Any]:
    return sign(document or unsigned(), key, ISSUED_AT)


def written(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode()
