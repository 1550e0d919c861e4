"""HTTP: records and their proofs for programs, the glossary for people."""

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from oauth2_provider.contrib.rest_framework import TokenHasScope
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ledger import receipt
from ledger.glossary import GLOSSARY
from ledger.kinds import KINDS
from ledger.negotiation import OneType
from ledger.proofs import prove_record
from ledger.publication import prove_outside
from ledger.serializers import KindSerializer, RecordSerializer
from ledger.standing import RecordState, get_standing

PROOF_TYPE = "text/plain; charset=utf-8"


class RecordAccess(TokenHasScope):  # type: ignore[misc]
    """Programs need the scope ``records:read``, signed-in people the permission to see records."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if request.auth is None:
            return bool(request.user.has_perm("ledger.view_record"))
        return bool(super().has_permission(request, view))


class RecordView(APIView):
    """Say what one record says in the open, and where it stands."""

    permission_classes = [RecordAccess]
    required_scopes = ["records:read"]

    @extend_schema(
        operation_id="record", responses={200: RecordSerializer, 404: OpenApiTypes.OBJECT}
    )
    def get(self, request: Request, record: UUID) -> Response:  # noqa: ARG002
        return Response(RecordSerializer(_tell(record)).data)


class RecordProofView(APIView):
    """Prove one record: C2SP tlog-proof text, for the exact ``leaf`` that the record gives."""

    permission_classes = [RecordAccess]
    required_scopes = ["records:read"]
    content_negotiation_class = OneType

    @extend_schema(
        operation_id="record_proof",
        responses={
            (200, "text/plain"): OpenApiResponse(OpenApiTypes.STR, "c2sp.org/tlog-proof@v1"),
            404: OpenApiTypes.OBJECT,
            409: OpenApiResponse(OpenApiTypes.OBJECT, "The record is not published yet."),
        },
    )
    def get(self, request: Request, record: UUID) -> HttpResponse:  # noqa: ARG002
        return HttpResponse(str(prove_outside(record).proof), content_type=PROOF_TYPE)


class RecordReceiptView(APIView):
    """Prove one record: a COSE receipt (RFC 9942) for the ``leaf`` that the record gives."""

    permission_classes = [RecordAccess]
    required_scopes = ["records:read"]
    content_negotiation_class = OneType

    @extend_schema(
        operation_id="record_receipt",
        responses={
            (200, "application/cose"): OpenApiResponse(OpenApiTypes.BINARY, "RFC 9942"),
            404: OpenApiTypes.OBJECT,
            409: OpenApiResponse(OpenApiTypes.OBJECT, "The record is not published yet."),
        },
    )
    def get(self, request: Request, record: UUID) -> HttpResponse:  # noqa: ARG002
        return HttpResponse(bytes(prove_outside(record).receipt), content_type=receipt.MEDIA_TYPE)


class KindsView(APIView):
    """List the kinds of records, each with the JSON Schema of its facts."""

    permission_classes = [AllowAny]

    @extend_schema(operation_id="kinds", responses=KindSerializer(many=True))
    def get(self, request: Request) -> Response:  # noqa: ARG002
        kinds = [
            {
                "name": kind.name,
                "cut": kind.cut.value,
                "facts": kind.facts.model_json_schema(),
                "open": kind.is_open,
            }
            for kind in KINDS
        ]
        return Response(KindSerializer(kinds, many=True).data)


def glossary(request: HttpRequest) -> HttpResponse:
    """Explain the words on the screens."""
    context = {**admin.site.each_context(request), "title": "Glossary", "terms": GLOSSARY}
    return TemplateResponse(request, "ledger/glossary.html", context)


def _tell(uuid: UUID) -> dict[str, Any]:
    stands = get_standing(uuid)
    is_published = stands.state is RecordState.PUBLISHED
    return {
        "id": uuid,
        "state": stands.state.value,
        "kind": stands.body.kind,
        "at": stands.body.at,
        "facts": stands.body.facts,
        "origin": stands.leaf and stands.leaf.incarnation.origin,
        "index": stands.leaf and stands.leaf.index,
        "leaf": prove_record(uuid).leaf.decode() if is_published else None,
    }
