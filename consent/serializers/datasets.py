"""Shapes of data sets."""

from rest_framework import serializers

from consent.models import (
    Dataset,
    DatasetVersion,
)


class DatasetRequestSerializer(serializers.Serializer):
    """A data set to open."""

    project = serializers.UUIDField()
    code = serializers.CharField(max_length=50)


class DatasetSerializer(serializers.ModelSerializer):
    """A data set."""

    class Meta:
        model = Dataset
        fields = ("id", "project", "code", "record")


class DatasetVersionSerializer(serializers.ModelSerializer):
    """A version: how much of what was committed to when it was frozen is still held."""

    digest = serializers.SerializerMethodField()
    committed = serializers.IntegerField(source="member_count")
    held = serializers.IntegerField()
    quarantined = serializers.IntegerField(source="quarantined_count")

    class Meta:
        model = DatasetVersion
        fields = (
            "id",
            "dataset",
            "number",
            "state",
            "digest",
            "committed",
            "held",
            "quarantined",
            "uses",
            "profile",
            "frozen_at",
            "record",
        )

    def get_digest(self, version: DatasetVersion) -> str | None:
        return f"sha256:{version.digest.hex()}" if version.digest else None
