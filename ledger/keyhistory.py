"""Which keys sign a log: what its own records say. Pure.

Leaf 0 names the first keys. A record ``log_key.rotated`` at index i names the next ones, and
those that they replace: every checkpoint larger than i is theirs. The first of them carries the
signatures of both, so that whoever trusts the old keys can follow to the new ones.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from ledger.errors import NoteError
from ledger.note import SignatureType, Verifier

LOG_KEY_ROTATED = "log_key.rotated"
LOG_KEY_COMPROMISED = "log_key.compromised"
LOG_TYPES = frozenset({SignatureType.ED25519, SignatureType.MLDSA44})

Keys = tuple[Verifier, ...]


@dataclass(frozen=True)
class KeyChange:
    """The keys that sign every checkpoint larger than ``index``, up to the next change."""

    index: int
    keys: Keys


@dataclass(frozen=True)
class KeyHistory:
    """All keys that ever signed one origin, first to last; without changes no key is known."""

    changes: tuple[KeyChange, ...]

    @classmethod
    def opened(cls, vkeys: Iterable[str]) -> "KeyHistory":
        """Begin with the keys that leaf 0 names. Raises NoteError."""
        return cls((KeyChange(0, tuple(map(Verifier.parse, vkeys))),))

    @classmethod
    def parse(cls, changes: Iterable[tuple[int, Iterable[str]]]) -> "KeyHistory":
        """Read what ``lines`` gives. Raises NoteError."""
        return cls(tuple(KeyChange(at, tuple(map(Verifier.parse, keys))) for at, keys in changes))

    def lines(self) -> tuple[tuple[int, tuple[str, ...]], ...]:
        """Return index and keys as text of each change."""
        return tuple((one.index, tuple(key.vkey for key in one.keys)) for one in self.changes)

    def rotated(self, index: int, facts: Mapping[str, Any]) -> "KeyHistory":
        """Return the history with the rotation that the leaf at ``index`` records.

        One that does not replace exactly the keys in force, or names no pair of ours for this
        origin, changes nothing: of two at once the first counts.
        """
        try:
            keys = tuple(map(Verifier.parse, _texts(facts.get("keys"))))
        except NoteError:
            return self
        replaced = set(_texts(facts.get("replaces")))
        names = {key.name for key in (*self.known, *keys)}
        if replaced != {key.vkey for key in self.newest} or len(names) != 1:
            return self
        if len(keys) != len(LOG_TYPES) or {key.type for key in keys} != LOG_TYPES:
            return self
        return KeyHistory((*self.changes, KeyChange(index, keys)))

    @property
    def known(self) -> Keys:
        """Return every key, first to last."""
        return tuple(chain.from_iterable(change.keys for change in self.changes))

    @property
    def newest(self) -> Keys:
        """Return the keys in force behind the last change."""
        return self.changes[-1].keys if self.changes else ()

    def at(self, size: int) -> Keys:
        """Return the keys in force at ``size``: their signatures a checkpoint of it must carry."""
        return next((one.keys for one in reversed(self.changes) if one.index < size), ())

    def over(self, before: int, size: int) -> Keys:
        """Return the keys that must sign a checkpoint of ``size`` right behind one of ``before``.

        At a rotation in between these are the old ones besides.
        """
        between = (change.keys for change in self.changes if before <= change.index < size)
        found = dict.fromkeys(chain(self.at(before) if before else (), *between, self.at(size)))
        return tuple(found)

    def handovers(self, sizes: Sequence[int]) -> dict[int, Keys]:
        """Return which of ``sizes``, in order, must carry old signatures too, and whose all."""
        pairs = zip([0, *sizes], sizes, strict=False)
        found = {size: self.over(before, size) for before, size in pairs}
        return {size: keys for size, keys in found.items() if set(keys) != set(self.at(size))}


def _texts(value: object) -> list[str]:
    """Return a fact that should be a list of texts; whatever else it is names nobody."""
    return [str(each) for each in value] if isinstance(value, list | tuple) else []
