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
from datetime import datetime
from itertools import count
from threading import Event

from django.db import Error, connection, transaction

from ledger import binary, turns
from ledger.anchor import Anchor
from ledger.conditions import Name, name_of
from ledger.errors import LedgerError, LogRolledBack, LogTampered, NoteError
from ledger.incarnations import (
    anchor_of,
    origin_of,
    parse_opening,
    predecessor_of,
    read_lives,
    verify_continues,
)
from ledger.keyhistory import KeyHistory, Keys
from ledger.leaf import parse_body
from ledger.logkeys import is_about_keys, read_history
from ledger.models import Anchored, Checkpoint, Incarnation, KeyRecord, Log, Tile
from ledger.nameplate import NamePlate
from ledger.note import Checkpoint as TreeHead
from ledger.note import Note, Signer, sign_note
from ledger.offers import MinuteHand, make_offer
from ledger.partitions import Partitions
from ledger.queue import Queue
from ledger.receipt import sign_root
from ledger.record_kinds import LOG_OPENED, Predecessor
from ledger.signing import read_signers, read_verifiers
from ledger.thinning import Thinning
from ledger.tree import GrowingTree, StoredTree, TileRound

logger = logging.getLogger(__name__)

BATCH_RECORDS = 10_000
CHECKPOINT_SECONDS = 0.2
POLL_SECONDS = (0.03, 0.25)
TRANSACTION_TIMEOUT = "10s"
# How long a refused log is left alone: its cure is a person's work.
REFUSED_SECONDS = 1


@dataclass(frozen=True)
class Batch:
    """What one step did: how many records got their place, and the size it published."""

    sequenced: int
    published: int | None


class Sequencer:
    """Sequences one log. Runs under the database role ``sequencer``."""

    def __init__(self, log: Log, anchors: Callable[[str], Anchor] | None = None) -> None:
        self._log = log
        self._anchors = anchors or anchor_of
        self._signers: dict[Keys, tuple[Signer, ...]] = {}
        self._hand = MinuteHand()
        self.queue = Queue(log.pk)
        self._round = TileRound()
        self._thinning = Thinning()
        self.rests_until = 0.0
        # What keeps this log from going on, as people call it.
        self.trouble: Name | None = None

    def step(self) -> Batch:
        """Sequence one batch and publish its checkpoint.

        Raises AnchorRefused when the database does not continue the anchored tree, LogTampered
        when what is stored contradicts itself, SigningKeyRefused without keys. Safe to repeat.
        """
        with transaction.atomic():
            leads = self._take_lead()
            taken = leads and self._sequence()
        if leads:
            self.queue.taken()
        batch = Batch(taken[1], self._publish(taken[0])) if taken else Batch(0, None)
        if minute := self._hand.turned():
            self._offer(minute)
        return batch

    def _take_lead(self) -> bool:
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL transaction_timeout = '{TRANSACTION_TIMEOUT}'")
            # All that a batch reads lies behind an index. After a bulk the statistics know nothing
            # of the new rows, and the planner would read the whole log for each batch.
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute("SET LOCAL enable_hashjoin = off")
            cursor.execute(
                "SELECT pg_try_advisory_xact_lock(%s, %s)", [turns.SEQUENCING, self._log.pk]
            )
            (leads,) = cursor.fetchone()
        return bool(leads)

    def _sequence(self) -> tuple[Checkpoint, int] | None:
        incarnation = self._log.incarnations.order_by("-ordinal").first()
        pending, last, tree, history = self.queue.read(BATCH_RECORDS), None, GrowingTree(), None
        try:
            if incarnation:
                last, tree, history = self._check_last(incarnation)
            elif pending:
                incarnation = self._open_incarnation(pending[0][1])
        except LogRolledBack as refusal:
            incarnation, opening = self._continue(refusal)
            pending = [opening, *(one for one in pending if one != opening)][:BATCH_RECORDS]
        if not incarnation or not pending:
            return (last, 0) if last and not Anchored.objects.filter(pk=last.pk).exists() else None
        for _, body in pending:
            tree.append(body)
        before = tree.size - len(pending)
        self._write(incarnation, tree, pending)
        if history is None or any(is_about_keys(body) for _, body in pending):
            history = read_history(incarnation)
        return self._sign(incarnation, tree, before, history), len(pending)

    def _check_last(self, incarnation: Incarnation) -> tuple[Checkpoint, GrowingTree, KeyHistory]:
        """Return the last checkpoint, its tree and its keys, once the anchor agrees with them."""
        last = incarnation.checkpoints.order_by("-size").first()
        if last is None:
            raise LogTampered(f"{incarnation.origin} has leaves but no checkpoint")
        history = read_history(incarnation)
        head = self._verify_note(incarnation, last, history)
        stored = StoredTree(incarnation)
        if incarnation.leaves.filter(index__gte=last.size).exists():
            raise LogTampered(f"{incarnation.origin} holds leaves beyond size {last.size}")
        tree = stored.grow(last.size)
        if tree.edge.root() != head.root:
            raise LogTampered(f"{incarnation.origin}: the tree does not give the root of {last}")
        self._round.step(incarnation, last.size)
        verify_continues(incarnation, stored, head, self._anchors(incarnation.origin))
        return last, tree, history

    def _verify_note(
        self, incarnation: Incarnation, last: Checkpoint, history: KeyHistory
    ) -> TreeHead:
        # Whose private halves are here are the log's own keys: nobody else can have named them.
        wanted = {signer.verifier for signer in self._read_signers(history.at(last.size))}
        try:
            note = Note.parse(last.note)
            signed = {one.verifier for one in note.verify(history.known)}
            head = TreeHead.parse(note.text)
        except NoteError as error:
            raise LogTampered(f"{incarnation.origin}: {last} does not verify: {error}") from error
        if not wanted <= signed or (head.origin, head.size) != (incarnation.origin, last.size):
            raise LogTampered(f"{incarnation.origin}: {last} is signed for something else")
        return head

    def _open_incarnation(self, first: bytes) -> Incarnation:
        body = parse_body(first)
        if body.kind != LOG_OPENED.name:
            raise LogTampered(f"log {self._log.name} begins with {body.kind}, not with its opening")
        origin = str(body.facts["origin"])
        if size := self._open_anchor(origin).size():
            raise LogRolledBack(
                f"{origin} is new in this database, but its anchor holds size {size}. Restore the "
                "database that the anchor belongs to, or continue the log under a new origin: "
                f"manage.py continue_log {self._log.name}"
            )
        return Incarnation.objects.create(log=self._log, ordinal=1, origin=origin)

    def _open_anchor(self, origin: str) -> Anchor:
        anchor = self._anchors(origin)
        anchor.open(tuple(verifier.key_id.hex() for verifier in read_verifiers(origin)))
        return anchor

    def _continue(self, refusal: LogRolledBack) -> tuple[Incarnation, tuple[int, bytes]]:
        """Open the next incarnation; return it, and the queued record that is its leaf 0.

        Raises ``refusal`` unless such a record says of all lives what database and anchors say.
        """
        lives = read_lives(self._log.name, self._anchors)
        ordinal = lives[-1].ordinal + 1
        origin = origin_of(self._log.name, ordinal)
        opening = self._find_opening(origin, tuple(predecessor_of(life) for life in lives))
        if opening is None:
            raise refusal
        # Closed before anything is signed: whoever wakes with the old origin's note comes late.
        for life in lives:
            successor = origin_of(self._log.name, life.ordinal + 1)
            self._anchors(life.origin).close(life.anchored, successor)
        self._open_anchor(origin)
        Incarnation.objects.bulk_create(
            Incarnation(log=self._log, ordinal=life.ordinal, origin=life.origin)
            for life in lives
            if not life.is_stored
        )
        return Incarnation.objects.create(log=self._log, ordinal=ordinal, origin=origin), opening

    def _find_opening(
        self, origin: str, predecessors: tuple[Predecessor, ...]
    ) -> tuple[int, bytes] | None:
        query = (
            "SELECT r.id, r.body FROM ledger_pending p JOIN ledger_record r ON r.id = p.record_id "
            "WHERE r.log_id = %s AND position(%s IN r.body) > 0 ORDER BY r.id"
        )
        with connection.cursor() as cursor:
            cursor.execute(query, [self._log.pk, f'"kind":"{LOG_OPENED.name}"'.encode()])
            for record, body in cursor.fetchall():
                opening = parse_opening(bytes(body))
                if opening and (opening.origin, opening.predecessors) == (origin, predecessors):
                    return record, bytes(body)
        return None

    def _write(
        self, incarnation: Incarnation, tree: GrowingTree, placed: list[tuple[int, bytes]]
    ) -> None:
        first = tree.size - len(placed)
        # As text: psycopg takes longer to write ten thousand numbers than all else here.
        records = binary.text_array(record for record, _ in placed)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO ledger_leaf (record_id, incarnation_id, index) "
                "SELECT r, %s, %s + n - 1 FROM unnest(%s::bigint[]) WITH ORDINALITY AS p (r, n)",
                [incarnation.pk, first, records],
            )
            cursor.execute(
                "DELETE FROM ledger_pending WHERE record_id = ANY (%s::bigint[])", [records]
            )
        KeyRecord.objects.bulk_create(
            KeyRecord(incarnation=incarnation, index=index)
            for index, (_, body) in enumerate(placed, first)
            if is_about_keys(body)
        )
        Tile.objects.bulk_create(
            Tile(incarnation=incarnation, level=level, index=index, hashes=hashes, root=root)
            for level, index, hashes, root in tree.finished
        )

    def _sign(
        self, incarnation: Incarnation, tree: GrowingTree, before: int, history: KeyHistory
    ) -> Checkpoint:
        head = TreeHead(incarnation.origin, tree.size, tree.edge.root())
        signers = self._read_signers(history.over(before, tree.size))
        root_signers = self._read_signers(history.at(tree.size))
        return Checkpoint.objects.create(
            incarnation=incarnation,
            size=tree.size,
            note=str(sign_note(head.text, signers)),
            signed_root=bytes(sign_root(head, root_signers)),
        )

    def _publish(self, checkpoint: Checkpoint) -> int:
        """Anchor a committed checkpoint, then let it be seen."""
        self._anchors(checkpoint.incarnation.origin).advance(checkpoint.note)
        Anchored.objects.get_or_create(checkpoint=checkpoint)
        return checkpoint.size

    def _offer(self, minute: datetime) -> None:
        if incarnation := self._log.incarnations.order_by("-ordinal").first():
            in_force = read_history(incarnation).at(incarnation.published_size())
            make_offer(incarnation, self._read_signers(in_force), minute)
            self._thinning.thin(incarnation)

    def _read_signers(self, verifiers: Keys) -> tuple[Signer, ...]:
        if verifiers not in self._signers:
            self._signers[verifiers] = read_signers(verifiers[0].name, verifiers)
        return self._signers[verifiers]


def run(stop: Event) -> None:
    """Sequence all logs until ``stop`` is set; one log's refusal does not hold up the others."""
    sequencers: dict[int, Sequencer] = {}
    partitions, plate = Partitions(), NamePlate()
    idle = iter(_waits())
    while not stop.is_set():
        began = time.monotonic()
        try:
            for log in Log.objects.all():
                sequencers.setdefault(log.pk, Sequencer(log))
            busy = sum(_step_or_report(sequencer) for sequencer in sequencers.values())
            partitions.extend()
            plate.show(next((one.trouble for one in sequencers.values() if one.trouble), None))
        except Error as error:
            # Any of them: a leader that woke too late meets InternalError, not OperationalError.
            logger.warning("the database refused a batch; trying again", exc_info=True)
            connection.close()
            for one in sequencers.values():
                one.queue.forget()
            plate.show(name_of(error))
            busy = 0
        if busy:
            idle = iter(_waits())
        # A checkpoint at most each 200 ms: records that come meanwhile share the next one. More
        # than one batch holds are waited for.
        if busy < BATCH_RECORDS:
            rest = CHECKPOINT_SECONDS - (time.monotonic() - began)
            stop.wait(max(rest, 0) if busy else next(idle))


def _step_or_report(sequencer: Sequencer) -> int:
    if time.monotonic() < sequencer.rests_until:
        return 0
    try:
        sequenced = sequencer.step().sequenced
    except (LedgerError, OSError) as error:
        logger.exception("a log is not sequenced: a person must act")
        sequencer.rests_until = time.monotonic() + REFUSED_SECONDS
        sequencer.trouble = name_of(error) or Name.LOG_REFUSED
        return 0
    sequencer.trouble = None
    return sequenced


def _waits() -> Iterator[float]:
    """Yield how long to wait between polls: short at first, longer while nothing comes."""
    shortest, longest = POLL_SECONDS
    for step in count():
        yield min(longest, shortest * 2 ** (step // 20))
