"""What the log is made of: canonical JSON, records, leaves, base64; and the files beside it."""

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from fixtures.vectors.cast import ED, MLDSA, ORIGIN, head, seed, sign
from fuzz.target import Target, expect, require
from fuzz.vectors import cases, texts
from ledger import anchor, journal, strict_base64
from ledger.canonical import JSON, canonical, parse, parse_object
from ledger.errors import AnchorRefused, CanonicalError, JournalBroken, LeafError
from ledger.keyhistory import LOG_TYPES, KeyHistory
from ledger.leaf import Body, Leaf, body_bytes, leaf_bytes, parse_at, parse_body, parse_leaf
from ledger.merkle import leaf_hash
from ledger.note import Checkpoint, Signer

LONGEST_LEAF = 70_000
_BASE64 = re.compile(rb"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)?")


def check_canonical(value: JSON, data: bytes) -> None:
    expect(canonical(value), data, "canonical JSON")
    # Another reader of JSON says the same.
    expect(json.loads(data), value, "value")


def check_record(body: Body, data: bytes) -> None:
    expect(_written(body), data, "record")


def check_leaf(leaf: Leaf, data: bytes) -> None:
    expect(leaf_bytes(leaf.index, leaf.prev, _written(leaf.body)), data, "leaf")
    expect(leaf.hash, leaf_hash(data), "leaf hash")


def _written(body: Body) -> bytes:
    return body_bytes(
        at=parse_at(body.at), commitments=body.commitments, facts=body.facts, kind=body.kind
    )


def read_base64(data: bytes) -> bytes | None:
    return strict_base64.decode(data.decode("utf-8", "surrogateescape"))


def check_base64(decoded: bytes | None, data: bytes) -> None:
    if decoded is None:
        is_strict = _BASE64.fullmatch(data) and b64encode(b64decode(data)) == data
        require(not is_strict, "strict base64 that is refused")
    else:
        expect(b64encode(decoded), data, "base64")


def read_history(data: bytes) -> KeyHistory:
    """Read the facts of a record that may change the keys of a log."""
    return _opened().rotated(1, parse_object(data))


def check_history(history: KeyHistory, _: bytes) -> None:
    if history != _opened():
        expect({key.type for key in history.newest}, set(LOG_TYPES), "types of the new keys")
        expect({key.name for key in history.known}, {ORIGIN}, "name of all keys")
    expect(KeyHistory.parse(history.lines()), history, "history")


def read_anchor(data: bytes) -> Checkpoint | None:
    return anchor.parse(data, ORIGIN)


def check_anchor(found: Checkpoint | None, data: bytes) -> None:
    size = found.size if found else 0
    require(data.startswith(f"{ORIGIN}\n{size}\n".encode()), "origin and size")


def check_journal(lines: list[journal.Line], data: bytes) -> None:
    # A destruction that stands twice is written once: then the lines are fewer.
    if not lines or len({line.destruction for line in lines}) < len(lines):
        return
    with TemporaryDirectory() as folder:
        path = Path(folder) / journal.NAME
        for line in lines:
            journal.write(path, line)
        expect(path.read_bytes(), data[: data.rfind(b"\n") + 1], "shred journal")


@cache
def _opened() -> KeyHistory:
    return KeyHistory.opened([ED.verifier.vkey, MLDSA.verifier.vkey])


def _key_facts() -> Iterator[bytes]:
    new = tuple(Signer.from_seed(ORIGIN, kind, seed("new")).verifier.vkey for kind in LOG_TYPES)
    old = (ED.verifier.vkey, MLDSA.verifier.vkey)
    yield canonical({"keys": new, "origin": ORIGIN, "replaces": old})
    yield canonical({"keys": old, "origin": ORIGIN, "replaces": old})
    yield b'{"keys":7,"replaces":null}'


def _leaves() -> Iterator[bytes]:
    return texts("leaves", "leaf")


def _records() -> Iterator[bytes]:
    for case in cases("leaves"):
        if case["valid"] and "leaf" in case:
            yield canonical(json.loads(case["leaf"])["record"])


def _journals() -> Iterator[bytes]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / journal.NAME
        for number in range(3):
            scopes = tuple(UUID(int=100 * number + more) for more in range(number))
            journal.write(path, journal.Line(UUID(int=number), scopes, bytes([number]) * 32))
            yield path.read_bytes()


def _anchors() -> Iterator[bytes]:
    yield str(sign(head().text, ED)).encode()
    yield f"{ORIGIN}\n0\n{ED.verifier.key_id.hex()}\n".encode()


def _base64() -> Iterator[bytes]:
    yield from (strict_base64.encode(bytes(range(size))).encode() for size in range(5))
    yield from (b"AAB=", b"A===", b"AA=A", b"AAA=\n", b"-_==")


TARGETS = (
    Target("canonical", parse, check_canonical, (CanonicalError,), _leaves, LONGEST_LEAF),
    Target("record", parse_body, check_record, (LeafError,), _records, LONGEST_LEAF),
    Target("leaf", parse_leaf, check_leaf, (LeafError,), _leaves, LONGEST_LEAF),
    Target("base64", read_base64, check_base64, (), _base64, 1 << 10),
    Target("key-history", read_history, check_history, (CanonicalError,), _key_facts),
    Target("anchor", read_anchor, check_anchor, (AnchorRefused,), _anchors),
    Target("journal", journal.parse, check_journal, (JournalBroken,), _journals),
)
