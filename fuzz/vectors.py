"""Seeds from the conformance vectors, good and bad alike."""

import json
from collections.abc import Iterator
from typing import Any

from fixtures.vectors.cast import FOLDER

Case = dict[str, Any]


def cases(name: str) -> list[Case]:
    """Return the cases of one file."""
    found: list[Case] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))["cases"]
    return found


def texts(name: str, member: str) -> Iterator[bytes]:
    """Yield a member of each case that has it: a text, or hexadecimal where it cannot be one."""
    for case in cases(name):
        if f"{member}_hex" in case:
            yield bytes.fromhex(case[f"{member}_hex"])
        elif member in case:
            yield str(case[member]).encode()


def binaries(name: str, member: str) -> Iterator[bytes]:
    """Yield a hexadecimal member of each case."""
    return (bytes.fromhex(case[member]) for case in cases(name))
