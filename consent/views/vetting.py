"""The API of vetting."""

from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from consent import services, tasks
from consent.errors import Unknown
from consent.models import DatasetVersion, Vetting, VettingFinding, VettingWaiver
from consent.serializers.vetting import (
    AcceptanceSerializer,
    SettingAsideSerializer,
    VettingFindingSerializer,
    VettingSerializer,
    VettingWaiverSerializer,
)
from consent.services import gate
from consent.services.authority import get, require
from consent.views.access import IDEMPOTENCY_KEY, ConsentView, read


class VettingView(ConsentView):
    """Read the last vetting of a version, or order one of a draft."""

    scopes = {"GET": "datasets:read", "POST": "datasets:write"}

    @extend_schema(responses={200: VettingSerializer, 404: OpenApiTypes.OBJECT})
    def get(self, request: Request, dataset_id: UUID, version_id: UUID) -> Response:  # noqa: ARG002
        version = _version(dataset_id, version_id)
        require(self.account, "consent.view_datasetversion", version)
        vetting = gate.newest(version)
        if vetting is None:
            raise Unknown("nobody has vetted this version")
        return Response(VettingSerializer(vetting).data)

    @extend_schema(
        request=None,
        responses={202: VettingSerializer, 404: OpenApiTypes.OBJECT},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, dataset_id: UUID, version_id: UUID) -> Response:  # noqa: ARG002
        version = _version(dataset_id, version_id)

        def write() -> Vetting:
            vetting = services.vet_version(actor=self.account, version_id=version.pk)
            tasks.announce_vetting(vetting.pk)
            return vetting

        return Response(VettingSerializer(self.once(Vetting, {}, write)).data, status=202)


class FindingAcceptanceView(ConsentView):
    """Take what was found as it is, with a reason."""

    scopes = {"POST": "datasets:write"}

    @extend_schema(
        request=AcceptanceSerializer,
        responses={200: VettingFindingSerializer, 404: OpenApiTypes.OBJECT},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(
        self, request: Request, dataset_id: UUID, version_id: UUID, finding_id: UUID
    ) -> Response:
        finding = _finding(dataset_id, version_id, finding_id)
        said = read(AcceptanceSerializer, request).validated_data

        def write() -> VettingFinding:
            return services.accept_finding(
                actor=self.account, finding_id=finding.pk, reason=said["reason"]
            )

        return Response(VettingFindingSerializer(self.once(VettingFinding, said, write)).data)


class FindingSettingAsideView(ConsentView):
    """Take the pictures of a finding out of the draft, all or those named."""

    scopes = {"POST": "datasets:write"}

    @extend_schema(
        request=SettingAsideSerializer,
        responses={200: VettingFindingSerializer, 404: OpenApiTypes.OBJECT},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(
        self, request: Request, dataset_id: UUID, version_id: UUID, finding_id: UUID
    ) -> Response:
        finding = _finding(dataset_id, version_id, finding_id)
        said = read(SettingAsideSerializer, request).validated_data

        def write() -> VettingFinding:
            services.set_aside_items(
                actor=self.account, finding_id=finding.pk, item_ids=said["items"] or None
            )
            finding.refresh_from_db()
            return finding

        return Response(VettingFindingSerializer(self.once(VettingFinding, said, write)).data)


class VettingWaiverView(ConsentView):
    """Let a draft be frozen as it is though nobody vetted it, and answer for that."""

    scopes = {"POST": "datasets:write"}

    @extend_schema(
        request=AcceptanceSerializer,
        responses={201: VettingWaiverSerializer, 404: OpenApiTypes.OBJECT},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, dataset_id: UUID, version_id: UUID) -> Response:
        version = _version(dataset_id, version_id)
        said = read(AcceptanceSerializer, request).validated_data

        def write() -> VettingWaiver:
            return services.waive_vetting(
                actor=self.account, version_id=version.pk, reason=said["reason"]
            )

        row = self.once(VettingWaiver, said, write)
        return Response(VettingWaiverSerializer(row).data, status=201)


def _version(dataset_id: UUID, version_id: UUID) -> DatasetVersion:
    versions = DatasetVersion.objects.filter(dataset=dataset_id).select_related("dataset")
    return get(versions, version_id)


def _finding(dataset_id: UUID, version_id: UUID, finding_id: UUID) -> VettingFinding:
    version = _version(dataset_id, version_id)
    return get(VettingFinding.objects.filter(vetting__version=version), finding_id)
