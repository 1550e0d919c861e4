"""Keys: each rotation is signed by both pairs, and nothing counts on a key that others may hold."""

from collections.abc import Mapping

from ledger.errors import NoteError
from ledger.keyhistory import KeyHistory
from ledger.leaf import Body
from ledger.logkeys import read_compromises
from ledger.models import Incarnation, KeyRecord
from ledger.note import Note, Verifier
from ledger.verification.findings import Aspect, LogVerdict

_ABOUT_KEYS = "log_key."


def check_keys(
    incarnation: Incarnation, keys: KeyHistory, told: Mapping[int, Body], verdict: LogVerdict
) -> None:
    """Check one incarnation's rotations, and that no compromised key signs what knows of it."""
    _check_places(incarnation, told, verdict)
    for change in keys.changes[1:]:
        _check_handover(incarnation, keys, change.index, verdict)
    for compromise in read_compromises():
        if compromise.incarnation == incarnation:
            _check_compromised(keys, compromise.vkey, compromise.index, verdict)


def _check_places(incarnation: Incarnation, told: Mapping[int, Body], verdict: LogVerdict) -> None:
    """Compare the index of records about keys with the records: who goes by it must miss none."""
    listed = KeyRecord.objects.filter(incarnation=incarnation).values_list("index", flat=True)
    there = {index for index, body in told.items() if body.kind.startswith(_ABOUT_KEYS)}
    for index in sorted(there.symmetric_difference(listed)):
        message = f"leaf {index} is not what the list of records about keys says of it"
        verdict.found(Aspect.INTEGRITY, "key_record_differs", message, index)


def _check_handover(
    incarnation: Incarnation, keys: KeyHistory, index: int, verdict: LogVerdict
) -> None:
    """Check that the first checkpoint over a rotation carries the signatures of both pairs."""
    first = incarnation.checkpoints.filter(size__gt=index).order_by("size").first()
    # None: the leaf is under no checkpoint, which is a finding of its own.
    if first and not _signers(first.note, keys).issuperset(keys.over(index, first.size)):
        message = f"the keys before leaf {index} did not sign those that it puts in their place"
        verdict.found(Aspect.INTEGRITY, "rotation_unsigned", message, index)


def _signers(note: str, keys: KeyHistory) -> set[Verifier]:
    try:
        return {one.verifier for one in Note.parse(note).verify(keys.known)}
    except NoteError:
        return set()


def _check_compromised(keys: KeyHistory, vkey: str, index: int, verdict: LogVerdict) -> None:
    """A checkpoint that knows of a compromise rests on other keys; no token can be older."""
    if vkey in {key.vkey for key in keys.newest}:
        message = f"a key that leaf {index} says is compromised still signs: run manage.py keys"
        verdict.found(Aspect.INTEGRITY, "key_compromised", message, index)
