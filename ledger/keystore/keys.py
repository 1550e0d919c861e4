"""Data keys by scope: created before the main database uses them, fetched, re-wrapped, destroyed.

Each statement commits by itself: a key must be there before, and stay after, whatever becomes
of the main database's transaction. A sweep removes keys whose scope never came to be. A row is
changed in place or not at all, so that nothing can bring a destroyed key back.
"""

import secrets
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from uuid import UUID

from django.db import connections

from ledger import binary
from ledger.errors import ScopeGone, SigningKeyRefused
from ledger.keystore.encryption import key_encryption
from ledger.keystore.models import DataKey, EncryptionKey
from ledger.keystore.unwraps import log_unwraps
from ledger.routers import KEYSTORE
from ledger.sealing import KEY_BYTES

# Keys that one statement writes.
_TOGETHER = 2_000
_SELECT = "SELECT scope, encryption_key_id, encode(wrapped, 'hex') FROM keystore_datakey"


def create_key(scope: UUID) -> None:
    """Create and commit the data key of a new scope; a key that is there stays."""
    create_keys([scope])


def create_keys(scopes: Iterable[UUID]) -> None:
    """Create and commit the data keys of new scopes; those that are there stay."""
    key_id, encryption = current_encryption_key(), key_encryption()
    made = (
        DataKey(
            scope=scope,
            encryption_key_id=key_id,
            wrapped=encryption.wrap(key_id, scope, secrets.token_bytes(KEY_BYTES)),
        )
        for scope in scopes
    )
    while some := list(islice(made, _TOGETHER)):
        DataKey.objects.bulk_create(some, ignore_conflicts=True)


def ask_keys(scopes: Iterable[UUID]) -> Callable[[], Mapping[UUID, bytes]]:
    """Ask for the data keys of all ``scopes``, and go on; call what is returned to wait for them.

    It must be called, and then raises ScopeGone when a key is not there.
    """
    wanted = set(scopes)
    asked = _ask(wanted)

    def wait() -> Mapping[UUID, bytes]:
        found = _unwrap(asked())
        if missing := wanted - found.keys():
            raise ScopeGone(f"{len(missing)} of {len(wanted)} data keys are gone")
        return found

    return wait


def find_keys(scopes: Iterable[UUID]) -> dict[UUID, bytes]:
    """Return the data keys of those ``scopes`` that have one; the log of unwraps says so first."""
    return _unwrap(_ask(scopes)())


def _unwrap(answer: Iterable[binary.Cells]) -> dict[UUID, bytes]:
    rows = [
        (UUID(scope.decode()), key_id.decode(), bytes.fromhex(wrapped.decode()))
        for scope, key_id, wrapped in answer
    ]
    log_unwraps(scope for scope, _, _ in rows)
    encryption = key_encryption()
    return {scope: encryption.unwrap(key_id, scope, wrapped) for scope, key_id, wrapped in rows}


def _ask(scopes: Iterable[UUID]) -> Callable[[], list[binary.Cells]]:
    # Every append comes through here: not by the ORM.
    condition, arguments = binary.among("scope", [str(scope) for scope in scopes])
    statement = f"{_SELECT} WHERE {condition}"
    return binary.send(statement, arguments, using=KEYSTORE)


def destroy_keys(scopes: Iterable[UUID]) -> int:
    """Delete the data keys of ``scopes`` for good; return how many there were."""
    deleted, _ = DataKey.objects.filter(scope__in=list(scopes)).delete()
    return deleted


def current_encryption_key() -> str:
    """Return the id of the key-encryption key that wraps. Raises SigningKeyRefused."""
    newest = EncryptionKey.objects.order_by("-id").first()
    if newest is None:
        raise SigningKeyRefused("no key-encryption key is in use: run manage.py keys rotate")
    return newest.pk


def rewrap_keys(count: int) -> int:
    """Wrap up to ``count`` data keys under the current key-encryption key; return how many.

    0 means that all are. One statement changes the whole batch, or nothing: a key that is
    destroyed meanwhile stays destroyed. Raises SealBroken when one does not open.
    """
    current, encryption = current_encryption_key(), key_encryption()
    rows = list(DataKey.objects.exclude(encryption_key=current).order_by("scope")[:count])
    wrapped = [
        encryption.wrap(
            current, row.scope, encryption.unwrap(row.encryption_key_id, row.scope, row.wrapped)
        )
        for row in rows
    ]
    with connections[KEYSTORE].cursor() as cursor:
        cursor.execute(
            "UPDATE keystore_datakey AS k SET encryption_key_id = %s, wrapped = n.wrapped "
            "FROM unnest(%s::uuid[], %s::text[], %s::bytea[]) AS n (scope, old, wrapped) "
            "WHERE k.scope = n.scope AND k.encryption_key_id = n.old",
            [current, [r.scope for r in rows], [r.encryption_key_id for r in rows], wrapped],
        )
    return len(rows)
