"""Signed texts with one bit turned, each bit in its turn: none is still what both keys signed.

Text, names, key ids and the spare bits of base64 count alike.
"""

import re
import string
from collections.abc import Callable

import pytest

from ledger import merkle
from ledger.errors import LedgerError
from ledger.note import Checkpoint, Note, SignatureType, Signer, Verifier, sign_note
from ledger.tlogproof import TlogProof
from ledger.witness import parse_cosignatures

from .vectors import fixed

ORIGIN = "log.example/default"
HASHES = [merkle.leaf_hash(b"%d" % number) for number in range(7)]
ED = Signer.from_seed(ORIGIN, SignatureType.ED25519, fixed("ed"))
MLDSA = Signer.from_seed(ORIGIN, SignatureType.MLDSA44, fixed("ml"))
WITNESS = Signer.from_seed("w.example", SignatureType.COSIGNATURE, fixed("w"))
PQ_WITNESS = Signer.from_seed("w.example/pq", SignatureType.MLDSA44, fixed("pq"))
LETTERS = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
HEAD = Checkpoint(ORIGIN, 7, merkle.tree_root(HASHES))


def holds(note: Note, *signers: Signer) -> bool:
    """Say whether each of ``signers`` is found to have signed."""
    keys = [signer.verifier for signer in signers]
    return {one.verifier for one in note.verify(keys)} == set(keys)


def survivors(good: str, accepts: Callable[[bytes], bool]) -> list[int]:
    """Return the bits of ``good`` that can be turned without ``accepts`` refusing."""
    data, left = good.encode(), []
    assert accepts(data)
    for bit in range(len(data) * 8):
        bent = bytearray(data)
        bent[bit // 8] ^= 1 << bit % 8
        try:
            if accepts(bytes(bent)):
                left.append(bit)
        except LedgerError:
            continue
    return left


def letter_survivors(good: str, accepts: Callable[[bytes], bool]) -> list[tuple[int, str]]:
    """Return the places in base64 where another letter stands and ``accepts`` does not refuse.

    A bit of the six that a letter means is seldom one bit of the letter: spare bits among them.
    """
    left = []
    for line in re.finditer(r"^— \S+ (\S+)$", good, re.MULTILINE):
        for place in range(*line.span(1)):
            value = LETTERS.find(good[place])
            others = [LETTERS[value ^ 1 << bit] for bit in range(6)] if value >= 0 else "A/"
            for other in others:
                try:
                    if accepts((good[:place] + other + good[place + 1 :]).encode()):
                        left.append((place, other))
                except LedgerError:
                    continue
    return left


def as_argument(data: bytes) -> str:
    """Decode as a command line is."""
    return data.decode("utf-8", "surrogateescape")


NOTES = {
    "the two keys of a log": ((ED, MLDSA), 0),
    "a log and a witness": ((ED, WITNESS), 1_800_000_000),
}


@pytest.mark.parametrize("name", NOTES)
def test_no_bit_that_a_letter_of_a_signature_means_can_be_turned(name: str) -> None:
    signers, time = NOTES[name]
    good = str(sign_note(HEAD.text, signers, time=time))
    assert letter_survivors(good, lambda data: holds(Note.parse(data), *signers)) == []


def test_no_bit_of_a_verifier_key_can_be_turned() -> None:
    for signer in (ED, WITNESS, MLDSA):
        vkey = signer.verifier.vkey
        assert survivors(vkey, lambda data: bool(Verifier.parse(as_argument(data)))) == []


def test_no_bit_of_an_answer_by_a_witness_can_be_turned() -> None:
    for witness in (WITNESS, PQ_WITNESS):
        line = f"{witness.sign(HEAD.text, time=1_800_000_000).line}\n"

        def accepts(data: bytes, key: Verifier = witness.verifier) -> bool:
            return bool(parse_cosignatures(data, HEAD.text, key, 1_800_000_000))

        assert survivors(line, accepts) == []


def test_no_bit_of_a_note_by_two_keys_can_be_turned() -> None:
    note = sign_note(HEAD.text, [ED, MLDSA])
    assert survivors(str(note), lambda data: holds(Note.parse(data), ED, MLDSA)) == []


def test_no_bit_of_a_cosigned_note_can_be_turned() -> None:
    note = sign_note(HEAD.text, [ED, WITNESS], time=1_800_000_000)
    assert survivors(str(note), lambda data: holds(Note.parse(data), ED, WITNESS)) == []


def test_no_bit_of_a_proof_can_be_turned() -> None:
    path = tuple(merkle.inclusion_path(HASHES, 5))
    proof = TlogProof(5, path, sign_note(HEAD.text, [ED]))

    def accepts(data: bytes) -> bool:
        parsed = TlogProof.parse(data)
        return parsed.verify(HASHES[5]) == HEAD and holds(parsed.note, ED)

    assert survivors(str(proof), accepts) == []


def test_bit_of_an_unknown_signature_is_the_only_one_that_may_turn() -> None:
    signed = str(sign_note(HEAD.text, [ED]))
    stranger = WITNESS.sign(HEAD.text, time=7).line
    left = survivors(f"{signed}{stranger}\n", lambda data: holds(Note.parse(data), ED))
    assert left
    assert min(left) >= len(signed.encode()) * 8
