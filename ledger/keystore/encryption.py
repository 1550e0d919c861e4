"""Key-encryption keys: what wraps the data keys, behind one Protocol.

The keystore's table says which there are and which one wraps: the one with the greatest id. The
keys themselves lie elsewhere: in files for the embedded default, or in a key management service,
which takes the same place.
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
from ledger.private_files import read_private, remove_private, write_private
from ledger.sealing import KEY_BYTES, NONCE_BYTES

# The keystore's first migration knows of it.
FIRST_KEY = "kek-0001"
_CONTEXT = b"muniment/datakey/v1\0"


class KeyEncryption(Protocol):
    """Wraps and unwraps data keys under key-encryption keys, which it knows by their ids."""

    def wrap(self, key_id: str, scope: UUID, data_key: bytes) -> bytes:
        """Return ``data_key`` wrapped. Raises SealBroken when that key is not here."""
        ...

    def unwrap(self, key_id: str, scope: UUID, wrapped: bytes) -> bytes:
        """Return the data key. Raises SealBroken when it was wrapped for something else."""
        ...


class FileKeyEncryption:
    """Key-encryption keys in files ``<id>.key`` of 32 raw bytes, readable by their owner only.

    Each is read when it is first needed, so that a running process meets a new one. Unwrapped
    key-encryption keys are kept in memory; data keys never are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._keys: dict[str, bytes] = {}

    def wrap(self, key_id: str, scope: UUID, data_key: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = AESGCM(self._key(key_id)).encrypt(nonce, data_key, self._bound(scope, key_id))
        return nonce + sealed

    def unwrap(self, key_id: str, scope: UUID, wrapped: bytes) -> bytes:
        key = self._key(key_id)
        nonce, sealed = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        try:
            return AESGCM(key).decrypt(nonce, sealed, self._bound(scope, key_id))
        except InvalidTag as error:
            raise SealBroken("a wrapped data key does not belong to its scope") from error

    def _key(self, key_id: str) -> bytes:
        if key_id not in self._keys:
            path = self._folder / f"{key_id}.key"
            if not path.exists():
                raise SealBroken(f"key-encryption key {key_id} is not here")
            key = read_private(path)
            if len(key) != KEY_BYTES:
                raise SigningKeyRefused(f"key file {path.name} has {len(key)} bytes, wanted 32")
            self._keys[key_id] = key
        return self._keys[key_id]

    @staticmethod
    def _bound(scope: UUID, key_id: str) -> bytes:
        return _CONTEXT + scope.bytes + key_id.encode()


def create_key_file(folder: Path, key_id: str) -> Path:
    """Write a fresh key-encryption key, unless that file is there; return its path."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = _path(folder, key_id)
    if not path.exists():
        write_private(path, secrets.token_bytes(KEY_BYTES))
    return path


def find_key_files(folder: Path) -> list[str]:
    """Return the ids of the key-encryption keys that lie in ``folder``, in order."""
    return sorted(path.stem for path in folder.glob("*.key"))


def destroy_key_file(folder: Path, key_id: str) -> None:
    """Delete a key-encryption key for good; safe to repeat."""
    remove_private(_path(folder, key_id))


def key_folder() -> Path:
    """Return where this installation's key-encryption keys lie."""
    folder: Path = settings.MUNIMENT_KEYS / "encryption"
    return folder


def key_encryption() -> KeyEncryption:
    """Return this process's key encryption, made on first use."""
    return _from_folder(key_folder())


@lru_cache(maxsize=1)
def _from_folder(folder: Path) -> KeyEncryption:
    return FileKeyEncryption(folder)


def _path(folder: Path, key_id: str) -> Path:
    return folder / f"{key_id}.key"
