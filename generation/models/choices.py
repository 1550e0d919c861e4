"""How the states and codes of generation stand in columns."""

from enum import StrEnum
from typing import Any

from django.db import models


def code_field(codes: type[StrEnum], **options: Any) -> models.CharField:
    """Return a column that holds one of ``codes``."""
    choices = [(code.value, code.value.replace("_", " ")) for code in codes]
    return models.CharField(max_length=20, choices=choices, **options)


def only_codes(table: str, column: str, codes: type[StrEnum]) -> models.CheckConstraint:
    """Return the constraint that a column holds one of ``codes`` and nothing else."""
    return models.CheckConstraint(
        condition=models.Q(**{f"{column}__in": [code.value for code in codes]}),
        name=f"{table}_{column}_known",
    )
