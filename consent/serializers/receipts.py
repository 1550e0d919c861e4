"""Shapes of receipts: to be verified, to be taken in."""

from rest_framework import serializers

from consent.receipts.kantara import MAX_BYTES
from consent.receipts.verify import NOT_CHECKED, Verdict
from consent.serializers.grants import GrantSerializer, MeantSerializer
from consent.services import Answer
from consent.uses import Assurance, Method

LONGEST_KEY = 2_000
LONGEST_NOTICE = 100_000


class ReceiptToVerifySerializer(serializers.Serializer):
    """A receipt as it was handed out, and the notice's text where it is to be compared."""

    receipt = serializers.DictField(help_text="The whole document.")
    notice = serializers.CharField(
        max_length=LONGEST_NOTICE, allow_null=True, default=None, trim_whitespace=False
    )


class ReceiptFindingSerializer(serializers.Serializer):
    """One thing that does not verify."""

    code = serializers.CharField()
    detail = serializers.CharField()


class VerdictSerializer(serializers.Serializer):
    """What a verification came to: two lines for people, and the same for programs."""

    headline = serializers.CharField()
    rests_on = serializers.CharField()
    verified = serializers.BooleanField(source="is_consistent")
    authenticated = serializers.BooleanField(source="is_authenticated")
    checked = serializers.ListField(child=serializers.CharField())
    not_checked = serializers.SerializerMethodField()
    findings = ReceiptFindingSerializer(many=True)

    def get_not_checked(self, verdict: Verdict) -> list[str]:  # noqa: ARG002
        return list(NOT_CHECKED)


class ReceiptImportSerializer(MeantSerializer):
    """A Kantara receipt, and what its words mean; how surely and how it came it says itself."""

    subject = serializers.UUIDField()
    notice = serializers.UUIDField()
    receipt = serializers.CharField(max_length=MAX_BYTES, help_text="JSON text, or a JWT.")
    key = serializers.CharField(
        max_length=LONGEST_KEY,
        allow_null=True,
        default=None,
        help_text="The issuer's public key in PEM, for a JWT.",
    )

    def as_answer(self) -> Answer:
        """Return the validated content as the service takes it, as weak as can be."""
        weakest = {"assurance": Assurance.SELF_ASSERTED.value, "method": Method.FORM.value}
        return Answer.parse({**self.validated_data, **weakest})


class DoubtSerializer(serializers.Serializer):
    """One thing that is not simply trusted."""

    code = serializers.CharField()
    place = serializers.CharField()
    sentence = serializers.CharField()


class ImportedSerializer(serializers.Serializer):
    """The answer that a receipt became, and what stands against it."""

    grant = GrantSerializer()
    doubts = DoubtSerializer(many=True)
