"""Integrity: from the bodies upward to the signed roots.

The leaves are cut into spans that are hashed apart from each other, on all cores when there are
many. Here their tiles' roots are joined into the one tree, whose root must be the signed one at
each signed size. Only where something does not fit, a search in order names the place.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Max, QuerySet

from ledger.errors import FactsRefused, LogTampered
from ledger.keyhistory import KeyHistory
from ledger.kinds import KINDS
from ledger.leaf import Body, parse_body
from ledger.merkle import TILE_HEIGHT, TILE_WIDTH, RightEdge, tile_root
from ledger.models import Incarnation, Tile
from ledger.record_kinds import (
    LOG_ANNOUNCED,
    LOG_KEY_COMPROMISED,
    LOG_KEY_RETIRED,
    LOG_KEY_ROTATED,
    LOG_OPENED,
    SEGMENTS_DESTROYED,
)
from ledger.spans.check import INTEGRITY, Checked, Span
from ledger.spans.heads import verify_head
from ledger.tree import StoredTree
from ledger.verification.findings import Aspect, LogVerdict
from ledger.verification.parts import Parts
from ledger.verification.search import Search
from ledger.verification.spread import Progress, spread

SPAN = 64 * TILE_WIDTH
_TELLS = (
    LOG_OPENED.name,
    LOG_ANNOUNCED.name,
    SEGMENTS_DESTROYED.name,
    LOG_KEY_ROTATED.name,
    LOG_KEY_RETIRED.name,
    LOG_KEY_COMPROMISED.name,
)


@dataclass(frozen=True)
class Integrity:
    """What the leaves of one incarnation gave besides findings.

    ``roots`` has the root at each of the asked sizes that a checkpoint is signed for. ``told``
    are leaf 0 and the records about the log itself, by index.
    """

    roots: Mapping[int, bytes]
    told: Mapping[int, Body]
    sealed: int


def check_integrity(
    incarnation: Incarnation,
    keys: KeyHistory,
    verdict: LogVerdict,
    parts: Parts,
    *,
    since: int = 0,
    asked: frozenset[int] = frozenset(),
    progress: Progress = lambda _: None,
) -> Integrity:
    """Check all leaves from size ``since`` on, and each checkpoint of that size and later.

    What lies before is taken from the stored tiles; the checkpoint of size ``since`` says whether
    they are right. Memory stays flat. Sets the verdict's size and root.
    """
    last = incarnation.leaves.aggregate(last=Max("index"))["last"]
    size = 0 if last is None else last + 1
    # From the tile with the last leaf that the checkpoint counts, so that its root is compared.
    begin = max(since - 1, 0) // TILE_WIDTH * TILE_WIDTH
    joined = _Joined(incarnation, verdict, parts, begin, asked)
    spans = list(_cut(incarnation, keys, joined.begin, size, (*_TELLS, *parts.kinds)))
    with spread(INTEGRITY, incarnation, spans, len(spans)) as answers:
        for span, answer in answers:
            joined.take(span, answer)
            progress(answer.leaves)
    joined.finish(size, keys)
    if joined.suspect is not None:
        search = Search(incarnation, keys, verdict, joined.good)
        verdict.root = search.run()
        joined.roots |= {size: search.roots[size] for size in asked & search.roots.keys()}
    return Integrity(joined.roots, joined.told, joined.sealed)


class _Joined:
    """The tree over the spans read so far, from their tiles' roots.

    ``suspect`` is a leaf before which all is well, None while everything is. ``good`` is the
    largest signed size up to which everything fits.
    """

    def __init__(
        self,
        incarnation: Incarnation,
        verdict: LogVerdict,
        parts: Parts,
        begin: int,
        asked: frozenset[int],
    ) -> None:
        self._incarnation = incarnation
        self._verdict = verdict
        self._parts = parts
        self._asked = asked
        self.begin, self._levels = self._read_levels(begin)
        self._edge = RightEdge.from_tiles(self._levels)
        self._newest = 0
        self._tail: Sequence[str] = ()
        self.good = 0
        self.suspect: int | None = None
        self.sealed = 0
        self.roots: dict[int, bytes] = {}
        self.told: dict[int, Body] = {}

    def take(self, span: Span, checked: Checked) -> None:
        """Join the next span; spans come in order."""
        for code, message, index in checked.findings:
            self._found(code, message, index)
        if checked.suspect is not None:
            self._doubt(checked.suspect)
        for day, count in checked.days.items():
            date, _, family = day.partition(" ")
            self._verdict.days[date, family] += count
        for index, raw in checked.told:
            body = parse_body(raw.encode())
            self._parts.take(index, raw.encode(), body)
            if index == 0 or (body.kind in _TELLS and self._is_as_declared(index, body)):
                self.told[index] = body
        self.sealed += checked.sealed
        self._join(span.begin, checked)

    def finish(self, size: int, keys: KeyHistory) -> None:
        """Compare the end of the log with its newest checkpoint."""
        self._verdict.size = size
        self._verdict.root = self._edge_with(size, self._tail).root()
        newest = max([self._newest, *self._heads_beyond(size, keys)])
        if size < newest:
            self._found("tail_cut", f"holds {size} leaves, its checkpoint counts {newest}", size)
        elif size > newest:
            message = f"leaf {newest} and later are under no signed checkpoint"
            self._found("leaf_unsigned", message, newest)
        full = size // TILE_WIDTH
        for extra in self._tiles().filter(level=0, index__gte=full).order_by("index"):
            message = f"tile 0/{extra.index} covers leaves that are not there"
            self._found("tile_extra", message, None)

    def _is_as_declared(self, index: int, body: Body) -> bool:
        try:
            KINDS.get(body.kind).parse_facts(dict(body.facts))
        except FactsRefused as error:
            self._found("facts_malformed", f"leaf {index}: {error}", index)
            return False
        return True

    def _join(self, begin: int, checked: Checked) -> None:
        heads = deque(checked.heads)
        for number, root in enumerate(checked.roots, begin // TILE_WIDTH):
            end = (number + 1) * TILE_WIDTH
            while heads and heads[0][0] < end:
                self._check_head(*heads.popleft())
            self._edge.push(bytes.fromhex(root), TILE_HEIGHT)
            self._rise(1, bytes.fromhex(root), number)
        for head in heads:
            self._check_head(*head)
        self._tail = checked.tail

    def _rise(self, level: int, root: bytes, number: int) -> None:
        """Fill the tile of ``level`` with the root of tile ``number`` below; compare a full one."""
        while level >= len(self._levels):
            self._levels.append([])
        tile = self._levels[level]
        tile.append(root)
        if len(tile) < TILE_WIDTH:
            return
        above = number // TILE_WIDTH
        stored = self._tiles().filter(level=level, index=above).first()
        self._levels[level], root = [], tile_root(tile)
        if stored is None or (stored.hashes, stored.root) != (b"".join(tile), root):
            self._doubt(above * TILE_WIDTH ** (level + 1))
        self._rise(level + 1, root, above)

    def _check_head(self, size: int, signed: str, part: Sequence[str]) -> None:
        edge = self._edge_with(size, part)
        self._newest = max(self._newest, size)
        if size in self._asked:
            self.roots[size] = edge.root()
        if edge.size != size or edge.root().hex() != signed:
            self._doubt(self.good)
        elif self.suspect is None or size <= self.suspect:
            self.good = size

    def _edge_with(self, size: int, part: Sequence[str]) -> RightEdge:
        """Return the edge over all full tiles, and behind them the peaks of a partial one."""
        edge = self._edge.copy()
        heights = [bit for bit in reversed(range(TILE_HEIGHT)) if size >> bit & 1]
        for height, peak in zip(heights, part, strict=False):
            edge.push(bytes.fromhex(peak), height)
        return edge

    def _heads_beyond(self, size: int, keys: KeyHistory) -> Iterator[int]:
        for row in self._incarnation.checkpoints.filter(size__gt=size).order_by("size"):
            head, fault = verify_head(
                self._incarnation.origin, keys, row.size, row.note, row.signed_root
            )
            if fault:
                self._found("checkpoint_invalid", fault, None)
            if head:
                yield head.size

    def _read_levels(self, begin: int) -> tuple[int, list[list[bytes]]]:
        """Return where to begin and the stored partial tiles there: at 0, if they are gone."""
        try:
            return begin, StoredTree(self._incarnation).edge_tiles(begin)
        except LogTampered:
            return 0, []

    def _tiles(self) -> QuerySet[Tile]:
        return Tile.objects.filter(incarnation=self._incarnation)

    def _doubt(self, index: int) -> None:
        self.suspect = index if self.suspect is None else min(index, self.suspect)

    def _found(self, code: str, message: str, index: int | None) -> None:
        self._verdict.found(Aspect.INTEGRITY, code, message, index)


def _cut(
    incarnation: Incarnation, keys: KeyHistory, begin: int, size: int, tells: tuple[str, ...]
) -> Iterator[Span]:
    for at in range(begin, size, SPAN):
        yield Span(
            incarnation=incarnation.pk,
            log=incarnation.log_id,
            origin=incarnation.origin,
            keys=keys.lines(),
            begin=at,
            end=min(at + SPAN, size),
            tells=tells,
        )
