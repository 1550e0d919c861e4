"""Shapes of people, of those with a say for them, and of their signals."""

from typing import Any

from rest_framework import serializers

from consent.models import (
    Observation,
    Representation,
    Subject,
    Title,
)
from consent.normal import MAX_EMAIL, MAX_NAME
from consent.serializers.codes import one_code
from consent.services import Span
from consent.services.signals import MAX_HEADERS, MAX_PLACE
from consent.uses import (
    Capacity,
    Right,
)


class SubjectRequestSerializer(serializers.Serializer):
    """A person to register."""

    name = serializers.CharField(max_length=MAX_NAME)
    email = serializers.CharField(max_length=MAX_EMAIL, allow_null=True, default=None)


class SearchSerializer(serializers.Serializer):
    """Whom to look for: a whole handle, name or e-mail address."""

    term = serializers.CharField(max_length=MAX_EMAIL)


class SubjectSerializer(serializers.ModelSerializer):
    """A person, by handle: who it is stays sealed."""

    class Meta:
        model = Subject
        fields = ("id", "handle", "registered_at", "record")


class _SpanSerializer(serializers.Serializer):
    starts_at = serializers.DateTimeField(allow_null=True, default=None)
    ends_at = serializers.DateTimeField(allow_null=True, default=None)

    def span(self) -> Span:
        """Return when it holds."""
        said = self.validated_data
        return Span(starts_at=said["starts_at"], ends_at=said["ends_at"])


class RepresentationRequestSerializer(_SpanSerializer):
    """Who speaks for whom. A guardian's ``ends_at`` is the day the child comes of age."""

    subject = serializers.UUIDField()
    representative = serializers.UUIDField()
    capacity = one_code(Capacity)

    def as_said(self) -> dict[str, Any]:
        """Return the validated content as the service takes it."""
        said = self.validated_data
        return {
            "subject_id": said["subject"],
            "representative_id": said["representative"],
            "capacity": Capacity(said["capacity"]),
            "span": self.span(),
        }


class RepresentationSerializer(serializers.ModelSerializer):
    """That one person speaks for another."""

    class Meta:
        model = Representation
        fields = (
            *("id", "subject", "representative", "capacity"),
            *("starts_at", "ends_at", "ended_at", "record"),
        )


class TitleRequestSerializer(_SpanSerializer):
    """Whose works or style somebody else may dispose of."""

    origin = serializers.UUIDField()
    holder = serializers.UUIDField()
    right = one_code(Right)
    exclusive = serializers.BooleanField(default=False)

    def as_said(self) -> dict[str, Any]:
        """Return the validated content as the service takes it."""
        said = self.validated_data
        return {
            "origin_id": said["origin"],
            "holder_id": said["holder"],
            "right": Right(said["right"]),
            "exclusive": said["exclusive"],
            "span": self.span(),
        }


class TitleSerializer(serializers.ModelSerializer):
    """A link in a chain of title."""

    class Meta:
        model = Title
        fields = (
            *("id", "origin", "holder", "right", "exclusive"),
            *("starts_at", "ends_at", "ended_at", "record"),
        )


class SignalRequestSerializer(serializers.Serializer):
    """Header lines of a person's request, of which only the signals are kept."""

    subject = serializers.UUIDField()
    place = serializers.CharField(max_length=MAX_PLACE)
    headers = serializers.CharField(max_length=MAX_HEADERS)


class SignalSerializer(serializers.ModelSerializer):
    """A signal that was recorded, and what it says."""

    findings = serializers.SerializerMethodField()

    class Meta:
        model = Observation
        fields = ("id", "subject", "source", "seen_at", "findings", "record")

    def get_findings(self, seen: Observation) -> list[dict[str, Any]]:
        found = seen.findings.values("signal", "standing", "code", "uses")
        return [dict(one) for one in found]
