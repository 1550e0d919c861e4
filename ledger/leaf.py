"""Record bodies and leaves: their exact bytes, and the chain that they form.

A body is what one event says, a leaf is that record in its place. Design, section 4.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import pairwise

from . import strict_base64
from .canonical import JSON, MAX_INTEGER, canonical, parse_object
from .commitment import COMMITMENT_SIZE, KIND_PATTERN, MAX_SEGMENTS, is_padded
from .errors import CanonicalError, LeafError, RecordTooLarge
from .merkle import HASH_SIZE, leaf_hash

MAX_BODY_SIZE = 65_000
# A leaf must fit an entry bundle of tlog-tiles, whose length field has 16 bits.
MAX_LEAF_SIZE = 65_535
VERSION = 1
FIRST_PREV = bytes(HASH_SIZE)

# No hour 24, which is another text for midnight, and which later Pythons read.
_AT = re.compile(r"\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):\d{2}:00Z\Z", re.ASCII)
_LEAF = re.compile(rb'\{"index":[0-9]{1,16},"prev":"[0-9a-f]{64}","record":(.+)\}', re.DOTALL)
_PREV = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True)
class Body:
    """What one event says. ``at`` is cut to the minute; ``commitments`` are sorted raw bytes."""

    at: str
    commitments: tuple[bytes, ...]
    facts: Mapping[str, JSON]
    kind: str


@dataclass(frozen=True)
class Leaf:
    """A record in its place: ``prev`` is the hash of the leaf before, ``hash`` its own."""

    index: int
    prev: bytes
    body: Body
    hash: bytes


def body_bytes(
    *, at: datetime, commitments: Sequence[bytes], facts: Mapping[str, JSON], kind: str
) -> bytes:
    """Write a record's body; ``at`` is an aware time already cut to its minute or hour.

    ``commitments`` are raw and in order. Raises LeafError for a shape that ``parse_body`` would
    refuse, RecordTooLarge beyond 65,000 bytes or 256 segments, CanonicalError for other facts.
    """
    said = format_at(at)
    _check_shape(said, commitments, kind)
    # The members stand in their order, and nothing in these needs an escape: only the facts are
    # encoded, one level down.
    data = b'{"at":"%b","commitments":[%b],"facts":%b,"kind":"%b","v":%d}' % (
        said.encode(),
        b",".join(b'"%b"' % strict_base64.encode(value).encode() for value in commitments),
        canonical(facts if type(facts) is dict else dict(facts), inside=1),
        kind.encode(),
        VERSION,
    )
    if len(data) > MAX_BODY_SIZE:
        raise RecordTooLarge(f"record has {len(data)} bytes, at most {MAX_BODY_SIZE}")
    return data


def parse_body(data: bytes) -> Body:
    """Parse a record's body. Raises LeafError when it is not exactly what ``body_bytes`` writes."""
    if len(data) > MAX_BODY_SIZE:
        raise RecordTooLarge(f"record has {len(data)} bytes, at most {MAX_BODY_SIZE}")
    return _body_of(_parse(data))


def leaf_bytes(index: int, prev: bytes, body: bytes) -> bytes:
    """Write a leaf by splicing the record's bytes: its keys sort around them.

    ``body`` is taken as it is; ``prev`` are the 32 bytes of the leaf hash before, zeros for
    index 0. Raises LeafError.
    """
    if not 0 <= index <= MAX_INTEGER or len(prev) != HASH_SIZE:
        raise LeafError(f"leaf {index} with a previous hash of {len(prev)} bytes cannot be written")
    return b'{"index":%d,"prev":"%s","record":%s}' % (index, prev.hex().encode(), body)


def parse_leaf(data: bytes) -> Leaf:
    """Parse a leaf and the record in it. Raises LeafError."""
    if len(data) > MAX_LEAF_SIZE:
        raise LeafError(f"leaf has {len(data)} bytes, at most {MAX_LEAF_SIZE}")
    value = _parse(data)
    _check_keys(value, {"index", "prev", "record"}, "leaf")
    index, prev, record = value["index"], value["prev"], value["record"]
    if type(index) is not int or index < 0:
        raise LeafError("leaf's index is not a number from 0")
    if type(prev) is not str or not _PREV.match(prev):
        raise LeafError("leaf's prev is not 64 hexadecimal digits")
    if type(record) is not dict:
        raise LeafError("leaf's record is not an object")
    if index == 0 and prev != FIRST_PREV.hex():
        raise LeafError("leaf 0 names a leaf before it")
    return Leaf(index, bytes.fromhex(prev), _body_of(record), leaf_hash(data))


def body_in(leaf: bytes) -> bytes:
    """Return the bytes of the record in ``leaf``, which are not parsed. Raises LeafError."""
    match = _LEAF.fullmatch(leaf)
    if match is None:
        raise LeafError("leaf does not begin with its index and the hash before")
    return match[1]


def verify_link(before: Leaf, after: Leaf) -> None:
    """Check that ``after`` comes right behind ``before`` and names it. Raises LeafError."""
    if after.index != before.index + 1:
        raise LeafError(f"leaf {after.index} stands behind leaf {before.index}")
    if after.prev != before.hash:
        raise LeafError(f"leaf {after.index} does not name leaf {before.index} as the one before")


@lru_cache(maxsize=1024)
def format_at(at: datetime) -> str:
    """Write an aware time as the chain shows it. Raises LeafError when it is naive."""
    if at.tzinfo is None:
        raise LeafError("time has no zone")
    # Not strftime(), which writes a year before 1000 in fewer than four digits.
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


@lru_cache(maxsize=1024)  # the records of one minute say the same
def parse_at(text: str) -> datetime:
    """Parse a time as the chain shows it. Raises LeafError unless it is cut to the minute."""
    try:
        if not _AT.match(text):
            raise ValueError(text)
        return datetime.fromisoformat(text)
    except ValueError as exc:
        raise LeafError("record's at is not a time in UTC, cut to the minute") from exc


def _parse(data: bytes) -> dict[str, JSON]:
    try:
        return parse_object(data)
    except CanonicalError as exc:
        raise LeafError(str(exc)) from exc


def _body_of(value: dict[str, JSON]) -> Body:
    # Looked at first: a record of another version may have other keys.
    version = value.get("v")
    if type(version) is int and version != VERSION:
        raise LeafError(f"record is of version {version}, this software reads {VERSION}")
    _check_keys(value, {"at", "commitments", "facts", "kind", "v"}, "record")
    if type(version) is not int:
        raise LeafError("record's version is not an integer")
    at, kind, facts = value["at"], value["kind"], value["facts"]
    if type(at) is not str or type(kind) is not str or type(facts) is not dict:
        raise LeafError("record's at, kind and facts are not a text, a text and an object")
    body = Body(at, _parse_commitments(value["commitments"]), facts, kind)
    _check_shape(body.at, body.commitments, body.kind)
    return body


def _parse_commitments(value: JSON) -> tuple[bytes, ...]:
    if type(value) is not list:
        raise LeafError("record's commitments are not a list")
    decoded = [strict_base64.decode(text) if type(text) is str else None for text in value]
    commitments = tuple(data for data in decoded if data is not None)
    if len(commitments) != len(value):
        raise LeafError("a commitment is not padded base64")
    return commitments


def _check_shape(at: str, commitments: Sequence[bytes], kind: str) -> None:
    parse_at(at)
    if not KIND_PATTERN.match(kind):
        raise LeafError("record's kind is not of the form noun.past_participle")
    if not commitments:
        return
    count = len(commitments)
    if count > MAX_SEGMENTS:
        raise RecordTooLarge(f"record has {count} segments, at most {MAX_SEGMENTS}")
    if not is_padded(count):
        raise LeafError(f"record shows {count} commitments, wanted 0 or a power of two")
    if any(len(commitment) != COMMITMENT_SIZE for commitment in commitments):
        raise LeafError("a commitment has not 32 bytes")
    if any(a >= b for a, b in pairwise(commitments)):
        raise LeafError("commitments are not in order, or one stands twice")


def _check_keys(value: dict[str, JSON], wanted: set[str], what: str) -> None:
    if value.keys() != wanted:
        raise LeafError(f"{what} has not exactly the keys {', '.join(sorted(wanted))}")
