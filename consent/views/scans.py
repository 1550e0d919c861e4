"""The API of searches of everybody, and of notices served."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from consent import services, tasks
from consent.models import Scan, Serving
from consent.serializers.scans import (
    ScanRequestSerializer,
    ScanSerializer,
    ServingRequestSerializer,
    ServingSerializer,
)
from consent.services.authority import get, require
from consent.views.access import IDEMPOTENCY_KEY, ConsentView, read


class ScansView(ConsentView):
    """Order a search of everybody; terms never stand in an address line."""

    scopes = {"POST": "subjects:write"}

    @extend_schema(
        request=ScanRequestSerializer, responses={202: ScanSerializer}, parameters=[IDEMPOTENCY_KEY]
    )
    def post(self, request: Request) -> Response:
        asked = read(ScanRequestSerializer, request)

        def write() -> Scan:
            scan = services.scan_subjects(actor=self.account, **asked.as_said())
            tasks.announce_scan(scan.pk)
            return scan

        scan = self.once(Scan, asked.validated_data, write)
        return Response(ScanSerializer(scan).data, status=202)


class ScanView(ConsentView):
    """Read how far a search of everybody is, and its answer."""

    scopes = {"GET": "subjects:read"}

    @extend_schema(responses=ScanSerializer)
    def get(self, request: Request, scan_id: UUID) -> Response:  # noqa: ARG002
        require(self.account, "consent.view_scan")
        scans = Scan.objects.prefetch_related("matches__subject")
        return Response(ScanSerializer(get(scans, scan_id)).data)


class ServingsView(ConsentView):
    """Record that a notice reached a person, apart from what they answer."""

    scopes = {"POST": "grants:write"}

    @extend_schema(
        request=ServingRequestSerializer,
        responses={201: ServingSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request) -> Response:
        asked = read(ServingRequestSerializer, request)
        row = self.once(
            Serving,
            asked.validated_data,
            lambda: services.serve_notice(actor=self.account, **asked.as_said()),
        )
        return Response(ServingSerializer(row).data, status=201)
