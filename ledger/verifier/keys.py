"""Whether a checkpoint rests on keys that still counted, as the log's own records say."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress

from ledger.errors import NoteError, ProofError
from ledger.keyhistory import LOG_KEY_COMPROMISED, LOG_KEY_ROTATED, LOG_TYPES
from ledger.leaf import Leaf
from ledger.note import Checkpoint, Note
from ledger.tlogproof import TlogProof

from . import bundle
from .bundle import CHECKPOINT, MANIFEST_PROOF
from .findings import Code, Findings
from .signatures import Keys


def check_keys(
    files: Mapping[str, bytes], leaves: Mapping[int, Leaf], keys: Keys, findings: Findings
) -> None:
    """Check that no checkpoint rests on keys that a record in its own tree takes out of use.

    A record of a rotation takes those that it replaces, one of a compromise the key it names:
    that record is in the tree, so no time-stamp token over it can be older than what it says.
    Smaller checkpoints count: the larger one, by other keys, goes on from them.
    """
    ended = {
        Code.KEY_COMPROMISED: _ended(leaves, keys, LOG_KEY_COMPROMISED),
        Code.KEY_REPLACED: _ended(leaves, keys, LOG_KEY_ROTATED),
    }
    for path, note, size in _notes(files):
        out: set[str] = set()
        for code, ends in ended.items():
            out |= {vkey for vkey, index in ends.items() if index < size}
            if _is_whole(note, keys, ()) and not _is_whole(note, keys, out):
                findings.add(code, "its tree says that the keys that signed are out of use", path)
                break


def _notes(files: Mapping[str, bytes]) -> Iterator[tuple[str, Note, int]]:
    """Yield path, note and size of every well-formed checkpoint."""
    paths = [CHECKPOINT, *(path for _, path in bundle.numbered(files, "checkpoints"))]
    for path in [*paths, MANIFEST_PROOF]:
        # What is malformed was found where it is read.
        with suppress(KeyError, NoteError, ProofError):
            is_proof = path == MANIFEST_PROOF
            note = TlogProof.parse(files[path]).note if is_proof else Note.parse(files[path])
            yield path, note, Checkpoint.parse(note.text).size


def _ended(leaves: Mapping[int, Leaf], keys: Keys, kind: str) -> dict[str, int]:
    """Return the keys that records of ``kind`` take out of use, each with the first such leaf."""
    known, ended = {key.vkey for key in keys.verifiers}, dict[str, int]()
    for leaf in leaves.values():
        if leaf.body.kind == kind and leaf.body.facts.get("origin") == keys.origin:
            for vkey in known.intersection(_taken_out(leaf)):
                ended.setdefault(vkey, leaf.index)
    return ended


def _taken_out(leaf: Leaf) -> Iterator[str]:
    named = leaf.body.facts.get("replaces", leaf.body.facts.get("key"))
    yield from (str(vkey) for vkey in (named if isinstance(named, list) else [named]))


def _is_whole(note: Note, keys: Keys, out: Collection[str]) -> bool:
    """Return whether keys of both types signed that are not ``out``; signatures were checked."""
    there = {(signature.name, signature.key_id) for signature in note.signatures}
    ours = (key for key in keys.verifiers if (key.name, key.key_id) in there)
    return {key.type for key in ours if key.vkey not in out} == LOG_TYPES
