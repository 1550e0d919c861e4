"""What lies in a bundle, and the one shape that each of its small JSON texts may have."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ledger import strict_base64
from ledger.canonical import JSON, MAX_INTEGER, canonical, parse_object
from ledger.commitment import Opening
from ledger.errors import CanonicalError, CommitmentError, LedgerError

from .findings import Code, Findings

CHECKPOINT = "checkpoint"
LEAVES = "leaves.ndjson"
MANIFEST = "manifest.json"
MANIFEST_CONSISTENCY = "manifest.consistency"
MANIFEST_LEAF = "manifest.leaf"
MANIFEST_PROOF = "manifest.tlog-proof"
NAMES = "disclosed/names.json"
OPENINGS = "disclosed/openings.ndjson"
PADDING = "padding.ndjson"
POLICY = "policy"
README = "README.txt"
REPORT = "report.json"
REPORT_PDF = "report.pdf"
TOMBSTONES = "tombstones.ndjson"
TRUST = "trust.json"
VERIFY_HTML = "verify.html"

# What proves the manifest cannot be listed in it.
UNLISTED = frozenset({MANIFEST, MANIFEST_CONSISTENCY, MANIFEST_LEAF, MANIFEST_PROOF})
# Papers about one answer of one person; covered by the manifest, and read by nobody here.
CONSENT_EVIDENCE = "disclosed/evidence.json"
CONSENT_NOTICE = "disclosed/notice.txt"
CONSENT_RECEIPT = "disclosed/receipt.jsonld"
CONSENT_RECORD = "disclosed/record.jsonld"
PAPERS = frozenset({CONSENT_EVIDENCE, CONSENT_NOTICE, CONSENT_RECEIPT, CONSENT_RECORD})
DISCLOSED = frozenset({NAMES, OPENINGS}) | PAPERS
REQUIRED = UNLISTED | {
    CHECKPOINT,
    LEAVES,
    PADDING,
    POLICY,
    README,
    REPORT,
    REPORT_PDF,
    TOMBSTONES,
    TRUST,
    VERIFY_HTML,
}
NUMBERED = re.compile(r"([a-z]+)/(0|[1-9][0-9]{0,15})(\.[a-z-]+)?\Z", re.ASCII)
SUFFIXES = {"checkpoints": None, "consistency": None, "proofs": ".tlog-proof", "timestamps": ".tsr"}

VERSION = 1
MAX_LINES = 1_000_000


class Malformed(LedgerError):
    """A text in a bundle has not the one shape it may have."""


@dataclass(frozen=True)
class Place:
    """One position of one leaf."""

    index: int
    position: int


@dataclass(frozen=True)
class PlacedOpening:
    """A line of ``padding.ndjson`` or ``disclosed/openings.ndjson``."""

    place: Place
    opening: Opening

    @classmethod
    def parse(cls, value: JSON) -> "PlacedOpening":
        """Read one line. Raises Malformed."""
        line = exact(value, index=int, kind=str, payload=dict, position=int, r=str, role=str)
        try:
            opening = Opening(line["kind"], line["role"], line["payload"], binary(line["r"]))
        except CommitmentError as exc:
            raise Malformed(str(exc)) from exc
        return cls(Place(natural(line["index"]), natural(line["position"])), opening)

    def line(self) -> dict[str, JSON]:
        """Return what ``parse`` reads."""
        return {
            "index": self.place.index,
            "kind": self.opening.kind,
            "payload": dict(self.opening.payload),
            "position": self.place.position,
            "r": strict_base64.encode(self.opening.r),
            "role": self.opening.role,
        }


@dataclass(frozen=True)
class Tombstone:
    """A line of ``tombstones.ndjson``: the segment at ``place`` was destroyed.

    ``destroyed`` is the index of the leaf that closed the epoch, ``leaf`` and ``path`` the
    entry's place in that epoch's tree, ``salt`` its 32 random bytes.
    """

    place: Place
    destroyed: int
    leaf: int
    path: tuple[bytes, ...]
    salt: bytes

    @classmethod
    def parse(cls, value: JSON) -> "Tombstone":
        """Read one line. Raises Malformed."""
        line = exact(value, destroyed=int, index=int, leaf=int, path=list, position=int, salt=str)
        return cls(
            Place(natural(line["index"]), natural(line["position"])),
            natural(line["destroyed"]),
            natural(line["leaf"]),
            tuple(binary(value) for value in line["path"]),
            binary(line["salt"]),
        )

    def line(self) -> dict[str, JSON]:
        """Return what ``parse`` reads."""
        return {
            "destroyed": self.destroyed,
            "index": self.place.index,
            "leaf": self.leaf,
            "path": [strict_base64.encode(value) for value in self.path],
            "position": self.place.position,
            "salt": strict_base64.encode(self.salt),
        }


def lines(path: str, files: Mapping[str, bytes], findings: Findings) -> Iterator[tuple[int, JSON]]:
    """Yield number and value of each line of canonical JSON; an absent file has none."""
    data, begin, number = files.get(path, b""), 0, 0
    while begin < len(data):
        number += 1
        end = data.find(b"\n", begin)
        if end < 0 or number > MAX_LINES:
            findings.add(Code.LINE_MALFORMED, "cut off, or one line too many", path, line=number)
            return
        try:
            yield number, parse_object(data[begin:end])
        except CanonicalError as exc:
            findings.add(Code.LINE_MALFORMED, exc, path, line=number)
        begin = end + 1


def ndjson(values: list[dict[str, JSON]]) -> bytes:
    """Write what ``lines`` reads."""
    return b"".join(canonical(value) + b"\n" for value in values)


def numbered(files: Mapping[str, bytes], folder: str) -> list[tuple[int, str]]:
    """Return number and path of each file in ``folder``, by number."""
    matches = (NUMBERED.match(path) for path in files if is_known(path))
    return sorted((int(match[2]), match[0]) for match in matches if match and match[1] == folder)


def proof_path(index: int) -> str:
    """Return where the proof of leaf ``index`` lies."""
    return f"proofs/{index}.tlog-proof"


def stamp_path(size: int) -> str:
    """Return where the time-stamp token of the checkpoint of ``size`` lies."""
    return f"timestamps/{size}.tsr"


def is_known(path: str) -> bool:
    """Return whether a bundle may have a file at ``path``."""
    match = NUMBERED.match(path)
    if match:
        return match[1] in SUFFIXES and SUFFIXES[match[1]] == match[3]
    return path in REQUIRED or path in DISCLOSED


def exact(value: JSON, **types: type) -> dict[str, Any]:
    """Return ``value``, an object of exactly these keys and exact types. Raises Malformed."""
    if type(value) is not dict or value.keys() != types.keys():
        raise Malformed(f"wanted an object of {', '.join(sorted(types))}")
    for key, kind in types.items():
        if type(value[key]) is not kind:
            raise Malformed(f"{key} is {type(value[key]).__name__}, wanted {kind.__name__}")
    return value


def versioned(value: JSON, **types: type) -> dict[str, Any]:
    """Return ``value`` as ``exact`` does, once its member ``v`` is the version read here.

    That is looked at first: another version may have other keys. Raises Malformed.
    """
    version = value.get("v") if type(value) is dict else None
    if type(version) is int and version != VERSION:
        raise Malformed(f"version is {version}, this verifier reads {VERSION}")
    return exact(value, v=int, **types)


def natural(value: JSON) -> int:
    """Return ``value``, an integer from 0. Raises Malformed."""
    if type(value) is not int or not 0 <= value <= MAX_INTEGER:
        raise Malformed("a number is not an integer from 0 to 2**53 - 1")
    return value


def binary(value: JSON) -> bytes:
    """Return the 32 bytes whose base64 ``value`` is. Raises Malformed."""
    data = strict_base64.decode(value) if type(value) is str else None
    if data is None or len(data) != 32:
        raise Malformed("a text is not the base64 of 32 bytes")
    return data
