"""Shapes of searches of everybody, and of notices served."""

from typing import Any

from rest_framework import serializers

from consent.identity import IdentifierKind
from consent.models import Scan, ScanMatch, Serving
from consent.serializers.codes import one_code
from consent.serializers.subjects import KnownSerializer
from consent.services import Known
from consent.services.scans import MAX_WHY, MOST_TERMS
from consent.uses import Capacity, Method
from ledger.record_kinds import DisclosureReason


class ScanRequestSerializer(serializers.Serializer):
    """What to look for among everybody, and why."""

    terms = serializers.ListField(child=KnownSerializer(), min_length=1, max_length=MOST_TERMS)
    reason = serializers.ChoiceField([(one.value, one.value) for one in DisclosureReason])
    why = serializers.CharField(max_length=MAX_WHY)

    def as_said(self) -> dict[str, Any]:
        """Return the validated content as the service takes it."""
        said = self.validated_data
        terms = [
            Known(IdentifierKind(one["kind"]), one["value"], one["region"]) for one in said["terms"]
        ]
        return {
            "terms": terms,
            "reason": DisclosureReason(said["reason"]),
            "why": said["why"],
        }


class ScanMatchSerializer(serializers.ModelSerializer):
    """Somebody who is similar, and by what."""

    handle = serializers.CharField(source="subject.handle")

    class Meta:
        model = ScanMatch
        fields = ("subject", "handle", "kind", "likeness")


class ScanSerializer(serializers.ModelSerializer):
    """A search of everybody: what was compared, with how many people, when, and who is similar.

    While it is *ordered*, ``seen`` of ``total`` people are compared. Once it is *done*, no
    ``matches`` mean that nobody similar is here. ``least`` and ``likeness`` are percent.
    """

    matches = ScanMatchSerializer(many=True)
    seen = serializers.IntegerField(source="errand.seen", allow_null=True, default=None)
    total = serializers.IntegerField(source="errand.total", allow_null=True, default=None)

    class Meta:
        model = Scan
        fields = (
            *("id", "state", "reason", "kinds", "least", "ordered_at", "done_at"),
            *("people", "identifiers", "unreadable", "matched", "matches", "seen", "total"),
            "record",
        )


class ServingRequestSerializer(serializers.Serializer):
    """Which notice reached whom, how and when: by default now, and the person themself."""

    subject = serializers.UUIDField()
    notice = serializers.UUIDField()
    channel = one_code(Method)
    served_at = serializers.DateTimeField(allow_null=True, default=None)
    capacity = one_code(Capacity, default=Capacity.SELF.value)

    def as_said(self) -> dict[str, Any]:
        """Return the validated content as the service takes it."""
        said = self.validated_data
        return {
            "subject_id": said["subject"],
            "notice_id": said["notice"],
            "channel": Method(said["channel"]),
            "served_at": said["served_at"],
            "capacity": Capacity(said["capacity"]),
        }


class ServingSerializer(serializers.ModelSerializer):
    """That a notice reached somebody, in its one language."""

    language = serializers.CharField(source="notice.language")

    class Meta:
        model = Serving
        fields = (
            *("id", "subject", "notice", "language", "channel", "capacity"),
            *("served_at", "record"),
        )
