"""The API of what shows an answer."""

from hashlib import sha256
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from consent import services
from consent.models import Evidence, Grant
from consent.serializers.evidence import EvidenceKindSerializer, EvidenceSerializer
from consent.services.authority import get, require
from consent.services.subjects import MAX_EVIDENCE_BYTES
from consent.uses import EvidenceKind
from consent.views.access import IDEMPOTENCY_KEY, ConsentView
from consent.views.intakes import StreamParser
from ledger.errors import ScopeGone


class GrantEvidenceView(ConsentView):
    """List what shows an answer, or add a piece: the body is the file, unchanged."""

    scopes = {"GET": "grants:read", "POST": "grants:write"}
    parser_classes = (StreamParser,)

    @extend_schema(operation_id="grant_evidence", responses=EvidenceSerializer(many=True))
    def get(self, request: Request, grant_id: UUID) -> Response:  # noqa: ARG002
        require(self.account, "consent.view_grant")
        pieces = Evidence.objects.of(get(Grant.objects.all(), grant_id))
        return Response(EvidenceSerializer(pieces, many=True).data)

    @extend_schema(
        operation_id="add_evidence",
        request={"application/octet-stream": OpenApiTypes.BINARY},
        parameters=[EvidenceKindSerializer, IDEMPOTENCY_KEY],
        responses={201: EvidenceSerializer(many=True)},
    )
    def post(self, request: Request, grant_id: UUID) -> Response:
        asked = EvidenceKindSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        body: Any = request.data
        # One byte more than is allowed, so that the service says what is too large.
        content = body.read(MAX_EVIDENCE_BYTES + 1)
        piece = services.Piece(content, EvidenceKind(asked.validated_data["kind"]))
        said = {"kind": piece.kind.value, "digest": sha256(content).hexdigest()}

        def write() -> Grant:
            return services.add_evidence(actor=self.account, grant_id=grant_id, evidence=[piece])

        pieces = Evidence.objects.of(self.once(Grant, said, write))
        return Response(EvidenceSerializer(pieces, many=True).data, status=201)


class EvidenceView(ConsentView):
    """Fetch one piece of evidence; who fetched it is on the record first."""

    scopes = {"GET": "grants:read"}

    @extend_schema(
        operation_id="evidence",
        responses={
            (200, "application/octet-stream"): OpenApiResponse(OpenApiTypes.BINARY, "As it came")
        },
    )
    def get(self, request: Request, piece_id: UUID) -> HttpResponse:  # noqa: ARG002
        piece = get(Evidence.objects.select_related("file"), piece_id)
        content = services.read_evidence(reader=self.account, piece=piece)
        if content is None:
            raise ScopeGone("it was destroyed with the key of somebody who spoke")
        return HttpResponse(content, content_type=piece.media_type)
