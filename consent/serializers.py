"""Shapes of the API: what comes in, what goes out. What it means is the services' business."""

from typing import Any

from rest_framework import serializers

from consent.decision import Context, Outcome
from consent.models import Dataset, DatasetVersion, Grant, Notice, Subject
from consent.normal import MAX_EMAIL, MAX_NAME
from consent.services import Answer
from consent.uses import Assurance, Medium, Method, Mode, Remedy, Theme, Use, Worded

MAX_SUBJECTS = 100


def _code(kind: type[Worded], **options: Any) -> serializers.ChoiceField:
    return serializers.ChoiceField([(code.value, code.words) for code in kind], **options)


def _codes(kind: type[Worded]) -> serializers.ListField:
    return serializers.ListField(child=_code(kind), max_length=len(kind), default=list)


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


class NoticeSerializer(serializers.ModelSerializer):
    """A published notice with its exact text."""

    digest = serializers.SerializerMethodField()

    class Meta:
        model = Notice
        fields = (
            "id",
            "code",
            "version",
            "language",
            "title",
            "text",
            "digest",
            "published_at",
            "record",
        )

    def get_digest(self, notice: Notice) -> str:
        return f"sha256:{notice.digest.hex()}"


class GrantRequestSerializer(serializers.Serializer):
    """What a person answered to a notice."""

    subject = serializers.UUIDField()
    notice = serializers.UUIDField()
    mode = _code(Mode)
    uses = _codes(Use)
    refused = _codes(Use)
    media = _codes(Medium)
    territories = serializers.ListField(
        child=serializers.CharField(max_length=5), max_length=250, default=list
    )
    barred_themes = _codes(Theme)
    assurance = _code(Assurance)
    method = _code(Method)
    remedy = _code(Remedy, default=Remedy.STOP_NEW_USE.value)
    valid_from = serializers.DateTimeField(allow_null=True, default=None)
    valid_until = serializers.DateTimeField(allow_null=True, default=None)

    def as_answer(self) -> Answer:
        """Return the validated content as the service takes it."""
        said: dict[str, Any] = self.validated_data
        return Answer(
            mode=Mode(said["mode"]),
            assurance=Assurance(said["assurance"]),
            method=Method(said["method"]),
            uses=frozenset(map(Use, said["uses"])),
            refused=frozenset(map(Use, said["refused"])),
            media=frozenset(map(Medium, said["media"])),
            territories=frozenset(said["territories"]),
            barred_themes=frozenset(map(Theme, said["barred_themes"])),
            remedy=Remedy(said["remedy"]),
            valid_from=said["valid_from"],
            valid_until=said["valid_until"],
        )


class GrantSerializer(serializers.ModelSerializer):
    """An answer, its terms and where it stands."""

    class Meta:
        model = Grant
        fields = (
            "id",
            "subject",
            "notice",
            "mode",
            "uses",
            "refused",
            "media",
            "territories",
            "barred_themes",
            "assurance",
            "method",
            "remedy",
            "valid_from",
            "valid_until",
            "given_at",
            "ended_at",
            "state",
            "supersedes",
            "record",
        )


class WithdrawalSerializer(serializers.Serializer):
    """Which uses are taken back; all, when none is named."""

    uses = _codes(Use)
    method = _code(Method, default=Method.FORM.value)


class DecisionRequestSerializer(serializers.Serializer):
    """What is asked: may these people be used for this, there?"""

    subjects = serializers.ListField(child=serializers.UUIDField(), max_length=MAX_SUBJECTS)
    uses = serializers.ListField(child=_code(Use), min_length=1, max_length=len(Use))
    medium = _code(Medium, allow_null=True, default=None)
    territory = serializers.RegexField(r"^[A-Z]{2}$", allow_null=True, default=None)
    themes = _codes(Theme)
    at = serializers.DateTimeField(allow_null=True, default=None)

    def as_question(self) -> dict[str, Any]:
        """Return the validated content as the reader takes it."""
        asked: dict[str, Any] = self.validated_data
        return {
            "subjects": asked["subjects"],
            "uses": [Use(use) for use in asked["uses"]],
            "at": asked["at"],
            "context": Context(
                medium=Medium(asked["medium"]) if asked["medium"] else None,
                territory=asked["territory"],
                themes=frozenset(map(Theme, asked["themes"])),
            ),
        }


class FindingSerializer(serializers.Serializer):
    """One finding about one person and one use."""

    code = serializers.CharField()
    outcome = serializers.ChoiceField([outcome.value for outcome in Outcome])
    subject = serializers.UUIDField(source="person", allow_null=True)
    use = _code(Use)
    detail = serializers.CharField()


class DecisionSerializer(serializers.Serializer):
    """A decision with everything that it rests on."""

    outcome = serializers.ChoiceField([outcome.value for outcome in Outcome])
    reasons = FindingSerializer(many=True)
    grants = serializers.ListField(child=serializers.UUIDField())
    profile = serializers.CharField()
    at = serializers.DateTimeField()


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
