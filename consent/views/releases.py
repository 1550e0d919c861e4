"""The API of old releases: bring a table and its scans, set right what waits, take in the rest."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response

from consent import services, tasks
from consent.models import ReleaseImport
from consent.releases.stating import Said
from consent.serializers.releases import (
    BringingSerializer,
    DecidingSerializer,
    LinesSerializer,
    ReasonOfSerializer,
    ReleaseImportSerializer,
    ReleaseLineSerializer,
    SaidSerializer,
    UnclearSerializer,
    WrittenSerializer,
)
from consent.services.authority import get, require
from consent.views.access import ConsentView, read
from consent.views.intakes import StreamParser, body_of

VIEW = "consent.view_releaseimport"
MOST_UNCLEAR = 200
_BINARY = {"application/octet-stream": OpenApiTypes.BINARY}


class ReleasesView(ConsentView, ListAPIView):
    """List imports of old releases, or bring a table: the body is the file, unchanged."""

    scopes = {"GET": "releases:read", "POST": "releases:write"}
    serializer_class = ReleaseImportSerializer
    parser_classes = (StreamParser,)

    def get_queryset(self) -> Any:
        require(self.account, VIEW)
        return ReleaseImport.objects.select_related("errand").order_by("-received_at", "pk")

    @extend_schema(
        request=_BINARY,
        parameters=[BringingSerializer],
        responses={201: ReleaseImportSerializer, 200: ReleaseImportSerializer},
        description="The same table is taken once: sent again it answers alike. Nothing is made of "
        "it until `take`.",
    )
    def post(self, request: Request) -> Response:
        asked = BringingSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        said = asked.validated_data
        bringing = services.Bringing(said.get("notice"), said["encoding"], said.get("said", Said()))
        content: Any = body_of(request)
        row, again = services.bring_releases(actor=self.account, bringing=bringing, content=content)
        tasks.announce_releases(row.pk)
        return Response(ReleaseImportSerializer(row).data, status=200 if again else 201)


class ReleaseView(ConsentView):
    """How far an import is, and how many lines wait for what reason."""

    scopes = {"GET": "releases:read"}

    @extend_schema(responses={200: ReleaseImportSerializer, 404: OpenApiTypes.OBJECT})
    def get(self, request: Request, import_id: Any) -> Response:  # noqa: ARG002
        require(self.account, VIEW)
        return _answer(import_id)


class ReleaseScansView(ConsentView):
    """Bring scans: the body is a ZIP archive of PDF, JPEG, PNG, TIFF or WebP files."""

    scopes = {"POST": "releases:write"}
    parser_classes = (StreamParser,)

    @extend_schema(request=_BINARY, responses={202: ReleaseImportSerializer})
    def post(self, request: Request, import_id: Any) -> Response:
        content: Any = body_of(request)
        services.bring_scans(actor=self.account, import_id=import_id, content=content)
        return _answer(import_id, 202)


class ReleaseExplainingView(ConsentView):
    """Say how the whole table is to be read; all that waits is looked at again."""

    scopes = {"POST": "releases:write"}

    @extend_schema(request=SaidSerializer, responses={202: ReleaseImportSerializer})
    def post(self, request: Request, import_id: Any) -> Response:
        said = read(SaidSerializer, request).as_said()
        services.explain(actor=self.account, import_id=import_id, said=said)
        return _answer(import_id, 202)


class ReleaseWaitingView(ConsentView):
    """What waits, as CSV; set right in a table it is brought back here."""

    scopes = {"GET": "releases:write", "POST": "releases:write"}
    parser_classes = (StreamParser,)

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.BINARY})
    def get(self, request: Request, import_id: Any) -> StreamingHttpResponse:  # noqa: ARG002
        lines = services.write_waiting(reader=self.account, import_id=import_id)
        response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="waiting-{import_id}.csv"'
        return response

    @extend_schema(
        request=_BINARY, parameters=[WrittenSerializer], responses={200: LinesSerializer}
    )
    def post(self, request: Request, import_id: Any) -> Response:
        content: Any = body_of(request)
        asked = WrittenSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        lines = services.bring_repaired(
            actor=self.account,
            import_id=import_id,
            content=content,
            encoding=asked.validated_data["encoding"],
        )
        tasks.announce_releases(import_id)
        return Response({"lines": lines})


class ReleaseUnclearView(ConsentView):
    """The lines of which it is not known who is meant, with whom each may be."""

    scopes = {"GET": "releases:write"}

    @extend_schema(responses={200: UnclearSerializer(many=True)})
    def get(self, request: Request, import_id: Any) -> Response:  # noqa: ARG002
        require(self.account, services.BRING_RELEASE)
        row = get(ReleaseImport.objects.all(), import_id)
        found = services.find_unclear(reader=self.account, importing=row, most=MOST_UNCLEAR)
        return Response(UnclearSerializer(found, many=True).data)


class ReleaseDecisionView(ConsentView):
    """Say who a line speaks of, or who its guardian is."""

    scopes = {"POST": "releases:write"}

    @extend_schema(request=DecidingSerializer, responses={200: ReleaseLineSerializer})
    def post(self, request: Request, line_id: Any) -> Response:
        said = read(DecidingSerializer, request).validated_data
        line = services.decide_line(
            actor=self.account,
            line_id=line_id,
            subject_id=said["subject"],
            is_guardian=said["guardian"],
        )
        tasks.announce_releases(line.importing_id)
        return Response(ReleaseLineSerializer(line).data)


class _LinesView(ConsentView):
    """An act on all lines that wait for a reason."""

    scopes = {"POST": "releases:write"}
    parser_classes = (JSONParser,)

    act: ClassVar[Callable[..., int]]

    @extend_schema(request=ReasonOfSerializer, responses={200: LinesSerializer})
    def post(self, request: Request, import_id: Any) -> Response:
        reason = read(ReasonOfSerializer, request).validated_data["reason"]
        lines = self.act(actor=self.account, import_id=import_id, reason=reason)
        tasks.announce_releases(import_id)
        return Response({"lines": lines})


class ReleaseAcceptanceView(_LinesView):
    """Answer for all that waits for one reason, where somebody may."""

    act = staticmethod(services.accept_lines)


class ReleaseDroppingView(_LinesView):
    """Turn away for good what waits for one reason, or all that waits."""

    act = staticmethod(services.drop_lines)


class ReleaseTakingView(ConsentView):
    """Take in all that is good."""

    scopes = {"POST": "releases:write"}

    @extend_schema(request=None, responses={202: ReleaseImportSerializer})
    def post(self, request: Request, import_id: Any) -> Response:  # noqa: ARG002
        services.take_releases(actor=self.account, import_id=import_id)
        return _answer(import_id, 202)


class ReleaseClosingView(ConsentView):
    """Close an import: what still waits is destroyed."""

    scopes = {"POST": "releases:write"}

    @extend_schema(request=None, responses={202: ReleaseImportSerializer})
    def post(self, request: Request, import_id: Any) -> Response:  # noqa: ARG002
        services.close_releases(actor=self.account, import_id=import_id)
        return _answer(import_id, 202)


# What is done with one import, by the last part of its address.
ACTS = {
    "scans": ReleaseScansView,
    "explain": ReleaseExplainingView,
    "waiting": ReleaseWaitingView,
    "unclear": ReleaseUnclearView,
    "accept": ReleaseAcceptanceView,
    "drop": ReleaseDroppingView,
    "take": ReleaseTakingView,
    "close": ReleaseClosingView,
}


def _answer(import_id: Any, status: int = 200) -> Response:
    row = get(ReleaseImport.objects.all(), import_id)
    if status != 200:
        tasks.announce_releases(row.pk)
    return Response(ReleaseImportSerializer(row).data, status=status)
