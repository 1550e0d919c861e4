"""The sequencer: gives pending records their places, signs, anchors, publishes.

Any number may run; the one that gets the advisory lock leads for one batch. A batch is one
transaction: it reads the last checkpoint again, checks it against keys, tree and anchor, and
only then goes on. Commit → anchor → publish: nobody sees a checkpoint that the anchor, outside
the database, does not hold, so that no restored backup can make a second root of a served size.
"""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from threading import Event

from django.conf import settings
from django.db import Error, connection, transaction

from ledger.anchor import Anchor
from ledger.errors import AnchorRefused, LedgerError, LogTampered, NoteError
from ledger.leaf import parse_body
from ledger.models import Anchored, Checkpoint, Incarnation, Log, Pending, Tile
from ledger.note import Checkpoint as TreeHead
from ledger.note import Note, Signer, sign_note
from ledger.receipt import sign_root
from ledger.record_kinds import LOG_OPENED
from ledger.signing import read_signers
from ledger.tree import GrowingTree, StoredTree

logger = logging.getLogger(__name__)

BATCH_RECORDS = 10_000
CHECKPOINT_SECONDS = 0.2
POLL_SECONDS = (0.03, 0.25)
TRANSACTION_TIMEOUT = "10s"
# How long a refused log is left alone: its cure is a person's work.
REFUSED_SECONDS = 1
# One advisory lock per log, in a range of our own ("muni" in ASCII).
LOCK_SPACE = 0x6D756E69


@dataclass(frozen=True)
class Batch:
    """What one step did: how many records got their place, and the size it published."""

    sequenced: int
    published: int | None


class Sequencer:
    """Sequences one log. Runs under the database role ``sequencer``."""

    def __init__(self, log: Log, anchors: Callable[[str], Anchor] | None = None) -> None:
        self._log = log
        self._anchors = anchors or (lambda origin: Anchor(settings.MUNIMENT_ANCHOR, origin))
        self._signers: tuple[Signer, ...] = ()
        self.rests_until = 0.0

    def step(self) -> Batch:
        """Sequence one batch and publish its checkpoint.

        Raises AnchorRefused when the database does not continue the anchored tree, LogTampered
        when what is stored contradicts itself, SigningKeyRefused without keys. Safe to repeat.
        """
        with transaction.atomic():
            taken = self._take_lead() and self._sequence()
        if not taken:
            return Batch(0, None)
        checkpoint, sequenced = taken
        return Batch(sequenced, self._publish(checkpoint))

    def _take_lead(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL transaction_timeout = '{TRANSACTION_TIMEOUT}'")
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s, %s)", [LOCK_SPACE, self._log.pk])
            (leads,) = cursor.fetchone()
        return bool(leads)

    def _sequence(self) -> tuple[Checkpoint, int] | None:
        incarnation = self._log.incarnations.order_by("-ordinal").first()
        last, tree = self._check_last(incarnation) if incarnation else (None, GrowingTree())
        pending = self._read_pending()
        if not pending:
            return (last, 0) if last and not Anchored.objects.filter(pk=last.pk).exists() else None
        incarnation = incarnation or self._open_incarnation(pending[0][1])
        for _, body in pending:
            tree.append(body)
        self._write(incarnation, tree, [record for record, _ in pending])
        return self._sign(incarnation, tree), len(pending)

    def _check_last(self, incarnation: Incarnation) -> tuple[Checkpoint, GrowingTree]:
        """Return the last checkpoint and its tree, once keys, tree and anchor agree with it."""
        last = incarnation.checkpoints.order_by("-size").first()
        if last is None:
            raise LogTampered(f"{incarnation.origin} has leaves but no checkpoint")
        head = self._verify_note(incarnation, last)
        stored = StoredTree(incarnation)
        if incarnation.leaves.filter(index__gte=last.size).exists():
            raise LogTampered(f"{incarnation.origin} holds leaves beyond size {last.size}")
        tree = stored.grow(last.size)
        if tree.edge.root() != head.root:
            raise LogTampered(f"{incarnation.origin}: the tree does not give the root of {last}")
        self._check_anchor(incarnation, stored, head)
        return last, tree

    def _verify_note(self, incarnation: Incarnation, last: Checkpoint) -> TreeHead:
        signers = self._read_signers(incarnation.origin)
        try:
            note = Note.parse(last.note)
            signed = note.verify([signer.verifier for signer in signers])
            head = TreeHead.parse(note.text)
        except NoteError as error:
            raise LogTampered(f"{incarnation.origin}: {last} does not verify: {error}") from error
        if len(signed) != len(signers) or (head.origin, head.size) != (
            incarnation.origin,
            last.size,
        ):
            raise LogTampered(f"{incarnation.origin}: {last} is signed for something else")
        return head

    def _check_anchor(self, incarnation: Incarnation, tree: StoredTree, head: TreeHead) -> None:
        held = self._anchors(incarnation.origin).checkpoint()
        anchored, published = held.size if held else 0, incarnation.published_size()
        if anchored < published:
            raise AnchorRefused(
                f"{incarnation.origin}: the anchor holds size {anchored}, but size {published} was "
                "published. It seems restored from an older copy; restore the newest copy"
            )
        if held is None:
            return
        if held.size > head.size:
            raise AnchorRefused(
                f"{incarnation.origin}: the database ends at size {head.size}, the anchor holds "
                f"{held.size}. It seems restored from an older backup; going on would fork a "
                f"signed log. Restore a backup that holds size {held.size} or more"
            )
        if tree.root(held.size) != held.root:
            raise AnchorRefused(
                f"{incarnation.origin}: the database has another root of size {held.size} "
                "than the anchor. Restore the database that the anchor belongs to"
            )

    def _read_pending(self) -> list[tuple[int, bytes]]:
        waiting = Pending.objects.filter(record__log=self._log).order_by("record_id")
        return list(waiting.values_list("record_id", "record__body")[:BATCH_RECORDS])

    def _open_incarnation(self, first: bytes) -> Incarnation:
        body = parse_body(first)
        if body.kind != LOG_OPENED.name:
            raise LogTampered(f"log {self._log.name} begins with {body.kind}, not with its opening")
        origin = str(body.facts["origin"])
        signers = self._read_signers(origin)
        anchor = self._anchors(origin)
        anchor.open(tuple(signer.verifier.key_id.hex() for signer in signers))
        if size := anchor.size():
            raise AnchorRefused(
                f"{origin} is new in this database, but its anchor holds size {size}. Restore the "
                "database that the anchor belongs to"
            )
        return Incarnation.objects.create(log=self._log, ordinal=1, origin=origin)

    def _write(self, incarnation: Incarnation, tree: GrowingTree, records: list[int]) -> None:
        first = tree.size - len(records)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO ledger_leaf (record_id, incarnation_id, index) "
                "SELECT r, %s, %s + n - 1 FROM unnest(%s::bigint[]) WITH ORDINALITY AS p (r, n)",
                [incarnation.pk, first, records],
            )
            cursor.execute("DELETE FROM ledger_pending WHERE record_id = ANY (%s)", [records])
        Tile.objects.bulk_create(
            Tile(incarnation=incarnation, level=level, index=index, hashes=hashes, root=root)
            for level, index, hashes, root in tree.finished
        )

    def _sign(self, incarnation: Incarnation, tree: GrowingTree) -> Checkpoint:
        head = TreeHead(incarnation.origin, tree.size, tree.edge.root())
        signers = self._read_signers(incarnation.origin)
        return Checkpoint.objects.create(
            incarnation=incarnation,
            size=tree.size,
            note=str(sign_note(head.text, signers)),
            signed_root=bytes(sign_root(head, signers)),
        )

    def _publish(self, checkpoint: Checkpoint) -> int:
        """Anchor a committed checkpoint, then let it be seen."""
        self._anchors(checkpoint.incarnation.origin).advance(checkpoint.note)
        Anchored.objects.get_or_create(checkpoint=checkpoint)
        return checkpoint.size

    def _read_signers(self, origin: str) -> tuple[Signer, ...]:
        if not self._signers:
            self._signers = read_signers(origin)
        return self._signers


def run(stop: Event) -> None:
    """Sequence all logs until ``stop`` is set; one log's refusal does not hold up the others."""
    sequencers: dict[int, Sequencer] = {}
    idle = iter(_waits())
    while not stop.is_set():
        try:
            for log in Log.objects.all():
                sequencers.setdefault(log.pk, Sequencer(log))
            busy = sum(_step_or_report(sequencer) for sequencer in sequencers.values())
        except Error:
            # Any of them: a leader that woke too late meets InternalError, not OperationalError.
            logger.warning("the database refused a batch; trying again", exc_info=True)
            connection.close()
            busy = 0
        if busy:
            idle = iter(_waits())
        # A checkpoint at most each 200 ms: records that come meanwhile share the next one.
        stop.wait(CHECKPOINT_SECONDS if busy else next(idle))


def _step_or_report(sequencer: Sequencer) -> int:
    if time.monotonic() < sequencer.rests_until:
        return 0
    try:
        return sequencer.step().sequenced
    except (LedgerError, OSError):
        logger.exception("a log is not sequenced: a person must act")
        sequencer.rests_until = time.monotonic() + REFUSED_SECONDS
        return 0


def _waits() -> Iterator[float]:
    """Yield how long to wait between polls: short at first, longer while nothing comes."""
    shortest, longest = POLL_SECONDS
    for step in count():
        yield min(longest, shortest * 2 ** (step // 20))
