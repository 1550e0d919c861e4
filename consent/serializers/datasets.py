"""Shapes of data sets."""

from rest_framework import serializers

from consent import profiles
from consent.models import Dataset, DatasetVersion
from consent.serializers.codes import one_code
from consent.services import ExportForm
from consent.uses import Use


class DatasetRequestSerializer(serializers.Serializer):
    """A data set to open."""

    project = serializers.UUIDField()
    code = serializers.CharField(max_length=50)


class DatasetSerializer(serializers.ModelSerializer):
    """A data set."""

    class Meta:
        model = Dataset
        fields = ("id", "project", "code", "record")


class VersionRequestSerializer(serializers.Serializer):
    """A draft to begin: what it is for, and by which rules."""

    uses = serializers.ListField(
        child=one_code(Use),
        default=lambda: [Use.TRAIN.value],
        allow_empty=False,
    )
    profile = serializers.CharField(default=profiles.DEFAULT, max_length=40)


class DatasetVersionSerializer(serializers.ModelSerializer):
    """A version: how much of what was committed to when it was frozen is still held.

    ``vetted`` is false where it was frozen under a waiver, null while it is a draft.
    """

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
            "vetted",
            "record",
        )

    def get_digest(self, version: DatasetVersion) -> str | None:
        return f"sha256:{version.digest.hex()}" if version.digest else None


class ExportRequestSerializer(serializers.Serializer):
    """In which format a version is wanted; items one by one, and people by handle, if asked."""

    form = serializers.ChoiceField([form.value for form in ExportForm])
    items = serializers.BooleanField(
        default=False, help_text="Tell of each item, with its digest and location; recorded."
    )
    people = serializers.BooleanField(
        default=False, help_text="Name the people shown by their random handles."
    )


class HandoverRequestSerializer(ExportRequestSerializer):
    """As for our own use, and who receives it."""

    recipient = serializers.UUIDField()


class NextVersionSerializer(serializers.Serializer):
    """What the next version leaves out, and what it is for where that changes."""

    without_people = serializers.ListField(child=serializers.UUIDField(), default=list)
    without_items = serializers.ListField(child=serializers.UUIDField(), default=list)
    uses = serializers.ListField(child=one_code(Use), default=list)
    profile = serializers.CharField(default="", allow_blank=True, max_length=40)


class ProofRequestSerializer(serializers.Serializer):
    """Whether the proof is to say what was committed to."""

    opening = serializers.BooleanField(default=False, help_text="Recorded, as viewing the item is.")
