"""Put a bundle together from plain data, in two phases.

A bundle is vouched for by a record ``report.issued`` that holds its manifest's digest, so that the
manifest comes first: ``draft_bundle`` writes all files and the manifest, the caller appends the
record and waits for its proof, and ``finish_bundle`` adds what proves it and writes the ZIP file.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ledger import strict_base64
from ledger.canonical import JSON, canonical
from ledger.commitment import fresh_randomness
from ledger.leaf import parse_leaf
from ledger.note import Checkpoint, Note
from ledger.tlogpolicy import Policy
from ledger.tlogproof import TlogProof, format_consistency
from ledger.verifier import bundle as layout
from ledger.verifier.bundle import Place, PlacedOpening, Tombstone
from ledger.verifier.figures import Ground, evaluate
from ledger.verifier.manifest import manifest_digest, write_manifest
from ledger.verifier.positions import Positions, Status
from ledger.verifier.report import Period, Report

from .archive import write_archive


@dataclass(frozen=True)
class Earlier:
    """A checkpoint before the bundle's own, and the consistency path from it to that one."""

    note: Note
    path: Sequence[bytes]


@dataclass(frozen=True)
class Figure:
    """One figure of a report; its value is computed from the leaves by its query."""

    name: str
    label: str
    query: Mapping[str, JSON]


@dataclass(frozen=True)
class Evidence:
    """Everything the bundle shows of the log.

    ``leaves`` are exact leaf texts by index, ``paths`` inclusion paths in ``checkpoint`` by index:
    of the first and the last leaf of the period and of each leaf outside of it.
    ``openings`` are disclosed, ``padding`` shows padding; ``missing`` are the positions whose
    segment is gone without cause. ``earlier`` holds the checkpoints that enclose the period, and
    those that others spoke of; ``stamps`` are RFC 3161 answers by the size of their checkpoint.
    """

    checkpoint: Note
    leaves: Mapping[int, bytes]
    paths: Mapping[int, Sequence[bytes]]
    period: Period
    earlier: Sequence[Earlier] = ()
    openings: Sequence[PlacedOpening] = ()
    padding: Sequence[PlacedOpening] = ()
    tombstones: Sequence[Tombstone] = ()
    missing: Sequence[Place] = ()
    stamps: Mapping[int, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Papers:
    """What stands in a bundle beside the evidence.

    ``names`` are those behind the handles in the openings, ``disclosed`` papers by their path;
    they lie under ``disclosed/``. Nothing else here may be personal: only that folder can be taken
    out. ``trust`` are PEM texts of the
    roots that the operator proposes, under ``pades`` and ``tsa``.
    """

    report_pdf: bytes
    verify_html: bytes
    readme: str
    policy: Policy
    names: Mapping[str, str] = field(default_factory=dict)
    disclosed: Mapping[str, bytes] = field(default_factory=dict)
    pades_roots: Sequence[str] = ()
    tsa_roots: Sequence[str] = ()


@dataclass(frozen=True)
class Draft:
    """All files but the three that prove the manifest; ``digest`` goes into ``report.issued``."""

    files: Mapping[str, bytes]
    digest: str


def compose_report(
    evidence: Evidence, content: Mapping[str, JSON], figures: Sequence[Figure]
) -> Report:
    """Compute the figures and return the report, whose ``encode`` gives ``report.json``.

    Comes before ``draft_bundle``, so that the PDF can be drawn from the same values. Raises
    Malformed for a query outside the language.
    """
    ground = Ground(evidence.period, _positions(evidence))
    computed: list[JSON] = []
    for figure in figures:
        query = dict(figure.query)
        value = evaluate(query, ground)
        computed.append(
            {"label": figure.label, "name": figure.name, "query": query, "value": value}
        )
    return Report(
        origin=Checkpoint.parse(evidence.checkpoint.text).origin,
        period=evidence.period,
        opened=tuple(_places(opening.place for opening in evidence.openings)),
        missing=tuple(_places(evidence.missing)),
        figures=computed,
        content=content,
    )


def draft_bundle(
    evidence: Evidence, report: Report, papers: Papers, *, salt: bytes | None = None
) -> Draft:
    """Write every file and the manifest over them; ``salt`` is fresh but in tests."""
    files = _evidence_files(evidence) | _paper_files(papers) | {layout.REPORT: report.encode()}
    files |= papers.disclosed
    if evidence.openings or papers.names:
        files[layout.OPENINGS] = _opening_lines(evidence.openings)
        files[layout.NAMES] = _names(papers.names)
    manifest = write_manifest(files, salt)
    return Draft(files | {layout.MANIFEST: manifest}, manifest_digest(manifest))


def finish_bundle(
    draft: Draft, *, leaf: bytes, proof: TlogProof, consistency: Sequence[bytes]
) -> bytes:
    """Return the ZIP file.

    ``leaf`` is the exact text of the ``report.issued`` leaf, ``proof`` its proof in a checkpoint
    with the log's two signatures only, ``consistency`` the path from the bundle's checkpoint to
    that one. Raises ArchiveError when the bundle grows too large.
    """
    return write_archive(
        {
            **draft.files,
            layout.MANIFEST_LEAF: leaf,
            layout.MANIFEST_PROOF: str(proof).encode(),
            layout.MANIFEST_CONSISTENCY: format_consistency(consistency).encode(),
        }
    )


def _positions(evidence: Evidence) -> Positions:
    leaves = {index: parse_leaf(evidence.leaves[index]) for index in sorted(evidence.leaves)}
    shown = {opening.place: Status.OPENED for opening in evidence.openings}
    shown |= {opening.place: Status.PADDING for opening in evidence.padding}
    shown |= {stone.place: Status.DESTROYED for stone in evidence.tombstones}
    shown |= dict.fromkeys(evidence.missing, Status.MISSING)
    return Positions(leaves, shown)


def _evidence_files(evidence: Evidence) -> dict[str, bytes]:
    note = evidence.checkpoint
    leaves: list[dict[str, JSON]] = [
        {"index": index, "leaf": evidence.leaves[index].decode()}
        for index in sorted(evidence.leaves)
    ]
    stones = sorted(evidence.tombstones, key=lambda stone: _key(stone.place))
    files = {
        layout.CHECKPOINT: str(note).encode(),
        layout.LEAVES: layout.ndjson(leaves),
        layout.PADDING: _opening_lines(evidence.padding),
        layout.TOMBSTONES: layout.ndjson([stone.line() for stone in stones]),
    }
    for index, path in evidence.paths.items():
        files[layout.proof_path(index)] = str(TlogProof(index, tuple(path), note)).encode()
    for earlier in evidence.earlier:
        size = Checkpoint.parse(earlier.note.text).size
        files[f"checkpoints/{size}"] = str(earlier.note).encode()
        files[f"consistency/{size}"] = format_consistency(earlier.path).encode()
    for size, response in evidence.stamps.items():
        files[layout.stamp_path(size)] = response
    return files


def _paper_files(papers: Papers) -> dict[str, bytes]:
    trust: JSON = {
        "pades": list(papers.pades_roots),
        "tsa": list(papers.tsa_roots),
        "v": layout.VERSION,
    }
    return {
        layout.POLICY: str(papers.policy).encode(),
        layout.README: papers.readme.encode(),
        layout.REPORT_PDF: papers.report_pdf,
        layout.TRUST: canonical(trust),
        layout.VERIFY_HTML: papers.verify_html,
    }


def _names(names: Mapping[str, str]) -> bytes:
    # The salt hides the names once the folder is taken out: the manifest goes on listing the
    # digest of this file.
    listed: list[JSON] = [{"handle": handle, "name": names[handle]} for handle in sorted(names)]
    salt = strict_base64.encode(fresh_randomness())
    return canonical({"names": listed, "salt": salt, "v": layout.VERSION})


def _opening_lines(openings: Sequence[PlacedOpening]) -> bytes:
    ordered = sorted(openings, key=lambda opening: _key(opening.place))
    return layout.ndjson([opening.line() for opening in ordered])


def _places(places: Iterable[Place]) -> list[Place]:
    return sorted(places, key=_key)


def _key(place: Place) -> tuple[int, int]:
    return place.index, place.position
