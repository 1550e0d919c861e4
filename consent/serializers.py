"""Shapes of the API: what comes in, what goes out. What it means is the services' business."""

from typing import Any

from rest_framework import serializers

from consent import profiles
from consent.decision import Context, Outcome
from consent.models import (
    Dataset,
    DatasetVersion,
    Grant,
    Notice,
    Observation,
    Representation,
    Subject,
    Title,
)
from consent.normal import MAX_EMAIL, MAX_NAME
from consent.services import Answer, Span
from consent.services.answers import MAX_CODES
from consent.services.projects import MAX_CODE
from consent.services.signals import MAX_PLACE, MAX_RAW_BYTES
from consent.uses import (
    ANY,
    Assurance,
    Basis,
    Capacity,
    Medium,
    Method,
    Mode,
    Remedy,
    Right,
    Theme,
    Use,
    Worded,
)

MAX_SUBJECTS = 100


def _code(kind: type[Worded], **options: Any) -> serializers.ChoiceField:
    return serializers.ChoiceField([(code.value, code.words) for code in kind], **options)


def _codes(kind: type[Worded]) -> serializers.ListField:
    return serializers.ListField(child=_code(kind), max_length=len(kind), default=list)


def _names() -> serializers.ListField:
    """Codes of organisations or of model families, by default all of them, said so."""
    return serializers.ListField(
        child=serializers.CharField(max_length=MAX_CODE),
        max_length=MAX_CODES,
        default=lambda: [ANY],
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


class AnswerSerializer(serializers.Serializer):
    """What a person answered; ``representation`` says by whom, where that was not the person."""

    mode = _code(Mode)
    right = _code(Right, default=Right.LIKENESS.value)
    basis = _code(Basis, default=Basis.CONSENT.value)
    uses = _codes(Use)
    refused = _codes(Use)
    media = _codes(Medium)
    territories = serializers.ListField(
        child=serializers.CharField(max_length=5), max_length=250, default=list
    )
    recipients = _names()
    families = _names()
    barred_themes = _codes(Theme)
    assurance = _code(Assurance)
    method = _code(Method)
    remedy = _code(Remedy, default=Remedy.STOP_NEW_USE.value)
    valid_from = serializers.DateTimeField(allow_null=True, default=None)
    valid_until = serializers.DateTimeField(allow_null=True, default=None)
    representation = serializers.UUIDField(allow_null=True, default=None)

    def as_answer(self) -> Answer:
        """Return the validated content as the service takes it."""
        said: dict[str, Any] = self.validated_data
        return Answer(
            mode=Mode(said["mode"]),
            right=Right(said["right"]),
            basis=Basis(said["basis"]),
            assurance=Assurance(said["assurance"]),
            method=Method(said["method"]),
            uses=frozenset(map(Use, said["uses"])),
            refused=frozenset(map(Use, said["refused"])),
            media=frozenset(map(Medium, said["media"])),
            territories=frozenset(said["territories"]),
            recipients=frozenset(said["recipients"]),
            families=frozenset(said["families"]),
            barred_themes=frozenset(map(Theme, said["barred_themes"])),
            remedy=Remedy(said["remedy"]),
            valid_from=said["valid_from"],
            valid_until=said["valid_until"],
        )


class GrantRequestSerializer(AnswerSerializer):
    """What a person answered to a notice, or is asked for."""

    subject = serializers.UUIDField()
    notice = serializers.UUIDField()


class GrantSerializer(serializers.ModelSerializer):
    """An answer, its terms and where it stands."""

    class Meta:
        model = Grant
        fields = (
            "id",
            "subject",
            "notice",
            "right",
            "basis",
            "mode",
            "uses",
            "refused",
            "media",
            "territories",
            "recipients",
            "families",
            "barred_themes",
            "assurance",
            "method",
            "capacity",
            "power_until",
            "remedy",
            "valid_from",
            "valid_until",
            "opened_at",
            "given_at",
            "suspended_at",
            "resumed_at",
            "ended_at",
            "state",
            "supersedes",
            "record",
        )


class WithdrawalSerializer(serializers.Serializer):
    """Which uses are taken back; all, when none is named."""

    uses = _codes(Use)
    method = _code(Method, default=Method.FORM.value)


class MethodSerializer(serializers.Serializer):
    """By which way the person's word came."""

    method = _code(Method)


class RenewalSerializer(MethodSerializer):
    """The new term of an answer; without an end it stands until it is taken back."""

    valid_until = serializers.DateTimeField(allow_null=True, default=None)


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
    capacity = _code(Capacity)

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
    right = _code(Right)
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
    headers = serializers.CharField(max_length=MAX_RAW_BYTES)


class SignalSerializer(serializers.ModelSerializer):
    """A signal that was recorded, and what it says."""

    findings = serializers.SerializerMethodField()

    class Meta:
        model = Observation
        fields = ("id", "subject", "source", "seen_at", "findings", "record")

    def get_findings(self, seen: Observation) -> list[dict[str, Any]]:
        found = seen.findings.values("signal", "standing", "code", "uses")
        return [dict(one) for one in found]


class DecisionRequestSerializer(serializers.Serializer):
    """What is asked: may these people be used for this, there?"""

    subjects = serializers.ListField(child=serializers.UUIDField(), max_length=MAX_SUBJECTS)
    uses = serializers.ListField(child=_code(Use), min_length=1, max_length=len(Use))
    medium = _code(Medium, allow_null=True, default=None)
    territory = serializers.RegexField(r"^[A-Z]{2}$", allow_null=True, default=None)
    themes = _codes(Theme)
    recipient = serializers.CharField(max_length=MAX_CODE, allow_null=True, default=None)
    family = serializers.CharField(max_length=MAX_CODE, allow_null=True, default=None)
    right = _code(Right, default=Right.LIKENESS.value)
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
