"""Shapes of vetting."""

from typing import Any

from rest_framework import serializers

from consent.models import Vetting, VettingErrand, VettingFinding, VettingState, VettingWaiver
from consent.services import gate
from consent.services.vetting_acts import MAX_REASON
from consent.vetting.gate import Code


class AcceptanceSerializer(serializers.Serializer):
    """Why a finding is taken as it is."""

    reason = serializers.CharField(max_length=MAX_REASON)


class SettingAsideSerializer(serializers.Serializer):
    """Which items of a finding leave the draft; none named: all of them."""

    items = serializers.ListField(child=serializers.UUIDField(), default=list, max_length=10_000)


class VettingWaiverSerializer(serializers.ModelSerializer):
    """That a draft may be frozen unvetted as it is; the reason is sealed."""

    class Meta:
        model = VettingWaiver
        fields = ("id", "version", "waived_at", "record")


class VettingFindingSerializer(serializers.ModelSerializer):
    """One sort of thing that was found; ``detail`` counts by licence, flag or group (thousandths).

    What *blocks* must be gone before freezing, what *asks* be accepted or gone; a *note* is no
    hindrance.
    """

    sentence = serializers.SerializerMethodField()
    detail = serializers.SerializerMethodField()

    class Meta:
        model = VettingFinding
        fields = (
            *("id", "code", "severity", "count", "sentence", "detail", "state", "decided_at"),
            "record",
        )

    def get_sentence(self, finding: VettingFinding) -> str:
        return Code(finding.code).sentence(finding.count)

    def get_detail(self, finding: VettingFinding) -> dict[str, int]:
        return gate.detail_of(finding)


class VettingSerializer(serializers.ModelSerializer):
    """The last look at a version: how far it is, what was found, and what the gate says now.

    ``verdict`` is *may*, *after_decisions* or *not*; ``is_fresh`` is false when something came in
    since, and the version must be vetted again.
    """

    findings = VettingFindingSerializer(many=True)
    verdict = serializers.SerializerMethodField()
    is_fresh = serializers.SerializerMethodField()
    progress = serializers.SerializerMethodField()

    class Meta:
        model = Vetting
        fields = (
            *("id", "version", "state", "ordered_at", "done_at", "detector", "hasher", "near"),
            *("members", "looked", "compared", "verdict", "is_fresh", "progress", "findings"),
            "record",
        )

    def get_verdict(self, vetting: Vetting) -> str | None:
        return gate.verdict_of(vetting).value if vetting.state == VettingState.DONE else None

    def get_is_fresh(self, vetting: Vetting) -> bool:
        return vetting.state == VettingState.DONE and gate.is_fresh(vetting)

    def get_progress(self, vetting: Vetting) -> dict[str, Any] | None:
        errand = VettingErrand.objects.filter(pk=vetting.pk).first()
        return {"seen": errand.seen, "total": errand.total} if errand else None
