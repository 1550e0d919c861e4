"""The ledger's part of a package: what the log says of one person, with proofs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from ledger.archive.reading import read_body
from ledger.commitment import Opening
from ledger.errors import NotYetPublished
from ledger.leaf import parse_body
from ledger.models import Segment
from ledger.proofs import PublishedRecord
from ledger.publication import prove_outside
from ledger.vault import Keys
from ledger.verifier.bundle import Place, PlacedOpening


@dataclass(frozen=True)
class OwnSegment:
    """One segment that speaks of this person only, opened; ``proof`` once it is published."""

    at: str
    position: int
    opening: Opening
    proof: PublishedRecord | None

    def line(self) -> dict[str, object]:
        """Return the segment as a line of ``ledger/entries.jsonl``."""
        assert self.proof is not None
        placed = PlacedOpening(Place(self.proof.index, self.position), self.opening)
        return {**placed.line(), "leaf": self.proof.leaf.decode()}


def open_segments(scopes: Sequence[UUID], keys: Keys) -> Iterator[OwnSegment]:
    """Yield what each record says of the person of ``scopes`` alone, oldest first."""
    theirs = Segment.objects.filter(scopes__overlap=list(scopes), scopes__contained_by=list(scopes))
    own = theirs.select_related("record").order_by("record_id")
    for segment in own:
        body = parse_body(read_body(segment.record))
        opening = keys.open_segment(
            segment.scopes, segment.record.uuid, segment.position, body.kind, segment.ciphertext
        )
        yield OwnSegment(body.at, segment.position, opening, _find_proof(segment.record.uuid))


def _find_proof(record: UUID) -> PublishedRecord | None:
    try:
        return prove_outside(record)
    except NotYetPublished:
        return None
