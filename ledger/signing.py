"""The log's signing keys: encrypted files that only a sequencer reads.

Each origin has a folder: one file per private key, named by its key id and encrypted under the
passphrase in ``passphrase``; ``vkeys``, the public keys that sign or ever signed, first to last;
``standby``, those that are made and sign nothing yet. A pair is Ed25519 and ML-DSA-44.
"""

import fcntl
import secrets
from collections.abc import Iterable, Iterator
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

from ledger.errors import NoteError, SigningKeyRefused
from ledger.keystore.encryption import FIRST_KEY, create_key_file
from ledger.note import SignatureType, Signer, Verifier
from ledger.private_files import read_private, remove_private, write_private

IN_FORCE, STANDBY = "vkeys", "standby"
_PAIR = 2


@contextmanager
def alone() -> Iterator[None]:
    """Let one process at a time make keys: one made twice would lose what the first had sealed."""
    keys: Path = settings.MUNIMENT_KEYS
    keys.mkdir(parents=True, exist_ok=True, mode=0o700)
    (keys / ".lock").touch(mode=0o600)
    with (keys / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@alone()
def create_installation_keys() -> None:
    """Create what every installation needs once: passphrase, index key, key-encryption key."""
    keys: Path = settings.MUNIMENT_KEYS
    for name in ("passphrase", "index.key"):
        if not (keys / name).exists():
            write_private(keys / name, secrets.token_hex(32).encode())
    if not list((keys / "encryption").glob("*.key")):
        create_key_file(keys / "encryption", FIRST_KEY)


@alone()
def create_log_keys(origin: str) -> None:
    """Create the first two signing keys of ``origin``; keys that are there stay."""
    if not (_folder(origin) / IN_FORCE).exists():
        _create_pair(origin, IN_FORCE)


@alone()
def create_standby_keys(origin: str) -> tuple[Verifier, ...]:
    """Create the pair that ``origin`` will be rotated to, and return it; one that is there stays.

    Raises SigningKeyRefused when the log has no keys yet.
    """
    read_verifiers(origin)
    if not (_folder(origin) / STANDBY).exists():
        _create_pair(origin, STANDBY)
    return read_standby(origin)


@alone()
def adopt_standby_keys(origin: str) -> None:
    """Put the standby pair among the keys that sign; safe to repeat.

    They sign once a record says so; until then they are only known.
    """
    known, standby = read_verifiers(origin), read_standby(origin)
    _write_public(origin, IN_FORCE, dict.fromkeys((*known, *standby)))
    (_folder(origin) / STANDBY).unlink(missing_ok=True)


def read_signers(origin: str, of: Iterable[Verifier] | None = None) -> tuple[Signer, ...]:
    """Return the signers of the keys ``of``, else of the newest pair, Ed25519 first.

    Raises SigningKeyRefused when a private key is not here, or does not open.
    """
    wanted = read_verifiers(origin)[-_PAIR:] if of is None else of
    passphrase = _passphrase()
    return tuple(_read_signer(verifier, passphrase) for verifier in wanted)


def read_verifiers(origin: str) -> tuple[Verifier, ...]:
    """Return the public halves, first to last; a rotated log has several pairs.

    Raises SigningKeyRefused when the log has no keys yet.
    """
    try:
        return _read_public(origin, IN_FORCE)
    except OSError as error:
        raise SigningKeyRefused(
            f"log {origin} has no keys: run manage.py open_log first"
        ) from error


def read_standby(origin: str) -> tuple[Verifier, ...]:
    """Return the public halves of the pair that waits to be rotated to; none when there is none."""
    try:
        return _read_public(origin, STANDBY)
    except FileNotFoundError:
        return ()


def has_private_key(verifier: Verifier) -> bool:
    """Return whether the private half lies here."""
    return _private_path(verifier).exists()


def destroy_private_key(verifier: Verifier) -> None:
    """Delete the private half for good; safe to repeat."""
    remove_private(_private_path(verifier))


def _create_pair(origin: str, listed_in: str) -> None:
    _folder(origin).mkdir(parents=True, exist_ok=True, mode=0o700)
    made: dict[SignatureType, Ed25519PrivateKey | MLDSA44PrivateKey] = {
        SignatureType.ED25519: Ed25519PrivateKey.generate(),
        SignatureType.MLDSA44: MLDSA44PrivateKey.generate(),
    }
    encryption = BestAvailableEncryption(_passphrase())
    signers = [Signer(origin, kind, key) for kind, key in made.items()]
    for signer in signers:
        pem = signer.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
        write_private(_private_path(signer.verifier), pem)
    # The public file comes last: where it is, the private ones are whole.
    _write_public(origin, listed_in, [signer.verifier for signer in signers])


def _read_signer(verifier: Verifier, passphrase: bytes) -> Signer:
    path = _private_path(verifier)
    try:
        key = load_pem_private_key(read_private(path), passphrase)
    except ValueError as error:
        raise SigningKeyRefused(f"key file {path.name} does not open") from error
    if not isinstance(key, Ed25519PrivateKey | MLDSA44PrivateKey):
        raise SigningKeyRefused(f"key file {path.name} holds another type of key")
    try:
        signer = Signer(verifier.name, verifier.type, key)
    except NoteError as error:
        raise SigningKeyRefused(f"key file {path.name} holds another type of key") from error
    if signer.verifier != verifier:
        raise SigningKeyRefused(f"key file {path.name} holds another key")
    return signer


def _read_public(origin: str, name: str) -> tuple[Verifier, ...]:
    lines = (_folder(origin) / name).read_text().splitlines()
    return tuple(Verifier.parse(line) for line in lines)


def _write_public(origin: str, name: str, verifiers: Iterable[Verifier]) -> None:
    path = _folder(origin) / name
    write_private(path, "".join(f"{verifier.vkey}\n" for verifier in verifiers).encode())
    path.chmod(0o644)


def _private_path(verifier: Verifier) -> Path:
    return _folder(verifier.name) / f"{verifier.key_id.hex()}.pem"


def _folder(origin: str) -> Path:
    folder: Path = settings.MUNIMENT_KEYS / "logs" / origin.replace("/", "_")
    return folder


def _passphrase() -> bytes:
    return read_private(settings.MUNIMENT_KEYS / "passphrase")
