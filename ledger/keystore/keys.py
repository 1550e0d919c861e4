"""Data keys by scope: created before the main database uses them, fetched, destroyed.

Each statement commits by itself: a key must be there before, and stay after, whatever becomes
of the main database's transaction. A sweep removes keys whose scope never came to be.
"""

import secrets
from collections.abc import Iterable, Mapping
from uuid import UUID

from ledger.errors import ScopeGone
from ledger.keystore.encryption import KEY_BYTES, key_encryption
from ledger.keystore.models import DataKey


def create_key(scope: UUID) -> None:
    """Create and commit the data key of a new scope; a key that is there stays."""
    key_id, wrapped = key_encryption().wrap(scope, secrets.token_bytes(KEY_BYTES))
    DataKey.objects.bulk_create(
        [DataKey(scope=scope, encryption_key=key_id, wrapped=wrapped)], ignore_conflicts=True
    )


def fetch_keys(scopes: Iterable[UUID]) -> Mapping[UUID, bytes]:
    """Return the data keys of all ``scopes``. Raises ScopeGone when one is not there."""
    wanted = set(scopes)
    found = find_keys(wanted)
    if missing := wanted - found.keys():
        raise ScopeGone(f"{len(missing)} of {len(wanted)} data keys are gone")
    return found


def find_keys(scopes: Iterable[UUID]) -> dict[UUID, bytes]:
    """Return the data keys of those ``scopes`` that have one."""
    encryption = key_encryption()
    return {
        row.scope: encryption.unwrap(row.scope, row.encryption_key, row.wrapped)
        for row in DataKey.objects.filter(scope__in=list(scopes))
    }


def destroy_keys(scopes: Iterable[UUID]) -> int:
    """Delete the data keys of ``scopes`` for good; return how many there were."""
    deleted, _ = DataKey.objects.filter(scope__in=list(scopes)).delete()
    return deleted
