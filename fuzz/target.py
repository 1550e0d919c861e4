"""What is fuzzed: one reader of outside bytes, how it may refuse them, and what to begin with."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

FINDS = Path(__file__).parent / "finds"


class Contradiction(Exception):
    """A reader took something that it must not have taken: this, too, is a find."""


@dataclass(frozen=True)
class Target:
    """A reader of bytes. It refuses them by one of ``refusals``; whatever else it raises is a find.

    So is whatever ``check`` raises, which gets what was read and the bytes: Contradiction where
    it is written otherwise than it came, or where a signature holds that nobody made. ``longest``
    bounds the inputs, in bytes.
    """

    name: str
    read: Callable[[bytes], Any]
    check: Callable[[Any, bytes], None]
    refusals: tuple[type[Exception], ...]
    make_seeds: Callable[[], Iterable[bytes]]
    longest: int = 1 << 14

    @cached_property
    def seeds(self) -> list[bytes]:
        """Return good and bad inputs to begin with, each once."""
        return list(dict.fromkeys(self.make_seeds()))

    @property
    def finds(self) -> list[Path]:
        """Return what was once found, kept as regression cases."""
        return sorted((FINDS / self.name).glob("*"))

    def examine(self, data: bytes) -> None:
        """Let the reader read ``data``. Raises what makes it a find."""
        try:
            found = self.read(data)
        except self.refusals:
            return
        self.check(found, data)


def require(holds: object, what: str) -> None:
    """Raise Contradiction unless it holds."""
    if not holds:
        raise Contradiction(what)


def expect(found: object, wanted: object, what: str) -> None:
    """Raise Contradiction unless both are equal."""
    if found != wanted:
        raise Contradiction(f"{what}: {found!r:.200}, wanted {wanted!r:.200}")
