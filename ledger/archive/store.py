"""The archive's files, in the storage ``archive``: each is written once."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage, storages

from ledger.errors import CopyBroken, ProofError
from ledger.merkle import TILE_WIDTH
from ledger.models import Incarnation
from ledger.tlogtiles import TilePath, unpack_entries

ALIAS = "archive"


def put(path: str, content: bytes) -> None:
    """Write a file, or find it as it should be. Raises CopyBroken where another content lies."""
    if _storage().exists(path):
        found = get(path)
        if found == content:
            return
        # A process that died while it wrote leaves the beginning.
        if not content.startswith(found):
            raise CopyBroken(f"the archive holds another {path} already: give it an empty place")
    replace(path, content)


def replace(path: str, content: bytes) -> None:
    """Write a file in the place of an older one."""
    _save(path, ContentFile(content))


def settle() -> None:
    """Return once a power cut cannot take back what was written to a disk of this machine."""
    os.sync()


def replace_by(path: str, file: Path) -> None:
    """Write the content of ``file``, which may be large, in the place of an older one."""
    with file.open("rb") as opened:
        _save(path, File(opened))


@contextmanager
def fetched(path: str) -> Iterator[Path]:
    """Give the content of a file that may be large, as a file here. Raises CopyBroken."""
    with TemporaryDirectory(prefix="muniment-archive-") as folder:
        here = Path(folder) / "fetched"
        try:
            with _storage().open(path) as file, here.open("wb") as copy:
                shutil.copyfileobj(file, copy)
        except OSError as error:
            raise CopyBroken(f"the archive cannot give {path}: {type(error).__name__}") from error
        yield here


def get(path: str) -> bytes:
    """Return the content of a file. Raises CopyBroken when it cannot be read."""
    try:
        with _storage().open(path) as file:
            content: bytes = file.read()
    except OSError as error:
        raise CopyBroken(f"the archive cannot give {path}: {type(error).__name__}") from error
    return content


def get_entries(path: str) -> list[bytes]:
    """Return the 256 leaves of an entry bundle. Raises CopyBroken."""
    try:
        entries = unpack_entries(get(path))
    except ProofError as error:
        raise CopyBroken(f"{path} in the archive: {error}") from error
    if len(entries) != TILE_WIDTH:
        raise CopyBroken(f"{path} in the archive holds {len(entries)} leaves")
    return entries


def prefix_of(incarnation: Incarnation) -> str:
    """Return where the files of one life of a log lie, as under ``/log/``."""
    life = "" if incarnation.ordinal == 1 else f".{incarnation.ordinal}"
    return f"{incarnation.log.name}{life}"


def tile_path(incarnation: Incarnation, tile: TilePath) -> str:
    """Return where a tile or an entry bundle lies."""
    return f"{prefix_of(incarnation)}/tile/{tile}"


def _save(path: str, content: File) -> None:
    storage = _storage()
    if storage.exists(path):
        storage.delete(path)
    if storage.save(path, content) != path:
        raise CopyBroken(f"{path} in the archive is written by somebody else at the same time")


def _storage() -> Storage:
    return storages[ALIAS]
