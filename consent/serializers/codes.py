"""Fields that hold codes of a vocabulary."""

from typing import Any

from rest_framework import serializers

from consent.services.answers import MAX_CODES
from consent.services.projects import MAX_CODE
from consent.uses import (
    ANY,
    Worded,
)


def one_code(kind: type[Worded], **options: Any) -> serializers.ChoiceField:
    """Return a field for one code of ``kind``."""
    return serializers.ChoiceField(kind.choices(), **options)


def some_codes(kind: type[Worded]) -> serializers.ListField:
    """Return a field for several codes of ``kind``, none by default."""
    return serializers.ListField(child=one_code(kind), max_length=len(kind), default=list)


def some_names() -> serializers.ListField:
    """Return a field for codes of organisations or model families: by default ANY, said so."""
    return serializers.ListField(
        child=serializers.CharField(max_length=MAX_CODE),
        max_length=MAX_CODES,
        default=lambda: [ANY],
    )
