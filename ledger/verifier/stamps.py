"""Time-stamp tokens: by when each checkpoint was there, by the word of an authority."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.x509 import Certificate

from ledger.errors import PeerFailed, PeerFalse
from ledger.note import Checkpoint
from ledger.timestamps import Stamp, parse_roots, verify_response

from . import bundle
from .findings import Code, Findings

# Each token is held against each root. All that browsers trust are fewer.
MAX_ROOTS = 256


@dataclass(frozen=True)
class Stamped:
    """The tree of ``size`` leaves was there at ``time``."""

    size: int
    time: datetime

    def __str__(self) -> str:
        at = self.time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return f"time-stamped to index {self.size - 1} at {at}"


def check_stamps(
    files: Mapping[str, bytes],
    checkpoints: Mapping[int, Checkpoint],
    roots: Iterable[str],
    findings: Findings,
) -> dict[int, Stamp]:
    """Check each token against its checkpoint, under the first 256 of ``roots`` (PEM texts).

    Returns what those state that hold, by size, ascending.
    """
    held: dict[int, Stamp] = {}
    pinned: Sequence[Certificate] | None = None
    for size, path in bundle.numbered(files, "timestamps"):
        checkpoint = checkpoints.get(size)
        if checkpoint is None:
            findings.add(Code.TIMESTAMP_PLACE, "no checkpoint of this size counts", path)
            continue
        pinned = _parse(roots) if pinned is None else pinned
        try:
            held[size] = verify_response(files[path], checkpoint.text, pinned)
        except PeerFailed as exc:
            is_false = isinstance(exc, PeerFalse)
            findings.add(Code.TIMESTAMP_FAILED if is_false else Code.TIMESTAMP_MALFORMED, exc, path)
    return held


def find_stamped(held: Mapping[int, Stamp]) -> Stamped | None:
    """Return what the token over the largest checkpoint says, None where there is no token."""
    size = max(held, default=None)
    return None if size is None else Stamped(size, held[size].time)


def _parse(roots: Iterable[str]) -> list[Certificate]:
    found: list[Certificate] = []
    for root in sorted(roots):
        # A text that is no certificate vouches for nothing; which ones must be there, the
        # authority's path tells.
        with suppress(PeerFailed):
            found += parse_roots(root.encode())
    return found[:MAX_ROOTS]
