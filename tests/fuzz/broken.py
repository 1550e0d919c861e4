"""Readers that are broken on purpose, run as ``python -m tests.fuzz.broken FOLDER NAME``."""

import sys
import time
from pathlib import Path

from fuzz import engine
from fuzz.target import Target
from ledger.errors import NoteError


def _accept(_: None, data: bytes) -> None:
    """Whatever was read is fine."""


def raises(data: bytes) -> None:
    if data.startswith(b"mag"):
        raise IndexError("the reader's own error leaves it")
    raise NoteError("refused")


def remembers(data: bytes) -> None:
    if data.startswith(b"m"):
        bytearray(2 * engine.MEMORY_MEGABYTES * engine.MEGABYTE)


def dawdles(data: bytes) -> None:
    if data.startswith(b"m"):
        time.sleep(60)


def sound(data: bytes) -> None:
    if data:
        raise NoteError("refused")


def main(folder: Path, name: str) -> None:
    engine.INPUT_SECONDS = 1
    with engine.instrumented():
        target = Target(name, globals()[name], _accept, (NoteError,), lambda: [b"ma", b"x"])
    outcome = engine.run(target, folder, seconds=20, runs=1_000_000 if name != "sound" else 1000)
    sys.stdout.write(f"{outcome.runs > 0} {outcome.find}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
