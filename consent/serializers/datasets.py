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
    """A frozen version: how much of what was committed to is still held."""

    digest = serializers.SerializerMethodField()
    committed = serializers.SerializerMethodField()
    held = serializers.IntegerField()
    quarantined = serializers.IntegerField(source="quarantined_count")

    class Meta:
        model = DatasetVersion
        fields = (
            "id",
            "dataset",
            "number",
            "digest",
            "committed",
            "held",
            "quarantined",
            "uses",
            "profile",
            "frozen_at",
            "record",
        )

    def get_digest(self, version: DatasetVersion) -> str:
        return f"sha256:{version.digest.hex()}"

    def get_committed(self, version: DatasetVersion) -> int:
        return len(version.commitments)
