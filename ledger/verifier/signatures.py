"""Whose keys count, which checkpoints they signed, and how those go on from one another."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import Certificate

from ledger.canonical import parse_object
from ledger.errors import CanonicalError, NoteError, ProofError
from ledger.merkle import verify_consistency
from ledger.note import Checkpoint, Note, SignatureType, Verifier
from ledger.tlogpolicy import LOG_TYPES, Policy
from ledger.tlogproof import parse_consistency

from . import bundle
from .bundle import CHECKPOINT, POLICY, TRUST, Malformed, versioned
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

    def witnesses(self, note: Note) -> frozenset[str]:
        """Return the policy's names of the witnesses whose cosignatures on ``note`` hold.

        The log's own signatures must have been checked: raises NoteError when one fails.
        """
        by_key = {witness.verifier: witness.name for witness in self.policy.witnesses}
        signed = note.verify([*by_key, *self.verifiers])
        return frozenset(by_key[each.verifier] for each in signed if each.verifier in by_key)


@dataclass(frozen=True)
class Head:
    """A checkpoint with its note; ``is_signed`` once its signatures by known keys all hold.

    The bundle's own is what every proof in it leads to.
    """

    note: Note
    checkpoint: Checkpoint
    is_signed: bool = False


@dataclass(frozen=True)
class Witnessed:
    """The witnesses, by the policy's names, who have signed the tree of ``size`` leaves."""

    names: frozenset[str]
    size: int

    def __str__(self) -> str:
        return f"witnessed by {len(self.names)} to {self.size}"


@dataclass(frozen=True)
class Trust:
    """Roots, as PEM texts: of who seals PDF files, and of time-stamp authorities.

    ``pades`` None: of the former nothing is said.
    """

    pades: frozenset[str] | None = frozenset()
    tsa: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, data: bytes) -> "Trust":
        """Read a trust file. Raises Malformed and CanonicalError."""
        value = versioned(parse_object(data), pades=list, tsa=list)
        if any(type(root) is not str for root in [*value["pades"], *value["tsa"]]):
            raise Malformed("wanted lists of PEM texts")
        return cls(frozenset(value["pades"]), frozenset(value["tsa"]))

    @classmethod
    def of_authority(cls, roots: Iterable[Certificate]) -> "Trust":
        """Return the trust in a time-stamp authority, and in nobody else."""
        return cls(None, frozenset(root.public_bytes(Encoding.PEM).decode() for root in roots))

    def covers(self, proposed: "Trust") -> bool:
        """Return whether every root of ``proposed`` of which anything is said is here."""
        is_known = self.pades is None or (proposed.pades or frozenset()) <= self.pades
        return is_known and proposed.tsa <= self.tsa


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


def check_head(head: Head, keys: Keys, findings: Findings) -> Head:
    """Check the bundle's checkpoint against the policy; return it, marked when it is signed."""
    if not check_signatures(CHECKPOINT, head.note, keys, findings):
        return head
    witnesses = keys.witnesses(head.note)
    if not keys.policy.is_satisfied_by(witnesses):
        detail = f"{len(witnesses)} witnesses do not make the policy's quorum"
        findings.add(Code.POLICY_QUORUM, detail, CHECKPOINT)
    return replace(head, is_signed=True)


def find_witnessed(checkpoints: Mapping[int, Head], keys: Keys) -> Witnessed | None:
    """Return the largest checkpoint that witnesses of a policy from outside have signed.

    Where the policy wants a quorum, that many. Witnesses that only the bundle names are the
    operator's word again.
    """
    for size in sorted(checkpoints, reverse=True) if keys.outside else ():
        if checkpoints[size].is_signed:
            names = keys.witnesses(checkpoints[size].note)
            if names and keys.policy.is_satisfied_by(names):
                return Witnessed(names, size)
    return None


def check_earlier(
    files: Mapping[str, bytes], head: Head, keys: Keys | None, findings: Findings
) -> dict[int, Head]:
    """Check the other checkpoints and the way from each to ``head``; return the good by size."""
    good = {head.checkpoint.size: head}
    for size, path in bundle.numbered(files, "checkpoints"):
        found = _read(path, files[path], findings)
        if found is None:
            continue
        if keys is not None:
            signed = check_signatures(path, found.note, keys, findings)
            found = replace(found, is_signed=signed)
        if found.checkpoint.origin != head.checkpoint.origin:
            findings.add(Code.CHECKPOINT_ORIGIN, "checkpoint is of another log", path)
        elif found.checkpoint.size != size:
            findings.add(Code.CHECKPOINT_SIZE, f"size is {found.checkpoint.size}", path)
        elif _goes_on(files, found.checkpoint, head.checkpoint, findings):
            good.setdefault(size, found)
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
    files: Mapping[str, bytes], outside: Trust | None, findings: Findings
) -> Trust | None:
    """Check that ``trust.json`` proposes no root that the auditor does not trust.

    Returns the roots that count: those from outside, else the bundle's.
    """
    if TRUST not in files:
        return outside
    try:
        proposed = Trust.parse(files[TRUST])
    except (CanonicalError, Malformed) as exc:
        findings.add(Code.TRUST_MALFORMED, exc, TRUST)
        return outside
    if outside is None:
        return proposed
    if not outside.covers(proposed):
        findings.add(Code.TRUST_OUTSIDE, "proposes a root that you do not trust", TRUST)
    return outside


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
