"""A small log and the bundle over it, without a database: all bytes but ML-DSA's are fixed.

The log has twelve leaves; leaf 8 was appended late, epoch 1 destroys the subject's segments of
leaves 3 and 4 at leaf 10. The period is leaves 2 to 8, between checkpoints of sizes 2 and 9.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from ledger import merkle
from ledger.commitment import EpochTree, Opening, commit_segments, tombstone_leaf
from ledger.leaf import FIRST_PREV, body_bytes, leaf_bytes
from ledger.note import Checkpoint, Note, SignatureType, Signer, sign_note
from ledger.reports.archive import write_archive
from ledger.reports.bundle import (
    Draft,
    Earlier,
    Evidence,
    Figure,
    Papers,
    compose_report,
    draft_bundle,
    finish_bundle,
)
from ledger.tlogpolicy import LogKey, Policy, Witness
from ledger.tlogproof import TlogProof
from ledger.verifier import bundle as layout
from ledger.verifier.archive import read_archive
from ledger.verifier.bundle import Place, PlacedOpening, Tombstone
from ledger.verifier.findings import Findings
from ledger.verifier.manifest import manifest_digest, write_manifest
from ledger.verifier.report import Period

from .vectors import fixed

ORIGIN = "log.example/default"
DAY = datetime(2026, 11, 20, tzinfo=UTC)
SIGNERS = (
    Signer.from_seed(ORIGIN, SignatureType.ED25519, fixed("ed")),
    Signer.from_seed(ORIGIN, SignatureType.MLDSA44, fixed("ml")),
)
WITNESS = Signer.from_seed("witness.example", SignatureType.COSIGNATURE, fixed("witness"))
POLICY = Policy(tuple(LogKey(signer.verifier) for signer in SIGNERS))
WITNESSED = Policy(POLICY.logs, (Witness("w", WITNESS.verifier),), quorum="w")
MAY_WITNESS = Policy(POLICY.logs, WITNESSED.witnesses)

Files = dict[str, bytes]
Edit = Callable[[Files], None]


@dataclass
class Log:
    """Leaves in memory, and the openings of their positions; all say ``at`` where it is given."""

    leaves: list[bytes] = field(default_factory=list)
    openings: dict[Place, Opening] = field(default_factory=dict)
    at: datetime | None = None

    @property
    def hashes(self) -> list[bytes]:
        return [merkle.leaf_hash(leaf) for leaf in self.leaves]

    def append(
        self,
        kind: str,
        facts: Mapping[str, Any],
        *segments: tuple[str, dict[str, Any]],
        hour: int = 15,
    ) -> None:
        index = len(self.leaves)
        tags = (fixed(f"{index}/{number}") for number in range(256))
        openings = commit_segments(kind, segments, randomness=lambda: next(tags))
        for position, opening in enumerate(openings):
            self.openings[Place(index, position)] = opening
        at = self.at or DAY.replace(hour=hour, minute=index % 60)
        commitments = [opening.commitment for opening in openings]
        body = body_bytes(at=at, commitments=commitments, facts=facts, kind=kind)
        prev = merkle.leaf_hash(self.leaves[-1]) if self.leaves else FIRST_PREV
        self.leaves.append(leaf_bytes(index, prev, body))

    def note(self, size: int, signers: Sequence[Signer] = SIGNERS, *, time: int = 0) -> Note:
        root = merkle.tree_root(self.hashes[:size])
        return sign_note(Checkpoint(ORIGIN, size, root).text, signers, time=time)

    def path(self, index: int, size: int) -> list[bytes]:
        return merkle.inclusion_path(self.hashes[:size], index)

    def way(self, first: int, second: int) -> list[bytes]:
        return merkle.consistency_path(self.hashes[:second], first)

    def placed(self, *, role: str | None = None) -> Iterator[PlacedOpening]:
        for place, opening in self.openings.items():
            if role is None or opening.role == role:
                yield PlacedOpening(place, opening)

    def destroy(self, places: Sequence[Place], *, epoch: int) -> list[Tombstone]:
        """Append the record that closes an epoch over ``places``; return their tombstones."""
        salts = {place: fixed(f"salt {place}") for place in places}
        entries = {
            place: tombstone_leaf(salts[place], self.openings[place].commitment) for place in places
        }
        tree = EpochTree(entries.values())
        facts = {"count": len(places), "epoch": epoch, "root": f"sha256:{tree.root.hex()}"}
        self.append("segments.destroyed", facts, hour=16)
        for place in places:
            del self.openings[place]
        return [
            Tombstone(
                place,
                len(self.leaves) - 1,
                tree.index(entries[place]),
                tuple(tree.path(entries[place])),
                salts[place],
            )
            for place in places
        ]


@dataclass
class Case:
    """A log, and what a bundle over it is made of; tests change parts before ``build``."""

    log: Log
    evidence: Evidence
    figures: list[Figure]
    content: dict[str, Any]
    papers: Papers
    issuers: Sequence[Signer] = SIGNERS

    def files(self) -> Files:
        report = compose_report(self.evidence, self.content, self.figures)
        draft = draft_bundle(self.evidence, report, self.papers, salt=fixed("manifest"))
        return dict(draft.files)

    def build(self, lie: Edit | None = None) -> bytes:
        """Build the bundle; ``lie`` edits the files before the operator vouches for them."""
        files = self.files()
        if lie is not None:
            lie(files)
            if layout.MANIFEST in files:
                files[layout.MANIFEST] = write_manifest(files, fixed("manifest"))
        return self.vouch(files)

    def vouch(self, files: Files, facts: Mapping[str, Any] | None = None) -> bytes:
        """Issue ``files`` as they are: append the record, sign, prove, and write the ZIP."""
        log = replace(self.log, leaves=list(self.log.leaves), openings=dict(self.log.openings))
        digest = manifest_digest(files.get(layout.MANIFEST, b""))
        log.append("report.issued", {"manifest": digest} if facts is None else facts, hour=17)
        log.append("run.failed", {}, hour=17)
        index, size = len(log.leaves) - 2, len(log.leaves)
        first = Checkpoint.parse(self.evidence.checkpoint.text).size
        return finish_bundle(
            Draft(files, digest),
            leaf=log.leaves[index],
            proof=TlogProof(index, tuple(log.path(index, size)), log.note(size, self.issuers)),
            consistency=log.way(first, size),
        )


def story(at: datetime | None = None) -> tuple[Log, list[Tombstone]]:
    """Return the log of twelve leaves and the tombstones of its epoch."""
    log = Log(at=at)
    keys = [signer.verifier.vkey for signer in SIGNERS]
    log.append("log.opened", {"format": "muniment/v1", "keys": keys, "origin": ORIGIN})
    log.append("notice.published", {"language": "en"})
    log.append("grant.given", {"mode": "opt_in", "uses": ["train"]}, ("subject", {"row": "7"}))
    log.append(
        "grant.given",
        {"mode": "granular", "uses": ["train", "depict"]},
        ("subject", {"row": "8"}),
        ("actor", {"client": "sdk-1"}),
    )
    log.append(
        "run.authorised",
        {"outcome": "allowed"},
        ("subject", {"use": "depict"}),
        ("actor", {"client": "sdk-1"}),
        ("requester", {"handle": "u-1"}),
    )
    log.append("run.completed", {"images": 2}, ("actor", {"client": "sdk-1"}))
    log.append("run.authorised", {"outcome": "refused"}, ("actor", {"client": "sdk-1"}))
    log.append("run.completed", {"images": 1}, ("actor", {"client": "sdk-2"}))
    log.append("run.failed", {"reason": "timeout"}, hour=14)
    log.append("grant.withdrawn", {"mode": "granular"})
    subjects = [
        place
        for place, opening in log.openings.items()
        if place.index in (3, 4) and opening.role == "subject"
    ]
    tombstones = log.destroy(subjects, epoch=1)
    log.append("policy.published", {"digest": f"sha256:{'ab' * 32}"}, hour=16)
    return log, tombstones


FIGURES = [
    Figure("leaves", "Records in the period", {"op": "count"}),
    Figure("runs", "Runs asked for", {"kind": "run.authorised", "op": "count"}),
    Figure(
        "refused",
        "Runs refused",
        {"facts": {"outcome": "refused"}, "kind": "run.authorised", "op": "count"},
    ),
    Figure("images", "Images made", {"fact": "images", "kind": "run.completed", "op": "sum"}),
    Figure("train", "Grants that allow training", {"has": {"uses": "train"}, "op": "count"}),
    Figure("opened", "Segments disclosed", {"op": "positions", "status": "opened"}),
    Figure("withheld", "Segments withheld", {"op": "positions", "status": "withheld"}),
    Figure("destroyed", "Segments destroyed", {"op": "positions", "status": "destroyed"}),
    Figure("begin", "First record at", {"op": "earliest"}),
    Figure("late", "Late records", {"op": "out_of_order"}),
    Figure("window", "Records of leaves 3 to 5", {"op": "count", "range": [3, 6]}),
]


def case(at: datetime | None = None) -> Case:
    """Return the good case: what the tests' twins depart from. All leaves say ``at``, if given."""
    log, tombstones = story(at)
    indexes = [*range(2, 9), 10]
    evidence = Evidence(
        checkpoint=log.note(12),
        leaves={index: log.leaves[index] for index in indexes},
        paths={index: log.path(index, 12) for index in (2, 8, 10)},
        period=Period(first=2, end=9, opened_by=2, closed_by=9),
        earlier=[Earlier(log.note(size), log.way(size, 12)) for size in (2, 9)],
        openings=[
            placed
            for role in ("actor", "requester")
            for placed in log.placed(role=role)
            if placed.place.index in range(2, 7)
        ],
        padding=[p for p in log.placed(role="padding") if p.place.index in indexes],
        tombstones=tombstones,
    )
    papers = Papers(
        report_pdf=b"%PDF-1.7\nno real one\n",
        verify_html=b"<!doctype html>\n",
        readme="A bundle for tests.\n",
        policy=POLICY,
        names={"u-1": "Ada Invented"},
    )
    return Case(log, evidence, FIGURES, {"title": "A report for tests"}, papers)


@cache
def good() -> bytes:
    """Return the good bundle."""
    return case().build()


def cosigned(it: Case, *sizes: int) -> Case:
    """Return ``it`` with checkpoints of these sizes signed by a witness too."""

    def note(size: int) -> Note:
        signers = [*SIGNERS, WITNESS] if size in sizes else SIGNERS
        return it.log.note(size, signers, time=1_800_000_000)

    earlier = [Earlier(note(size), it.log.way(size, 12)) for size in (2, 9)]
    return replace(it, evidence=replace(it.evidence, checkpoint=note(12), earlier=earlier))


def unpack(data: bytes) -> Files:
    """Return the files of a bundle that follows the profile."""
    files = read_archive(data, findings := Findings())
    assert files is not None, findings
    return files


def tampered(edit: Edit, data: bytes | None = None) -> bytes:
    """Return a bundle changed by somebody whom the operator does not vouch for."""
    files = unpack(good() if data is None else data)
    edit(files)
    return write_archive(files)
