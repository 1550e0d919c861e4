"""The shred journal: one line per destruction, hash-linked and fsynced, outside both databases.

A restored backup cannot know what was destroyed since; the journal does, and is replayed before
a restored service answers. A line holds ids of key scopes and a MAC of what was destroyed,
nothing that outlives them with a meaning.
"""

import fcntl
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from ledger.canonical import canonical, parse_object
from ledger.errors import CanonicalError, JournalBroken
from ledger.merkle import HASH_SIZE

NAME = "shred.journal"
_FIRST = "0" * 64


@dataclass(frozen=True)
class Line:
    """One destruction: its random id, the scopes it ended, and the MAC of its commitments."""

    destruction: UUID
    scopes: tuple[UUID, ...]
    mac: bytes


def write(path: Path, line: Line) -> None:
    """Append ``line``, unless its destruction is on record, and return once it is on disk.

    A last line that is cut off was never acknowledged, so nothing was destroyed behind it: it
    makes way. Raises JournalBroken.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        whole = _whole_lines(file.read())
        lines = list(_walk(whole))
        if all(written.destruction != line.destruction for written, _ in lines):
            prev = lines[-1][1] if lines else _FIRST
            file.truncate(sum(map(len, whole)))
            file.write(_encode(line, prev) + b"\n")
            file.flush()
        # Also when it was there: whoever wrote it may have died before this.
        os.fsync(file.fileno())
    _sync_folder(path.parent)


def read(path: Path) -> list[Line]:
    """Return all lines, oldest first; none when there is no journal. Raises JournalBroken."""
    return parse(path.read_bytes()) if path.exists() else []


def parse(content: bytes) -> list[Line]:
    """Return the lines that a journal's bytes hold, oldest first. Raises JournalBroken."""
    return [line for line, _ in _walk(_whole_lines(content))]


def _walk(lines: Sequence[bytes]) -> Iterator[tuple[Line, str]]:
    """Yield each line with its hash, checking the links."""
    prev = _FIRST
    for number, ended in enumerate(lines, 1):
        raw = ended[:-1]
        try:
            line, before = _decode(raw)
        # UUID takes what is no text for one, and finds out by AttributeError.
        except (AttributeError, CanonicalError, KeyError, TypeError, ValueError) as error:
            raise JournalBroken(f"line {number} of the shred journal is malformed") from error
        if before != prev:
            raise JournalBroken(f"line {number} of the shred journal does not link to the last")
        prev = hashlib.sha256(raw).hexdigest()
        yield line, prev


def _decode(raw: bytes) -> tuple[Line, str]:
    """Return a line and the hash that it links to. Raises what its parts raise."""
    value: dict[str, Any] = dict(parse_object(raw))
    scopes = tuple(UUID(scope) for scope in value["scopes"])
    line = Line(UUID(value["destruction"]), scopes, bytes.fromhex(value["mac"]))
    # UUIDs and hexadecimal have many texts, of which one is written.
    if len(line.mac) != HASH_SIZE or _encode(line, value["prev"]) != raw:
        raise ValueError("line is not written as we write it")
    return line, value["prev"]


def _whole_lines(content: bytes) -> list[bytes]:
    """Split into lines with their ends, without one that is cut off."""
    # Not splitlines(), which ends a line at a carriage return too.
    return [line + b"\n" for line in content.split(b"\n")[:-1]]


def _sync_folder(folder: Path) -> None:
    # A new file is durable only once its folder is.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _encode(line: Line, prev: str) -> bytes:
    return canonical(
        {
            "destruction": str(line.destruction),
            "mac": line.mac.hex(),
            "prev": prev,
            "scopes": tuple(sorted(str(scope) for scope in line.scopes)),
        }
    )
