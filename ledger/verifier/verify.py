"""Verify a bundle: the order of all checks, and the verdict."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from ledger.leaf import Leaf
from ledger.note import Checkpoint, Note
from ledger.reports.archive import MAX_ARCHIVE_SIZE
from ledger.tlogpolicy import Policy
from ledger.tlogproof import TlogProof

from .archive import read_archive
from .bundle import Place
from .events import Event, check_events
from .figures import check_figures
from .findings import Code, Finding, Findings, TooManyFindings
from .keys import check_keys
from .leaves import (
    Leaves,
    check_gaps,
    check_opening_leaf,
    check_proofs,
    edge_before,
    read_leaves,
)
from .manifest import check_files, check_issue
from .positions import Positions, Status, check_positions
from .report import NO_PERIOD, Period, read_report
from .signatures import (
    Head,
    Keys,
    Trust,
    Witnessed,
    check_earlier,
    check_head,
    check_signatures,
    check_trust,
    choose_keys,
    find_witnessed,
    read_head,
)
from .stamps import Stamped, check_stamps, find_stamped
from .times import Timed, check_times, promised_delay

OPERATORS_WORD = "operator's word only"
NOT_CHECKED = (
    "the signature inside report.pdf",
    "whether report.pdf says what report.json says",
    "names in disclosed/: the log does not know them",
    "papers in disclosed/: manage.py verify_receipt checks a receipt against them",
)


class Requirement(StrEnum):
    """What an auditor may insist on beside the log's own signatures."""

    WITNESS = "witness"
    TIMESTAMP = "timestamp"


@dataclass(frozen=True)
class Demands:
    """What the auditor brings: a policy, trusted roots, a checkpoint kept, requirements.

    And how long a record may wait for its place, if not as long as the report says.
    """

    policy: Policy | None
    trust: Trust | None
    since: Note | None
    require: Collection[Requirement]
    merge_delay: timedelta | None


@dataclass
class Verdict:
    """What a verification came to; ``findings`` is empty when everything verifies."""

    findings: list[Finding]
    head: Checkpoint | None = None
    keys: Keys | None = None
    stamped: Stamped | None = None
    witnessed: Witnessed | None = None
    period: Period = NO_PERIOD
    leaves: Mapping[int, Leaf] = field(default_factory=dict)
    timed: Timed | None = None
    events: Sequence[Event] = ()
    positions: Positions = field(default_factory=lambda: Positions({}))
    figures: int = 0
    openings_withheld: bool = False

    @property
    def is_consistent(self) -> bool:
        """Return whether everything verifies."""
        return not self.findings

    @property
    def is_authenticated(self) -> bool:
        """Return whether keys from outside the bundle say so."""
        return self.is_consistent and self.keys is not None and self.keys.outside

    @property
    def headline(self) -> str:
        """Return line 1: whether all verifies, and who signed."""
        if not self.is_consistent or self.head is None or self.keys is None:
            return f"REFUSED, FINDINGS: {len(self.findings)}"
        signer = f"{self.head.origin} {self.keys.vkey}"
        if self.is_authenticated:
            return f"AUTHENTICATED {signer}"
        return f"CONSISTENT, SIGNER NOT AUTHENTICATED {signer}"

    @property
    def rests_on(self) -> str:
        """Return line 2: what time and completeness rest on."""
        return join_grounds(self.stamped, self.witnessed)

    def status(self, index: int, position: int) -> str:
        """Return what the bundle shows of one position, in words."""
        place = Place(index, position)
        status = self.positions.seen(place)
        if status is Status.DESTROYED:
            return f"{status} (epoch {self.positions.epochs[place]})"
        return status.value


def join_grounds(*grounds: Stamped | Witnessed | None) -> str:
    """Return line 2 of a verdict: what time and completeness rest on."""
    return "; ".join(str(each) for each in grounds if each) or OPERATORS_WORD


def verify_bundle(
    source: bytes | Path,
    *,
    policy: Policy | None = None,
    trust: Trust | None = None,
    since: Note | None = None,
    require: Collection[Requirement] = (),
    merge_delay: timedelta | None = None,
) -> Verdict:
    """Verify a bundle, given as its bytes or as the path of a file.

    ``policy``, ``trust`` (roots), ``since`` (a checkpoint kept from earlier) and ``merge_delay``
    (how long a record may wait for its place) are what the auditor holds from outside. Whatever
    the bytes hold, the answer is a Verdict; time and memory are bounded by the largest archive
    that is read. Raises NotAnArchive when they are no ZIP file, OSError when there is no such
    file, NoteError when ``since`` is no checkpoint.
    """
    if since is not None:
        Checkpoint.parse(since.text)
    verdict = Verdict(findings := Findings())
    with suppress(TooManyFindings):
        files = read_archive(_load(source), findings)
        if files is not None:
            _examine(files, Demands(policy, trust, since, require, merge_delay), verdict, findings)
    return verdict


def _load(source: bytes | Path) -> bytes:
    if isinstance(source, bytes):
        return source
    with source.open("rb") as file:
        # One byte more than is allowed is enough to see that there are too many.
        return file.read(MAX_ARCHIVE_SIZE + 1)


def _examine(
    files: Mapping[str, bytes], demands: Demands, verdict: Verdict, findings: Findings
) -> None:
    """Run all checks in order. A check whose ground is malformed is left out: that was found."""
    verdict.openings_withheld = check_files(files, findings)
    head = read_head(files, findings)
    keys = choose_keys(files, head, demands.policy, findings)
    trust = check_trust(files, demands.trust, findings)
    checkpoints: dict[int, Checkpoint] = {}
    if head is not None:
        verdict.head, verdict.keys = head.checkpoint, keys
        checkpoints = _check_checkpoints(files, head, keys, verdict, findings)
    stamps = check_stamps(files, checkpoints, trust.tsa if trust else (), findings)
    # An authority that only the bundle names is the operator's word again.
    if demands.trust is not None:
        verdict.stamped = find_stamped(stamps)

    report = read_report(files, verdict.head, checkpoints, findings)
    verdict.period = report.period if report else NO_PERIOD
    verdict.leaves = leaves = read_leaves(files, findings)
    check_opening_leaf(leaves, head, keys, findings)
    check_gaps(leaves, verdict.period, findings)
    delay = demands.merge_delay or promised_delay(report)
    verdict.timed = check_times(leaves, stamps, delay, findings)
    verdict.events = check_events(leaves, findings)
    proofs = check_proofs(files, leaves, head, verdict.period, findings) if head else {}

    verdict.positions = check_positions(
        files, leaves, report, findings, withheld=verdict.openings_withheld
    )
    verdict.figures = check_figures(files, report, verdict.positions, findings)

    later = check_issue(files, keys, verdict.head, findings)
    if later is not None:
        checkpoints.setdefault(later.size, later)
    if head is not None and keys is not None:
        check_keys(files, leaves, keys, findings)
        _check_demands(demands, head, keys, checkpoints, proofs, verdict, findings)


def _check_checkpoints(
    files: Mapping[str, bytes],
    head: Head,
    keys: Keys | None,
    verdict: Verdict,
    findings: Findings,
) -> dict[int, Checkpoint]:
    """Check all checkpoints; return those that count, by size."""
    if keys is not None:
        head = check_head(head, keys, findings)
    good = check_earlier(files, head, keys, findings)
    if keys is not None:
        verdict.witnessed = find_witnessed(good, keys)
    return {size: each.checkpoint for size, each in good.items()}


def _check_demands(
    demands: Demands,
    head: Head,
    keys: Keys,
    checkpoints: Mapping[int, Checkpoint],
    proofs: Mapping[int, TlogProof],
    verdict: Verdict,
    findings: Findings,
) -> None:
    if demands.since is not None:
        _check_since(demands.since, head, keys, checkpoints, proofs, verdict.leaves, findings)
    if Requirement.WITNESS in demands.require and verdict.witnessed is None:
        findings.add(Code.REQUIRE_WITNESS, "no witness of a policy from outside has signed")
    if Requirement.TIMESTAMP in demands.require and verdict.stamped is None:
        findings.add(Code.REQUIRE_TIMESTAMP, "no token by an authority trusted from outside")


def _check_since(
    kept: Note,
    head: Head,
    keys: Keys,
    checkpoints: Mapping[int, Checkpoint],
    proofs: Mapping[int, TlogProof],
    leaves: Leaves,
    findings: Findings,
) -> None:
    """Check that the log goes on from the checkpoint that the auditor kept."""
    checkpoint = Checkpoint.parse(kept.text)
    if checkpoint.origin != head.checkpoint.origin:
        findings.add(Code.SINCE_ORIGIN, "the checkpoint kept is of another log")
        return
    signed = Findings()
    check_signatures("", kept, keys, signed)
    if signed:
        findings.add(Code.SINCE_SIGNATURE, signed[0].detail)
        return
    root = _root_at(checkpoint.size, head.checkpoint.size, checkpoints, proofs, leaves)
    if root is None:
        findings.add(Code.SINCE_UNPROVED, f"no proof from size {checkpoint.size} here")
    elif root != checkpoint.root:
        findings.add(Code.SINCE_FORK, f"the log had another root at size {checkpoint.size}")


def _root_at(
    size: int,
    head_size: int,
    checkpoints: Mapping[int, Checkpoint],
    proofs: Mapping[int, TlogProof],
    leaves: Leaves,
) -> bytes | None:
    """Return the root that the log had at ``size``, or None when the bundle does not show it."""
    if size in checkpoints:
        return checkpoints[size].root
    start = max((index for index in proofs if 0 < index <= size), default=None)
    if start is None or any(index not in leaves for index in range(start, size)):
        return None
    edge = edge_before(proofs[start], head_size)
    for index in range(start, size):
        edge.append(leaves[index].hash)
    return edge.root()
