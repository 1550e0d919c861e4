"""Shapes of lineage and of impact cases."""

from typing import Any

from rest_framework import serializers

from consent.lineage import EDGES, Direction, Node
from consent.models import ImpactCase, ImpactDecision
from consent.serializers.codes import one_code
from consent.services.impact import MAX_TEXT_CHARS
from consent.uses import Measure, Method

MAX_PAGE = 1_000
_CURSOR = r"^[0-9a-f-]{36}\.[0-9a-f-]{36}$"


class NodeQuerySerializer(serializers.Serializer):
    """Which thing, and which way to look."""

    kind = serializers.RegexField(r"^[a-z]+$", help_text="Such as subject, version or model.")
    id = serializers.UUIDField()
    direction = serializers.ChoiceField([each.value for each in Direction], default="downstream")

    def validate_kind(self, kind: str) -> str:
        if kind not in EDGES.kinds:
            raise serializers.ValidationError(f"wanted one of {', '.join(EDGES.kinds)}")
        return kind

    @property
    def node(self) -> Node:
        """Return the thing asked about."""
        return Node(self.validated_data["kind"], self.validated_data["id"])

    @property
    def direction_asked(self) -> Direction:
        """Return which way to look."""
        return Direction(self.validated_data["direction"])


class LeavesQuerySerializer(NodeQuerySerializer):
    """Which leaves of which thing, and where to go on."""

    leaf = serializers.RegexField(r"^[a-z]+$", help_text="Such as item, run or output.")
    after = serializers.RegexField(_CURSOR, default=None, allow_null=True)
    limit = serializers.IntegerField(min_value=1, max_value=MAX_PAGE, default=100)


class LeavesSerializer(serializers.Serializer):
    """Some leaves; ``after`` asks for the next ones, null at the end."""

    ids = serializers.ListField(child=serializers.UUIDField())
    after = serializers.CharField(allow_null=True)


class ImpactDecisionSerializer(serializers.ModelSerializer):
    """One version or model that a case affects; the reason and the evidence stay sealed."""

    class Meta:
        model = ImpactDecision
        fields = (
            "id", "case", "kind", "node", "state", "owner", "due_at", "decision", "decided_at",
            "done_at", "channel", "record",
        )  # fmt: skip


class ImpactCaseSerializer(serializers.ModelSerializer):
    """A case: counts as of its assessment, and its lines."""

    found = serializers.SerializerMethodField()
    lines = ImpactDecisionSerializer(many=True, read_only=True)

    class Meta:
        model = ImpactCase
        fields = (
            "id", "subject", "cause", "state", "opened_at", "due_at", "assessed_at", "done_at",
            "found", "lines", "record",
        )  # fmt: skip

    def get_found(self, case: ImpactCase) -> dict[str, Any]:
        kinds = ("items", "versions", "models", "runs", "outputs", "recipients")
        return {kind: getattr(case, f"found_{kind}") for kind in kinds}


class AssignmentSerializer(serializers.Serializer):
    """Who sees to a line, and until when."""

    owner = serializers.UUIDField()
    due_at = serializers.DateTimeField()


class MeasureSerializer(serializers.Serializer):
    """What becomes of a version or model, and why."""

    decision = one_code(Measure)
    reason = serializers.CharField(max_length=MAX_TEXT_CHARS)


class EvidenceSerializer(serializers.Serializer):
    """What shows that it is done."""

    evidence = serializers.CharField(max_length=MAX_TEXT_CHARS)
    channel = one_code(Method, required=False)
