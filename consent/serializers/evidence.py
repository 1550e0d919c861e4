"""Shapes of what shows an answer."""

from rest_framework import serializers

from consent.models import Evidence
from consent.serializers.codes import one_code
from consent.uses import EvidenceKind


class EvidenceKindSerializer(serializers.Serializer):
    """What is added."""

    kind = one_code(EvidenceKind, default=EvidenceKind.FORM.value)


class EvidenceSerializer(serializers.ModelSerializer):
    """One piece, without its content."""

    size = serializers.IntegerField(source="file.size")

    class Meta:
        model = Evidence
        fields = ("id", "grant", "kind", "media_type", "size", "added_at", "record")
