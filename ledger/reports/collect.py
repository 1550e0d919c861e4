"""Gather the evidence of a period from the database: leaves, proofs, openings, tombstones.

Only what concerns no person is opened: segments of the house scope, and in a dossier those of its
own person. Everything else reads *withheld* until somebody with the right to it asks for it.
"""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import QuerySet

from ledger import vault
from ledger.archive.reading import read_archived
from ledger.commitment import PADDING_ROLE, Opening
from ledger.errors import NotYetPublished, PeerFailed
from ledger.leaf import leaf_bytes, parse_leaf
from ledger.models import HOUSE_SCOPE, Checkpoint, Epoch, Incarnation, Leaf, Segment, Tombstone
from ledger.note import Note
from ledger.publication import (
    cosigned,
    enclosing_time_stamps,
    ruling_checkpoint,
    witnessed_sizes,
)
from ledger.reports.bundle import Earlier, Evidence
from ledger.roots import read_roots
from ledger.shred_lists import Lists, read_lists
from ledger.timestamps import verify_response
from ledger.tree import StoredTree
from ledger.verifier.bundle import Place, PlacedOpening
from ledger.verifier.bundle import Tombstone as ShownTombstone
from ledger.verifier.report import NO_PERIOD, Period

Indexes = dict[int, int]


@dataclass
class _Shown:
    """What is shown of the positions, by kind of showing."""

    openings: list[PlacedOpening] = field(default_factory=list)
    padding: list[PlacedOpening] = field(default_factory=list)
    tombstones: list[ShownTombstone] = field(default_factory=list)
    missing: list[Place] = field(default_factory=list)


def enclosing_sizes(incarnation: Incarnation, first: int, end: int) -> tuple[int, int]:
    """Return the sizes of the published checkpoints that enclose [first, end) most closely.

    The first is 0 where nothing was signed before ``first``. Raises NotYetPublished while no
    checkpoint covers the end.
    """
    published = incarnation.checkpoints.filter(anchored__isnull=False).order_by("size")
    sizes = published.values_list("size", flat=True)
    closed_by = sizes.filter(size__gte=end).first()
    if closed_by is None:
        raise NotYetPublished(f"leaf {end - 1} is not published yet")
    return sizes.filter(size__lte=first).last() or 0, closed_by


def collect_evidence(incarnation: Incarnation, first: int, end: int) -> Evidence:
    """Return what a bundle over the leaves [first, end) shows, under the newest checkpoint.

    A period that begins within a signed step is widened to where that step began, so that two
    checkpoints enclose it. Raises NotYetPublished.
    """
    opened_by, closed_by = enclosing_sizes(incarnation, first, end)
    first = opened_by
    ruling = ruling_checkpoint(incarnation, closed_by)
    head, stamps = ruling.checkpoint, _stamps(incarnation, first, end, ruling.checkpoint.size)
    told_of = {opened_by, closed_by, *stamps, *witnessed_sizes(incarnation, head.size)}
    tree = StoredTree(incarnation)
    leaves, records = _read_leaves(incarnation, tree, first, end)
    shown = _show(incarnation, leaves, records, head.size)
    about_keys = _about_keys(incarnation, head.size)
    told = ({stone.destroyed for stone in shown.tombstones} | about_keys) - leaves.keys()
    outside = {index: tree.leaf(index) for index in sorted(told)}
    paths = {index: tree.inclusion_path(index, head.size) for index in (first, end - 1, *outside)}
    return Evidence(
        checkpoint=ruling.note,
        leaves=leaves | outside,
        paths=paths,
        period=Period(first, end, opened_by, closed_by),
        earlier=_earlier(incarnation, tree, head, {*told_of, *_handovers(incarnation, about_keys)}),
        openings=shown.openings,
        padding=shown.padding,
        tombstones=shown.tombstones,
        missing=shown.missing,
        stamps=stamps,
    )


def collect_records(incarnation: Incarnation, uuids: Collection[UUID], person: UUID) -> Evidence:
    """Return what a bundle over single records shows, under the newest checkpoint.

    What they say of the person of scope ``person`` alone is opened too. Raises NotYetPublished
    while one is not published under this incarnation.
    """
    rows = _leaves(incarnation).filter(record__uuid__in=uuids)
    records: Indexes = dict(rows.values_list("record_id", "index"))
    if len(records) < len(set(uuids)):
        raise NotYetPublished("a record waits for its place, or stands in the log before this one")
    first, end = min(records.values()), max(records.values()) + 1
    ruling = ruling_checkpoint(incarnation, end)
    head, tree = ruling.checkpoint, StoredTree(incarnation)
    stamps = _stamps(incarnation, first, end, head.size)
    leaves = {index: tree.leaf(index) for index in sorted(records.values())}
    shown = _show(incarnation, leaves, records, head.size, person)
    about_keys = _about_keys(incarnation, head.size)
    told = {stone.destroyed for stone in shown.tombstones} | about_keys
    leaves |= {index: tree.leaf(index) for index in sorted(told - leaves.keys())}
    sizes = {
        *stamps,
        *witnessed_sizes(incarnation, head.size),
        *_handovers(incarnation, about_keys),
    }
    return Evidence(
        checkpoint=ruling.note,
        leaves=leaves,
        paths={index: tree.inclusion_path(index, head.size) for index in leaves},
        period=NO_PERIOD,
        earlier=_earlier(incarnation, tree, head, sizes),
        openings=shown.openings,
        padding=shown.padding,
        tombstones=shown.tombstones,
        missing=shown.missing,
        stamps=stamps,
    )


def _about_keys(incarnation: Incarnation, size: int) -> set[int]:
    known = incarnation.key_records.filter(index__lt=size)
    return set(known.values_list("index", flat=True))


def _read_leaves(
    incarnation: Incarnation, tree: StoredTree, first: int, end: int
) -> tuple[dict[int, bytes], Indexes]:
    """Return exact leaves by index, and index by record id."""
    rows = _leaves(incarnation).filter(index__gte=first, index__lt=end).order_by("index")
    leaves, records = {}, {}
    for index, record, body in rows.values_list("index", "record_id", "record__body"):
        whole = body or read_archived(incarnation, index)
        leaves[index] = leaf_bytes(index, tree.leaf_hash(index - 1), whole)
        records[record] = index
    return leaves, records


def _show(
    incarnation: Incarnation,
    leaves: dict[int, bytes],
    records: Indexes,
    size: int,
    person: UUID | None = None,
) -> _Shown:
    """Show each position; segments of the house are opened, and of ``person`` alone."""
    readable = [[scope] for scope in (HOUSE_SCOPE, person) if scope]
    lists = read_lists() or Lists()
    segments = {
        (segment.record_id, segment.position): segment
        for segment in Segment.objects.filter(record__in=records).select_related("record")
    }
    graves = {
        (stone.record_id, stone.position): stone
        for stone in Tombstone.objects.filter(record__in=records)
    }
    closed = _closing_leaves(incarnation, {stone.epoch for stone in graves.values()}, size)
    keys = vault.keys_there({scope for scopes in readable for scope in scopes})
    shown = _Shown()
    for record, index in records.items():
        body = parse_leaf(leaves[index]).body
        for position in range(len(body.commitments)):
            place, at = Place(index, position), (record, position)
            grave, segment = graves.get(at), segments.get(at)
            if grave is not None and grave.epoch in closed:
                shown.tombstones.append(_tombstone(place, grave, closed[grave.epoch]))
            elif segment is not None and segment.scopes in readable:
                _add_opening(shown, place, _open(keys, segment, body.kind))
            elif segment is None and grave is None and at not in lists.segments:
                shown.missing.append(place)
    return shown


def _open(keys: vault.Keys, segment: Segment, kind: str) -> Opening:
    return keys.open_segment(
        segment.scopes, segment.record.uuid, segment.position, kind, segment.ciphertext
    )


def _add_opening(shown: _Shown, place: Place, opening: Opening) -> None:
    kept = shown.padding if opening.role == PADDING_ROLE else shown.openings
    kept.append(PlacedOpening(place, opening))


def _tombstone(place: Place, grave: Tombstone, destroyed: int) -> ShownTombstone:
    return ShownTombstone(place, destroyed, grave.entry, tuple(grave.path), grave.salt)


def _closing_leaves(incarnation: Incarnation, epochs: set[int], size: int) -> dict[int, int]:
    """Return, by epoch, the index of the published leaf that closed it."""
    closing = dict(Epoch.objects.filter(pk__in=epochs).values_list("record", "number"))
    published = _leaves(incarnation).filter(record__uuid__in=closing, index__lt=size)
    return {closing[uuid]: index for uuid, index in published.values_list("record__uuid", "index")}


def _earlier(
    incarnation: Incarnation, tree: StoredTree, head: Checkpoint, sizes: set[int]
) -> Sequence[Earlier]:
    wanted = incarnation.checkpoints.filter(size__in=sizes - {0, head.size}).order_by("size")
    return [Earlier(cosigned(row), tree.consistency_path(row.size, head.size)) for row in wanted]


def _stamps(incarnation: Incarnation, first: int, end: int, size: int) -> dict[int, bytes]:
    """Return, by size, the tokens that say most of [first, end) and hold under today's roots."""
    found = {}
    for stamp in enclosing_time_stamps(incarnation, first, end, size):
        text = Note.parse(stamp.checkpoint.note).text
        # A root that is no longer pinned vouches for nothing, here as for whoever reads this.
        with suppress(PeerFailed):
            verify_response(stamp.response, text, read_roots())
            found[stamp.checkpoint.size] = stamp.response
    return found


def _handovers(incarnation: Incarnation, about_keys: set[int]) -> set[int]:
    """Return the sizes of the checkpoints that were the first to tell of each of these leaves.

    At a rotation that is the one which both pairs of keys have signed.
    """
    published = incarnation.checkpoints.filter(anchored__isnull=False).order_by("size")
    found = (published.filter(size__gt=index).first() for index in about_keys)
    return {checkpoint.size for checkpoint in found if checkpoint}


def _leaves(incarnation: Incarnation) -> QuerySet[Leaf]:
    return Leaf.objects.filter(incarnation=incarnation)
