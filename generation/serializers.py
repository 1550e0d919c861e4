"""Shapes of the API: what comes in, what goes out. What it means is the services' business."""

from typing import Any

import orjson
from rest_framework import serializers

from consent.uses import Use
from generation.answers import OutputAnswer, RunAnswer
from generation.digests import digest_text
from generation.models import ModelVersion, Output, TrainingRun
from generation.models.training import TRAINING_USES
from generation.services import ModelRequest, RunRequest, TrainingRequest
from generation.services.runs import MAX_DEPICTED, MAX_PROMPT_CHARS
from generation.services.training import MAX_REASON_CHARS, MAX_VERSIONS
from generation.states import FailureReason, OutputState, RunOutcome, RunState

DIGEST = r"^sha256:[0-9a-f]{64}$"


class WeightsSerializer(serializers.Serializer):
    """One file of a model."""

    path = serializers.CharField(max_length=200)
    sha256 = serializers.RegexField(DIGEST)


class ModelRequestSerializer(serializers.Serializer):
    """A model to register."""

    name = serializers.CharField(max_length=80)
    version = serializers.CharField(max_length=40)
    weights = WeightsSerializer(many=True, allow_empty=False)
    effective_digest = serializers.RegexField(DIGEST)
    config_digest = serializers.RegexField(DIGEST)
    dataset_version = serializers.UUIDField(allow_null=True, required=False)
    training = serializers.UUIDField(allow_null=True, required=False)

    def as_request(self) -> ModelRequest:
        """Return the validated content as the service takes it."""
        values = dict(self.validated_data)
        values["weights"] = tuple((file["path"], file["sha256"]) for file in values["weights"])
        return ModelRequest(**values)


class ModelSerializer(serializers.ModelSerializer):
    """A registered model."""

    weights = WeightsSerializer(many=True, read_only=True)
    effective_digest = serializers.SerializerMethodField()
    config_digest = serializers.SerializerMethodField()

    class Meta:
        model = ModelVersion
        fields = (
            "id",
            "name",
            "version",
            "weights",
            "effective_digest",
            "config_digest",
            "dataset_version",
            "state",
            "record",
        )

    def get_effective_digest(self, model: ModelVersion) -> str:
        return digest_text(bytes(model.effective_digest))

    def get_config_digest(self, model: ModelVersion) -> str:
        return digest_text(bytes(model.configuration_digest))


class ParametersField(serializers.JSONField):
    """A JSON object; its values are checked where they are recorded: no floats, write "7.5"."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise serializers.ValidationError("this is no JSON object")
        return data


class RunRequestSerializer(serializers.Serializer):
    """A run to ask for."""

    model = serializers.UUIDField()
    project = serializers.UUIDField()
    prompt = serializers.CharField(
        max_length=MAX_PROMPT_CHARS, allow_blank=True, trim_whitespace=False
    )
    parameters = ParametersField(default=dict)
    depicts = serializers.ListField(
        child=serializers.UUIDField(), default=list, max_length=MAX_DEPICTED
    )
    instance = serializers.UUIDField()
    sequence = serializers.IntegerField(min_value=1, max_value=2**53 - 1)

    def as_request(self) -> RunRequest:
        """Return the validated content as the service takes it."""
        values = dict(self.validated_data)
        return RunRequest(**(values | {"depicts": tuple(values["depicts"])}))


class ReasonSerializer(serializers.Serializer):
    """Why a run was answered so."""

    code = serializers.CharField()
    detail = serializers.CharField()


class OutputStateSerializer(serializers.ModelSerializer):
    """An output in a list."""

    state = serializers.ChoiceField([state.value for state in OutputState])

    class Meta:
        model = Output
        fields = ("id", "state")


class RunAnswerSerializer(serializers.Serializer[RunAnswer]):
    """The answer to a run as it stands."""

    id = serializers.UUIDField(source="run.pk")
    outcome = serializers.ChoiceField([each.value for each in RunOutcome], source="run.outcome")
    state = serializers.ChoiceField([each.value for each in RunState], source="run.state")
    reasons = ReasonSerializer(many=True)
    authorised_until = serializers.DateTimeField(source="run.authorised_until", allow_null=True)
    record = serializers.UUIDField(source="run.record")
    outputs = OutputStateSerializer(many=True)


class CompletionSerializer(serializers.Serializer):
    """What an allowed run made: one or more PNG files, and how, as JSON text."""

    image = serializers.ListField(child=serializers.FileField(allow_empty_file=True))
    details = serializers.CharField(max_length=40_000)

    def validate_details(self, text: str) -> dict[str, Any]:
        try:
            details = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise serializers.ValidationError(f"this is no JSON: {error}") from error
        if not isinstance(details, dict):
            raise serializers.ValidationError("this is no JSON object")
        return details


class FailureSerializer(serializers.Serializer):
    """Why an allowed run made nothing."""

    reason = serializers.ChoiceField([reason.value for reason in FailureReason])


class OutputAnswerSerializer(serializers.Serializer[OutputAnswer]):
    """An output as it stands."""

    id = serializers.UUIDField(source="output.pk")
    run = serializers.UUIDField(source="output.run_id")
    state = serializers.ChoiceField([each.value for each in OutputState], source="output.state")
    codes = serializers.ListField(child=serializers.CharField(), source="output.codes")
    record = serializers.UUIDField(source="output.record")
    digest = serializers.CharField(allow_null=True)
    manifest = serializers.CharField(allow_null=True)


class TrainingRequestSerializer(serializers.Serializer):
    """A training to ask for."""

    project = serializers.UUIDField()
    versions = serializers.ListField(
        child=serializers.UUIDField(), min_length=1, max_length=MAX_VERSIONS
    )
    purpose = serializers.ChoiceField([use.value for use in TRAINING_USES])
    config_digest = serializers.RegexField(DIGEST)

    def as_request(self) -> TrainingRequest:
        """Return the validated content as the service takes it."""
        said = self.validated_data
        return TrainingRequest(
            project=said["project"],
            versions=tuple(said["versions"]),
            purpose=Use(said["purpose"]),
            config_digest=said["config_digest"],
        )


class TrainingSerializer(serializers.ModelSerializer):
    """A training as it stands: *authorised*, or what stands against it."""

    versions = serializers.SerializerMethodField()
    config_digest = serializers.SerializerMethodField()
    overridden = serializers.SerializerMethodField()

    class Meta:
        model = TrainingRun
        fields = (
            "id", "project", "versions", "purpose", "config_digest", "state", "people", "items",
            "codes", "overridden", "model", "proposed_at", "authorised_at", "ended_at", "record",
        )  # fmt: skip

    def get_versions(self, training: TrainingRun) -> list[str]:
        found = training.inputs.order_by("version_id").values_list("version_id", flat=True)
        return [str(version) for version in found]

    def get_config_digest(self, training: TrainingRun) -> str:
        return digest_text(bytes(training.configuration_digest))

    def get_overridden(self, training: TrainingRun) -> bool:
        return hasattr(training, "override") and training.override.approved_at is not None


class TrainedSerializer(serializers.Serializer):
    """The model that a training made."""

    model = serializers.UUIDField()


class OverrideSerializer(serializers.Serializer):
    """Why a training goes on all the same; sealed."""

    reason = serializers.CharField(max_length=MAX_REASON_CHARS)
