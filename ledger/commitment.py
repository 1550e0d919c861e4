"""Hiding commitments to segments, and the epoch tree that proves a segment destroyed.

A commitment says nothing without its 32 random bytes: once ``r`` and the payload are gone, what
stays in the chain can neither be opened nor guessed at. Design, sections 4 and 6.
"""

import hmac
import re
import secrets
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from .canonical import JSON, canonical
from .errors import CommitmentError
from .merkle import inclusion_path, leaf_hash, tree_root

RANDOMNESS_SIZE = 32
COMMITMENT_SIZE = 32
MAX_SEGMENTS = 256
PADDING_ROLE = "padding"
SEGMENT_LABEL = b"muniment/segment/v1\0"
TOMBSTONE_LABEL = b"muniment/tombstone/v1\0"

KIND_PATTERN = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*\Z")
ROLE_PATTERN = re.compile(r"[a-z][a-z0-9_]*\Z")


@dataclass(frozen=True)
class Opening:
    """What a commitment hides: kind, role and payload of a segment, and its 32 random bytes.

    Raises CommitmentError when a part is not of the form it must have, and CanonicalError when
    the payload lies outside the JSON subset.
    """

    kind: str
    role: str
    payload: Mapping[str, JSON]
    r: bytes

    def __post_init__(self) -> None:
        # HMAC gives the same tag for a key and for the key with zero bytes behind it.
        if len(self.r) != RANDOMNESS_SIZE:
            raise CommitmentError(f"opening has {len(self.r)} random bytes, wanted 32")
        if not KIND_PATTERN.match(self.kind):
            raise CommitmentError("opening's kind is not of the form noun.past_participle")
        if not ROLE_PATTERN.match(self.role):
            raise CommitmentError("opening's role does not match [a-z][a-z0-9_]*")
        if self.role == PADDING_ROLE and self.payload:
            raise CommitmentError("padding holds a payload")

    @cached_property
    def commitment(self) -> bytes:
        """Return HMAC-SHA-256(r, label ‖ canonical {kind, payload, role})."""
        # The members sort in this order: the text of the last two is written once for both uses.
        said = b'{"kind":"%b",%b' % (self.kind.encode(), self.text[1:])
        return hmac.digest(self.r, SEGMENT_LABEL + said, "sha256")

    @cached_property
    def text(self) -> bytes:
        """Return canonical {payload, role}: what a vault keeps behind ``r``."""
        payload = self.payload if type(self.payload) is dict else dict(self.payload)
        return canonical({"payload": payload, "role": self.role})


def fresh_randomness() -> bytes:
    """Return 32 bytes from the operating system."""
    return secrets.token_bytes(RANDOMNESS_SIZE)


def commit_segments(
    kind: str,
    segments: Iterable[tuple[str, Mapping[str, JSON]]],
    *,
    randomness: Callable[[], bytes] = fresh_randomness,
) -> tuple[Opening, ...]:
    """Give each (role, payload) its randomness, pad, and sort by commitment.

    The place in the answer is the segment's position in the record. Padding has the role
    ``padding`` and the payload ``{}``; it fills up to the next power of two, none to none.
    Raises CommitmentError for more than 256 segments.
    """
    openings = [Opening(kind, role, payload, randomness()) for role, payload in segments]
    if len(openings) > MAX_SEGMENTS:
        raise CommitmentError(f"record has {len(openings)} segments, at most {MAX_SEGMENTS}")
    while not is_padded(len(openings)):
        openings.append(Opening(kind, PADDING_ROLE, {}, randomness()))
    # By the raw bytes: base64 text sorts otherwise.
    return tuple(sorted(openings, key=lambda opening: opening.commitment))


def is_padded(count: int) -> bool:
    """Return whether ``count`` is a number of segments that a record may show."""
    return count & (count - 1) == 0


def tombstone_leaf(salt: bytes, commitment: bytes) -> bytes:
    """Return the entry that a destroyed segment has in its epoch's tree.

    Raises CommitmentError unless both have 32 bytes.
    """
    if len(salt) != RANDOMNESS_SIZE or len(commitment) != COMMITMENT_SIZE:
        raise CommitmentError(f"tombstone of {len(salt)} and {len(commitment)} bytes, wanted 32")
    return leaf_hash(TOMBSTONE_LABEL + salt + commitment)


class EpochTree:
    """The RFC 9162 tree over an epoch's tombstone entries, sorted by hash.

    Sorting hides in which order, and so for whom, the segments were destroyed. Raises
    CommitmentError for an epoch without entries or with one entry twice.
    """

    def __init__(self, entries: Iterable[bytes]) -> None:
        self.entries = sorted(entries)
        if not self.entries:
            raise CommitmentError("epoch has no entries")
        if len(set(self.entries)) != len(self.entries):
            raise CommitmentError("epoch holds an entry twice")

    @cached_property
    def root(self) -> bytes:
        """Return the root over all entries."""
        return tree_root(self.entries)

    def index(self, entry: bytes) -> int:
        """Return the place of ``entry``. Raises CommitmentError when it is not in the epoch."""
        index = bisect_left(self.entries, entry)
        if self.entries[index : index + 1] != [entry]:
            raise CommitmentError("entry is not in the epoch")
        return index

    def path(self, entry: bytes) -> list[bytes]:
        """Return the inclusion path of ``entry``. Raises CommitmentError as ``index`` does."""
        return inclusion_path(self.entries, self.index(entry))
