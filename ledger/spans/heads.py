"""Check one stored checkpoint: both signatures, the COSE one, and what it is signed for."""

from ledger.errors import NoteError, ProofError
from ledger.keyhistory import KeyHistory
from ledger.note import Checkpoint, Note
from ledger.receipt import SignedRoot


def verify_head(
    origin: str, keys: KeyHistory, size: int, note: str, signed_root: bytes
) -> tuple[Checkpoint | None, str | None]:
    """Return the tree head that all keys in force at its size signed, or what is wrong with it."""
    wanted = keys.at(size)
    try:
        signed = Note.parse(note)
        signers = {entry.verifier for entry in signed.verify(keys.known)}
        head = Checkpoint.parse(signed.text)
        SignedRoot.parse(signed_root).verify(head, wanted)
    except (NoteError, ProofError) as error:
        return None, f"checkpoint of size {size}: {error}"
    if not signers.issuperset(wanted) or head.origin != origin:
        return None, f"checkpoint of size {size} lacks a signature, or names another log"
    if head.size != size:
        return None, f"checkpoint says size {head.size}, its row {size}"
    return head, None
