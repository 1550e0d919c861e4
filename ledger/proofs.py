"""Reader: proofs of single records, from what is published.

Published means anchored: nobody outside the sequencer reads a checkpoint that the anchor does
not hold.
"""

import time
from dataclasses import dataclass
from uuid import UUID

from ledger.errors import NotYetPublished, UnknownLog, UnknownRecord
from ledger.models import Checkpoint, Incarnation, Leaf, Record
from ledger.note import Note
from ledger.receipt import Receipt, SignedRoot
from ledger.tlogproof import TlogProof
from ledger.tree import StoredTree

POLL_SECONDS = 0.02


@dataclass(frozen=True)
class PublishedRecord:
    """A record in its published place: the exact leaf, and the proof that ends in a checkpoint."""

    origin: str
    index: int
    leaf: bytes
    checkpoint: Checkpoint
    proof: TlogProof

    @property
    def receipt(self) -> Receipt:
        """Return the same proof as a COSE receipt."""
        signed = SignedRoot.parse(self.checkpoint.signed_root)
        return Receipt(signed, self.index, self.proof.path)


def current_incarnation(log: str) -> Incarnation:
    """Return the newest incarnation of a log. Raises UnknownLog until the sequencer opened one."""
    incarnation = Incarnation.objects.filter(log__name=log).order_by("-ordinal").first()
    if incarnation is None:
        raise UnknownLog(f"log {log} is not open yet: is a sequencer running?")
    return incarnation


def current_incarnations() -> list[Incarnation]:
    """Return the newest incarnation of every log that is open."""
    newest = Incarnation.objects.order_by("log", "-ordinal").distinct("log")
    return list(newest)


def published_checkpoint(incarnation: Incarnation) -> Checkpoint:
    """Return the newest published checkpoint. Raises NotYetPublished."""
    published = incarnation.checkpoints.filter(anchored__isnull=False)
    checkpoint = published.order_by("-size").first()
    if checkpoint is None:
        raise NotYetPublished(f"{incarnation.origin} has no published checkpoint yet")
    return checkpoint


def prove_record(record: UUID, at: Checkpoint | None = None) -> PublishedRecord:
    """Prove a record under checkpoint ``at``, or the newest published one.

    Raises UnknownRecord, and NotYetPublished while the record is under no such checkpoint.
    """
    leaf = Leaf.objects.filter(record__uuid=record).select_related("incarnation").first()
    if leaf is None:
        if not Record.objects.filter(uuid=record).exists():
            raise UnknownRecord("no record has this id")
        raise NotYetPublished("the record waits for its place in the log")
    checkpoint = at or published_checkpoint(leaf.incarnation)
    if leaf.index >= checkpoint.size:
        raise NotYetPublished(f"leaf {leaf.index} is not published yet")
    return _prove(leaf, checkpoint)


def wait_for_record(record: UUID, timeout_seconds: float = 10) -> PublishedRecord:
    """Wait until a record is published and prove it; no transaction may be open meanwhile.

    Raises NotYetPublished when that takes longer than ``timeout_seconds``.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        try:
            return prove_record(record)
        except NotYetPublished:
            if time.monotonic() > deadline:
                raise
        time.sleep(POLL_SECONDS)


def _prove(leaf: Leaf, checkpoint: Checkpoint) -> PublishedRecord:
    tree = StoredTree(leaf.incarnation)
    path = tree.inclusion_path(leaf.index, checkpoint.size)
    proof = TlogProof(leaf.index, tuple(path), Note.parse(checkpoint.note))
    return PublishedRecord(
        origin=leaf.incarnation.origin,
        index=leaf.index,
        leaf=tree.leaf(leaf.index),
        checkpoint=checkpoint,
        proof=proof,
    )
