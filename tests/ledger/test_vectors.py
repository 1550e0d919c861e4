"""The conformance vectors: written by their script, and obeyed by our code and by a second reader.

The second reader is ``tlog_client``, which imports nothing of the service. It reads what is good:
what is bad it may take, since it is no strict parser. Receipts are read by scitt-cose as well.
"""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
import scitt_cose
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fixtures.vectors.build import FILES, build
from fixtures.vectors.cast import FOLDER, SEED_PREFIX
from ledger import strict_base64
from ledger.commitment import Opening, tombstone_leaf
from ledger.errors import CommitmentError, LedgerError, UnknownTile
from ledger.leaf import parse_leaf, verify_link
from ledger.merkle import verify_consistency, verify_inclusion
from ledger.note import Checkpoint, Note, SignatureType, Verifier
from ledger.receipt import Receipt, verify_receipt
from ledger.tlogpolicy import Policy
from ledger.tlogproof import TlogProof
from ledger.tlogtiles import TilePath, unpack_entries

from . import tlog_client
from .vectors import load

Case = dict[str, Any]


def cases(name: str) -> list[Case]:
    found: list[Case] = load(f"{name}.json")["cases"]
    return found


def _data(case: Case, name: str) -> bytes:
    """Return the bytes of a member that is a text, or hexadecimal where it cannot be one."""
    if f"{name}_length" in case:
        text, length = case[f"{name}_repeated"].encode(), int(case[f"{name}_length"])
        return bytes((text * (length // len(text) + 1))[:length])
    if f"{name}_hex" in case:
        return bytes.fromhex(case[f"{name}_hex"])
    return str(case[name]).encode()


def _hashes(values: list[str]) -> list[bytes]:
    return [bytes.fromhex(value) for value in values]


def _verifiers(case: Case) -> list[Verifier]:
    return [Verifier.parse(vkey) for vkey in case["vkeys"]]


def read_vkey(case: Case) -> Case:
    key = Verifier.parse(case["vkey"])
    return {
        "key_name": key.name,
        "key_id": key.key_id.hex(),
        "type": int(key.type),
        "public_key": key.public.hex(),
    }


def read_note(case: Case) -> Case:
    note = Note.parse(_data(case, "note"))
    return {"signed_by": [one.verifier.vkey for one in note.verify(_verifiers(case))]}


def read_checkpoint(case: Case) -> Case:
    head = Checkpoint.parse(case["text"])
    assert head.text == case["text"]
    extensions = list(head.extensions)
    return {
        "origin": head.origin,
        "size": head.size,
        "root": head.root.hex(),
        "extensions": extensions,
    }


def read_cosignature(case: Case) -> Case:
    verifier = Verifier.parse(case["vkey"])
    assert verifier.type in (SignatureType.COSIGNATURE, SignatureType.MLDSA44)
    (signed,) = Note.parse(f"{case['text']}\n{case['line']}\n").verify([verifier])
    return {"time": signed.time}


def read_inclusion(case: Case) -> Case:
    leaf, root = bytes.fromhex(case["leaf_hash"]), bytes.fromhex(case["root"])
    verify_inclusion(leaf, case["index"], case["size"], _hashes(case["path"]), root)
    return {}


def read_consistency(case: Case) -> Case:
    roots = _hashes([case["first_root"], case["second_root"]])
    verify_consistency(case["first_size"], case["second_size"], _hashes(case["path"]), *roots)
    return {}


def read_tlog_proof(case: Case) -> Case:
    proof = TlogProof.parse(case["proof"])
    proof.note.verify(_verifiers(case))
    head = proof.verify(parse_leaf(case["leaf"].encode()).hash)
    return {"index": proof.index, "size": head.size}


def read_policy(case: Case) -> Case:
    policy = Policy.parse(case["policy"])
    for name, wanted in (("satisfied_by", True), ("not_satisfied_by", False)):
        for witnesses in case.get(name, []):
            assert policy.is_satisfied_by(witnesses) is wanted
    return {"logs": [log.verifier.vkey for log in policy.logs]}


def read_tile_path(case: Case) -> Case:
    path = TilePath.parse(case["path"])
    return {"level": path.level, "index": path.index, "width": path.width}


def read_tile_tree(case: Case) -> Case:
    for level, full in enumerate(case["full_tiles"]):
        assert not full or TilePath(level, full - 1).is_within(case["size"])
        assert not TilePath(level, full).is_within(case["size"])
    for text in case["partial_tiles"]:
        path = TilePath.parse(text)
        assert path.is_within(case["size"])
        assert not TilePath(path.level, path.index, path.width + 1).is_within(case["size"])
    assert not TilePath(len(case["full_tiles"]), 0, 1).is_within(case["size"])
    return {}


def read_bundle(case: Case) -> Case:
    return {"entries": [entry.hex() for entry in unpack_entries(bytes.fromhex(case["bundle"]))]}


def read_leaf(case: Case) -> Case:
    leaf = parse_leaf(_data(case, "leaf"))
    return {
        "index": leaf.index,
        "prev": leaf.prev.hex(),
        "hash": leaf.hash.hex(),
        "at": leaf.body.at,
        "kind": leaf.body.kind,
        "commitments": [strict_base64.encode(value) for value in leaf.body.commitments],
    }


def read_link(case: Case) -> Case:
    verify_link(parse_leaf(case["before"].encode()), parse_leaf(case["after"].encode()))
    return {}


def read_commitment(case: Case) -> Case:
    r, commitment = strict_base64.decode(case["r"]), strict_base64.decode(case["commitment"])
    assert r is not None
    if Opening(case["kind"], case["role"], case["payload"], r).commitment != commitment:
        raise CommitmentError("opening does not fit its commitment")
    return {}


def read_tombstone(case: Case) -> Case:
    commitment = strict_base64.decode(case["commitment"])
    assert commitment is not None
    entry = tombstone_leaf(bytes.fromhex(case["salt"]), commitment)
    root, path = bytes.fromhex(case["root"]), _hashes(case["path"])
    verify_inclusion(entry, case["index"], case["size"], path, root)
    return {}


def read_receipt(case: Case) -> Case:
    data = bytes.fromhex(case["receipt"])
    head = verify_receipt(data, case["leaf"].encode(), _verifiers(case))
    return {"origin": head.origin, "index": Receipt.parse(data).index, "size": head.size}


READERS: dict[str, Callable[[Case], Case]] = {
    "vkeys": read_vkey,
    "notes": read_note,
    "checkpoints": read_checkpoint,
    "cosignatures": read_cosignature,
    "inclusion": read_inclusion,
    "consistency": read_consistency,
    "tlog-proofs": read_tlog_proof,
    "policies": read_policy,
    "tile-paths": read_tile_path,
    "tile-trees": read_tile_tree,
    "entry-bundles": read_bundle,
    "leaves": read_leaf,
    "links": read_link,
    "commitments": read_commitment,
    "tombstones": read_tombstone,
    "receipts": read_receipt,
}


def test_committed_files_are_what_the_script_writes() -> None:
    for name, text in build().items():
        assert (FOLDER / name).read_text("utf-8") == text, f"run python -m fixtures.vectors: {name}"


def test_each_file_is_read_and_told_of() -> None:
    assert FILES.keys() == READERS.keys()
    readme = (FOLDER / "README.md").read_text("utf-8")
    written = {path.name for path in FOLDER.glob("*.json")}
    assert [name for name in sorted(written) if f"`{name}`" not in readme] == []
    assert SEED_PREFIX in readme


def test_names_are_unique_and_files_hold_good_and_bad() -> None:
    for file in FILES:
        names = [case["name"] for case in cases(file)]
        assert len(set(names)) == len(names), file
        assert {case["valid"] for case in cases(file)} >= {True}
        assert file == "tile-trees" or {case["valid"] for case in cases(file)} == {True, False}


@pytest.mark.parametrize("file", READERS)
def test_good_cases_are_read_as_they_say(file: str) -> None:
    for case in cases(file):
        if case["valid"]:
            told = READERS[file](case)
            assert {name: case[name] for name in told} == told, case["name"]


@pytest.mark.parametrize("file", READERS)
def test_bad_cases_are_refused_by_name(file: str) -> None:
    for case in cases(file):
        if not case["valid"]:
            # Each refusal says something, and none is an error of Python's own.
            with pytest.raises(LedgerError, match="."):
                READERS[file](case)
                pytest.fail(f"{file}: {case['name']} was accepted")


def test_second_reader_agrees_on_notes_and_cosignatures() -> None:
    for case in cases("notes"):
        for vkey in case.get("signed_by", []):
            tlog_client.open_note(case["note"], tlog_client.Key.read(vkey))
    for case in cases("cosignatures"):
        if case["valid"]:
            key = tlog_client.Key.read(case["vkey"])
            assert tlog_client.open_note(f"{case['text']}\n{case['line']}\n", key) == case["text"]


def test_second_reader_agrees_on_proofs() -> None:
    numbered = tlog_client.Tree([tlog_client.leaf_hash(b"%d" % number) for number in range(300)])
    for case in cases("inclusion"):
        if case["valid"]:
            assert _hashes(case["path"]) == numbered.path(case["index"], 0, case["size"])
            assert bytes.fromhex(case["root"]) == numbered.mth(0, case["size"])
    for case in cases("consistency"):
        if case["valid"]:
            sizes = case["first_size"], case["second_size"]
            assert _hashes(case["path"]) == numbered.proof(*sizes)
            roots = [numbered.mth(0, size) for size in sizes]
            assert _hashes([case["first_root"], case["second_root"]]) == roots


def test_second_reader_agrees_on_proof_texts() -> None:
    for case in cases("tlog-proofs"):
        if not case["valid"]:
            continue
        header, _, note = case["proof"].partition("\n\n")
        lines = [line for line in header.split("\n")[1:] if not line.startswith("extra ")]
        path = [base64.b64decode(line) for line in lines[1:]]
        text = tlog_client.open_note(note, tlog_client.Key.read(case["vkeys"][0]))
        leaf = tlog_client.leaf_hash(case["leaf"].encode())
        root = tlog_client.fold_path(leaf, case["index"], case["size"], path)
        assert lines[0] == f"index {case['index']}"
        assert text.split("\n")[1:3] == [str(case["size"]), base64.b64encode(root).decode()]


def test_second_reader_agrees_on_leaves_tiles_and_bundles() -> None:
    for case in cases("leaves"):
        if case["valid"]:
            assert tlog_client.leaf_hash(case["leaf"].encode()).hex() == case["hash"]
            assert json.loads(case["leaf"])["prev"] == case["prev"]
    for case in cases("tile-trees"):
        partial, size, level = [], case["size"], 0
        while size:
            partial += [
                tlog_client.tile_path(str(level), index, width).removeprefix("tile/")
                for index, width in [(size // 256, size % 256)]
                if width
            ]
            size, level = size // 256, level + 1
        assert case["partial_tiles"] == partial
    for case in cases("entry-bundles"):
        if case["valid"]:
            entries = _hashes(case["entries"])
            assert tlog_client.unpack(bytes.fromhex(case["bundle"]), len(entries)) == entries


def test_somebody_elses_reader_of_receipts_agrees() -> None:
    # It reads any encoding and any number of proofs, and knows nothing of the size that we sign.
    looser = {"two proofs", "a parameter more", "another size in the proof"}
    for case in cases("receipts"):
        key = Ed25519PublicKey.from_public_bytes(tlog_client.Key.read(case["vkeys"][0]).public[:32])
        result = scitt_cose.verify_receipt(
            bytes.fromhex(case["receipt"]),
            leaf_entry_hex=case["leaf"].encode().hex(),
            log_public_key_pem=key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        )
        assert result.ok == (case["valid"] or case["name"] in looser), case["name"]


def test_unknown_tile_is_what_malformed_paths_are() -> None:
    for case in cases("tile-paths"):
        if not case["valid"]:
            with pytest.raises(UnknownTile, match="no tile has such a path"):
                TilePath.parse(case["path"])
