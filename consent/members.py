"""What a data set version commits to: one salted commitment per item, and the root over them.

An item's commitment says nothing without its 32 random bytes, which are sealed with the item: an
erased item leaves nothing that a guess could be checked against, and the version's digest still
follows from the commitments that stay. Design, section 8.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, repeat
from operator import add
from secrets import token_bytes
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from consent.columnar import Columns
from consent.uses import LegalBasis
from ledger.canonical import parse_object
from ledger.commitment import COMMITMENT_SIZE, RANDOMNESS_SIZE
from ledger.errors import CanonicalError, ProofError
from ledger.mac import mac
from ledger.merkle import (
    inclusion_ranges,
    leaf_hash,
    root_from_path,
    tree_root,
)
from ledger.pieces import pieces

ITEM_LABEL = b"muniment/item/v1\0"
# Commitments of one stored page; a power of two, so that a full page is a whole subtree.
PAGE = 1024
_Pairs = tuple[tuple[str, str], ...]


class Member(NamedTuple):
    """One item of a version, as committed to.

    ``digest`` is the SHA-256 of the file in hex, empty where nobody stated one. ``location`` says
    where the file was found. ``perceptual_hash``, ``signals`` and ``flags`` (pairs of a name and
    what was stated) are as stated; sizes in pixels, 0 where not known.
    """

    digest: str
    licence: str
    legal_basis: LegalBasis
    depicts: tuple[UUID, ...] = ()
    location: str = ""
    media_type: str = ""
    width: int = 0
    height: int = 0
    perceptual_hash: str = ""
    signals: _Pairs = ()
    flags: _Pairs = ()

    def canonical(self) -> bytes:
        """Return the canonical JSON that the commitment covers; people in a fixed order."""
        # Inside our subset orjson equals RFC 8785 if names are sorted; tests hold this against
        # ``canonical``.
        said = self._asdict() | {"depicts": sorted(self.depicts)}
        return orjson.dumps(said, option=orjson.OPT_SORT_KEYS)


class Members(Columns):
    """Many members, held column by column."""

    fields = Member._fields

    def canonical(self) -> Iterator[bytes]:
        """Yield what ``Member.canonical`` gives for each.

        Written for speed: it runs a million times for one version. What is the same in all is
        spelt out once; of the rest each column is made JSON as a whole.
        """
        if not len(self):
            return iter(())
        parts: list[Iterable[bytes]] = []
        before = b"{"
        for name, values in sorted(zip(self.fields, self.columns, strict=True)):
            text = before + b'"%s":' % name.encode()
            before = b","
            if values[0] == values[-1] and values.count(values[0]) == len(values):
                before = text + _json(name, values[0]) + before
                continue
            opening, fragments, closing = _fragments(name, values)
            if len(fragments) != len(values):
                raise ValueError(f"{len(values)} values of {name} gave {len(fragments)} texts")
            parts += [repeat(text + opening), fragments]
            before = closing + before
        parts.append(repeat(before[:-1] + b"}", len(self)))
        return map(b"".join, zip(*parts, strict=False))


def _fragments(name: str, values: Sequence[Any]) -> tuple[bytes, list[bytes], bytes]:
    """Return JSON of each value, and what stands before and behind it alike."""
    if isinstance(values[0], str):
        # One a line: in a JSON string no line ends, so that a line's end is between two of them.
        lines = orjson.dumps(values, option=orjson.OPT_INDENT_2)
        return b'"', lines.removeprefix(b'[\n  "').removesuffix(b'"\n]').split(b'",\n  "'), b'"'
    if isinstance(values[0], int):
        return b"", orjson.dumps(values)[1:-1].split(b","), b""
    return b"", [_json(name, value) for value in values], b""


def _json(name: str, value: Any) -> bytes:
    return orjson.dumps(sorted(value) if name == "depicts" else value)


def commit(member: Member, salt: bytes) -> bytes:
    """Return HMAC-SHA-256(salt, label ‖ canonical member). ``salt`` is 32 fresh random bytes."""
    return commit_opening(seal_opening(member, salt))


def seal_opening(member: Member, salt: bytes) -> bytes:
    """Return the bytes from which ``read_opening`` gives ``member`` and ``salt`` again."""
    if len(salt) != RANDOMNESS_SIZE:
        # HMAC gives the same tag for a key and for the key with zero bytes behind it.
        raise ValueError(f"salt has {len(salt)} bytes, wanted {RANDOMNESS_SIZE}")
    return salt + member.canonical()


def seal_openings(members: Members) -> list[bytes]:
    """Return openings of all ``members``, each with a salt of its own."""
    salts = pieces(token_bytes(RANDOMNESS_SIZE * len(members)), RANDOMNESS_SIZE)
    return list(map(add, salts, members.canonical()))


def commit_opening(opening: bytes) -> bytes:
    """Return the commitment that ``opening`` opens."""
    return mac(opening[:RANDOMNESS_SIZE], ITEM_LABEL + opening[RANDOMNESS_SIZE:])


def read_opening(data: bytes) -> tuple[Member, bytes]:
    """Split an item's opening into its member and salt. Raises CanonicalError when malformed."""
    salt, body = data[:RANDOMNESS_SIZE], parse_object(data[RANDOMNESS_SIZE:])
    said: dict[str, object] = dict(body)
    said["legal_basis"] = LegalBasis(str(body["legal_basis"]))
    said["depicts"] = tuple(UUID(str(person)) for person in _list(body["depicts"]))
    for name in ("signals", "flags"):
        pairs = (_list(pair) for pair in _list(body[name]))
        said[name] = tuple((str(key), str(value)) for key, value in pairs)
    return Member(**said), salt  # type: ignore[arg-type]


def version_digest(commitments: Iterable[bytes]) -> bytes:
    """Return the RFC 9162 root over the commitments, sorted by their raw bytes."""
    return tree_root([leaf_hash(commitment) for commitment in sorted(commitments)])


@dataclass(frozen=True)
class Page:
    """Some commitments in order, and the root over them."""

    commitments: bytes
    root: bytes


def paginate(commitments: Iterable[bytes]) -> Iterator[Page]:
    """Yield sorted ``commitments`` as pages; one of them is in memory at once."""
    ordered = iter(commitments)
    while some := list(islice(ordered, PAGE)):
        yield page_of(some)


def page_of(commitments: Sequence[bytes]) -> Page:
    """Return the page of sorted ``commitments``, at most PAGE of them."""
    return Page(b"".join(commitments), tree_root([leaf_hash(one) for one in commitments]))


def digest_of(roots: Sequence[bytes]) -> bytes:
    """Return a version's digest from the roots of its pages.

    A page is a whole subtree of the version's tree, and the last, if shorter, its right edge: the
    tree over their roots is the upper part of it.
    """
    return tree_root(roots)


def split(commitments: bytes) -> list[bytes]:
    """Return the commitments of a page one by one."""
    return pieces(commitments, COMMITMENT_SIZE)


def membership_path(page: Page, roots: Sequence[bytes], at: int, size: int) -> list[bytes]:
    """Return the inclusion path of the commitment at index ``at`` of a version of ``size`` items.

    ``page`` is the one that holds it, ``roots`` are those of all pages. RFC 9162, section 2.1.3.1.
    """
    first = at // PAGE * PAGE
    leaves = [leaf_hash(commitment) for commitment in split(page.commitments)]

    def subtree(begin: int, end: int) -> bytes:
        if first <= begin and end <= first + len(leaves):
            return tree_root(leaves[begin - first : end - first])
        return digest_of(roots[begin // PAGE : -(-end // PAGE)])

    return [subtree(begin, end) for begin, end in inclusion_ranges(at, size)]


def is_member(commitment: bytes, at: int, size: int, path: Sequence[bytes], digest: bytes) -> bool:
    """Return whether ``path`` leads from ``commitment`` to a version's digest."""
    return root_from_path(leaf_hash(commitment), at, size, path) == digest


@dataclass(frozen=True)
class Membership:
    """That one commitment is in a version of ``size`` items: RFC 9162, section 2.1.3.

    ``digest`` is the version's. ``opening`` is what the commitment opens to, where it is told.
    """

    commitment: bytes
    index: int
    size: int
    path: tuple[bytes, ...]
    digest: bytes
    opening: bytes = b""

    def as_json(self) -> bytes:
        """Return the proof as JSON, bytes in hex; ``read_membership`` reads it."""
        said = {
            "commitment": self.commitment.hex(),
            "index": self.index,
            "size": self.size,
            "path": [one.hex() for one in self.path],
            "digest": f"sha256:{self.digest.hex()}",
        }
        return orjson.dumps(said | ({"opening": self.opening.hex()} if self.opening else {}))

    def verify(self, digest: str = "") -> Member | None:
        """Check the proof; ``digest`` is the version's as known from elsewhere, ``sha256:…``.

        Returns what the commitment opens to, None where that is not told. Raises ProofError.
        """
        if digest and digest != f"sha256:{self.digest.hex()}":
            raise ProofError("the proof is of another version than the one with this digest")
        if not is_member(self.commitment, self.index, self.size, self.path, self.digest):
            raise ProofError("the path does not lead from the commitment to the version's digest")
        if not self.opening:
            return None
        if commit_opening(self.opening) != self.commitment:
            raise ProofError("what is told of the item is not what was committed to")
        try:
            return read_opening(self.opening)[0]
        except (CanonicalError, KeyError, TypeError, ValueError) as error:
            raise ProofError("what the commitment opens to is no item") from error


def read_membership(data: bytes) -> Membership:
    """Read a proof that ``Membership.as_json`` wrote. Raises ProofError."""
    try:
        said = orjson.loads(data)
        return Membership(
            commitment=_hex(said["commitment"]),
            index=_whole(said["index"]),
            size=_whole(said["size"]),
            path=tuple(_hex(one) for one in _list(said["path"])),
            digest=_hex(str(said["digest"]).removeprefix("sha256:")),
            opening=bytes.fromhex(said.get("opening", "")),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProofError("this is no proof that an item is in a version") from error


def _hex(value: object) -> bytes:
    data = bytes.fromhex(str(value))
    if len(data) != 32:
        raise ValueError(f"digest has {len(data)} bytes, wanted 32")
    return data


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError("number is none")
    return value


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError("an opening holds something else than a list")
    return value
