"""Shapes of recipients and of what was given to them."""

from rest_framework import serializers

from consent.models import Delivery, Given, Recipient
from consent.serializers.codes import one_code
from consent.uses import Handover


class RecipientRequestSerializer(serializers.Serializer):
    """An organisation; ``details`` say who they are and where to tell them, and are sealed."""

    code = serializers.CharField(max_length=50)
    details = serializers.CharField(max_length=2_000, default="", allow_blank=True)


class RecipientCorrectionSerializer(serializers.Serializer):
    """Who a recipient is and where to tell it, in full: it takes the place of what stood there."""

    details = serializers.CharField(max_length=2_000)
    seen = serializers.UUIDField(
        default=None,
        allow_null=True,
        help_text="The recipient's record as you know it: with a newer one it is refused.",
    )


class RecipientSerializer(serializers.ModelSerializer):
    """A recipient; its details stay sealed."""

    class Meta:
        model = Recipient
        fields = ("id", "code", "named_at", "record")


class DeliveryRequestSerializer(serializers.Serializer):
    """What was given to whom, how, and when: now unless something else is said."""

    recipient = serializers.UUIDField()
    kind = serializers.ChoiceField(Given.choices)
    id = serializers.UUIDField()
    how = one_code(Handover)
    delivered_at = serializers.DateTimeField(required=False)


class DeliverySerializer(serializers.ModelSerializer):
    """That something was given; ``node`` is empty when it was erased with its people."""

    class Meta:
        model = Delivery
        fields = ("id", "recipient", "project", "kind", "node", "how", "delivered_at", "record")
