"""What a verification may find: a stable code, a place, and words for people.

Code, path, line, index and position are the same in every verifier of bundles; the words are
not. README.md beside this file says when each code is given.
"""

from dataclasses import dataclass
from enum import StrEnum

MAX_FINDINGS = 1000
MAX_DETAIL = 300


class Code(StrEnum):
    """Everything that can be wrong with a bundle."""

    ARCHIVE_PROFILE = "archive.profile"
    ARCHIVE_CRC = "archive.crc"
    FILE_UNKNOWN = "file.unknown"
    FILE_MISSING = "file.missing"
    FILE_ALTERED = "file.altered"
    FILE_UNLISTED = "file.unlisted"
    MANIFEST_MALFORMED = "manifest.malformed"
    POLICY_MALFORMED = "policy.malformed"
    POLICY_KEYS = "policy.keys"
    POLICY_OUTSIDE = "policy.outside"
    POLICY_QUORUM = "policy.quorum"
    TRUST_MALFORMED = "trust.malformed"
    TRUST_OUTSIDE = "trust.outside"
    CHECKPOINT_MALFORMED = "checkpoint.malformed"
    CHECKPOINT_ORIGIN = "checkpoint.origin"
    CHECKPOINT_SIZE = "checkpoint.size"
    CHECKPOINT_MISSING = "checkpoint.missing"
    SIGNATURE_FAILED = "signature.failed"
    SIGNATURE_MISSING = "signature.missing"
    KEY_COMPROMISED = "key.compromised"
    KEY_REPLACED = "key.replaced"
    CONSISTENCY_MISSING = "consistency.missing"
    CONSISTENCY_MALFORMED = "consistency.malformed"
    CONSISTENCY_FAILED = "consistency.failed"
    TIMESTAMP_PLACE = "timestamp.place"
    TIMESTAMP_MALFORMED = "timestamp.malformed"
    TIMESTAMP_FAILED = "timestamp.failed"
    REPORT_MALFORMED = "report.malformed"
    REPORT_ORIGIN = "report.origin"
    PERIOD_BOUNDS = "period.bounds"
    PERIOD_ENCLOSURE = "period.enclosure"
    LINE_MALFORMED = "line.malformed"
    LINE_ORDER = "line.order"
    LEAF_MALFORMED = "leaf.malformed"
    LEAF_LINK = "leaf.link"
    LEAF_GAP = "leaf.gap"
    TIME_AHEAD = "time.ahead"
    TIME_BEHIND = "time.behind"
    PART_MALFORMED = "part.malformed"
    PART_MISPLACED = "part.misplaced"
    PART_MISSING = "part.missing"
    LOG_OPENED = "log.opened"
    PROOF_MALFORMED = "proof.malformed"
    PROOF_CHECKPOINT = "proof.checkpoint"
    PROOF_LEAF = "proof.leaf"
    PROOF_FAILED = "proof.failed"
    PROOF_MISSING = "proof.missing"
    RANGE_FAILED = "range.failed"
    OPENING_PLACE = "opening.place"
    OPENING_ROLE = "opening.role"
    OPENING_COMMITMENT = "opening.commitment"
    NAMES_MALFORMED = "names.malformed"
    TOMBSTONE_PLACE = "tombstone.place"
    TOMBSTONE_EPOCH = "tombstone.epoch"
    TOMBSTONE_TWICE = "tombstone.twice"
    TOMBSTONE_FAILED = "tombstone.failed"
    POSITION_PLACE = "position.place"
    POSITION_TWICE = "position.twice"
    POSITION_UNDECLARED = "position.undeclared"
    POSITION_UNOPENED = "position.unopened"
    POSITION_MISSING = "position.missing"
    FIGURE_MALFORMED = "figure.malformed"
    FIGURE_DIFFERS = "figure.differs"
    FIGURE_TOO_MANY = "figure.too_many"
    MANIFEST_LEAF = "manifest.leaf"
    MANIFEST_DIGEST = "manifest.digest"
    MANIFEST_EARLY = "manifest.early"
    MANIFEST_PROOF = "manifest.proof"
    MANIFEST_CHECKPOINT = "manifest.checkpoint"
    MANIFEST_CONSISTENCY = "manifest.consistency"
    SINCE_ORIGIN = "since.origin"
    SINCE_SIGNATURE = "since.signature"
    SINCE_UNPROVED = "since.unproved"
    SINCE_FORK = "since.fork"
    REQUIRE_WITNESS = "require.witness"
    REQUIRE_TIMESTAMP = "require.timestamp"


FIGURES = frozenset({Code.FIGURE_MALFORMED, Code.FIGURE_DIFFERS})


@dataclass(frozen=True)
class Finding:
    """One thing that does not verify.

    ``path`` is the file in the bundle, ``line`` a line of it or the number of a figure (from 1),
    ``index`` a leaf, ``position`` a segment of it, ``kind`` that leaf's kind.
    """

    code: Code
    detail: str
    path: str | None = None
    line: int | None = None
    index: int | None = None
    position: int | None = None
    kind: str | None = None

    @property
    def _unit(self) -> str:
        return "figure" if self.code in FIGURES else "line"

    def __str__(self) -> str:
        places = [
            self.path,
            None if self.line is None else f"{self._unit} {self.line}",
            None if self.index is None else f"leaf {self.index}",
            None if self.position is None else f"position {self.position}",
            self.kind,
        ]
        where = ", ".join(place for place in places if place)
        return f"{self.code}: {where}: {self.detail}" if where else f"{self.code}: {self.detail}"


class TooManyFindings(Exception):
    """A bundle has so much wrong with it that nothing is gained by looking on."""


class Findings(list[Finding]):
    """The findings so far, in the order of the checks."""

    def add(
        self,
        code: Code,
        detail: object,
        path: str | None = None,
        *,
        line: int | None = None,
        index: int | None = None,
        position: int | None = None,
        kind: str | None = None,
    ) -> None:
        """Note one finding. Raises TooManyFindings at the thousandth."""
        self.append(Finding(code, str(detail)[:MAX_DETAIL], path, line, index, position, kind))
        if len(self) >= MAX_FINDINGS:
            raise TooManyFindings
