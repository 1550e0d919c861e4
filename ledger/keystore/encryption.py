"""Key-encryption keys: what wraps the data keys, behind one Protocol.

The embedded default reads them from files; a key management service takes the same place.
"""

import secrets
from functools import lru_cache
from pathlib import Path
from typing import Protocol
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from ledger.errors import SealBroken, SigningKeyRefused
from ledger.private_files import read_private, write_private

KEY_BYTES = 32
NONCE_BYTES = 12
_CONTEXT = b"muniment/datakey/v1\0"


class KeyEncryption(Protocol):
    """Wraps and unwraps data keys; each wrapped key names the key-encryption key it needs."""

    def wrap(self, scope: UUID, data_key: bytes) -> tuple[str, bytes]:
        """Return the id of the key-encryption key used, and ``data_key`` wrapped by it."""
        ...

    def unwrap(self, scope: UUID, key_id: str, wrapped: bytes) -> bytes:
        """Return the data key. Raises SealBroken when it was wrapped for something else."""
        ...


class FileKeyEncryption:
    """Key-encryption keys in files ``<id>.key`` of 32 raw bytes, readable by their owner only.

    The one with the greatest name wraps; all of them unwrap. Unwrapped key-encryption keys are
    kept in memory; data keys never are.
    """

    def __init__(self, folder: Path) -> None:
        self._keys = {path.stem: read_private(path) for path in sorted(folder.glob("*.key"))}
        if not self._keys:
            raise SigningKeyRefused(f"no key-encryption key in {folder}: run manage.py open_log")

    def wrap(self, scope: UUID, data_key: bytes) -> tuple[str, bytes]:
        key_id = max(self._keys)
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = AESGCM(self._keys[key_id]).encrypt(nonce, data_key, self._bound(scope, key_id))
        return key_id, nonce + sealed

    def unwrap(self, scope: UUID, key_id: str, wrapped: bytes) -> bytes:
        key = self._keys.get(key_id)
        if key is None:
            raise SealBroken(f"key-encryption key {key_id} is not here")
        nonce, sealed = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        try:
            return AESGCM(key).decrypt(nonce, sealed, self._bound(scope, key_id))
        except InvalidTag as error:
            raise SealBroken("a wrapped data key does not belong to its scope") from error

    @staticmethod
    def _bound(scope: UUID, key_id: str) -> bytes:
        return _CONTEXT + scope.bytes + key_id.encode()


def create_key_file(folder: Path, key_id: str) -> Path:
    """Write a fresh key-encryption key, unless that file is there; return its path."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{key_id}.key"
    if not path.exists():
        write_private(path, secrets.token_bytes(KEY_BYTES))
    return path


def key_encryption() -> KeyEncryption:
    """Return this process's key encryption, made on first use."""
    return _from_folder(settings.MUNIMENT_KEYS / "encryption")


@lru_cache(maxsize=1)
def _from_folder(folder: Path) -> KeyEncryption:
    return FileKeyEncryption(folder)
