"""The archive: which records lie outside the database, and how far the tree over them goes."""

from django.db import models

from ledger.models.log import Incarnation, InsertOnly, Partition
from ledger.models.recorded import Recorded


class ArchiveState(models.TextChoices):
    """Where the records of an archived partition lie; there is no way back."""

    COPIED = "copied", "copied"
    DETACHED = "detached", "out of the database"
    DROPPED = "dropped", "in the archive only"


class Archive(Recorded):
    """The verified copy of one partition in the archive's storage."""

    partition = models.OneToOneField(Partition, models.PROTECT, related_name="archive")
    state = models.CharField(max_length=8, choices=ArchiveState, default=ArchiveState.COPIED)
    records = models.BigIntegerField(help_text="How many the copy holds.")
    manifest = models.CharField(max_length=71, help_text="Digest, sha256:…")
    copied_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"archive of {self.partition}"


class ArchivedTree(InsertOnly):
    """How much of one incarnation lay in the archive when a partition was copied."""

    archive = models.ForeignKey(Archive, models.PROTECT, related_name="trees")
    incarnation = models.ForeignKey(
        Incarnation, models.PROTECT, db_index=False, related_name="archived"
    )
    size = models.BigIntegerField(help_text="Leaves from 0 on that lie there, in full tiles.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["incarnation", "archive"], name="archived_tree_once")
        ]

    def __str__(self) -> str:
        return f"{self.size} archived leaves of {self.incarnation}"
