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
    folder: Path = settings.MUNIMENT_JOURNAL / "unwraps"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{now:%Y-%m-%d}.ndjson"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, json.dumps(said, separators=(",", ":")).encode() + b"\n")
    finally:
        os.close(descriptor)


def handle_of(scope: UUID) -> str:
    """Return how a scope is called in the log."""
    key = _index_key(settings.MUNIMENT_KEYS / "index.key")
    return hmac.digest(key, b"unwrap\0" + scope.bytes, "sha256")[:_HANDLE_BYTES].hex()


@lru_cache(maxsize=1)
def _index_key(path: Path) -> bytes:
    return read_private(path)
