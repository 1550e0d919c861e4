from typing import Any

import pytest

from ledger import strict_base64
from ledger.errors import NoteError
from ledger.note import Checkpoint, Note, Signature, SignatureType, Signer, Verifier, sign_note

from .vectors import fixed, load

# The example of the Go package that the format comes from.
NEUMANN = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NEUMANN_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZ"
    "b6KE6RyyBwJnAM=\n"
)
ORIGIN = "log.example/default"
CHECKPOINT = Checkpoint(ORIGIN, 4, bytes(range(32)))
ED, COSIGNER, MLDSA = (
    Signer.from_seed(ORIGIN, SignatureType.ED25519, fixed("ed")),
    Signer.from_seed("witness.example", SignatureType.COSIGNATURE, fixed("w")),
    Signer.from_seed(ORIGIN, SignatureType.MLDSA44, fixed("ml")),
)
ALL = (ED, COSIGNER, MLDSA)


def test_known_note_verifies_under_its_known_key() -> None:
    verifier = Verifier.parse(NEUMANN)
    assert verifier.vkey == NEUMANN
    note = Note.parse(NEUMANN_NOTE)
    assert str(note) == NEUMANN_NOTE
    (signed,) = note.verify([verifier])
    assert (signed.verifier, signed.time) == (verifier, None)


def test_checkpoint_of_the_worked_example_has_its_text() -> None:
    stated = load("worked-example.json")["checkpoint"]
    root = strict_base64.decode(stated["root"])
    assert root is not None
    text = f"{ORIGIN}\n4\n{stated['root']}\n"
    assert Checkpoint(ORIGIN, stated["size"], root).text == text
    assert Checkpoint.parse(text).root == root


@pytest.mark.parametrize("signer", ALL, ids=lambda signer: signer.type.name)
def test_each_type_signs_and_verifies_and_survives_its_text(signer: Signer) -> None:
    note = Note.parse(str(sign_note(CHECKPOINT.text, [signer], time=1_800_000_000)))
    verifier = Verifier.parse(signer.verifier.vkey)
    (signed,) = note.verify([verifier])
    stamped = signer.type is not SignatureType.ED25519
    assert signed.time == (1_800_000_000 if stamped else None)


@pytest.mark.parametrize("signer", ALL, ids=lambda signer: signer.type.name)
def test_signature_with_any_bit_turned_sinks_the_note(signer: Signer) -> None:
    (good,) = sign_note(CHECKPOINT.text, [signer], time=7).signatures
    for place in range(0, len(good.value), max(1, len(good.value) // 40)):
        value = bytearray(good.value)
        value[place] ^= 4
        note = Note(CHECKPOINT.text, (Signature(good.name, good.key_id, bytes(value)),))
        with pytest.raises(NoteError, match=r"does not hold|signature time"):
            note.verify([signer.verifier])


@pytest.mark.parametrize("signer", ALL, ids=lambda signer: signer.type.name)
def test_signature_under_another_size_sinks_the_note(signer: Signer) -> None:
    signatures = sign_note(CHECKPOINT.text, [signer]).signatures
    other = Checkpoint(ORIGIN, 5, CHECKPOINT.root)
    with pytest.raises(NoteError, match="does not hold"):
        Note(other.text, signatures).verify([signer.verifier])


def test_one_failing_known_signature_sinks_a_note_that_another_key_signed() -> None:
    note = sign_note(CHECKPOINT.text, [ED, MLDSA])
    bad = Signature(ORIGIN, ED.verifier.key_id, bytes(64))
    with pytest.raises(NoteError, match="does not hold"):
        Note(note.text, (*note.signatures, bad)).verify([ED.verifier, MLDSA.verifier])


def test_unknown_signatures_are_ignored_but_cannot_carry_a_note() -> None:
    note = sign_note(CHECKPOINT.text, ALL)
    (signed,) = note.verify([COSIGNER.verifier])
    assert signed.verifier == COSIGNER.verifier
    stranger = Signer.from_seed(ORIGIN, SignatureType.ED25519, fixed("stranger")).verifier
    with pytest.raises(NoteError, match="no signature by a known key"):
        note.verify([stranger])


def test_text_may_hold_empty_lines_and_is_split_at_the_last() -> None:
    text = "first\n\nsecond\n"
    note = Note.parse(str(sign_note(text, [ED])))
    assert note.text == text
    note.verify([ED.verifier])


LINE = ED.sign(CHECKPOINT.text).line
KEY = ED.verifier.vkey


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"\xff\n\n" + LINE.encode() + b"\n", "not UTF-8"),
        ("a\ud800\n\n" + LINE + "\n", "not UTF-8"),
        ("a\tb\n\n" + LINE + "\n", "control character"),
        ("a\r\n\n" + LINE + "\n", "control character"),
        ("a\x00\n\n" + LINE + "\n", "control character"),
        ("a" * (1 << 20) + "\n\n" + LINE + "\n", "note is longer"),
        (CHECKPOINT.text + LINE + "\n", "no empty line"),
        ("\n\n" + LINE + "\n", "no empty line"),
        ("", "no empty line"),
        ("a\n\n", "does not end with a signature line"),
        ("a\n\n" + LINE, "does not end with a signature line"),
        ("a\n\n" + (LINE + "\n") * 65, "65 signatures, at most 64"),
        ("a\n\n- name AAAAAAA=\n", "not of the form"),
        ("a\n\n— name AAAAAAB=\n", "not of the form"),
        ("a\n\n— name AAAAAA==\n", "not of the form"),
        ("a\n\n— name AAAAAAA\n", "not of the form"),
        ("a\n\n— name  AAAAAAA=\n", "not of the form"),
        ("a\n\n—  AAAAAAA=\n", "key name is empty"),
        ("a\n\n— na+me AAAAAAA=\n", "key name is empty"),
        ("a\n\n— na\u2003me AAAAAAA=\n", "key name is empty"),
    ],
)
def test_malformed_note_is_refused(text: str | bytes, complaint: str) -> None:
    with pytest.raises(NoteError, match=complaint):
        Note.parse(text)


def test_sixteen_signatures_are_read() -> None:
    assert len(Note.parse("a\n\n" + (LINE + "\n") * 16).signatures) == 16


ROOT = strict_base64.encode(bytes(32))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (f"o\n1\n{ROOT}", "does not end in a line feed"),
        (f"o\n{ROOT}\n", "wants origin, size and root"),
        (f"\n1\n{ROOT}\n", "no empty line"),
        (f"o\n1\n{ROOT}\n\n", "no empty line"),
        (f"o\n1\n{ROOT}\n\n— n AAAAAAA=\n", "no empty line"),
        (f"o\n01\n{ROOT}\n", "checkpoint size is not a decimal"),
        (f"o\n-1\n{ROOT}\n", "checkpoint size is not a decimal"),
        (f"o\n+1\n{ROOT}\n", "checkpoint size is not a decimal"),
        (f"o\n1 \n{ROOT}\n", "checkpoint size is not a decimal"),
        (f"o\n\u0661\n{ROOT}\n", "checkpoint size is not a decimal"),
        (f"o\n9223372036854775808\n{ROOT}\n", "checkpoint size is not a decimal"),
        (f"o\n{'1' * 5000}\n{ROOT}\n", "checkpoint size is not a decimal"),
        (f"o\n1\n{ROOT[:-2]}B=\n", "checkpoint root is not the base64"),
        ("o\n1\nAAAA\n", "checkpoint root is not the base64"),
    ],
)
def test_malformed_checkpoint_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(NoteError, match=complaint):
        Checkpoint.parse(text)


def test_extension_lines_are_kept() -> None:
    checkpoint = Checkpoint.parse(f"o\n0\n{ROOT}\nmore\nstill more\n")
    assert checkpoint.extensions == ("more", "still more")
    assert Checkpoint.parse(checkpoint.text) == checkpoint


@pytest.mark.parametrize(
    ("vkey", "complaint"),
    [
        ("", "not of the form"),
        ("name", "not of the form"),
        ("name+c74f20a3", "not of the form"),
        (NEUMANN.replace("c74", "C74"), "not of the form"),
        (NEUMANN[:-1], "not of the form"),
        (NEUMANN.replace("c74f20a3", "c74f20a4"), "says id c74f20a4, wanted c74f20a3"),
        (NEUMANN.replace("Peter", "Pe ter"), "key name is empty, or holds a space"),
        (NEUMANN.replace("Peter", "Pe\udcffter"), "key name is not UTF-8"),
        (NEUMANN.replace("+ARpc", "+Ahpc"), "type 0x02 is none that we check"),
        (NEUMANN.replace("+ARpc", "+Bhpc"), "verifier key holds 32 bytes"),
    ],
)
def test_malformed_verifier_key_is_refused(vkey: str, complaint: str) -> None:
    with pytest.raises(NoteError, match=complaint):
        Verifier.parse(vkey)


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        (lambda: Signer.from_seed("n", SignatureType.ED25519, bytes(31)), "seed has 31 bytes"),
        (lambda: Signer("n", SignatureType.MLDSA44, ED.key), "does not fit signature type 0x06"),
        (lambda: Signer("a b", SignatureType.ED25519, ED.key), "key name is empty"),
        (lambda: Signer("a\x01", SignatureType.ED25519, ED.key), "control character"),
        (lambda: ED.sign("no line feed"), "note text does not end in a line feed"),
        (lambda: ED.sign("tab\t\n"), "control character"),
        (lambda: MLDSA.sign("no checkpoint\n"), "wants origin, size and root"),
        (lambda: MLDSA.sign(CHECKPOINT.text, time=-1), "signature time is -1"),
        (lambda: MLDSA.sign(CHECKPOINT.text, time=2**63), "signature time is 9223372036854775808"),
        (lambda: MLDSA.sign(f"{'o' * 256}\n1\n{ROOT}\n"), "name has 256 bytes"),
        (lambda: COSIGNER.verifier.verify(CHECKPOINT.text, bytes(8)), "too short to hold a time"),
    ],
)
def test_refusal_names_what_was_met(call: Any, complaint: str) -> None:
    with pytest.raises(NoteError, match=complaint):
        call()


def test_two_keys_that_cannot_be_told_apart_are_refused() -> None:
    twin = Verifier(ED.name, ED.type, COSIGNER.verifier.public)
    twin.__dict__["key_id"] = ED.verifier.key_id
    with pytest.raises(NoteError, match="share a name and a key id"):
        sign_note("a\n", [ED]).verify([ED.verifier, twin])


def test_name_of_a_signer_is_covered_by_its_key_id() -> None:
    other = Verifier("log.example/other", ED.type, ED.verifier.public)
    assert other.key_id != ED.verifier.key_id
