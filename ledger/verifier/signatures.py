"""Whose keys count, which checkpoints they signed, and how those go on from one another."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ledger.canonical import parse_object
from ledger.errors import CanonicalError, NoteError, ProofError
from ledger.merkle import verify_consistency
from ledger.note import Checkpoint, Note, SignatureType, Verifier
from ledger.tlogpolicy import LOG_TYPES, NO_QUORUM, Policy
from ledger.tlogproof import parse_consistency

from . import bundle
from .bundle import CHECKPOINT, POLICY, TRUST, Malformed, exact
from .findings import Code, Findings


@dataclass(frozen=True)
class Keys:
    """The keys that count for one origin; ``outside`` says that the auditor brought them."""

    origin: str
    policy: Policy
    outside: bool
    verifiers: tuple[Verifier, ...] = field(init=False)
    types: Mapping[tuple[str, bytes], SignatureType] = field(init=False)

    def __post_init__(self) -> None:
        verifiers = self.policy.keys_of(self.origin)
        object.__setattr__(self, "verifiers", verifiers)
        object.__setattr__(self, "types", {(v.name, v.key_id): v.type for v in verifiers})

    @property
    def is_whole(self) -> bool:
        """Return whether the policy has a key of both types: we want both signatures."""
        return set(self.types.values()) == set(LOG_TYPES)

    @property
    def vkey(self) -> str:
        """Return the Ed25519 key that goes before all others, as text."""
        return next(v.vkey for v in self.verifiers if v.type is SignatureType.ED25519)

    @property
    def wants_witnesses(self) -> bool:
        """Return whether the policy names a quorum."""
        return self.policy.quorum != NO_QUORUM

    def witnesses(self, note: Note) -> frozenset[str]:
        """Return the policy's names of the witnesses whose cosignatures on ``note`` hold.

        The log's own signatures must have been checked: raises NoteError when one fails.
        """
        by_key = {witness.verifier: witness.name for witness in self.policy.witnesses}
        signed = note.verify([*by_key, *self.verifiers])
        return frozenset(by_key[each.verifier] for each in signed if each.verifier in by_key)


@dataclass(frozen=True)
class Head:
    """The bundle's own checkpoint: what every proof in it leads to."""

    note: Note
    checkpoint: Checkpoint


def read_head(files: Mapping[str, bytes], findings: Findings) -> Head | None:
    """Read the bundle's checkpoint; its signatures are not checked yet."""
    if CHECKPOINT not in files:
        return None
    return _read(CHECKPOINT, files[CHECKPOINT], findings)


def choose_keys(
    files: Mapping[str, bytes], head: Head | None, outside: Policy | None, findings: Findings
) -> Keys | None:
    """Return the keys that count: those from outside where they know the log, else the bundle's."""
    proposed = _read_policy(files, findings)
    if head is None:
        return None
    origin = head.checkpoint.origin
    if outside is not None:
        keys = Keys(origin, outside, outside=True)
        if keys.is_whole:
            return keys
        findings.add(Code.POLICY_OUTSIDE, f"policy from outside has not both keys of {origin}")
    if proposed is None:
        return None
    keys = Keys(origin, proposed, outside=False)
    if not keys.is_whole:
        findings.add(Code.POLICY_KEYS, f"policy has not both keys of {origin}", POLICY)
        return None
    return keys


def check_signatures(path: str, note: Note, keys: Keys, findings: Findings) -> bool:
    """Check that ``note`` carries a signature of both types by the log, and no failing one.

    A C2SP policy takes either of two keys; we want both. Returns whether all is well.
    """
    verifiers = [*keys.verifiers, *(witness.verifier for witness in keys.policy.witnesses)]
    known = {(verifier.name, verifier.key_id) for verifier in verifiers}
    signed: set[SignatureType] = set()
    if any((signature.name, signature.key_id) in known for signature in note.signatures):
        try:
            found = note.verify(verifiers)
        except NoteError as exc:
            findings.add(Code.SIGNATURE_FAILED, exc, path)
            return False
        signed = {each.verifier.type for each in found if each.verifier in keys.verifiers}
    if missing := set(LOG_TYPES) - signed:
        names = " and ".join(sorted(kind.name for kind in missing))
        findings.add(Code.SIGNATURE_MISSING, f"log did not sign with {names}", path)
    return not missing


def check_head(head: Head, keys: Keys, findings: Findings) -> frozenset[str]:
    """Check the bundle's checkpoint against the policy; return the witnesses who signed it."""
    if not check_signatures(CHECKPOINT, head.note, keys, findings):
        return frozenset()
    witnesses = keys.witnesses(head.note)
    if not keys.policy.is_satisfied_by(witnesses):
        detail = f"{len(witnesses)} witnesses do not make the policy's quorum"
        findings.add(Code.POLICY_QUORUM, detail, CHECKPOINT)
    return witnesses


def check_earlier(
    files: Mapping[str, bytes], head: Head, keys: Keys | None, findings: Findings
) -> dict[int, Checkpoint]:
    """Check the other checkpoints and the way from each to ``head``; return the good by size."""
    good = {head.checkpoint.size: head.checkpoint}
    for size, path in bundle.numbered(files, "checkpoints"):
        found = _read(path, files[path], findings)
        if found is None:
            continue
        if keys is not None:
            check_signatures(path, found.note, keys, findings)
        if found.checkpoint.origin != head.checkpoint.origin:
            findings.add(Code.CHECKPOINT_ORIGIN, "checkpoint is of another log", path)
        elif found.checkpoint.size != size:
            findings.add(Code.CHECKPOINT_SIZE, f"size is {found.checkpoint.size}", path)
        elif _goes_on(files, found.checkpoint, head.checkpoint, findings):
            good.setdefault(size, found.checkpoint)
    for size, path in bundle.numbered(files, "consistency"):
        if f"checkpoints/{size}" not in files:
            findings.add(Code.CHECKPOINT_MISSING, "proof is from no checkpoint", path)
    return good


def _goes_on(
    files: Mapping[str, bytes], first: Checkpoint, second: Checkpoint, findings: Findings
) -> bool:
    path = f"consistency/{first.size}"
    if path not in files:
        findings.add(Code.CONSISTENCY_MISSING, f"nothing leads on from size {first.size}", path)
        return False
    try:
        way = parse_consistency(files[path])
    except ProofError as exc:
        findings.add(Code.CONSISTENCY_MALFORMED, exc, path)
        return False
    try:
        verify_consistency(first.size, second.size, way, first.root, second.root)
    except ProofError as exc:
        findings.add(Code.CONSISTENCY_FAILED, exc, path)
        return False
    return True


def check_trust(
    files: Mapping[str, bytes], outside: Collection[str] | None, findings: Findings
) -> None:
    """Check that ``trust.json`` proposes no root that the auditor does not trust."""
    if TRUST not in files:
        return
    try:
        roots = parse_trust(files[TRUST])
    except (CanonicalError, Malformed) as exc:
        findings.add(Code.TRUST_MALFORMED, exc, TRUST)
        return
    if outside is not None and not roots <= set(outside):
        findings.add(Code.TRUST_OUTSIDE, "proposes a root that you do not trust", TRUST)


def parse_trust(data: bytes) -> frozenset[str]:
    """Return the PEM texts of all roots. Raises Malformed and CanonicalError."""
    value = exact(parse_object(data), pades=list, tsa=list, v=int)
    roots = [*value["pades"], *value["tsa"]]
    if value["v"] != bundle.VERSION or any(type(root) is not str for root in roots):
        raise Malformed(f"wanted version {bundle.VERSION} and lists of PEM texts")
    return frozenset(roots)


def _read_policy(files: Mapping[str, bytes], findings: Findings) -> Policy | None:
    if POLICY not in files:
        return None
    try:
        return Policy.parse(files[POLICY])
    except NoteError as exc:
        findings.add(Code.POLICY_MALFORMED, exc, POLICY)
        return None


def _read(path: str, data: bytes, findings: Findings) -> Head | None:
    try:
        note = Note.parse(data)
        checkpoint = Checkpoint.parse(note.text)
        # The 0x06 signature does not cover extension lines, so that our logs have none.
        if checkpoint.extensions:
            raise NoteError("checkpoint has extension lines")
    except NoteError as exc:
        findings.add(Code.CHECKPOINT_MALFORMED, exc, path)
        return None
    return Head(note, checkpoint)
