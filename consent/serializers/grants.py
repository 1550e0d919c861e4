"""Shapes of notices and answers."""

from typing import Any

from rest_framework import serializers

from consent.models import (
    Grant,
    Notice,
)
from consent.serializers.codes import one_code, some_codes, some_names
from consent.services import Answer
from consent.uses import (
    Assurance,
    Basis,
    Medium,
    Method,
    Mode,
    Remedy,
    Right,
    Theme,
    Use,
)


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


class MeantSerializer(serializers.Serializer):
    """Uses under the same terms, whoever says them."""

    mode = one_code(Mode)
    right = one_code(Right, default=Right.LIKENESS.value)
    basis = one_code(Basis, default=Basis.CONSENT.value)
    uses = some_codes(Use)
    refused = some_codes(Use)
    media = some_codes(Medium)
    territories = serializers.ListField(
        child=serializers.CharField(max_length=5), max_length=250, default=list
    )
    recipients = some_names()
    families = some_names()
    barred_themes = some_codes(Theme)
    remedy = one_code(Remedy, default=Remedy.STOP_NEW_USE.value)
    valid_from = serializers.DateTimeField(allow_null=True, default=None)
    valid_until = serializers.DateTimeField(allow_null=True, default=None)


class TermsSerializer(MeantSerializer):
    """What a person is asked, or said: how surely, and by which way."""

    assurance = one_code(Assurance)
    method = one_code(Method)

    def as_answer(self) -> Answer:
        """Return the validated content as the service takes it."""
        return Answer.parse(self.validated_data)


class AskingSerializer(TermsSerializer):
    """What a person is asked for, by which notice."""

    subject = serializers.UUIDField()
    notice = serializers.UUIDField()


class SpokenSerializer(serializers.Serializer):
    """Who spoke, where that was not the person."""

    representation = serializers.UUIDField(allow_null=True, default=None)


class AnswerSerializer(SpokenSerializer, TermsSerializer):
    """What a person answered; ``representation`` says by whom, where that was not the person.

    ``signed_on`` is the day on a paper that is recorded later: an answer is as old as that, and
    counts from when it is recorded.
    """

    signed_on = serializers.DateField(allow_null=True, default=None)


class GrantRequestSerializer(AskingSerializer, AnswerSerializer):
    """What a person answered to a notice."""


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
            "signed_on",
            "valid_from",
            "valid_until",
            "opened_at",
            "given_at",
            "suspended_at",
            "resumed_at",
            "ended_at",
            "state",
            "supersedes",
            "renews",
            "record",
        )


class WithdrawalSerializer(serializers.Serializer):
    """Which uses are taken back; all, when none is named. ``alike``: and all said like it."""

    uses = some_codes(Use)
    alike = serializers.BooleanField(default=False)
    method = one_code(Method, default=Method.FORM.value)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["alike"] and attrs["uses"]:
            raise serializers.ValidationError({"uses": "With alike, name no uses: all are meant."})
        return attrs


class MethodSerializer(serializers.Serializer):
    """By which way the person's word came."""

    method = one_code(Method)


class RefusalSerializer(SpokenSerializer, MethodSerializer):
    """That somebody says no to all that was asked, by which way."""


class RenewalSerializer(MethodSerializer):
    """The new term of an answer; without an end it stands until it is taken back."""

    assurance = one_code(Assurance)

    valid_until = serializers.DateTimeField(allow_null=True, default=None)
