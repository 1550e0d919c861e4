"""Shapes of sources and of what was seen there."""

from typing import Any

from rest_framework import serializers

from consent import profiles
from consent.models import Source, SourceObservation
from consent.serializers.codes import one_code
from consent.services import Observed
from consent.signals.weighing import RULE, Weighing
from consent.uses import Provenance, Use


class SourceRequestSerializer(serializers.Serializer):
    """A place that items come from, to be named."""

    project = serializers.UUIDField()
    code = serializers.CharField(max_length=50)
    provenance = serializers.ChoiceField([one.value for one in Provenance])
    address = serializers.CharField(
        max_length=2000, default="", allow_blank=True, help_text="Where it is; kept sealed."
    )


class SourceSerializer(serializers.ModelSerializer):
    """A source; its address is not told."""

    class Meta:
        model = Source
        fields = ("id", "project", "code", "provenance", "opened_at", "record")


class SourceObservationSerializer(serializers.ModelSerializer):
    """Something that was seen: in what, how the fetch ended and when; where and what is sealed."""

    seen_in = serializers.CharField(source="source")

    class Meta:
        model = SourceObservation
        fields = ("id", "seen_in", "reach", "seen_at", "recorded_at", "record")


class RefusedLineSerializer(serializers.Serializer):
    """A line that could not be taken, and why."""

    line = serializers.IntegerField()
    why = serializers.CharField()


class ObservedSerializer(serializers.Serializer):
    """What became of what was brought: stored, seen to be as before, or not taken."""

    observations = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    refused = serializers.IntegerField()
    reasons = RefusedLineSerializer(many=True, help_text="The first hundred.")

    def to_representation(self, instance: Observed) -> dict[str, Any]:
        reasons = [{"line": line, "why": why} for line, why in instance.reasons]
        return {
            "observations": instance.observations,
            "unchanged": instance.unchanged,
            "refused": instance.refused,
            "reasons": reasons,
        }


class PlaceSerializer(serializers.Serializer):
    """What holds for an item at this place, for these uses; now, or at a past moment."""

    location = serializers.CharField(max_length=4096)
    uses = serializers.ListField(
        child=one_code(Use),
        default=lambda: [Use.TRAIN.value],
        allow_empty=False,
    )
    profile = serializers.CharField(max_length=40, default=profiles.DEFAULT)
    fetched_at = serializers.DateTimeField(default=None, allow_null=True)
    at = serializers.DateTimeField(default=None, allow_null=True)


class HeardSerializer(serializers.Serializer):
    """One thing that was said, and whether it decided."""

    signal = serializers.CharField()
    seen_in = serializers.CharField(source="source")
    said = serializers.CharField(source="standing")
    code = serializers.CharField()
    detail = serializers.CharField()
    seen_at = serializers.DateTimeField()
    observation = serializers.UUIDField()
    won = serializers.BooleanField()


class WeighingSerializer(serializers.Serializer):
    """What signals come to: *allowed*, *refused* or *needs_review*, why, and by which rule."""

    outcome = serializers.CharField()
    standing = serializers.CharField()
    reasons = serializers.ListField(child=serializers.CharField())
    rule = serializers.CharField()
    profile = serializers.CharField()
    heard = HeardSerializer(many=True)

    def to_representation(self, instance: Weighing) -> dict[str, Any]:
        reasons = dict.fromkeys(one.detail for one in instance.decision.reasons)
        return {
            "outcome": instance.outcome.value,
            "standing": instance.standing.value,
            "reasons": list(reasons),
            "rule": RULE,
            "profile": instance.decision.profile,
            "heard": HeardSerializer(instance.heard, many=True).data,
        }
