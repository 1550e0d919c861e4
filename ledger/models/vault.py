"""The vault: what can be opened, and destroyed, beside the log that only commits to it."""

from uuid import UUID, uuid4

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from ledger.fields import BytesField, DigestField
from ledger.models.log import InsertOnly

# The organisation's own scope, never erased: padding, and what concerns no person. A constant,
# so that no writer has to look it up.
HOUSE_SCOPE = UUID("6d756e69-6d65-4e74-8000-686f75736500")


class ScopeState(models.TextChoices):
    """The life of a key scope; there is no way back."""

    LIVE = "live"
    DESTROYING = "destroying"
    DESTROYED = "destroyed"


class Retention(models.TextChoices):
    """How long what is sealed under a scope may live: the class of its term."""

    PERSON = "person", "as long as the person is known here"
    STAFF = "staff", "as long as the account's actions must be explained"
    REQUEST = "request", "as long as a privacy request must be proved"
    HOUSE = "house", "the organisation's own"


class Scope(models.Model):
    """A key scope: one person in one retention class. It holds no key; the keystore does."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    retention = models.CharField(max_length=10, choices=Retention)
    state = models.CharField(max_length=10, choices=ScopeState, default=ScopeState.LIVE)

    def __str__(self) -> str:
        return str(self.id)


class Segment(models.Model):
    """The sealed opening of one commitment of a record; deleted when a person is erased.

    Partitioned like ``Record``; none of its partitions ever leaves, since each segment must
    stay within an erasure's reach.
    """

    pk = models.CompositePrimaryKey("record_id", "position")
    record = models.ForeignKey(
        "ledger.Record",
        models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="segments",
    )
    position = models.PositiveSmallIntegerField(help_text="Place after sorting, from 0.")
    scopes = ArrayField(models.UUIDField())
    ciphertext = BytesField()

    class Meta:
        indexes = [GinIndex(fields=["scopes"], name="segment_scopes")]

    def __str__(self) -> str:
        return f"segment {self.position} of record {self.record_id}"


class Epoch(InsertOnly):
    """A closed epoch of destructions, and the record ``segments.destroyed`` that closed it."""

    number = models.PositiveIntegerField(primary_key=True)
    record = models.UUIDField(unique=True)

    def __str__(self) -> str:
        return f"epoch {self.number}"


class Tombstone(InsertOnly):
    """Proof that one gone segment was destroyed in an epoch, and not lost.

    ``entry`` is its place in the epoch's tree, whose root the record ``segments.destroyed``
    states. Rows are written in the order of their hashes, which says nothing of persons.
    """

    record = models.ForeignKey(
        "ledger.Record",
        models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="tombstones",
    )
    position = models.PositiveSmallIntegerField()
    epoch = models.PositiveIntegerField()
    entry = models.PositiveIntegerField()
    salt = DigestField()
    path = ArrayField(DigestField())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["record", "position"], name="tombstone_position_once"),
            models.UniqueConstraint(fields=["epoch", "entry"], name="tombstone_entry_once"),
        ]

    def __str__(self) -> str:
        return f"tombstone {self.entry} of epoch {self.epoch}"


class RequestKey(models.Model):
    """An idempotency key that a client used, and the row and record that answered it."""

    client = models.UUIDField()
    key = models.CharField(max_length=255)
    mac = DigestField(help_text="Keyed digest of the request, to tell a retry from another one.")
    record = models.UUIDField(null=True)
    row = models.UUIDField(null=True)
    expires_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["client", "key"], name="request_key_once")]

    def __str__(self) -> str:
        return f"request key {self.pk}"


class SealedFile(models.Model):
    """File bytes sealed under one scope; they lie in storage under this row's id."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    scopes = ArrayField(models.UUIDField())
    size = models.PositiveBigIntegerField(help_text="Bytes of the plain content.")

    class Meta:
        indexes = [GinIndex(fields=["scopes"], name="sealed_file_scopes")]

    def __str__(self) -> str:
        return str(self.id)

    def scope_ids(self) -> tuple[UUID, ...]:
        """Return the key scopes that the content is sealed under."""
        return tuple(self.scopes)
