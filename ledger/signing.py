"""The log's signing keys: encrypted files that only a sequencer reads.

Each origin has two keys of its own, Ed25519 and ML-DSA-44, and a public file ``vkeys`` that
everybody may read. A private key lies encrypted under the passphrase in ``passphrase``.
"""

import fcntl
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from django.conf import settings

from ledger.errors import SigningKeyRefused
from ledger.keystore.encryption import create_key_file
from ledger.note import SignatureType, Signer, Verifier
from ledger.private_files import read_private, write_private

_FILES = {SignatureType.ED25519: "ed25519.pem", SignatureType.MLDSA44: "mldsa44.pem"}


@contextmanager
def _alone() -> Iterator[None]:
    """Let one process at a time make keys: one made twice would lose what the first had sealed."""
    keys: Path = settings.MUNIMENT_KEYS
    keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    (keys / ".lock").touch(mode=0o600)
    with (keys / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@_alone()
def create_installation_keys() -> None:
    """Create what every installation needs once: passphrase, index key, key-encryption key."""
    keys: Path = settings.MUNIMENT_KEYS
    for name in ("passphrase", "index.key"):
        if not (keys / name).exists():
            write_private(keys / name, secrets.token_hex(32).encode())
    create_key_file(keys / "encryption", "kek-0001")


@_alone()
def create_log_keys(origin: str) -> None:
    """Create the two signing keys of ``origin``; keys that are there stay."""
    folder = _folder(origin)
    if (folder / "vkeys").exists():
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    made: dict[SignatureType, Ed25519PrivateKey | MLDSA44PrivateKey] = {
        SignatureType.ED25519: Ed25519PrivateKey.generate(),
        SignatureType.MLDSA44: MLDSA44PrivateKey.generate(),
    }
    encryption = BestAvailableEncryption(_passphrase())
    for kind, key in made.items():
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
        write_private(folder / _FILES[kind], pem)
    # The public file comes last: where it is, the private ones are whole.
    vkeys = [Signer(origin, kind, key).verifier.vkey for kind, key in made.items()]
    write_private(folder / "vkeys", ("\n".join(vkeys) + "\n").encode())
    (folder / "vkeys").chmod(0o644)


def read_signers(origin: str) -> tuple[Signer, ...]:
    """Return both signers of ``origin``, Ed25519 first. Raises SigningKeyRefused."""
    signers = []
    for kind, name in _FILES.items():
        pem = read_private(_folder(origin) / name)
        try:
            key = load_pem_private_key(pem, _passphrase())
        except ValueError as error:
            raise SigningKeyRefused(f"key file {name} of {origin} does not open") from error
        if not isinstance(key, Ed25519PrivateKey | MLDSA44PrivateKey):
            raise SigningKeyRefused(f"key file {name} of {origin} holds another type of key")
        signers.append(Signer(origin, kind, key))
    return tuple(signers)


def read_verifiers(origin: str) -> tuple[Verifier, ...]:
    """Return the public halves. Raises SigningKeyRefused when the log has no keys yet."""
    try:
        text = (_folder(origin) / "vkeys").read_text()
    except OSError as error:
        raise SigningKeyRefused(
            f"log {origin} has no keys: run manage.py open_log first"
        ) from error
    return tuple(Verifier.parse(line) for line in text.splitlines())


def _folder(origin: str) -> Path:
    folder: Path = settings.MUNIMENT_KEYS / "logs" / origin.replace("/", "_")
    return folder


def _passphrase() -> bytes:
    return read_private(settings.MUNIMENT_KEYS / "passphrase")
