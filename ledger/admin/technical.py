"""What only technicians ask for: leaves, tiles, segments, tombstones, key scopes, the queue."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from ledger.admin.links import NOTHING, record_url
from ledger.admin.readonly import ReadOnlyAdmin
from ledger.errors import LedgerError
from ledger.incarnations import read_predecessors, tell_loss
from ledger.models import (
    HOUSE_SCOPE,
    ArchiveState,
    Incarnation,
    Leaf,
    Partition,
    Pending,
    Record,
    Scope,
    SealedFile,
    Tile,
    Tombstone,
)
from ledger.services.archive import archive_of
from ledger.tree import split_hashes


def whose(scopes: Sequence[UUID]) -> str:
    """Say for how many people something is sealed; their ids would tie events to one person."""
    if list(scopes) == [HOUSE_SCOPE]:
        return "the organisation"
    return "1 person" if len(scopes) == 1 else f"{len(scopes)} people"


class TechnicalAdmin(ReadOnlyAdmin):
    """A screen of the group *Technical*: rows as they are stored."""

    menu_group = "Technical"
    sortable_by = ()


class OfRecordAdmin(TechnicalAdmin):
    """Rows that belong to a record, each with a link to it.

    The record's uuid comes by a subquery: no row of it can be missed, as by an inner join.
    """

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        uuid = Record.objects.filter(pk=OuterRef("record_id")).values("uuid")[:1]
        return super().get_queryset(request).annotate(record_uuid=Subquery(uuid))

    @admin.display(description="record")
    def of_record(self, row: Any) -> str | SafeString:
        if row.record_uuid is None:
            return f"{row.record_id}: gone"
        url = record_url(row.record_uuid)
        return format_html('<a class="mu-link" href="{}">{}</a>', url, row.record_uuid)


@admin.register(Incarnation)
class IncarnationAdmin(TechnicalAdmin):
    """The lives of each log, by origin, and what was lost between them."""

    menu_icon = "history"
    list_display = ("origin", "log", "ordinal", "is_continued")
    list_select_related = ("log",)
    fields = ("log", "ordinal", "origin", "register")
    ordering = ("log", "ordinal")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        later = Incarnation.objects.filter(log=OuterRef("log"), ordinal__gt=OuterRef("ordinal"))
        return super().get_queryset(request).annotate(has_later=Exists(later))

    @admin.display(description="goes on", boolean=True)
    def is_continued(self, incarnation: Any) -> bool:
        return not incarnation.has_later

    @admin.display(description="what went before, and what was lost of it")
    def register(self, incarnation: Incarnation) -> str | SafeString:
        try:
            lines = [(tell_loss(one),) for one in read_predecessors(incarnation)]
        except LedgerError:
            return "its first record cannot be read"
        return format_html_join("", '<span class="mu-line">{}</span>', lines) or "nothing"


@admin.register(Leaf)
class LeafAdmin(OfRecordAdmin):
    """Leaves, the newest first."""

    menu_icon = "eco"
    list_display = ("index", "incarnation", "of_record")
    list_select_related = ("incarnation",)
    fields = ("index", "incarnation", "of_record")
    ordering = ("-record_id",)


@admin.register(Tile)
class TileAdmin(TechnicalAdmin):
    """Full tiles: 256 hashes and the root over them."""

    menu_icon = "grid_on"
    list_display = ("id", "incarnation", "level", "index", "short_root")
    list_select_related = ("incarnation",)
    fields = ("incarnation", ("level", "index"), "whole_root", "all_hashes")
    ordering = ("-id",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tile]:
        tiles: QuerySet[Tile] = super().get_queryset(request)
        return tiles.defer("hashes")

    @admin.display(description="root")
    def short_root(self, tile: Tile) -> str:
        return f"{tile.root.hex()[:16]}…"

    @admin.display(description="root")
    def whole_root(self, tile: Tile) -> str:
        return tile.root.hex()

    @admin.display(description="hashes")
    def all_hashes(self, tile: Tile) -> SafeString:
        lines = "\n".join(one.hex() for one in split_hashes(tile.hashes))
        return format_html('<pre class="mu-text">{}</pre>', lines)


@admin.register(Partition)
class PartitionAdmin(TechnicalAdmin):
    """Ranges of records that lie in tables of their own, and where those are."""

    menu_icon = "inventory_2"
    list_display = ("first_record", "last_record", "lies", "copied")
    fields = (("first_record", "last_record"), "lies", "copied", "digest")
    ordering = ("-first",)
    list_select_related = ("archive",)

    @admin.display(description="first record", ordering="first")
    def first_record(self, partition: Partition) -> str:
        return f"{partition.first:,}"

    @admin.display(description="last record")
    def last_record(self, partition: Partition) -> str:
        return f"{partition.end - 1:,}"

    @admin.display(description="where they lie")
    def lies(self, partition: Partition) -> str:
        archive = archive_of(partition)
        if archive is None or archive.state == ArchiveState.COPIED:
            return "in the database" if archive is None else "in the database, and in the archive"
        return str(archive.get_state_display())

    @admin.display(description="copied", empty_value=NOTHING)
    def copied(self, partition: Partition) -> datetime | None:
        archive = archive_of(partition)
        return archive.copied_at if archive else None

    @admin.display(description="manifest")
    def digest(self, partition: Partition) -> str:
        archive = archive_of(partition)
        return archive.manifest if archive else NOTHING


@admin.register(Tombstone)
class TombstoneAdmin(OfRecordAdmin):
    """Proofs that gone segments were destroyed."""

    menu_icon = "delete_forever"
    list_display = ("id", "of_record", "position", "epoch", "entry")
    fields = ("of_record", "position", ("epoch", "entry"), "salt_hex", "proof_path")
    ordering = ("-id",)

    @admin.display(description="salt")
    def salt_hex(self, tombstone: Tombstone) -> str:
        return tombstone.salt.hex()

    @admin.display(description="path")
    def proof_path(self, tombstone: Tombstone) -> SafeString:
        lines = "\n".join(bytes(one).hex() for one in tombstone.path)
        return format_html('<pre class="mu-text">{}</pre>', lines)


@admin.register(Scope)
class ScopeAdmin(TechnicalAdmin):
    """Key scopes; the keys themselves are in the keystore and on no screen."""

    menu_icon = "key"
    list_display = ("id", "retention", "state")
    list_filter = ("state", "retention")
    fields = ("id", "retention", "state")
    ordering = ("id",)


@admin.register(SealedFile)
class SealedFileAdmin(TechnicalAdmin):
    """Sealed files, closed."""

    menu_icon = "draft"
    list_display = ("id", "size", "sealed_for")
    fields = ("id", "size", "sealed_for")
    ordering = ("id",)

    @admin.display(description="sealed for")
    def sealed_for(self, file: SealedFile) -> str:
        return whose(file.scopes)


@admin.register(Pending)
class PendingAdmin(OfRecordAdmin):
    """Records that wait for their place, the first in line first."""

    menu_icon = "hourglass_top"
    list_display = ("record_id", "of_record", "queued_at")
    fields = ("of_record", "queued_at")
    ordering = ("record_id",)
