"""The log of unwraps: whose keys were opened, when and by which process, outside both databases.

One file a day below the journal's folder, one JSON object a line. A person stands in it by a
keyed digest of their scope: an operator who holds the scope can find its lines, and nobody can
once the person is erased and the scope is gone.
"""

import errno
import hmac
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from threading import Lock
from uuid import UUID

import orjson
from django.conf import settings

from ledger.private_files import read_private

_HANDLE_BYTES = 8


def log_unwraps(scopes: Iterable[UUID]) -> None:
    """Append one line for the data keys that are about to be unwrapped; none for none.

    Raises OSError where it cannot be written: then nothing may be unwrapped.
    """
    opened = sorted(handle_of(scope) for scope in scopes)
    if not opened:
        return
    now = datetime.now(UTC)
    said = {
        "at": now.isoformat(timespec="milliseconds"),
        "process": os.getpid(),
        "role": settings.MUNIMENT_ROLE,
        "scopes": opened,
    }
    path = f"{settings.MUNIMENT_JOURNAL}/unwraps/{now.date()}.ndjson"
    _FILE.write(path, orjson.dumps(said) + b"\n")


class _AppendOnly:
    """The file of the day, kept open: every append of the service writes a line."""

    def __init__(self) -> None:
        self._path = ""
        self._file = Path()
        self._descriptor = -1
        self._lock = Lock()

    def write(self, path: str, line: bytes) -> None:
        """Append ``line``. Raises OSError, also when not all of it found room."""
        with self._lock:
            if not self._is_open(path):
                self._open(path)
            if os.write(self._descriptor, line) != len(line):
                raise OSError(errno.ENOSPC, "no room for a whole line")

    def _is_open(self, path: str) -> bool:
        """Return whether the open file lies at ``path``: one that was moved is for nobody."""
        if path != self._path:
            return False
        try:
            return os.path.samestat(self._file.stat(), os.fstat(self._descriptor))
        except FileNotFoundError:
            return False

    def _open(self, path: str) -> None:
        file = Path(path)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        if self._path:
            os.close(self._descriptor)
        self._path, self._file, self._descriptor = path, file, opened


_FILE = _AppendOnly()


def handle_of(scope: UUID) -> str:
    """Return how a scope is called in the log."""
    key = _index_key(f"{settings.MUNIMENT_KEYS}/index.key")
    return hmac.digest(key, b"unwrap\0" + scope.bytes, "sha256")[:_HANDLE_BYTES].hex()


@lru_cache(maxsize=1)
def _index_key(path: str) -> bytes:
    return read_private(Path(path))
