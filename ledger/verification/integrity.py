"""Integrity: from the bodies upward to the signed roots.

Two readings of the leaf hashes run side by side: ``own``, chained from the bodies alone, and
``stored``, as the tiles have them. While they agree there is one. Where they part, the next
signed root says which of them lies, and so whether a body or a tile was changed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.db import connection
from django.db.models import QuerySet

from ledger.errors import LeafError, NoteError, ProofError
from ledger.leaf import FIRST_PREV, Body, leaf_bytes, parse_body
from ledger.merkle import TILE_WIDTH, RightEdge, leaf_hash, tile_root
from ledger.models import Incarnation, Tile
from ledger.note import Checkpoint as TreeHead
from ledger.note import Note, Verifier
from ledger.receipt import SignedRoot
from ledger.tree import split_hashes
from ledger.verification.findings import Aspect, LogVerdict

_INTEGRITY = Aspect.INTEGRITY
CHUNK = 2_000


@dataclass(frozen=True)
class Placed:
    """A leaf as read: its index, its record, and the record's parsed body."""

    index: int
    record_id: int
    log_id: int
    body: Body


@dataclass
class _Reading:
    """One way to read the leaf hashes: the last one and the edge over all so far."""

    prev: bytes = FIRST_PREV
    edge: RightEdge = field(default_factory=RightEdge)

    def append(self, hash_: bytes) -> None:
        self.prev = hash_
        self.edge.append(hash_)

    def copy(self) -> "_Reading":
        return _Reading(self.prev, self.edge.copy())


class IntegrityWalk:
    """Walk all leaves of an incarnation in order, checking as it goes.

    Iterating gives each leaf whose record can be read. Memory stays flat: the walk holds one
    tile, and the checkpoints' sizes and roots.
    """

    def __init__(
        self, incarnation: Incarnation, verifiers: Sequence[Verifier], verdict: LogVerdict
    ) -> None:
        self._incarnation = incarnation
        self._verdict = verdict
        self._own = _Reading()
        self._stored: _Reading | None = None
        self._tile_differs: list[int] = []
        self._leaf_differs: list[int] = []
        self._good = 0
        self._tile: list[bytes] = []
        self._roots: list[list[bytes]] = []
        self._compares_tiles = True
        self._is_broken = False
        self.heads = self._read_heads(verifiers)
        self.root_at: dict[int, bytes] = {}

    def __iter__(self) -> Iterator[Placed]:
        expected = 0
        for index, record_id, log_id, raw in self._rows():
            while expected < index:
                self._found("leaf_missing", f"leaf {expected} is missing", expected)
                expected += 1
            yield from self._take(index, record_id, log_id, raw)
            expected = index + 1
        self._verdict.size = expected
        self._verdict.root = self._own.edge.root()
        self._check_tail(expected)

    def _rows(self) -> Iterator[tuple[int, int, int | None, bytes | None]]:
        # A left join: a leaf whose record is gone must be seen, not skipped.
        query = (
            "SELECT l.index, l.record_id, r.log_id, r.body FROM ledger_leaf l "
            "LEFT JOIN ledger_record r ON r.id = l.record_id "
            "WHERE l.incarnation_id = %s ORDER BY l.index"
        )
        # A cursor on the server: the client would read the whole log into memory.
        with connection.chunked_cursor() as cursor:
            cursor.execute(query, [self._incarnation.pk])
            while rows := cursor.fetchmany(CHUNK):
                for index, record_id, log_id, body in rows:
                    yield index, record_id, log_id, None if body is None else bytes(body)

    def _take(
        self, index: int, record_id: int, log_id: int | None, raw: bytes | None
    ) -> Iterator[Placed]:
        self._hash(index, raw or b"{}")
        self._check_head(index + 1)
        if raw is None or log_id is None:
            self._found("record_missing", f"the record of leaf {index} is missing", index)
            return
        try:
            yield Placed(index, record_id, log_id, parse_body(raw))
        except LeafError as error:
            self._found("record_malformed", f"the record of leaf {index}: {error}", index)

    def _hash(self, index: int, raw: bytes) -> None:
        """Add one leaf to both readings, and to the tile that is being filled."""
        if index % TILE_WIDTH == 0:
            self._tile = self._read_tile(0, index // TILE_WIDTH)
        own = leaf_hash(leaf_bytes(index, self._own.prev, raw))
        stored = self._tile[index % TILE_WIDTH] if self._tile else own
        if self._stored is None and stored != own:
            self._stored = self._own.copy()
        if self._stored is not None:
            again = leaf_hash(leaf_bytes(index, self._stored.prev, raw))
            kept = stored if self._tile else again
            if kept != own:
                self._tile_differs.append(index)
            if kept != again:
                self._leaf_differs.append(index)
            self._stored.append(kept)
        self._own.append(own)
        self._add_root(0, own, index)

    def _check_head(self, size: int) -> None:
        """At a signed size, compare roots; where the readings part, say which one lies."""
        head = self.heads.get(size)
        if head is None:
            return
        if self._own.edge.root() == head.root:
            for index in self._tile_differs:
                message = f"the tile of leaf {index} was changed: the records give the signed root"
                self._found("tile_forged", message, index)
        elif self._stored is not None and self._stored.edge.root() == head.root:
            for index in self._leaf_differs:
                message = f"the record of leaf {index} was changed after it was signed"
                self._found("leaf_changed", message, index)
            self._own = self._stored
            # The tiles computed so far hold the changed leaf's hash: nothing to compare with.
            self._compares_tiles = False
        else:
            self.root_at[size] = self._own.edge.root()
            self._report_break(size)
            return
        self.root_at[size] = head.root
        self._stored, self._tile_differs, self._leaf_differs = None, [], []
        self._good = size

    def _report_break(self, size: int) -> None:
        """Report once that neither reading gives a signed root; all later ones break too."""
        if self._is_broken:
            return
        self._is_broken = True
        last = size - 1
        place = f"leaf {last}" if last == self._good else f"leaves {self._good} to {last}"
        message = f"{place} do not give the root signed at size {size}: changed after signing"
        self._found("root_differs", message, self._good)

    def _add_root(self, level: int, hash_: bytes, index: int) -> None:
        """Fill the computed tile of ``level``; compare a full one above level 0 with the stored."""
        if level == len(self._roots):
            self._roots.append([])
        tile = self._roots[level]
        tile.append(hash_)
        if len(tile) < TILE_WIDTH:
            return
        number = (index + 1) // TILE_WIDTH ** (level + 1) - 1
        root = tile_root(tile)
        stored = Tile.objects.filter(incarnation=self._incarnation, level=level, index=number)
        row = stored.first()
        place = f"tile {level}/{number}"
        if row is None:
            self._found("tile_missing", f"{place} is missing", None)
        elif self._agrees() and (row.root != root or row.hashes != b"".join(tile)):
            self._found("tile_forged", f"{place} differs from the records below it", None)
        self._roots[level] = []
        self._add_root(level + 1, root, index)

    def _agrees(self) -> bool:
        return self._stored is None and self._compares_tiles and not self._is_broken

    def _check_tail(self, size: int) -> None:
        newest = max(self.heads, default=0)
        if size < newest:
            self._found("tail_cut", f"holds {size} leaves, its checkpoint counts {newest}", size)
        elif size > newest:
            self._found(
                "leaf_unsigned", f"leaf {newest} and later are under no signed checkpoint", newest
            )
        full = size // TILE_WIDTH
        for extra in self._tiles().filter(level=0, index__gte=full).order_by("index"):
            message = f"tile 0/{extra.index} covers leaves that are not there"
            self._found("tile_extra", message, None)

    def _read_tile(self, level: int, index: int) -> list[bytes]:
        stored = self._tiles().filter(level=level, index=index).values_list("hashes", flat=True)
        hashes = stored.first()
        split = split_hashes(hashes) if hashes else []
        return split if len(split) == TILE_WIDTH else []

    def _tiles(self) -> QuerySet[Tile]:
        return Tile.objects.filter(incarnation=self._incarnation)

    def _read_heads(self, verifiers: Sequence[Verifier]) -> dict[int, TreeHead]:
        """Return the tree heads of all checkpoints that both keys signed, by size."""
        heads = {}
        for row in self._incarnation.checkpoints.order_by("size").iterator(chunk_size=CHUNK):
            try:
                note = Note.parse(row.note)
                signed = {entry.verifier for entry in note.verify(verifiers)}
                head = TreeHead.parse(note.text)
                SignedRoot.parse(row.signed_root).verify(head, verifiers)
            except (NoteError, ProofError) as error:
                self._found("checkpoint_invalid", f"checkpoint of size {row.size}: {error}", None)
                continue
            if signed != set(verifiers) or head.origin != self._incarnation.origin:
                self._found(
                    "checkpoint_invalid",
                    f"checkpoint of size {row.size} lacks a signature, or names another log",
                    None,
                )
            elif head.size != row.size:
                message = f"checkpoint says size {head.size}, its row {row.size}"
                self._found("checkpoint_invalid", message, None)
            else:
                heads[head.size] = head
        return heads

    def _found(self, code: str, message: str, index: int | None) -> None:
        self._verdict.found(_INTEGRITY, code, message, index)
