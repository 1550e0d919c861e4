"""Openness: what each segment of each record is, and whether that is as it should be.

Segments are opened by spans, on all cores when there are many. Keys are fetched here, for each
span those that its segments need, and what the spans give is put together in their order.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ledger import binary
from ledger.keystore.keys import find_keys
from ledger.leaf import Body, parse_body
from ledger.models import Epoch, Incarnation, Record, Segment
from ledger.record_kinds import SEGMENTS_DESTROYED
from ledger.spans.openings import OPENNESS, Opened, Sealed, destroyed_in
from ledger.verification.findings import Aspect, LogVerdict
from ledger.verification.spread import Progress, spread
from ledger.verification.stated import Stated

# Leaves of one span: as many keys as their segments have scopes are held for each worker.
SPAN = 1_024

_LEAVES = """
    SELECT index, record_id FROM ledger_leaf
    WHERE incarnation_id = %s AND index >= %s ORDER BY index LIMIT %s"""
_SCOPES = "SELECT DISTINCT unnest(scopes) FROM ledger_segment WHERE record_id = ANY (%s::bigint[])"
_EPOCHS = "SELECT DISTINCT epoch FROM ledger_tombstone WHERE record_id = ANY (%s::bigint[])"

Place = tuple[int, int]


@dataclass(frozen=True)
class EpochRoot:
    """What the record ``segments.destroyed`` of one epoch states."""

    root: bytes
    count: int
    index: int | None


class OpennessCheck:
    """Opens the segments of all leaves, and counts what each is.

    ``listed`` are the segments on shred lists: their destruction is under way. ``stated`` comes to
    hold, for each domain row, the digest that the newest open segment states. The epochs must be
    noted before the first leaf is read.
    """

    def __init__(self, verdict: LogVerdict, listed: frozenset[Place]) -> None:
        self._verdict = verdict
        self._listed: dict[int, list[Place]] = defaultdict(list)
        for record, position in listed:
            self._listed[record].append((record, position))
        self._epochs: dict[int, EpochRoot] = {}
        self._keyless: dict[Place, int] = {}
        self.stated = Stated()

    def note_epoch(self, body: Body, index: int | None) -> None:
        """Note the epoch that a record closes; other kinds are passed over."""
        if body.kind == SEGMENTS_DESTROYED.name:
            facts: Any = body.facts
            root = bytes.fromhex(facts["root"].removeprefix("sha256:"))
            self._epochs[facts["epoch"]] = EpochRoot(root, facts["count"], index)

    def note_waiting_epochs(self) -> None:
        """Note the epochs whose record is committed and waits for its place in the log."""
        closing = Epoch.objects.exclude(pk__in=self._epochs).values("record")
        waiting = Record.objects.filter(uuid__in=closing, pending__isnull=False)
        for body in waiting.values_list("body", flat=True):
            self.note_epoch(parse_body(body), None)

    def check(self, incarnation: Incarnation, since: int, progress: Progress) -> None:
        """Check the segments of all leaves of ``incarnation`` from ``since`` on.

        ``progress`` hears how many leaves are done. Raises VerificationBroken when a worker ends.
        """
        leaves = incarnation.leaves.filter(index__gte=since).count()
        tasks = self._cut(incarnation, since)
        with spread(OPENNESS, incarnation, tasks, -(-leaves // SPAN)) as answers:
            for _, opened in answers:
                self._take(opened)
                progress(opened.leaves)

    def finish(self) -> None:
        """Compare how many segments each epoch destroyed with how many tombstones prove it."""
        for number, epoch in self._epochs.items():
            proved = self._verdict.segments[destroyed_in(number)]
            if proved != epoch.count:
                counts = f"destroyed {epoch.count} segments, {proved} are proved"
                self._found("epoch_incomplete", f"epoch {number} {counts}", epoch.index)

    def judge_keyless(self) -> None:
        """Judge the segments that had no key; call it when the snapshot has ended.

        Keys are in no snapshot: a destruction that came after it took them from segments that it
        still shows. Such a segment is gone by now; one that is there lost its key without cause.
        """
        records = {record for record, _ in self._keyless}
        stored = Segment.objects.filter(record__in=records).values_list("record_id", "position")
        there = set(stored)
        for (record, position), index in self._keyless.items():
            if (record, position) not in there:
                self._verdict.segments["destroying"] += 1
                continue
            self._verdict.segments["missing without cause"] += 1
            message = f"segment {position} of leaf {index} has lost its key without cause"
            self._found("key_missing", message, index)

    def _cut(self, incarnation: Incarnation, begin: int) -> Iterator[Sealed]:
        # By the leaves that are there: one with a forged index leaves no endless gap to walk.
        while leaves := binary.fetch(_LEAVES, [incarnation.pk, begin, SPAN]):
            end = leaves[-1][0] + 1
            yield self._task(incarnation, begin, end, [record for _, record in leaves])
            begin = end

    def _task(
        self, incarnation: Incarnation, begin: int, end: int, records: Sequence[int]
    ) -> Sealed:
        keys = find_keys(scope for (scope,) in binary.fetch(_SCOPES, [records]))
        return Sealed(
            incarnation=incarnation.pk,
            begin=begin,
            end=end,
            listed=[place for record in records for place in self._listed.get(record, ())],
            epochs=dict(self._epochs_of(records)),
            keys={str(scope): key.hex() for scope, key in keys.items()},
        )

    def _epochs_of(self, records: Sequence[int]) -> Iterator[tuple[str, tuple[str, int]]]:
        for (number,) in binary.fetch(_EPOCHS, [records]):
            if epoch := self._epochs.get(number):
                yield str(number), (epoch.root.hex(), epoch.count)

    def _take(self, opened: Opened) -> None:
        """Take what the next span gave; spans come in order."""
        self._verdict.segments.update(opened.segments)
        for code, message, index in opened.findings:
            self._found(code, message, index)
        for record, position, index in opened.keyless:
            self._keyless[record, position] = index
        self.stated.note(opened.stated)

    def _found(self, code: str, message: str, index: int | None) -> None:
        self._verdict.found(Aspect.OPENNESS, code, message, index)
