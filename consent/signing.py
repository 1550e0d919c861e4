"""The keys that sign consent receipts: encrypted files in a folder of their own.

One file per private key, encrypted under the installation's passphrase; ``multikeys``, the public
keys that sign or ever signed, first to last. A rotation destroys the private half of the key
before: what it signed still verifies.
"""

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from django.conf import settings

from consent.receipts.signature import multikey
from ledger.checks import Seen
from ledger.errors import SigningKeyRefused
from ledger.private_files import read_private, remove_private, write_private
from ledger.signing import alone

PUBLISHED = "multikeys"


def read_receipt_keys() -> tuple[str, ...]:
    """Return the public keys as multikeys, first to last; the last one signs."""
    try:
        return tuple((_folder() / PUBLISHED).read_text().splitlines())
    except FileNotFoundError:
        return ()


def read_receipt_signer() -> Ed25519PrivateKey:
    """Return the key that signs now; the first one is made when it is asked for.

    Raises SigningKeyRefused when its file is missing or does not open.
    """
    if not read_receipt_keys():
        _make_first()
    public = read_receipt_keys()[-1]
    try:
        key = load_pem_private_key(read_private(_path(public)), _passphrase())
    except ValueError as error:
        raise SigningKeyRefused(f"key file {_path(public).name} does not open") from error
    if not isinstance(key, Ed25519PrivateKey) or multikey(key.public_key()) != public:
        raise SigningKeyRefused(f"key file {_path(public).name} holds another key")
    return key


@alone()
def rotate_receipt_key() -> str:
    """Make the key that signs from now on, destroy the one before, and return the new one."""
    before = read_receipt_keys()
    _make(before)
    for public in before:
        remove_private(_path(public))
    return read_receipt_keys()[-1]


def examine_receipt_keys() -> Seen:
    """Tell the doctor whether receipts can be signed; opens the key that signs now."""
    keys = read_receipt_keys()
    if not keys:
        yield "no receipt was ever asked for; its key is made then", ""
        return
    try:
        read_receipt_signer()
    except SigningKeyRefused as error:
        yield (
            str(error),
            f"restore {_folder()} from its copy, or run manage.py receipt_keys --rotate",
        )
    else:
        yield f"receipts are signed by {keys[-1]}, {len(keys) - 1} keys before it", ""


@alone()
def _make_first() -> None:
    if not read_receipt_keys():
        _make(())


def _make(before: tuple[str, ...]) -> None:
    _folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    key = Ed25519PrivateKey.generate()
    public = multikey(key.public_key())
    encryption = BestAvailableEncryption(_passphrase())
    write_private(_path(public), key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    # The public file comes last: where it names a key, the private one is whole.
    path = _folder() / PUBLISHED
    write_private(path, "".join(f"{one}\n" for one in (*before, public)).encode())
    path.chmod(0o644)


def _path(public: str) -> Path:
    return _folder() / f"{public}.pem"


def _folder() -> Path:
    folder: Path = settings.MUNIMENT_KEYS / "receipts"
    return folder


def _passphrase() -> bytes:
    return read_private(settings.MUNIMENT_KEYS / "passphrase")
