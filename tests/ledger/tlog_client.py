"""A client of C2SP logs, written from the specifications alone.

It shares nothing with the service: it imports none of it, and where the service iterates it
recurses. It is slow, and meant to be obviously right.
"""

import base64
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

Fetch = Callable[[str], bytes]


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry)


def split(size: int) -> int:
    """RFC 6962, section 2.1: the largest power of two smaller than ``size``."""
    k = 1
    while k * 2 < size:
        k *= 2
    return k


class Tree:
    """The recursive definitions of RFC 6962, section 2.1; ranges once hashed are remembered."""

    def __init__(self, hashes: Sequence[bytes]) -> None:
        self.hashes = list(hashes)
        self._known: dict[tuple[int, int], bytes] = {}

    def mth(self, begin: int, end: int) -> bytes:
        """Return MTH(D[begin:end])."""
        if begin == end:
            return sha256(b"")
        if end - begin == 1:
            return self.hashes[begin]
        if (begin, end) not in self._known:
            k = begin + split(end - begin)
            both = self.mth(begin, k) + self.mth(k, end)
            self._known[begin, end] = sha256(b"\x01" + both)
        return self._known[begin, end]

    def path(self, m: int, begin: int, end: int) -> list[bytes]:
        """Return PATH(m, D[begin:end]), section 2.1.1; ``m`` counts from ``begin``."""
        if end - begin == 1:
            return []
        k = split(end - begin)
        if m < k:
            return [*self.path(m, begin, begin + k), self.mth(begin + k, end)]
        return [*self.path(m - k, begin + k, end), self.mth(begin, begin + k)]

    def proof(self, m: int, n: int) -> list[bytes]:
        """Return PROOF(m, D[0:n]), section 2.1.2."""
        return self.subproof(m, 0, n, known=True)

    def subproof(self, m: int, begin: int, end: int, *, known: bool) -> list[bytes]:
        if m == end - begin:
            return [] if known else [self.mth(begin, end)]
        k = split(end - begin)
        if m <= k:
            return [*self.subproof(m, begin, begin + k, known=known), self.mth(begin + k, end)]
        return [*self.subproof(m - k, begin + k, end, known=False), self.mth(begin, begin + k)]


def fold_path(leaf: bytes, m: int, n: int, path: Sequence[bytes]) -> bytes:
    """Return the root that PATH(m, D[n]) leads to, by undoing its definition."""
    if n == 1:
        assert not path, "a path that is too long"
        return leaf
    assert path, "a path that is too short"
    k = split(n)
    if m < k:
        return sha256(b"\x01" + fold_path(leaf, m, k, path[:-1]) + path[-1])
    return sha256(b"\x01" + path[-1] + fold_path(leaf, m - k, n - k, path[:-1]))


@dataclass(frozen=True)
class Key:
    """A verifier key: name, id, type and public key (signed-note.md)."""

    name: str
    id: bytes
    type: int
    public: bytes

    @classmethod
    def read(cls, vkey: str) -> "Key":
        name, key_id, encoded = vkey.split("+", 2)
        blob = base64.b64decode(encoded, validate=True)
        assert sha256(name.encode() + b"\n" + blob)[:4].hex() == key_id, "a wrong key id"
        return cls(name, bytes.fromhex(key_id), blob[0], blob[1:])

    def check(self, text: str, signature: bytes) -> None:
        """Raise InvalidSignature unless this key made ``signature`` over the note text."""
        if self.type == 1:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        elif self.type == 4:
            time = int.from_bytes(signature[:8], "big")
            message = f"cosignature/v1\ntime {time}\n{text}".encode()
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature[8:], message)
        else:
            assert self.type == 6, "a type that this client does not know"
            message = self._subtree(text, signature[:8])
            MLDSA44PublicKey.from_public_bytes(self.public).verify(signature[8:], message)

    def _subtree(self, text: str, time: bytes) -> bytes:
        origin, size, root = text.split("\n")[:3]
        name = self.name.encode()
        parts = [b"subtree/v1\n\0", bytes([len(name)]), name, time, bytes([len(origin)])]
        parts += [origin.encode(), bytes(8), int(size).to_bytes(8, "big"), base64.b64decode(root)]
        return b"".join(parts)


def open_note(note: str, key: Key) -> str:
    """Return the text of a signed note once ``key`` is found to have signed it."""
    head, _, tail = note.rpartition("\n\n")
    text = head + "\n"
    found = False
    for line in tail.splitlines():
        dash, name, encoded = line.split(" ")
        blob = base64.b64decode(encoded, validate=True)
        assert dash == "\u2014", "no signature line"
        if (name, blob[:4]) == (key.name, key.id):
            key.check(text, blob[4:])
            found = True
    assert found, "no signature by the key"
    return text


def tile_path(level: str, index: int, width: int) -> str:
    """Return the path of a tile below the log's prefix (tlog-tiles.md, Merkle Tree)."""
    groups = [f"{index % 1000:03}"]
    while index >= 1000:
        index //= 1000
        groups.insert(0, f"x{index % 1000:03}")
    return f"tile/{level}/{'/'.join(groups)}" + ("" if width == 256 else f".p/{width}")


def tiles_of(count: int) -> Iterator[tuple[int, int]]:
    """Yield (index, width) of the tiles over ``count`` hashes; none of them is empty."""
    for begin in range(0, count, 256):
        yield begin // 256, min(256, count - begin)


@dataclass
class Monitor:
    """Follows one log by its address and verifier key, and believes nothing else."""

    fetch: Fetch
    key: Key
    size: int = 0
    root: bytes = field(default_factory=lambda: sha256(b""))
    entries: list[bytes] = field(default_factory=list)

    def follow(self) -> int:
        """Read what is new, and check all of it against the signed root. Returns the size."""
        text = open_note(self.fetch("checkpoint").decode(), self.key)
        origin, size_line, root_line, rest = text.split("\n", 3)
        size, root = int(size_line), base64.b64decode(root_line, validate=True)
        assert (origin, str(size), rest) == (self.key.name, size_line, "")
        assert size >= self.size, "the log shrank"
        entries = self._read_entries(size)
        tree = Tree([leaf_hash(entry) for entry in entries])
        self._check_tiles(tree, size)
        assert tree.mth(0, size) == root, "the entries do not give the signed root"
        assert tree.mth(0, self.size) == self.root, "the log was rewritten"
        self.size, self.root, self.entries = size, root, entries
        return size

    def _read_entries(self, size: int) -> list[bytes]:
        whole = self.size // 256 * 256
        entries = self.entries[:whole]
        for index, width in tiles_of(size):
            if index * 256 >= whole:
                entries += unpack(self.fetch(tile_path("entries", index, width)), width)
        return entries

    def _check_tiles(self, tree: Tree, size: int) -> None:
        span, level = 1, 0
        while count := size // span:
            for index, width in tiles_of(count):
                first = index * 256
                tile = self.fetch(tile_path(str(level), index, width))
                wanted = [tree.mth(i * span, (i + 1) * span) for i in range(first, first + width)]
                assert tile == b"".join(wanted), f"tile {level}/{index} is another tree's"
            span, level = span * 256, level + 1


def unpack(bundle: bytes, count: int) -> list[bytes]:
    """Return the ``count`` entries of a bundle (tlog-tiles.md, Log entries)."""
    entries = []
    for _ in range(count):
        length = int.from_bytes(bundle[:2], "big")
        assert len(bundle) >= 2 + length, "a bundle that is cut"
        entries.append(bundle[2 : 2 + length])
        bundle = bundle[2 + length :]
    assert not bundle, "bytes behind a bundle"
    return entries
