"""Reader: how one record stands: its place in the log, and which of its sealed parts are there.

Nothing is opened here. What is said of a sealed part follows from rows, keys and lists alone;
that a part opens to what was recorded is verification's to say.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from django.db.models import CharField, OuterRef, QuerySet, Subquery, Value

from ledger.archive.reading import read_body
from ledger.canonical import canonical
from ledger.commitment import PADDING_ROLE, RANDOMNESS_SIZE
from ledger.errors import UnknownRecord
from ledger.keystore.models import DataKey
from ledger.leaf import Body, parse_body
from ledger.models import (
    HOUSE_SCOPE,
    Checkpoint,
    Leaf,
    Record,
    Recorded,
    Segment,
    Tombstone,
    recorded_models,
)
from ledger.sealing import NONCE_BYTES, VERSION
from ledger.shred_lists import read_lists

_TAG_BYTES = 16
# Every other payload holds at least the time, so that padding is the only segment this short.
_PADDING_BYTES = (
    len(VERSION)
    + NONCE_BYTES
    + RANDOMNESS_SIZE
    + len(canonical({"payload": {}, "role": PADDING_ROLE}))
    + _TAG_BYTES
)


class RecordState(StrEnum):
    """Where a record is on its way into the log."""

    WAITING = "waiting"
    PLACED = "placed"
    PUBLISHED = "published"
    LOST = "lost"


class PartState(StrEnum):
    """What can be said of a sealed part without opening it."""

    READABLE = "readable"
    PADDING = "padding"
    DESTROYING = "destroying"
    DESTROYED = "destroyed"
    MISSING = "missing"


@dataclass(frozen=True)
class Part:
    """One sealed part of a record; ``epoch`` tells in which epoch a destroyed one went."""

    position: int
    state: PartState
    epoch: int | None = None


@dataclass(frozen=True)
class Standing:
    """A record with its parsed body and its place; ``leaf`` is None until it has one."""

    record: Record
    body: Body
    state: RecordState
    leaf: Leaf | None


@dataclass(frozen=True)
class RowLink:
    """A domain row whose newest record is the one asked about."""

    model: type[Recorded]
    id: UUID


def placed_records() -> QuerySet[Record]:
    """Return all records, each read together with its place; see ``standing_of``."""
    published = Checkpoint.objects.filter(
        incarnation=OuterRef("leaf__incarnation"), anchored__isnull=False
    ).order_by("-size")
    return Record.objects.select_related("leaf__incarnation", "pending").annotate(
        published_size=Subquery(published.values("size")[:1])
    )


def get_standing(uuid: UUID) -> Standing:
    """Return how the record stands. Raises UnknownRecord."""
    record = placed_records().filter(uuid=uuid).first()
    if record is None:
        raise UnknownRecord("no record has this id")
    return standing_of(record)


def standing_of(record: Record) -> Standing:
    """Tell how a row of ``placed_records`` stands, without a query while it is not archived.

    Raises LeafError where something else lies than was ever recorded, CopyBroken where the
    archive cannot give it.
    """
    return Standing(record, parse_body(read_body(record)), state_of(record), leaf_of(record))


def leaf_of(record: Record) -> Leaf | None:
    """Return the place of a row of ``placed_records``."""
    leaf: Leaf | None = getattr(record, "leaf", None)
    return leaf


def state_of(record: Record) -> RecordState:
    """Tell how far a row of ``placed_records`` has come."""
    leaf = leaf_of(record)
    if leaf is None:
        return RecordState.WAITING if hasattr(record, "pending") else RecordState.LOST
    published = getattr(record, "published_size", None) or 0
    return RecordState.PUBLISHED if leaf.index < published else RecordState.PLACED


def read_parts(standing: Standing) -> list[Part]:
    """Return the sealed parts of a record in order: four queries, whatever their number."""
    record = standing.record.pk
    segments = {one.position: one for one in Segment.objects.filter(record=record)}
    graves = dict(Tombstone.objects.filter(record=record).values_list("position", "epoch"))
    keys = _scopes_with_key(segments.values())
    positions = range(len(standing.body.commitments))
    is_whole = all(at in segments or at in graves for at in positions)
    lists = None if is_whole else read_lists()
    listed = lists.segments if lists else frozenset()
    return [
        _part(at, segments.get(at), graves, keys, is_listed=(record, at) in listed)
        for at in positions
    ]


def rows_of(record: UUID) -> list[RowLink]:
    """Return the domain rows whose newest record this is, of all apps, in one query."""
    models = {model._meta.label: model for model in recorded_models()}
    found = [
        model._base_manager.filter(record=record)
        .order_by()
        .annotate(label=Value(label, CharField()))
        .values_list("label", "pk")
        for label, model in models.items()
    ]
    if not found:
        return []
    first, *others = found
    return [RowLink(models[label], pk) for label, pk in first.union(*others, all=True)]


def _scopes_with_key(segments: Iterable[Segment]) -> frozenset[UUID]:
    scopes = {scope for segment in segments for scope in segment.scopes}
    return frozenset(DataKey.objects.filter(pk__in=scopes).values_list("pk", flat=True))


def _part(
    position: int,
    segment: Segment | None,
    graves: Mapping[int, int],
    keys: frozenset[UUID],
    *,
    is_listed: bool,
) -> Part:
    if segment is None and position in graves:
        return Part(position, PartState.DESTROYED, graves[position])
    if segment is None:
        return Part(position, PartState.DESTROYING if is_listed else PartState.MISSING)
    if segment.scopes == [HOUSE_SCOPE] and len(segment.ciphertext) == _PADDING_BYTES:
        return Part(position, PartState.PADDING)
    is_there = keys.issuperset(segment.scopes)
    return Part(position, PartState.READABLE if is_there else PartState.MISSING)
