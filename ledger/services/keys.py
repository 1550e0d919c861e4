"""Keys: make them, put others in force, destroy what is out of use, say that one is compromised.

A log's keys change by a record in that log; the sequencer goes by it, and so does whoever
verifies. A key-encryption key changes in the keystore, and a record tells of it. Private halves
are made before they are recorded and destroyed after: a step cut off is done by repeating it.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db import IntegrityError, transaction
from django.db.models import Count, ProtectedError

from ledger.errors import KeyInUse, UnknownKey
from ledger.keystore import encryption
from ledger.keystore.keys import current_encryption_key, rewrap_keys
from ledger.keystore.models import EncryptionKey
from ledger.leaf import format_at
from ledger.logkeys import read_compromises, read_history
from ledger.models import Incarnation, Log
from ledger.note import Verifier
from ledger.proofs import current_incarnation
from ledger.record_kinds import (
    ENCRYPTION_KEY_RETIRED,
    ENCRYPTION_KEY_ROTATED,
    LOG_KEY_COMPROMISED,
    LOG_KEY_RETIRED,
    LOG_KEY_ROTATED,
    EncryptionKeyFacts,
    LogKeyCompromised,
    LogKeyRetired,
    LogKeyRotated,
)
from ledger.services.append import append
from ledger.signing import (
    adopt_standby_keys,
    create_standby_keys,
    destroy_private_key,
    has_private_key,
    read_standby,
    read_verifiers,
)

REWRAP_BATCH = 500
_NUMBER_DIGITS = 4


class KeyState(StrEnum):
    """Where a key is in its life."""

    STANDBY = "standby"
    IN_FORCE = "in force"
    REPLACED = "replaced"
    RETIRED = "retired"
    COMPROMISED = "compromised"
    MISSING = "missing"


@dataclass(frozen=True)
class KeyStatus:
    """One key as ``manage.py keys list`` shows it; ``uses`` counts the data keys that it wraps."""

    id: str
    what: str
    state: KeyState
    uses: int | None = None


def list_keys() -> list[KeyStatus]:
    """Return every key of every log, first to last, and every key-encryption key."""
    return [*_list_log_keys(), *_list_encryption_keys()]


def create_log_keys(log: str) -> tuple[Verifier, ...]:
    """Make the pair that ``log`` will be rotated to; it signs nothing yet. Safe to repeat."""
    return create_standby_keys(current_incarnation(log).origin)


def rotate_log_keys(log: str) -> tuple[Verifier, ...]:
    """Record that other keys sign ``log`` from here on, and return them.

    The standby pair, or a fresh one. The sequencer signs the first checkpoint over that record
    with both pairs, and later ones with the new alone. Raises UnknownLog; KeyInUse while an
    earlier rotation waits for its place.
    """
    with transaction.atomic():
        return _rotate(current_incarnation(log))


def compromise_log_key(key_id: str, since: datetime) -> Verifier:
    """Record that somebody else may sign with a key since ``since``, and rotate it if in force.

    Raises UnknownKey.
    """
    verifier = find_log_key(key_id)
    incarnation = Incarnation.objects.get(origin=verifier.name)
    newest = current_incarnation(incarnation.log.name)
    facts = LogKeyCompromised(
        origin=verifier.name,
        key=verifier.vkey,
        since=format_at(since.replace(second=0, microsecond=0)),
    )
    with transaction.atomic():
        append(kind=LOG_KEY_COMPROMISED, facts=facts, log=newest.log.name)
        if verifier in read_history(newest).newest and not _is_rotating(newest):
            _rotate(newest)
    return verifier


def retire_log_key(key_id: str) -> Verifier:
    """Destroy the private half of a key that signs no more, and record it. Safe to repeat.

    Raises UnknownKey, and KeyInUse while it signs: until the checkpoint that both pairs sign is
    published, and for all keys of an origin until that is continued.
    """
    verifier = find_log_key(key_id)
    incarnation = Incarnation.objects.get(origin=verifier.name)
    newest = current_incarnation(incarnation.log.name)
    published = incarnation.published_size()
    if incarnation == newest and verifier in read_history(incarnation).at(published):
        raise KeyInUse(f"key {key_id} signs {verifier.name}: run manage.py keys rotate first")
    if has_private_key(verifier):
        facts = LogKeyRetired(origin=verifier.name, key=verifier.vkey)
        with transaction.atomic():
            append(kind=LOG_KEY_RETIRED, facts=facts, log=newest.log.name)
        destroy_private_key(verifier)
    return verifier


def find_log_key(key_id: str) -> Verifier:
    """Return the key of any log that has this id, eight hexadecimal digits. Raises UnknownKey."""
    found = [
        verifier
        for origin in Incarnation.objects.values_list("origin", flat=True)
        for verifier in read_verifiers(origin)
        if verifier.key_id.hex() == key_id
    ]
    if len(found) != 1:
        raise UnknownKey(f"{len(found)} log keys have the id {key_id}: see manage.py keys list")
    return found[0]


def create_encryption_key() -> str:
    """Make the key-encryption key that will be next, and return its id. Safe to repeat."""
    current = current_encryption_key()
    stem, _, number = current.rpartition("-")
    following = f"{stem}-{int(number) + 1:0{_NUMBER_DIGITS}}"
    encryption.create_key_file(encryption.key_folder(), following)
    return following


def rotate_encryption_key() -> str:
    """Let the next key-encryption key wrap from here on, record it, and return its id.

    What older ones wrapped stays so until ``rewrap``.
    """
    following = create_encryption_key()
    EncryptionKey.objects.get_or_create(id=following)
    with transaction.atomic():
        append(kind=ENCRYPTION_KEY_ROTATED, facts=EncryptionKeyFacts(key=following))
    return following


def rewrap(batch: int = REWRAP_BATCH) -> int:
    """Wrap one batch of data keys under the current key; return how many, 0 at the end.

    Each batch commits by itself: a run that was cut off goes on where it was.
    """
    return rewrap_keys(batch)


def retire_encryption_key(key_id: str) -> None:
    """Destroy a key-encryption key that wraps nothing any more, and record it. Safe to repeat.

    Raises UnknownKey, and KeyInUse while it wraps: PostgreSQL itself refuses then, and refuses
    from then on whatever a slow writer still wrapped with it.
    """
    folder = encryption.key_folder()
    if key_id not in encryption.find_key_files(folder):
        raise UnknownKey(f"no key-encryption key here is called {key_id}")
    if key_id >= current_encryption_key():
        raise KeyInUse(f"{key_id} wraps, or will: run manage.py keys rotate encryption first")
    try:
        EncryptionKey.objects.filter(pk=key_id).delete()
    except (ProtectedError, IntegrityError) as error:
        raise KeyInUse(f"{key_id} still wraps data keys: run manage.py keys rewrap") from error
    with transaction.atomic():
        append(kind=ENCRYPTION_KEY_RETIRED, facts=EncryptionKeyFacts(key=key_id))
    encryption.destroy_key_file(folder, key_id)


def _rotate(incarnation: Incarnation) -> tuple[Verifier, ...]:
    if _is_rotating(incarnation):
        raise KeyInUse(f"a rotation of {incarnation.origin} waits for its place: is it sequenced?")
    replaced = read_history(incarnation).newest
    following = _following(incarnation.origin, replaced)
    facts = LogKeyRotated(
        origin=incarnation.origin,
        keys=tuple(key.vkey for key in following),
        replaces=tuple(key.vkey for key in replaced),
    )
    append(kind=LOG_KEY_ROTATED, facts=facts, log=incarnation.log.name)
    return following


def _following(origin: str, replaced: tuple[Verifier, ...]) -> tuple[Verifier, ...]:
    """Return the pair to rotate to: what an earlier try left known, or the standby pair."""
    left = read_verifiers(origin)[-len(replaced) :]
    if left != replaced:
        return left
    following = create_standby_keys(origin)
    adopt_standby_keys(origin)
    return following


def _is_rotating(incarnation: Incarnation) -> bool:
    """Return whether a rotation is committed and has no place yet."""
    kind = f'"kind":"{LOG_KEY_ROTATED.name}"'.encode()
    waiting = incarnation.log.records.filter(pending__isnull=False)
    return any(kind in body for body in waiting.values_list("body", flat=True).iterator())


def _list_log_keys() -> list[KeyStatus]:
    compromised = {one.vkey for one in read_compromises()}
    found = []
    for log in Log.objects.order_by("pk"):
        for incarnation in log.incarnations.order_by("ordinal"):
            origin, standby = incarnation.origin, read_standby(incarnation.origin)
            in_force = read_history(incarnation).newest if incarnation.leaves.exists() else ()
            for key in (*read_verifiers(origin), *standby):
                state = _state_of(key, in_force, compromised, standby)
                found.append(KeyStatus(key.key_id.hex(), f"{key.type.name} of {origin}", state))
    return found


def _state_of(
    key: Verifier,
    in_force: tuple[Verifier, ...],
    compromised: set[str],
    standby: tuple[Verifier, ...],
) -> KeyState:
    if key.vkey in compromised:
        return KeyState.COMPROMISED
    if key in standby:
        return KeyState.STANDBY
    if key in in_force:
        return KeyState.IN_FORCE if has_private_key(key) else KeyState.MISSING
    return KeyState.REPLACED if has_private_key(key) else KeyState.RETIRED


def _list_encryption_keys() -> list[KeyStatus]:
    files = set(encryption.find_key_files(encryption.key_folder()))
    used = EncryptionKey.objects.annotate(uses=Count("data_keys")).values_list("id", "uses")
    uses = dict(used)
    newest = max(uses, default="")
    found = []
    for key_id in sorted(files | uses.keys()):
        if key_id not in files:
            state = KeyState.MISSING
        elif key_id > newest:
            state = KeyState.STANDBY
        elif key_id == newest:
            state = KeyState.IN_FORCE
        else:
            state = KeyState.REPLACED
        found.append(KeyStatus(key_id, "key-encryption key", state, uses.get(key_id, 0)))
    return found
