"""The manifest: which files there are, and the record in the log that vouches for it.

``manifest.json`` lists each file; its digest stands in the facts of a record ``report.issued``;
that record is proved in a later checkpoint of the log, and that checkpoint goes on from the
bundle's own. So no byte can change unless the log says so.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from ledger import strict_base64
from ledger.canonical import JSON, canonical, parse_object
from ledger.commitment import fresh_randomness
from ledger.errors import CanonicalError, LeafError, NoteError, ProofError
from ledger.leaf import Leaf, parse_leaf
from ledger.merkle import verify_consistency
from ledger.note import Checkpoint, SignatureType
from ledger.tlogproof import TlogProof, parse_consistency

from . import bundle
from .bundle import (
    DISCLOSED,
    MANIFEST,
    REQUIRED,
    UNLISTED,
    Malformed,
    binary,
    exact,
    natural,
    versioned,
)
from .findings import Code, Findings
from .signatures import Keys, check_signatures

REPORT_ISSUED = "report.issued"
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True)
class Listed:
    """Size and SHA-256, in hexadecimal, of one file."""

    size: int
    sha256: str

    @classmethod
    def of(cls, content: bytes) -> "Listed":
        """Return what a manifest says of ``content``."""
        return cls(len(content), sha256(content).hexdigest())


def write_manifest(files: Mapping[str, bytes], salt: bytes | None = None) -> bytes:
    """Write the manifest over ``files``; its 32 random bytes hide it behind its digest."""
    entries: list[JSON] = []
    for path in sorted(files.keys() - UNLISTED):
        listed = Listed.of(files[path])
        entries.append({"path": path, "sha256": listed.sha256, "size": listed.size})
    salt = fresh_randomness() if salt is None else salt
    return canonical({"files": entries, "salt": strict_base64.encode(salt), "v": bundle.VERSION})


def manifest_digest(manifest: bytes) -> str:
    """Return the digest that the facts of ``report.issued`` hold."""
    return f"sha256:{sha256(manifest).hexdigest()}"


def check_files(files: Mapping[str, bytes], findings: Findings) -> bool:
    """Compare the files with the manifest; return whether all openings were taken out.

    The folder ``disclosed/`` may be absent as a whole, and nothing else.
    """
    for path in sorted(files):
        if not bundle.is_known(path):
            findings.add(Code.FILE_UNKNOWN, "no bundle has a file of this name", path)
    listed = _read(files, findings)
    withheld = bool(listed and DISCLOSED & listed.keys() and not DISCLOSED & files.keys())
    expected = REQUIRED | (listed or {}).keys()
    for path in sorted(expected - files.keys()):
        if not (withheld and path in DISCLOSED):
            findings.add(Code.FILE_MISSING, "file is not in the bundle", path)
    if listed is not None:
        _compare(files, listed, findings)
    return withheld


def _compare(files: Mapping[str, bytes], listed: Mapping[str, Listed], findings: Findings) -> None:
    for path in sorted(files.keys() - UNLISTED):
        if path not in listed:
            findings.add(Code.FILE_UNLISTED, "file is not in the manifest", path)
        elif Listed.of(files[path]) != listed[path]:
            findings.add(Code.FILE_ALTERED, "bytes are not those the manifest lists", path)


def _read(files: Mapping[str, bytes], findings: Findings) -> dict[str, Listed] | None:
    if MANIFEST not in files:
        return None
    try:
        return _parse(files[MANIFEST])
    except (CanonicalError, Malformed) as exc:
        findings.add(Code.MANIFEST_MALFORMED, exc, MANIFEST)
        return None


def _parse(data: bytes) -> dict[str, Listed]:
    value = versioned(parse_object(data), files=list, salt=str)
    binary(value["salt"])
    listed: dict[str, Listed] = {}
    before = ""
    for entry in value["files"]:
        path = exact(entry, path=str, sha256=str, size=int)["path"]
        if path <= before or path in UNLISTED or not _DIGEST.match(entry["sha256"]):
            raise Malformed(f"entry {len(listed)} is out of order, or is none")
        listed[path] = Listed(natural(entry["size"]), entry["sha256"])
        before = path
    return listed


def check_issue(
    files: Mapping[str, bytes], keys: Keys | None, head: Checkpoint | None, findings: Findings
) -> Checkpoint | None:
    """Check the record ``report.issued`` and the way from the bundle's checkpoint to its own.

    Returns that later checkpoint when it goes on from ``head``.
    """
    leaf = _issuing_leaf(files, head, findings)
    proof = _issuing_proof(files, findings)
    if proof is None:
        return None
    later = _issuing_checkpoint(proof, keys, findings)
    path = bundle.MANIFEST_PROOF
    if leaf is not None:
        try:
            if proof.index != leaf.index:
                raise ProofError(f"proof is of leaf {proof.index}, wanted {leaf.index}")
            proof.verify(leaf.hash)
        except (NoteError, ProofError) as exc:
            findings.add(Code.MANIFEST_PROOF, exc, path, index=leaf.index)
    if later is None or head is None or not _check_way(files, head, later, findings):
        return None
    return later


def _issuing_leaf(
    files: Mapping[str, bytes], head: Checkpoint | None, findings: Findings
) -> Leaf | None:
    path = bundle.MANIFEST_LEAF
    if path not in files:
        return None
    try:
        leaf = parse_leaf(files[path])
    except LeafError as exc:
        findings.add(Code.MANIFEST_LEAF, exc, path)
        return None
    place: dict[str, Any] = {"index": leaf.index, "kind": leaf.body.kind}
    if leaf.body.kind != REPORT_ISSUED:
        findings.add(Code.MANIFEST_LEAF, f"record is no {REPORT_ISSUED}", path, **place)
    elif MANIFEST in files and leaf.body.facts.get("manifest") != manifest_digest(files[MANIFEST]):
        findings.add(Code.MANIFEST_DIGEST, "record holds another manifest's digest", path, **place)
    if head is not None and leaf.index < head.size:
        findings.add(
            Code.MANIFEST_EARLY, f"report was issued before size {head.size}", path, **place
        )
    return leaf


def _issuing_proof(files: Mapping[str, bytes], findings: Findings) -> TlogProof | None:
    path = bundle.MANIFEST_PROOF
    if path not in files:
        return None
    try:
        proof = TlogProof.parse(files[path])
        if proof.extra is not None:
            raise ProofError("proof carries an extra line")
    except ProofError as exc:
        findings.add(Code.MANIFEST_PROOF, exc, path)
        return None
    return proof


def _issuing_checkpoint(
    proof: TlogProof, keys: Keys | None, findings: Findings
) -> Checkpoint | None:
    """Return the proof's checkpoint, which carries exactly the log's two signatures."""
    path = bundle.MANIFEST_PROOF
    try:
        checkpoint = Checkpoint.parse(proof.note.text)
    except NoteError as exc:
        findings.add(Code.MANIFEST_CHECKPOINT, exc, path)
        return None
    if keys is None:
        return checkpoint
    # Nothing else vouches for these bytes: one signature more could be changed unseen.
    signed = [(signature.name, signature.key_id) for signature in proof.note.signatures]
    types = [keys.types.get(pair) for pair in signed]
    if types != [SignatureType.ED25519, SignatureType.MLDSA44] or checkpoint.extensions:
        findings.add(Code.MANIFEST_CHECKPOINT, "checkpoint has not the two signatures only", path)
    check_signatures(path, proof.note, keys, findings)
    return checkpoint


def _check_way(
    files: Mapping[str, bytes], head: Checkpoint, later: Checkpoint, findings: Findings
) -> bool:
    path = bundle.MANIFEST_CONSISTENCY
    if path not in files:
        return False
    try:
        if later.origin != head.origin:
            raise ProofError("the two checkpoints are of two logs")
        way = parse_consistency(files[path])
        verify_consistency(head.size, later.size, way, head.root, later.root)
    except ProofError as exc:
        findings.add(Code.MANIFEST_CONSISTENCY, exc, path)
        return False
    return True
