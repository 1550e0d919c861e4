"""The keystore's tables, in a database of their own: the application's backups never hold them."""

from uuid import uuid4

from django.db import models
from django.db.models.functions import Now

from ledger.fields import BytesField


class EncryptionKey(models.Model):
    """A key-encryption key that is in use; the one with the greatest id wraps.

    The key itself lies elsewhere. The row is deleted before the key is destroyed: PostgreSQL
    refuses that while a data key still needs it, and refuses a data key that would need it after.
    """

    id = models.CharField(max_length=64, primary_key=True)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return str(self.id)


class DataKey(models.Model):
    """The data key of one scope, wrapped by a key-encryption key."""

    scope = models.UUIDField(primary_key=True)
    encryption_key = models.ForeignKey(EncryptionKey, models.PROTECT, related_name="data_keys")
    wrapped = BytesField()
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return str(self.scope)


class ShredList(models.Model):
    """What one destruction took, kept until its epoch closes and then destroyed itself.

    ``secret`` is the key of the MAC in the shred journal; ``entries`` holds, for each segment,
    record id, position and commitment. Until the epoch closes a listed segment reads
    *destroying*.
    """

    id = models.UUIDField(primary_key=True, default=uuid4)
    secret = BytesField()
    people = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField()
    entries = BytesField()
    rows = BytesField(default=b"[]", help_text="Rows that stayed and were relinked.")

    def __str__(self) -> str:
        return str(self.id)
