"""C2SP tlog-policy: which logs are believed, and how many witnesses must have seen them.

Two ``log`` lines of one origin mean that either key is enough; who wants both, as our verifier
does, adds that. Design, section 5.
"""

import re
from collections.abc import Collection, Iterator, Sized
from dataclasses import dataclass

from .errors import NoteError
from .note import SignatureType, Verifier, parse_decimal

MAX_POLICY_SIZE = 1 << 20
# The clause asks for 32 of each at least; ML-DSA keys are long, so the text is bounded besides.
MAX_ENTRIES = 256
NO_QUORUM = "none"
LOG_TYPES = (SignatureType.ED25519, SignatureType.MLDSA44)
WITNESS_TYPES = (SignatureType.COSIGNATURE, SignatureType.MLDSA44)

# Character set: tab and line feed are the only control characters, DEL is one too.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class LogKey:
    """One key that a log may sign with; ``url`` is where its tiles are."""

    verifier: Verifier
    url: str = ""


@dataclass(frozen=True)
class Witness:
    """A witness under the name that the policy gives it."""

    name: str
    verifier: Verifier
    url: str = ""


@dataclass(frozen=True)
class Group:
    """So many of its members, witnesses or groups by name, must agree."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """Whom to believe. ``quorum`` names a witness or a group, or is ``none``."""

    logs: tuple[LogKey, ...]
    witnesses: tuple[Witness, ...] = ()
    groups: tuple[Group, ...] = ()
    quorum: str = NO_QUORUM

    @classmethod
    def parse(cls, text: str | bytes) -> "Policy":
        """Parse a policy file (tlog-policy.md). Raises NoteError, naming the line."""
        reader = _Reader()
        for number, words in _lines(text):
            try:
                reader.take(words)
            except NoteError as exc:
                raise NoteError(f"policy line {number}: {exc}") from exc
        return reader.policy()

    def __str__(self) -> str:
        logs = [_join("log", log.verifier.vkey, log.url) for log in self.logs]
        witnesses = [_join("witness", w.name, w.verifier.vkey, w.url) for w in self.witnesses]
        groups = [_join("group", g.name, str(g.threshold), *g.members) for g in self.groups]
        return "".join(
            line + "\n" for line in [*logs, *witnesses, *groups, f"quorum {self.quorum}"]
        )

    def keys_of(self, origin: str) -> tuple[Verifier, ...]:
        """Return the log keys under ``origin``, in the policy's order."""
        return tuple(log.verifier for log in self.logs if log.verifier.name == origin)

    def is_satisfied_by(self, witnesses: Collection[str]) -> bool:
        """Return whether the cosignatures of these witnesses, by policy name, make the quorum."""
        if self.quorum == NO_QUORUM:
            return True
        # Groups name earlier ones only, so that one pass in order decides each.
        agreed = {witness.name for witness in self.witnesses if witness.name in witnesses}
        for group in self.groups:
            if len(agreed.intersection(group.members)) >= group.threshold:
                agreed.add(group.name)
        return self.quorum in agreed


class _Reader:
    """Takes one line after the other; each kind of line has its method."""

    def __init__(self) -> None:
        self.logs: list[LogKey] = []
        self.witnesses: list[Witness] = []
        self.groups: list[Group] = []
        self.names: set[str] = {NO_QUORUM}
        self.members: set[str] = {NO_QUORUM}
        self.keys: set[bytes] = set()
        self.quorum: str | None = None
        self._by_word = {
            "log": self._take_log,
            "witness": self._take_witness,
            "group": self._take_group,
            "quorum": self._take_quorum,
        }

    def take(self, words: list[str]) -> None:
        take = self._by_word.get(words[0])
        if take is None:
            raise NoteError("line begins with none of log, witness, group, quorum")
        take(words[1:])

    def policy(self) -> Policy:
        if self.quorum is None:
            raise NoteError("policy names no quorum")
        return Policy(tuple(self.logs), tuple(self.witnesses), tuple(self.groups), self.quorum)

    def _take_log(self, words: list[str]) -> None:
        _check_count(words, 1, 2, "log <vkey> [<url>]")
        self.logs.append(LogKey(self._key(words[0], LOG_TYPES), *words[1:]))
        _check_room(self.logs)

    def _take_witness(self, words: list[str]) -> None:
        _check_count(words, 2, 3, "witness <name> <vkey> [<url>]")
        self._name(words[0])
        self.witnesses.append(Witness(words[0], self._key(words[1], WITNESS_TYPES), *words[2:]))
        _check_room(self.witnesses)

    def _take_group(self, words: list[str]) -> None:
        _check_count(words, 3, MAX_ENTRIES, "group <name> all|any|<k> <members>")
        members = tuple(words[2:])
        if not self.names.issuperset(members):
            raise NoteError("group names a member that no earlier line defines")
        # One place for each name, so that a witness counts once and in one way.
        if len(set(members)) != len(members) or not self.members.isdisjoint(members):
            raise NoteError("group names none, or a member that already has a place in a group")
        threshold = {"all": len(members), "any": 1}.get(words[1])
        threshold = parse_decimal(words[1], "threshold") if threshold is None else threshold
        if not 1 <= threshold <= len(members):
            raise NoteError(f"group wants {threshold} of {len(members)} members")
        self._name(words[0])
        self.members.update(members)
        self.groups.append(Group(words[0], threshold, members))
        _check_room(self.groups)

    def _take_quorum(self, words: list[str]) -> None:
        _check_count(words, 1, 1, "quorum <name>|none")
        if self.quorum is not None:
            raise NoteError("policy names a quorum twice")
        if words[0] not in self.names:
            raise NoteError("quorum names what no earlier line defines")
        self.quorum = words[0]

    def _name(self, name: str) -> None:
        if name in self.names:
            raise NoteError("name is used twice, or is none")
        self.names.add(name)

    def _key(self, vkey: str, types: Collection[SignatureType]) -> Verifier:
        verifier = Verifier.parse(vkey)
        if verifier.type not in types:
            raise NoteError(f"key of type {verifier.type:#04x} cannot sign in this place")
        # The bytes alone: one key under two names is one signer, and no log is its own witness.
        if verifier.public in self.keys:
            raise NoteError("key stands in the policy twice")
        self.keys.add(verifier.public)
        return verifier


def _lines(text: str | bytes) -> Iterator[tuple[int, list[str]]]:
    if len(text) > MAX_POLICY_SIZE:
        raise NoteError(f"policy is longer than {MAX_POLICY_SIZE} bytes")
    try:
        decoded = text.decode() if isinstance(text, bytes) else text
        decoded.encode()
    except UnicodeError as exc:
        raise NoteError("policy is not UTF-8") from exc
    if _CONTROL.search(decoded):
        raise NoteError("policy holds a control character")
    for number, line in enumerate(decoded.split("\n"), start=1):
        # Only these two separate: other spaces of Unicode belong to names.
        if (words := re.findall(r"[^ \t]+", line)) and not words[0].startswith("#"):
            yield number, words


def _check_count(words: list[str], least: int, most: int, wanted: str) -> None:
    if not least <= len(words) <= most:
        raise NoteError(f"line is not of the form {wanted}")


def _check_room(entries: Sized) -> None:
    if len(entries) > MAX_ENTRIES:
        raise NoteError(f"policy has more than {MAX_ENTRIES} lines of one kind")


def _join(*words: str) -> str:
    return " ".join(word for word in words if word)
