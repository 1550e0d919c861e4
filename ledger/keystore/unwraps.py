"""The log of unwraps: whose keys were opened, when and by which process, outside both databases.

One file a day below the journal's folder, one JSON object a line. A person stands in it by a
keyed digest of their scope: an operator who holds the scope can find its lines, and nobody can
once the person is erased and the scope is gone.
"""

import hmac
import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from threading import Lock
from uuid import UUID

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
    path: Path = settings.MUNIMENT_JOURNAL / "unwraps" / f"{now:%Y-%m-%d}.ndjson"
    _FILE.write(path, json.dumps(said, separators=(",", ":")).encode() + b"\n")


class _AppendOnly:
    """The file of the day, kept open: every append of the service writes a line."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._descriptor = -1
        self._lock = Lock()

    def write(self, path: Path, line: bytes) -> None:
        with self._lock:
            # A file that was moved away is no longer where anybody looks.
            if path != self._path or not os.fstat(self._descriptor).st_nlink:
                self._open(path)
            os.write(self._descriptor, line)

    def _open(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        if self._path is not None:
            os.close(self._descriptor)
        self._path, self._descriptor = path, opened


_FILE = _AppendOnly()


def handle_of(scope: UUID) -> str:
    """Return how a scope is called in the log."""
    key = _index_key(settings.MUNIMENT_KEYS / "index.key")
    return hmac.digest(key, b"unwrap\0" + scope.bytes, "sha256")[:_HANDLE_BYTES].hex()


@lru_cache(maxsize=1)
def _index_key(path: Path) -> bytes:
    return read_private(path)
