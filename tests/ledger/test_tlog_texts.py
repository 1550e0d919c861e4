import pytest

from ledger import merkle, strict_base64
from ledger.errors import NoteError, ProofError
from ledger.note import Checkpoint, SignatureType, Signer, sign_note
from ledger.tlogpolicy import Policy
from ledger.tlogproof import TlogProof, format_consistency, parse_consistency

from .vectors import fixed

ORIGIN = "log.example/default"
HASHES = [merkle.leaf_hash(b"%d" % number) for number in range(7)]


def signer(name: str, kind: SignatureType) -> Signer:
    return Signer.from_seed(name, kind, fixed(f"{name} {kind}"))


ED = signer(ORIGIN, SignatureType.ED25519)
MLDSA = signer(ORIGIN, SignatureType.MLDSA44)
W = [signer(f"w{number}.example", SignatureType.COSIGNATURE) for number in range(4)]
CHECKPOINT = Checkpoint(ORIGIN, 7, merkle.tree_root(HASHES))
PROOF = TlogProof(
    5, tuple(merkle.inclusion_path(HASHES, 5)), sign_note(CHECKPOINT.text, [ED, MLDSA])
)


def test_proof_survives_its_text_and_proves_its_leaf() -> None:
    parsed = TlogProof.parse(str(PROOF))
    assert parsed == PROOF
    assert parsed.verify(HASHES[5]) == CHECKPOINT
    assert str(PROOF).startswith("c2sp.org/tlog-proof@v1\nindex 5\n")
    with pytest.raises(ProofError, match="does not lead to the root"):
        parsed.verify(HASHES[4])


def test_extra_survives_the_text() -> None:
    proof = TlogProof(PROOF.index, PROOF.path, PROOF.note, b"more")
    assert TlogProof.parse(str(proof).encode()).extra == b"more"


def test_proof_of_the_only_leaf_has_an_empty_path() -> None:
    one = Checkpoint(ORIGIN, 1, HASHES[0])
    proof = TlogProof.parse(str(TlogProof(0, (), sign_note(one.text, [ED]))))
    assert proof.verify(HASHES[0]) == one


TEXT = str(PROOF)
HASH_LINE = strict_base64.encode(HASHES[0]) + "\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no empty line before its checkpoint"),
        (TEXT.replace("@v1", "@v2"), "does not begin with"),
        (TEXT.replace("index 5", "index 05"), "leaf index is not a decimal"),
        (TEXT.replace("index 5", "indes 5"), "does not name an index"),
        (TEXT.replace("index 5\n", "extra AAB=\nindex 5\n"), "extra is not padded base64"),
        (TEXT.replace("index 5\n", ""), "does not name an index"),
        (TEXT.replace("index 5\n", "index 5\nAAAA\n"), "not the base64 of 32 bytes"),
        (TEXT.replace("index 5\n", "index 5\n" + HASH_LINE * 64), "more than 63 hashes"),
        (TEXT[:-1], "does not end with a signature line"),
        (TEXT.encode() + b"\xff", "proof cannot be read"),
        ("c2sp.org/tlog-proof@v1\n\n", "does not name an index"),
    ],
)
def test_malformed_proof_is_refused(text: str | bytes, complaint: str) -> None:
    with pytest.raises(ProofError, match=complaint):
        TlogProof.parse(text)


def test_consistency_survives_its_text() -> None:
    path = merkle.consistency_path(HASHES, 3)
    assert parse_consistency(format_consistency(path).encode()) == path
    assert parse_consistency("") == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (HASH_LINE[:-1], "does not end in a line feed"),
        (HASH_LINE * 70, "too long"),
        ("\n", "not the base64 of 32 bytes"),
        (HASH_LINE + "\n", "not the base64 of 32 bytes"),
        ("é\n".encode(), "not ASCII"),
    ],
)
def test_malformed_consistency_is_refused(text: str | bytes, complaint: str) -> None:
    with pytest.raises(ProofError, match=complaint):
        parse_consistency(text)


LOGS = f"log {ED.verifier.vkey} https://log.example\nlog {MLDSA.verifier.vkey}\n"
WITNESSES = "".join(f"witness w{n} {w.verifier.vkey}\n" for n, w in enumerate(W))
QUORUM = "group a 2 w0 w1 w2\ngroup b any w3\ngroup both all a b\nquorum both\n"


def test_policy_survives_its_text() -> None:
    policy = Policy.parse(LOGS + WITNESSES + QUORUM)
    assert Policy.parse(str(policy)) == policy
    assert policy.keys_of(ORIGIN) == (ED.verifier, MLDSA.verifier)
    assert policy.keys_of("log.example/other") == ()
    assert policy.logs[0].url == "https://log.example"


@pytest.mark.parametrize(
    ("witnesses", "answer"),
    [
        ({"w0", "w1", "w3"}, True),
        ({"w0", "w2", "w3"}, True),
        ({"w0", "w1", "w2"}, False),
        ({"w0", "w3"}, False),
        ({"w0", "w1", "b", "both"}, False),
        (set(), False),
    ],
)
def test_quorum_counts_groups_of_groups(witnesses: set[str], answer: bool) -> None:
    policy = Policy.parse((LOGS + WITNESSES + QUORUM).encode())
    assert policy.is_satisfied_by(witnesses) is answer


def test_quorum_of_none_is_always_satisfied() -> None:
    assert Policy.parse("quorum none\n").is_satisfied_by(())


def test_comments_blank_lines_and_tabs_mean_nothing() -> None:
    policy = Policy.parse(f" # said\n\n \t\n\tlog\t {ED.verifier.vkey} \nquorum none")
    assert policy.keys_of(ORIGIN) == (ED.verifier,)


WITNESS_KEY = W[0].verifier.vkey


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (LOGS, "policy names no quorum"),
        ("quorum none\nquorum none\n", "line 2: policy names a quorum twice"),
        ("quorum w0\n", "line 1: quorum names what no earlier line defines"),
        ("quorum\n", "not of the form quorum"),
        ("log\n", "not of the form log"),
        ("log a+b+c\n", "line 1: verifier key"),
        (f"log {WITNESS_KEY}\n", "type 0x04 cannot sign in this place"),
        (f"witness w {ED.verifier.vkey}\n", "type 0x01 cannot sign in this place"),
        (LOGS + f"log {ED.verifier.vkey}\n", "key stands in the policy twice"),
        (LOGS + f"witness w {MLDSA.verifier.vkey}\n", "key stands in the policy twice"),
        (WITNESSES + f"witness w0 {MLDSA.verifier.vkey}\n", "name is used twice"),
        (f"witness none {WITNESS_KEY}\n", "name is used twice, or is none"),
        (f"witness w {WITNESS_KEY} url more\n", "not of the form witness"),
        (WITNESSES + "group g 0 w0\n", "group wants 0 of 1"),
        (WITNESSES + "group g 2 w0\n", "group wants 2 of 1"),
        (WITNESSES + "group g x w0\n", "threshold is not a decimal"),
        (WITNESSES + "group g any\n", "not of the form group"),
        (WITNESSES + "group g any later\n", "that no earlier line defines"),
        (WITNESSES + "group g all none w0\n", "group names none"),
        (WITNESSES + "group g all w0 w0\n", "already has a place in a group"),
        (WITNESSES + "group g all w0\ngroup h all w0 w1\n", "already has a place in a group"),
        ("believe me\n", "none of log, witness, group, quorum"),
        ("# \x7f\nquorum none\n", "control character"),
        (b"# \xff\nquorum none\n", "not UTF-8"),
        ("# \udcff\nquorum none\n", "not UTF-8"),
        ("#" * (1 << 21), "policy is longer"),
        ("log\u2003x\n", "none of log, witness"),
    ],
)
def test_malformed_policy_is_refused(text: str | bytes, complaint: str) -> None:
    with pytest.raises(NoteError, match=complaint):
        Policy.parse(text)


def test_policy_of_too_many_lines_is_refused() -> None:
    witnesses = [signer(f"x{number}", SignatureType.COSIGNATURE) for number in range(257)]
    lines = [f"witness x{n} {w.verifier.vkey}\n" for n, w in enumerate(witnesses)]
    with pytest.raises(NoteError, match="line 257: policy has more than 256 lines"):
        Policy.parse("".join(lines))
