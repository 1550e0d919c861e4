"""Shapes of what comes in."""

import json
from typing import Any

from django.db.models import Count, Func
from rest_framework import serializers

from consent.formats.columns import Meaning
from consent.intake import ACCEPTABLE, sentence
from consent.models import Intake
from consent.uses import Form, LegalBasis

BRINGABLE = [
    form.value for form in Form if form not in {Form.FOLDER, Form.VERSION, Form.ANONYMISED}
]


class ArrivalSerializer(serializers.Serializer):
    """What the body is, and where it goes: into a draft, or, for a lineage, to a project."""

    form = serializers.ChoiceField(BRINGABLE)
    version = serializers.UUIDField(required=False, help_text="The draft that items go into.")
    project = serializers.UUIDField(required=False)
    source = serializers.UUIDField(required=False)  # type: ignore[assignment]
    mapping = serializers.CharField(
        required=False,
        max_length=100_000,
        help_text="JSON: what columns of a table mean, by their names.",
    )

    def validate_mapping(self, text: str) -> dict[str, str]:
        try:
            mapping = json.loads(text)
            text.encode()
            json.dumps(mapping, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:
            raise serializers.ValidationError("mapping is no JSON") from error
        if not isinstance(mapping, dict) or not all(isinstance(v, str) for v in mapping.values()):
            raise serializers.ValidationError("mapping must be an object of texts")
        if not set(mapping.values()) <= set(Meaning):
            raise serializers.ValidationError(f"a column means one of {', '.join(Meaning)}")
        return mapping

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "version" not in attrs and "project" not in attrs:
            raise serializers.ValidationError("say a version or a project")
        return {
            "form": Form(attrs["form"]),
            "version_id": attrs.get("version"),
            "project_id": attrs.get("project"),
            "source_id": attrs.get("source"),
            "mapping": attrs.get("mapping"),
        }


class ReasonSerializer(serializers.Serializer):
    """Why items wait, in words, and how many."""

    reason = serializers.CharField()
    words = serializers.CharField()
    items = serializers.IntegerField()
    acceptable = serializers.BooleanField()


class IntakeSerializer(serializers.ModelSerializer):
    """Something that came in, and how far it has been read."""

    waiting = serializers.SerializerMethodField()

    class Meta:
        model = Intake
        fields = (
            *("id", "project", "version", "source", "form", "state", "read_to", "item_count"),
            *("dropped_count", "received_at", "read_at", "waiting", "record"),
        )

    def get_waiting(self, intake: Intake) -> list[dict[str, Any]]:
        return waiting_for(intake)


def waiting_for(intake: Intake) -> list[dict[str, Any]]:
    """Return why items of an intake wait, most frequent first."""
    reasons = intake.quarantined.annotate(reason=Func("reasons", function="unnest"))
    counted = reasons.order_by().values_list("reason").annotate(items=Count("pk"))
    return [
        {
            "reason": reason,
            "words": sentence(reason),
            "items": items,
            "acceptable": reason in ACCEPTABLE,
        }
        for reason, items in sorted(counted, key=lambda row: (-row[1], row[0]))
    ]


class NamedSerializer(serializers.Serializer):
    """Who is meant by a name; nobody when no subject is given."""

    name = serializers.CharField(max_length=200)
    subject = serializers.UUIDField(allow_null=True)


class RepairSerializer(serializers.Serializer):
    """What is said of all items that wait for one reason."""

    reason = serializers.CharField(max_length=40)
    licence = serializers.CharField(max_length=40, default="", allow_blank=True)
    legal_basis = serializers.ChoiceField(
        ["", *(basis.value for basis in LegalBasis)], default="", allow_blank=True
    )
    people = NamedSerializer(many=True, default=list)
    accept = serializers.BooleanField(default=False)


class RepairedSerializer(serializers.Serializer):
    """How many items were let in, and how many still wait for this reason."""

    items = serializers.IntegerField()
    waiting = serializers.IntegerField()
