"""What the log is made of: canonical JSON, records, leaves, base64; and the files beside it."""

import json
import re
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

from fixtures.vectors.cast import ED, ORIGIN, head, sign
from fuzz.target import Contradiction, Target, expect, require
from fuzz.vectors import cases, texts
from ledger import anchor, journal, strict_base64
from ledger.canonical import canonical, parse
from ledger.errors import AnchorRefused, CanonicalError, JournalBroken, LeafError
from ledger.leaf import Body, body_bytes, leaf_bytes, parse_at, parse_body, parse_leaf
from ledger.merkle import leaf_hash

LONGEST_LEAF = 70_000
_BASE64 = re.compile(r"([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)?")


def read_canonical(data: bytes) -> None:
    value = parse(data)
    expect(canonical(value), data, "canonical JSON")
    # Another reader of JSON says the same.
    expect(json.loads(data), value, "value")


def read_record(data: bytes) -> None:
    expect(_written(parse_body(data)), data, "record")


def read_leaf(data: bytes) -> None:
    leaf = parse_leaf(data)
    expect(leaf_bytes(leaf.index, leaf.prev, _written(leaf.body)), data, "leaf")
    expect(leaf.hash, leaf_hash(data), "leaf hash")


def _written(body: Body) -> bytes:
    return body_bytes(
        at=parse_at(body.at), commitments=body.commitments, facts=body.facts, kind=body.kind
    )


def read_base64(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    decoded = strict_base64.decode(text)
    if decoded is None:
        if _BASE64.fullmatch(text) and strict_base64.encode(b64decode(text)) == text:
            raise Contradiction("strict base64 is refused")
        return
    expect(strict_base64.encode(decoded), text, "base64")
    expect(b64decode(text, validate=True), decoded, "bytes")


def read_anchor(data: bytes) -> None:
    found = anchor.parse(data, ORIGIN)
    expect(found.origin if found else ORIGIN, ORIGIN, "origin")
    require(data.startswith(f"{ORIGIN}\n{found.size if found else 0}\n".encode()), "size")


def read_journal(data: bytes) -> None:
    lines = journal.parse(data)
    whole = data[: data.rfind(b"\n") + 1]
    with TemporaryDirectory() as folder:
        path = Path(folder) / journal.NAME
        for line in lines:
            journal.write(path, line)
        # A destruction that stands twice is written once: then the lines are fewer.
        if len({line.destruction for line in lines}) == len(lines):
            expect(path.read_bytes() if lines else b"", whole, "shred journal")


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
    Target(
        "canonical",
        read_canonical,
        (CanonicalError,),
        lambda: texts("leaves", "leaf"),
        LONGEST_LEAF,
    ),
    Target("record", read_record, (LeafError,), _records, LONGEST_LEAF),
    Target("leaf", read_leaf, (LeafError,), lambda: texts("leaves", "leaf"), LONGEST_LEAF),
    Target("base64", read_base64, (), _base64, 1 << 10),
    Target("anchor", read_anchor, (AnchorRefused,), _anchors),
    Target("journal", read_journal, (JournalBroken,), _journals),
)
