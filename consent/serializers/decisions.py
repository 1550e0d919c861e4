"""Shapes of questions and decisions."""

from typing import Any

from rest_framework import serializers

from consent import profiles
from consent.decision import Context, Outcome
from consent.serializers.codes import one_code, some_codes
from consent.services.projects import MAX_CODE
from consent.uses import (
    Medium,
    Right,
    Theme,
    Use,
)

MAX_SUBJECTS = 100


class DecisionRequestSerializer(serializers.Serializer):
    """What is asked: may these people be used for this, there?"""

    subjects = serializers.ListField(child=serializers.UUIDField(), max_length=MAX_SUBJECTS)
    uses = serializers.ListField(child=one_code(Use), min_length=1, max_length=len(Use))
    medium = one_code(Medium, allow_null=True, default=None)
    territory = serializers.RegexField(r"^[A-Z]{2}$", allow_null=True, default=None)
    themes = some_codes(Theme)
    recipient = serializers.CharField(max_length=MAX_CODE, allow_null=True, default=None)
    family = serializers.CharField(max_length=MAX_CODE, allow_null=True, default=None)
    right = one_code(Right, default=Right.LIKENESS.value)
    profile = serializers.RegexField(profiles.LABEL, default=profiles.DEFAULT)
    at = serializers.DateTimeField(allow_null=True, default=None)

    def as_question(self) -> dict[str, Any]:
        """Return the validated content as the reader takes it."""
        asked: dict[str, Any] = self.validated_data
        return {
            "subjects": asked["subjects"],
            "uses": [Use(use) for use in asked["uses"]],
            "at": asked["at"],
            "right": Right(asked["right"]),
            "profile": asked["profile"],
            "context": Context(
                medium=Medium(asked["medium"]) if asked["medium"] else None,
                territory=asked["territory"],
                themes=frozenset(map(Theme, asked["themes"])),
                recipient=asked["recipient"],
                family=asked["family"],
            ),
        }


class FindingSerializer(serializers.Serializer):
    """One finding about one person and one use."""

    code = serializers.CharField()
    outcome = serializers.ChoiceField([outcome.value for outcome in Outcome])
    subject = serializers.UUIDField(source="person", allow_null=True)
    use = one_code(Use)
    detail = serializers.CharField()


class DecisionSerializer(serializers.Serializer):
    """A decision with everything that it rests on."""

    outcome = serializers.ChoiceField([outcome.value for outcome in Outcome])
    reasons = FindingSerializer(many=True)
    grants = serializers.ListField(child=serializers.UUIDField())
    profile = serializers.CharField()
    at = serializers.DateTimeField()
