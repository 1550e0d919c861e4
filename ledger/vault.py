"""The keys that seal what lies under a person's scope, fetched for the length of a transaction.

``Keys`` seals and opens; here they come from the keystore, and go with the transaction.
"""

from collections.abc import Callable, Iterable
from uuid import UUID

from django.conf import settings

from ledger.keystore import keys as keystore
from ledger.mac import macs
from ledger.private_files import read_private
from ledger.sealing import Keys, SealedRow

__all__ = ["Keys", "SealedRow", "ask_keys", "blind_index", "blind_indexer", "keys", "keys_there"]


def keys(scopes: Iterable[UUID]) -> Keys:
    """Fetch the data keys of ``scopes``. Raises ScopeGone when one is no longer there."""
    return ask_keys(scopes)()


def ask_keys(scopes: Iterable[UUID]) -> Callable[[], Keys]:
    """As ``keys``, but go on at once; what is returned waits for them, and must be called."""
    asked = keystore.ask_keys(scopes)
    return lambda: Keys(asked())


def keys_there(scopes: Iterable[UUID]) -> Keys:
    """Fetch those data keys of ``scopes`` that are still there."""
    return Keys(keystore.find_keys(scopes))


def blind_index(field: str, text: str) -> bytes:
    """Return the keyed index of ``text`` in its normal form: equal texts give equal bytes.

    ``field`` separates the indexes, so that a name and an e-mail address never meet.
    """
    return blind_indexer(field)(text)


def blind_indexer(field: str) -> Callable[[str], bytes]:
    """Return ``blind_index`` for one field, for many texts: the key is read once."""
    key = read_private(settings.MUNIMENT_KEYS / "index.key")
    of = macs(key, f"{field}\0".encode())
    return lambda text: of(text.encode())
