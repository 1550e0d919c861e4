"""The leaves: each well formed, each naming the one before, all proved under the checkpoint."""

from collections.abc import Iterable, Mapping
from typing import Any

from ledger.errors import LeafError, NoteError, ProofError
from ledger.leaf import Leaf, parse_leaf, verify_link
from ledger.merkle import RightEdge, inclusion_ranges, root_from_range
from ledger.note import Checkpoint
from ledger.tlogpolicy import LOG_TYPES
from ledger.tlogproof import TlogProof

from . import bundle
from .bundle import LEAVES, Malformed, exact, natural
from .findings import Code, Findings
from .report import Period
from .signatures import Head, Keys

LOG_OPENED = "log.opened"

Leaves = Mapping[int, Leaf]


def read_leaves(files: Mapping[str, bytes], findings: Findings) -> dict[int, Leaf]:
    """Return the well-formed leaves by index, in order; check each link between neighbours."""
    leaves: dict[int, Leaf] = {}
    last = -1
    for number, value in bundle.lines(LEAVES, files, findings):
        try:
            line = exact(value, index=int, leaf=str)
            index = natural(line["index"])
        except Malformed as exc:
            findings.add(Code.LINE_MALFORMED, exc, LEAVES, line=number)
            continue
        if index <= last:
            findings.add(Code.LINE_ORDER, f"leaf {index} after {last}", LEAVES, line=number)
            continue
        last = index
        leaf = _read_leaf(index, line["leaf"], findings)
        if leaf is not None:
            _check_link(leaves.get(index - 1), leaf, findings)
            leaves[index] = leaf
    return leaves


def check_opening_leaf(
    leaves: Leaves, head: Head | None, keys: Keys | None, findings: Findings
) -> None:
    """Check that leaf 0, where it is at hand, opens this log and names the keys that signed."""
    leaf = leaves.get(0)
    if leaf is None or head is None:
        return
    place: dict[str, Any] = {"index": 0, "kind": leaf.body.kind}
    if leaf.body.kind != LOG_OPENED:
        findings.add(Code.LOG_OPENED, f"leaf 0 is no {LOG_OPENED}", LEAVES, **place)
    elif leaf.body.facts.get("origin") != head.checkpoint.origin:
        findings.add(Code.LOG_OPENED, "leaf 0 opens a log of another origin", LEAVES, **place)
    elif keys is not None and not _names_keys(leaf, keys):
        findings.add(Code.LOG_OPENED, "leaf 0 names other keys", LEAVES, **place)


def check_gaps(leaves: Leaves, period: Period, findings: Findings) -> None:
    """Check that no leaf of the period is left out; one finding for each run of absent ones."""
    expected = period.first
    present = [index for index in leaves if index in period]
    for index in [*present, period.end]:
        if index > expected:
            count = index - expected
            findings.add(Code.LEAF_GAP, f"{count} absent from here on", LEAVES, index=expected)
        expected = index + 1


def check_proofs(
    files: Mapping[str, bytes], leaves: Leaves, head: Head, period: Period, findings: Findings
) -> dict[int, TlogProof]:
    """Check each proof, and that there is one for each leaf that needs its own; return the good.

    The first and the last leaf of the period need one, and each leaf outside of it. What lies
    between is proved by folding the range.
    """
    good = {}
    for index, path in bundle.numbered(files, "proofs"):
        proof = _read_proof(index, path, files[path], findings)
        if proof is not None and _check_proof(index, path, proof, leaves, head, findings):
            good[index] = proof
    for index in _need_proof(leaves, period):
        path = bundle.proof_path(index)
        if path not in files:
            findings.add(Code.PROOF_MISSING, "leaf has no proof", path, index=index)
    _check_range(leaves, good, head.checkpoint, period, findings)
    return good


def edge_before(proof: TlogProof, size: int) -> RightEdge:
    """Return the right edge of the tree that ends before the proved leaf.

    The left siblings on the path of leaf n are the perfect subtrees that n leaves make up, so
    that a proof holds the roots of earlier sizes too. The proof must have been verified.
    """
    ranges = inclusion_ranges(proof.index, size)
    left = [value for value, (_, end) in zip(proof.path, ranges, strict=True) if end <= proof.index]
    return RightEdge(proof.index, left[::-1])


def _read_leaf(index: int, text: str, findings: Findings) -> Leaf | None:
    try:
        leaf = parse_leaf(text.encode())
        if leaf.index != index:
            raise LeafError(f"leaf says index {leaf.index}, its line {index}")
    except LeafError as exc:
        findings.add(Code.LEAF_MALFORMED, exc, LEAVES, index=index)
        return None
    return leaf


def _check_link(before: Leaf | None, leaf: Leaf, findings: Findings) -> None:
    if before is None:
        return
    try:
        verify_link(before, leaf)
    except LeafError as exc:
        findings.add(Code.LEAF_LINK, exc, LEAVES, index=leaf.index, kind=leaf.body.kind)


def _names_keys(leaf: Leaf, keys: Keys) -> bool:
    named = leaf.body.facts.get("keys")
    # A log that names no keys is held to those of the policy alone.
    if named is None:
        return True
    if type(named) is not list:
        return False
    return {v.type for v in keys.verifiers if v.vkey in named} == set(LOG_TYPES)


def _read_proof(index: int, path: str, data: bytes, findings: Findings) -> TlogProof | None:
    try:
        return TlogProof.parse(data)
    except ProofError as exc:
        findings.add(Code.PROOF_MALFORMED, exc, path, index=index)
        return None


def _check_proof(
    index: int, path: str, proof: TlogProof, leaves: Leaves, head: Head, findings: Findings
) -> bool:
    if proof.note != head.note:
        findings.add(Code.PROOF_CHECKPOINT, "proof ends in another checkpoint", path, index=index)
        return False
    leaf = leaves.get(index)
    if leaf is None:
        findings.add(Code.PROOF_LEAF, "proof is of a leaf that is not here", path, index=index)
        return False
    try:
        if proof.index != index:
            raise ProofError(f"proof says index {proof.index}")
        proof.verify(leaf.hash)
    except (NoteError, ProofError) as exc:
        findings.add(Code.PROOF_FAILED, exc, path, index=index, kind=leaf.body.kind)
        return False
    return True


def _need_proof(leaves: Leaves, period: Period) -> Iterable[int]:
    ends = () if period.is_empty else (period.first, period.end - 1)
    outside = (index for index in leaves if index not in period)
    return sorted({*ends, *outside})


def _check_range(
    leaves: Leaves,
    proofs: Mapping[int, TlogProof],
    checkpoint: Checkpoint,
    period: Period,
    findings: Findings,
) -> None:
    first, last = proofs.get(period.first), proofs.get(period.end - 1)
    hashes = [leaf.hash for index, leaf in leaves.items() if index in period]
    if first is None or last is None or len(hashes) != period.end - period.first:
        return
    try:
        root = root_from_range(hashes, period.first, checkpoint.size, first.path, last.path)
        if root != checkpoint.root:
            raise ProofError(f"leaves do not fold to the root of size {checkpoint.size}")
    except ProofError as exc:
        findings.add(Code.RANGE_FAILED, exc, LEAVES, index=period.first)
