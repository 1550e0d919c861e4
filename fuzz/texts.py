"""The texts of C2SP: notes, checkpoints, verifier keys, proofs, policies, answers of witnesses."""

from collections.abc import Iterator
from contextlib import suppress
from functools import cache

from fixtures.vectors.cast import ED, MLDSA, PQ_WITNESS, TIME, WITNESS
from fuzz.target import Target, expect, require
from fuzz.vectors import cases, texts
from ledger.errors import NoteError, PeerFalse, PeerMalformed, ProofError
from ledger.merkle import leaf_hash
from ledger.note import Checkpoint, Note, SignatureType, Verifier
from ledger.tlogpolicy import Policy
from ledger.tlogproof import TlogProof, format_consistency, parse_consistency
from ledger.witness import Cosigned, parse_cosignatures, parse_known_size, parse_witness_key

KEYS = [one.verifier for one in (ED, MLDSA, WITNESS, PQ_WITNESS)]
HEAD = next(case["text"] for case in cases("cosignatures") if case["valid"])
KNOWN_LINES = {case["line"] for case in cases("cosignatures")}


def _loose(data: bytes) -> str:
    """Decode as the command line does: what is no UTF-8 becomes half of a surrogate pair."""
    return data.decode("utf-8", "surrogateescape")


@cache
def _signed_texts() -> list[str]:
    found = []
    for text in texts("notes", "note"):
        with suppress(NoteError):
            found.append(Note.parse(text).text)
    return found


def _covered(kind: SignatureType, text: str) -> object:
    """Return what a signature of ``kind`` covers: 0x06 leaves extension lines out."""
    if kind is not SignatureType.MLDSA44:
        return text
    head = Checkpoint.parse(text)
    return head.origin, head.size, head.root


def _check_signatures(note: Note) -> None:
    """Nobody can sign without a key: what holds is over a text of the vectors."""
    with suppress(NoteError):
        for one in note.verify(KEYS):
            kind, known = one.verifier.type, []
            for text in _signed_texts():
                with suppress(NoteError):
                    known.append(_covered(kind, text))
            require(_covered(kind, note.text) in known, "text that this key has signed")


def read_note(data: bytes) -> Note:
    with suppress(NoteError):
        Note.parse(_loose(data))
    return Note.parse(data)


def check_note(note: Note, data: bytes) -> None:
    expect(str(note).encode(), data, "note")
    _check_signatures(note)


def read_checkpoint(data: bytes) -> Checkpoint:
    return Checkpoint.parse(_loose(data))


def check_checkpoint(head: Checkpoint, data: bytes) -> None:
    expect(head.text, _loose(data), "checkpoint")


def read_vkey(data: bytes) -> Verifier:
    with suppress(NoteError):
        expect(parse_witness_key(_loose(data)).vkey, _loose(data), "key of a witness")
    return Verifier.parse(_loose(data))


def check_vkey(verifier: Verifier, data: bytes) -> None:
    expect(verifier.vkey, _loose(data), "verifier key")


def read_tlog_proof(data: bytes) -> TlogProof:
    with suppress(ProofError):
        TlogProof.parse(_loose(data))
    return TlogProof.parse(data)


def check_tlog_proof(proof: TlogProof, data: bytes) -> None:
    expect(str(proof).encode(), data, "proof")
    with suppress(NoteError, ProofError):
        proof.verify(leaf_hash(b""))


def read_consistency(data: bytes) -> list[bytes]:
    with suppress(ProofError):
        parse_consistency(_loose(data))
    return parse_consistency(data)


def check_consistency(path: list[bytes], data: bytes) -> None:
    expect(format_consistency(path).encode(), data, "consistency proof")


def read_policy(data: bytes) -> Policy:
    with suppress(NoteError):
        str(Policy.parse(_loose(data))).encode()
    return Policy.parse(data)


def check_policy(policy: Policy, _: bytes) -> None:
    # Comments, blanks and the order of lines are free: what is written anew says the same.
    expect(Policy.parse(str(policy)), policy, "policy")
    names = [witness.name for witness in policy.witnesses]
    require(policy.is_satisfied_by(names), "quorum of all witnesses")


def read_cosignature(data: bytes) -> Cosigned:
    with suppress(PeerFalse, PeerMalformed):
        return parse_cosignatures(data, HEAD, PQ_WITNESS.verifier, TIME)
    return parse_cosignatures(data, HEAD, WITNESS.verifier, TIME)


def check_cosignature(cosigned: Cosigned, data: bytes) -> None:
    line = cosigned.signature.line
    require(f"{line}\n".encode() in data, "cosignature out of the answer")
    require(line in KNOWN_LINES, "cosignature that somebody made")


def check_known_size(size: int, data: bytes) -> None:
    expect(f"{size}\n".encode(), data, "size in answer 409")


def _answers() -> Iterator[bytes]:
    lines = [case["line"] for case in cases("cosignatures")]
    yield from (f"{line}\n".encode() for line in lines)
    yield "".join(f"{line}\n" for line in lines[:4]).encode()


def _consistencies() -> Iterator[bytes]:
    for case in cases("consistency"):
        yield format_consistency([bytes.fromhex(value) for value in case["path"]]).encode()


TARGETS = (
    Target("note", read_note, check_note, (NoteError,), lambda: texts("notes", "note")),
    Target(
        "checkpoint",
        read_checkpoint,
        check_checkpoint,
        (NoteError,),
        lambda: texts("checkpoints", "text"),
    ),
    Target("vkey", read_vkey, check_vkey, (NoteError,), lambda: texts("vkeys", "vkey")),
    Target(
        "tlog-proof",
        read_tlog_proof,
        check_tlog_proof,
        (ProofError,),
        lambda: texts("tlog-proofs", "proof"),
    ),
    Target("consistency", read_consistency, check_consistency, (ProofError,), _consistencies),
    Target("policy", read_policy, check_policy, (NoteError,), lambda: texts("policies", "policy")),
    Target(
        "cosignature", read_cosignature, check_cosignature, (PeerFalse, PeerMalformed), _answers
    ),
    Target(
        "known-size",
        parse_known_size,
        check_known_size,
        (PeerMalformed,),
        lambda: [b"0\n", b"07\n", b"7\n\n"],
    ),
)
