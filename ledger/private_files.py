"""Files that hold private keys: for their owner's eyes only, written whole or not at all."""

import os
from pathlib import Path

from ledger.errors import SigningKeyRefused


def write_private(path: Path, content: bytes) -> None:
    """Write ``content`` for the owner's eyes only, whole or not at all."""
    # A name of this process's own: two may make the same file at once.
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    # The name is durable only once the folder is: what a lost key sealed would be lost with it.
    _sync_folder(path.parent)


def remove_private(path: Path) -> None:
    """Delete a key file and return once its name is gone from the disk; safe to repeat."""
    path.unlink(missing_ok=True)
    _sync_folder(path.parent)


def read_private(path: Path) -> bytes:
    """Read a key file. Raises SigningKeyRefused when it is missing or others may read it."""
    try:
        mode = path.stat().st_mode
        content = path.read_bytes()
    except OSError as error:
        raise SigningKeyRefused(f"key file {path.name} cannot be read: {error.strerror}") from error
    if mode & 0o077:
        raise SigningKeyRefused(
            f"key file {path.name} has mode {mode & 0o777:o}, wanted 600: run chmod 600 on it"
        )
    return content


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
