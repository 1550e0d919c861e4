"""The log itself: records, their places, the tree over them and what was signed."""

from typing import Any

from django.db import models
from django.db.models.functions import Now

from ledger.fields import BytesField, DigestField


class InsertOnly(models.Model):
    """A row that is written once.

    PostgreSQL itself refuses UPDATE, DELETE and TRUNCATE (migration 0002); ``save`` and
    ``delete`` only say so readably.
    """

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError(f"{self._meta.verbose_name_plural} are append-only: append a record")
        super().save(*args, **kwargs)

    def delete(self, *_args: Any, **_kwargs: Any) -> tuple[int, dict[str, int]]:
        raise TypeError(f"{self._meta.verbose_name_plural} are append-only: nothing is deleted")


class Log(InsertOnly):
    """A log is a name; its incarnations own the leaves."""

    id = models.SmallAutoField(primary_key=True)
    name = models.SlugField(max_length=64, unique=True)

    def __str__(self) -> str:
        return self.name


class Incarnation(InsertOnly):
    """One life of a log, under one origin. Only a restore from backup starts another."""

    log = models.ForeignKey(Log, models.PROTECT, related_name="incarnations")
    ordinal = models.PositiveSmallIntegerField(help_text="1 for the first, by one more each time.")
    origin = models.CharField(max_length=200, unique=True)

    class Meta:
        verbose_name = "continued log"
        constraints = [
            models.UniqueConstraint(fields=["log", "ordinal"], name="incarnation_ordinal_once")
        ]

    def __str__(self) -> str:
        return self.origin

    def published_size(self) -> int:
        """Return the largest published size, 0 for none: what the anchor holds at least."""
        published = self.checkpoints.filter(anchored__isnull=False)
        return published.aggregate(largest=models.Max("size"))["largest"] or 0


class Record(InsertOnly):
    """What one event says, as canonical JSON, written once in the domain transaction.

    It carries no time and no key of a client: what binds the chained bytes binds every column
    here. ``log`` has no constraint in the database, since a foreign key's lock on the one log
    row would make all writers meet there; completeness checks it.

    Partitioned by ranges of ``id`` (``Partition``). ``uuid`` is unique in each partition: over
    all of them PostgreSQL cannot hold it, and 122 random bits do. An empty ``body`` lies in the
    archive; ``archive.reading`` gives it.
    """

    uuid = models.UUIDField()
    log = models.ForeignKey(
        Log, models.DO_NOTHING, db_constraint=False, db_index=False, related_name="records"
    )
    body = BytesField()

    def __str__(self) -> str:
        return str(self.uuid)


class Partition(InsertOnly):
    """The records with ids from ``first`` up to ``end``, and their segments: tables of their own.

    Written by the database's own function ``ledger_extend``.
    """

    first = models.BigIntegerField(primary_key=True)
    end = models.BigIntegerField(help_text="The id behind its last one.")

    class Meta:
        ordering = ["first"]

    def __str__(self) -> str:
        return f"records {self.first} to {self.end - 1}"


class Pending(models.Model):
    """A record that waits for its place: a work queue, no part of the ledger."""

    record = models.OneToOneField(
        Record, models.DO_NOTHING, primary_key=True, db_constraint=False, related_name="pending"
    )
    queued_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "pending"

    def __str__(self) -> str:
        return f"record {self.record_id}"


class Leaf(InsertOnly):
    """A record in its place: fixed for good once the sequencer's transaction commits.

    Each leaf names the leaf hash before it: chain link and Merkle leaf in one. The record is
    the primary key, which is how one record has at most one leaf.
    """

    record = models.OneToOneField(
        Record, models.DO_NOTHING, primary_key=True, db_constraint=False, related_name="leaf"
    )
    # No constraint in the database: it would look the one incarnation up for each leaf.
    incarnation = models.ForeignKey(
        Incarnation, models.PROTECT, db_constraint=False, db_index=False, related_name="leaves"
    )
    index = models.BigIntegerField(help_text="Position in the log, from 0, without gaps.")

    class Meta:
        verbose_name_plural = "leaves"
        constraints = [
            models.UniqueConstraint(fields=["incarnation", "index"], name="leaf_index_once")
        ]

    def __str__(self) -> str:
        return f"leaf {self.index}"


class KeyRecord(InsertOnly):
    """Where a record about the log's keys has its place: an index, and no source.

    What it says, the record itself says; verification finds one that is missing here.
    """

    incarnation = models.ForeignKey(
        Incarnation, models.PROTECT, db_index=False, related_name="key_records"
    )
    index = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["incarnation", "index"], name="key_record_place_once")
        ]

    def __str__(self) -> str:
        return f"key record at leaf {self.index}"


class Tile(InsertOnly):
    """A full tile: 256 hashes of one level, and the root over them (C2SP tlog-tiles).

    Partial tiles are computed from the tail of the log, never stored.
    """

    incarnation = models.ForeignKey(
        Incarnation, models.PROTECT, db_index=False, related_name="tiles"
    )
    level = models.PositiveSmallIntegerField()
    index = models.BigIntegerField()
    hashes = BytesField()
    root = DigestField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["incarnation", "level", "index"], name="tile_place_once"
            )
        ]

    def __str__(self) -> str:
        return f"tile {self.level}/{self.index}"


class Checkpoint(InsertOnly):
    """A signed tree head: C2SP checkpoint text with the log's two signatures.

    ``signed_root`` is the COSE_Sign1 over the same root that receipts are made from.
    """

    incarnation = models.ForeignKey(Incarnation, models.PROTECT, related_name="checkpoints")
    size = models.BigIntegerField()
    note = models.TextField()
    signed_root = BytesField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["incarnation", "size"], name="checkpoint_size_once")
        ]

    def __str__(self) -> str:
        return f"checkpoint of size {self.size}"


class Anchored(InsertOnly):
    """That the anchor, outside the database, holds a checkpoint: only then is it published."""

    checkpoint = models.OneToOneField(
        Checkpoint, models.PROTECT, primary_key=True, related_name="anchored"
    )

    class Meta:
        verbose_name_plural = "anchored checkpoints"

    def __str__(self) -> str:
        return f"anchored checkpoint {self.checkpoint_id}"
