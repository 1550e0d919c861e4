"""What verification reports: findings with a place, and the verdict on a log."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from ledger.record_kinds import Predecessor


class Aspect(StrEnum):
    """The three questions that verification answers apart."""

    INTEGRITY = "integrity"
    COMPLETENESS = "completeness"
    OPENNESS = "openness"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: in which log, at which leaf if any, what, and what differs.

    ``code`` is stable and for programs, ``message`` is for people. ``index`` is the leaf, None
    when the place is not a leaf.
    """

    aspect: Aspect
    code: str
    origin: str
    index: int | None
    message: str

    def __str__(self) -> str:
        return f"{self.origin}: {self.message}"


@dataclass
class LogVerdict:
    """The verdict on one log: how far it was read, what was counted, what was found.

    ``origin``, ``size``, ``root`` and ``signers`` are of its newest incarnation; counts and
    findings are of all of them. ``predecessors`` says what is kept and lost of earlier ones.
    ``days`` counts records by day and family: (``2026-11-20``, ``run``). ``since`` is the size of
    the checkpoint that verification went on from; what lies before it was not read again.
    """

    origin: str
    size: int = 0
    since: int = 0
    root: bytes = b""
    signers: tuple[str, ...] = ()
    segments: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    days: Counter[tuple[str, str]] = field(default_factory=Counter)
    is_openness_checked: bool = True
    rests_on: str = "operator's word only"
    predecessors: tuple[Predecessor, ...] = ()
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        return not self.findings

    def found(self, aspect: Aspect, code: str, message: str, index: int | None = None) -> None:
        """Add one finding."""
        self.findings.append(Finding(aspect, code, self.origin, index, message))

    def has(self, aspect: Aspect) -> bool:
        """Return whether anything was found in ``aspect``."""
        return any(finding.aspect == aspect for finding in self.findings)
