"""The keystore's tables, in a database of their own: the application's backups never hold them."""

from uuid import uuid4

from django.db import models
from django.db.models.functions import Now

from ledger.fields import BytesField


class DataKey(models.Model):
    """The data key of one scope, wrapped by a key-encryption key."""

    scope = models.UUIDField(primary_key=True)
    encryption_key = models.CharField(max_length=64, help_text="Which key-encryption key wraps it.")
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
