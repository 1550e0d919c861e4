"""The API of consent records and receipts."""

import json
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from consent import services
from consent.formats.doubts import Doubt
from consent.models import Account, AnswerPaper, Grant
from consent.receipts.kantara import read_kantara
from consent.receipts.verify import Outside, verify_receipt
from consent.serializers.receipts import (
    ImportedSerializer,
    ReceiptImportSerializer,
    ReceiptToVerifySerializer,
    VerdictSerializer,
)
from consent.signing import read_receipt_keys
from consent.views.access import IDEMPOTENCY_KEY, ConsentView, read
from ledger.errors import ScopeGone
from ledger.services.report import all_logs_policy

JSON_LD, ZIP = "application/ld+json", "application/zip"
_DOCUMENT = {
    (200, JSON_LD): OpenApiResponse(OpenApiTypes.OBJECT, "ISO/IEC TS 27560 in terms of DPV"),
    409: OpenApiResponse(OpenApiTypes.OBJECT, "The log does not show the answer yet."),
}


def open_paper(reader: Account, paper: AnswerPaper) -> bytes:
    """Return a paper's bytes, on the record. Raises NotPermitted, ScopeGone."""
    content = services.read_paper(reader=reader, paper=paper)
    if content is None:
        raise ScopeGone("the paper was destroyed with the person's key")
    return content


class GrantRecordView(ConsentView):
    """Read an answer as a consent record."""

    scopes = {"GET": "grants:read"}

    @extend_schema(operation_id="grant_record", responses=_DOCUMENT)
    def get(self, request: Request, grant_id: UUID) -> HttpResponse:  # noqa: ARG002
        record = services.read_record(reader=self.account, grant_id=grant_id)
        return HttpResponse(json.dumps(record, ensure_ascii=False), content_type=JSON_LD)


class GrantReceiptView(ConsentView):
    """Fetch the signed receipt of an answer as it stands; it is written when first asked for."""

    scopes = {"GET": "grants:read"}

    @extend_schema(operation_id="grant_receipt", responses=_DOCUMENT)
    def get(self, request: Request, grant_id: UUID) -> HttpResponse:  # noqa: ARG002
        paper = services.issue_receipt(actor=self.account, grant_id=grant_id)
        return HttpResponse(open_paper(self.account, paper), content_type=JSON_LD)


class GrantBundleView(ConsentView):
    """Fetch the proof of an answer as it stands: a ZIP file that muniment-verify reads."""

    scopes = {"GET": "grants:read"}

    @extend_schema(
        operation_id="grant_bundle",
        responses={
            (200, ZIP): OpenApiResponse(OpenApiTypes.BINARY, "A bundle"),
            409: OpenApiResponse(OpenApiTypes.OBJECT, "The log does not show the answer yet."),
        },
    )
    def get(self, request: Request, grant_id: UUID) -> HttpResponse:  # noqa: ARG002
        paper = services.issue_bundle(actor=self.account, grant_id=grant_id)
        return HttpResponse(open_paper(self.account, paper), content_type=ZIP)


class ReceiptVerificationView(APIView):
    """Verify a receipt of this service. Anybody may ask; nothing of it is kept or logged."""

    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="verify_receipt",
        request=ReceiptToVerifySerializer,
        responses=VerdictSerializer,
    )
    def post(self, request: Request) -> Response:
        said = read(ReceiptToVerifySerializer, request).validated_data
        outside = Outside(read_receipt_keys(), all_logs_policy(), said["notice"])
        verdict = verify_receipt(json.dumps(said["receipt"]).encode(), outside)
        return Response(VerdictSerializer(verdict).data)


class ReceiptKeysView(APIView):
    """List the keys that sign receipts, or ever signed: the newest last."""

    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="receipt_keys",
        responses={200: OpenApiResponse(OpenApiTypes.OBJECT, "Multikeys, oldest first")},
    )
    def get(self, request: Request) -> Response:  # noqa: ARG002
        return Response({"keys": list(read_receipt_keys())})


class ReceiptImportView(ConsentView):
    """Take in a Kantara 1.1 receipt: given where it is signed and plain, else a draft."""

    scopes = {"POST": "grants:write"}

    @extend_schema(
        operation_id="import_receipt",
        request=ReceiptImportSerializer,
        responses={201: ImportedSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request) -> Response:
        asked = read(ReceiptImportSerializer, request)
        said = asked.validated_data
        content = said["receipt"].encode()

        def write() -> Grant:
            return services.import_receipt(
                actor=self.account,
                subject_id=said["subject"],
                notice_id=said["notice"],
                content=content,
                key=said["key"],
                answer=asked.as_answer(),
            ).grant

        grant = self.once(Grant, said, write)
        # Read again, so that a repetition is answered alike.
        doubts: tuple[Doubt, ...] = read_kantara(content, key=said["key"]).doubts
        return Response(ImportedSerializer({"grant": grant, "doubts": doubts}).data, status=201)
