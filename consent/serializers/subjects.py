"""Shapes of people, of those with a say for them, and of their signals."""

from typing import Any

from rest_framework import serializers

from consent.identity import MAX_LENGTH, IdentifierKind
from consent.models import (
    Identifier,
    Merge,
    Observation,
    Representation,
    Subject,
    Title,
)
from consent.search import Found, Match
from consent.serializers.codes import one_code
from consent.services import Known, Span
from consent.services.identities import MAX_IDENTIFIERS
from consent.services.merges import MAX_REASON
from consent.services.signals import MAX_HEADERS, MAX_PLACE
from consent.uses import (
    Capacity,
    Right,
)

LONGEST = max(MAX_LENGTH.values())


def _region() -> serializers.RegexField:
    return serializers.RegexField("^[A-Z]{2}$", allow_null=True, default=None)


class KnownSerializer(serializers.Serializer):
    """Something that somebody is known by; ``region`` for a phone number without its prefix."""

    kind = one_code(IdentifierKind)
    value = serializers.CharField(max_length=LONGEST)
    region = _region()

    def known(self) -> Known:
        """Return the validated content as the services take it."""
        return _known(self.validated_data)


def _known(said: dict[str, Any]) -> Known:
    return Known(IdentifierKind(said["kind"]), said["value"], said["region"])


class IdentifierSerializer(serializers.ModelSerializer):
    """That somebody is or was known by something: what it is stays sealed."""

    class Meta:
        model = Identifier
        fields = ("id", "subject", "kind", "since", "until", "record")


class SubjectRequestSerializer(serializers.Serializer):
    """A person to register."""

    name = serializers.CharField(max_length=MAX_LENGTH[IdentifierKind.NAME])
    email = serializers.CharField(
        max_length=MAX_LENGTH[IdentifierKind.EMAIL], allow_null=True, default=None
    )
    others = serializers.ListField(
        child=KnownSerializer(), default=list, max_length=MAX_IDENTIFIERS
    )

    def as_said(self) -> dict[str, Any]:
        """Return the validated content as the service takes it."""
        said = self.validated_data
        return {**said, "others": [_known(one) for one in said["others"]]}


class SearchSerializer(serializers.Serializer):
    """Whom to look for: a whole handle, or anything that somebody may be known by."""

    term = serializers.CharField(max_length=LONGEST)
    kind = one_code(IdentifierKind, required=False)
    region = _region()


class MatchSerializer(serializers.Serializer):
    """Somebody who was found, and how: by handle where ``kind`` is null."""

    id = serializers.UUIDField(source="subject.id")
    handle = serializers.CharField(source="subject.handle")
    registered_at = serializers.DateTimeField(source="subject.registered_at")
    kind = serializers.SerializerMethodField()
    form = serializers.SerializerMethodField()
    former = serializers.BooleanField(source="is_former")
    registered_as = serializers.CharField(source="found.handle", allow_null=True, default=None)

    def get_kind(self, match: Match) -> str | None:
        return match.way.kind.value if match.way else None

    def get_form(self, match: Match) -> str | None:
        return match.way.form.value if match.way else None


class FoundSerializer(serializers.Serializer):
    """The answer to a search: in which ways was searched, and who was found, closest first."""

    searched = serializers.SerializerMethodField()
    matches = MatchSerializer(many=True)
    more = serializers.BooleanField(source="is_cut")

    def get_searched(self, found: Found) -> list[dict[str, str]]:
        return [{"kind": way.kind.value, "form": way.form.value} for way in found.ways]


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


class MergeRequestSerializer(serializers.Serializer):
    """Who is the same person as this one, and why; they count as this one from now on."""

    other = serializers.UUIDField()
    reason = serializers.CharField(max_length=MAX_REASON)


class MergeSerializer(serializers.ModelSerializer):
    """That two who were registered are one person."""

    class Meta:
        model = Merge
        fields = ("id", "subject", "into", "merged_at", "parted_at", "record")


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
