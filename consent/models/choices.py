"""How the pure vocabulary stands in columns."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models

from consent.uses import Worded


def code_field(kind: type[Worded], **options: Any) -> models.CharField:
    """Return a column that holds one code of ``kind``."""
    return models.CharField(max_length=32, choices=kind.choices(), **options)


def codes_field(kind: type[Worded], **options: Any) -> ArrayField:
    """Return a column that holds several codes of ``kind``, none by default."""
    return ArrayField(code_field(kind), default=list, blank=True, **options)


def only_codes(table: str, column: str, kind: type[Worded]) -> models.CheckConstraint:
    """Return the constraint that an array column holds codes of ``kind`` and nothing else."""
    return models.CheckConstraint(
        condition=models.Q(**{f"{column}__contained_by": [code.value for code in kind]}),
        name=f"{table}_{column}_known",
    )


def one_of(table: str, column: str, codes: Iterable[StrEnum]) -> models.CheckConstraint:
    """Return the constraint that a column holds one of ``codes``."""
    values = sorted(code.value for code in codes)
    return models.CheckConstraint(
        condition=models.Q(**{f"{column}__in": values}), name=f"{table}_{column}_known"
    )
