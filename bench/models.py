"""One row in three houses: recorded by the ledger, by django-simple-history, by django-auditlog."""

from typing import ClassVar
from uuid import uuid4

from auditlog.registry import auditlog
from django.db import models
from simple_history.models import HistoricalRecords

from ledger.models import Recorded


class Thing(Recorded):
    """A domain row; written without a record it is the baseline."""

    code = models.SlugField(max_length=50, unique=True)

    def __str__(self) -> str:
        return self.code


class _Alike(models.Model):
    """The same columns and indexes as ``Thing``."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    record = models.UUIDField(null=True, editable=False)
    code = models.SlugField(max_length=50, unique=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.code


class Historied(_Alike):
    """The row with django-simple-history's trail."""

    history: ClassVar[HistoricalRecords] = HistoricalRecords()


class Audited(_Alike):
    """The row with django-auditlog's trail."""


auditlog.register(Audited)


class Listed(models.Model):
    """A row of a manifest as it stands: the columns, and nothing else."""

    id = models.BigAutoField(primary_key=True)
    url = models.TextField()
    sha256 = models.TextField()
    license = models.TextField()
    legal_basis = models.TextField()
    width = models.IntegerField()
    height = models.IntegerField()

    def __str__(self) -> str:
        return self.url
