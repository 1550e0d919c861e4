"""The API of what comes in: descriptions and tables to be read, lineage events as they happen."""

import gzip
import io
import zlib
from collections.abc import Iterator, Mapping
from typing import IO, Any

from django.conf import settings
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ParseError
from rest_framework.generics import ListAPIView
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from consent import services, tasks
from consent.errors import DescriptionRefused, TermsRefused
from consent.formats import openlineage
from consent.models import Intake, Project
from consent.repair import Repair
from consent.serializers.intakes import (
    ArrivalSerializer,
    IntakeSerializer,
    RepairedSerializer,
    RepairSerializer,
)
from consent.services.authority import get, require
from consent.views.access import ConsentView, read

_PIECE = 1 << 16


class StreamParser(BaseParser):
    """Hand the body on as it comes: it is sealed piece by piece, and never held as a whole."""

    media_type = "*/*"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,  # noqa: ARG002
        parser_context: Mapping[str, Any] | None = None,  # noqa: ARG002
    ) -> Any:
        """Return the stream itself, bounded."""
        return Bounded(stream, settings.MUNIMENT_IMPORT_BYTES)


class Bounded:
    """A stream that refuses to give more than ``limit`` bytes."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self._stream, self._limit, self._left = stream, limit, limit

    def read(self, size: int = -1) -> bytes:
        """Read as of the stream beneath. Raises DescriptionRefused beyond the limit."""
        some = self._stream.read(size if size >= 0 else self._left + 1)
        self._left -= len(some)
        if self._left < 0:
            raise DescriptionRefused(f"the file has more than {self._limit} bytes")
        return some


def body_of(request: Request) -> Bounded:
    """Return the body; an empty one never reaches a parser."""
    body: Any = request.data
    return body if isinstance(body, Bounded) else Bounded(io.BytesIO(), 0)


def pieces_of(body: Bounded) -> Iterator[bytes]:
    """Yield the body piece by piece. Raises DescriptionRefused beyond its limit."""
    while some := body.read(_PIECE):
        yield some


class IntakesView(ConsentView, ListAPIView):
    """List what came in, or bring something: the body is the file, unchanged."""

    scopes = {"GET": "datasets:read", "POST": "datasets:write"}
    serializer_class = IntakeSerializer
    parser_classes = (StreamParser,)

    def get_queryset(self) -> Any:
        projects = self.account.projects_with("consent.view_dataset")
        return Intake.objects.filter(project__in=projects).order_by("-received_at", "pk")

    @extend_schema(
        request={"application/octet-stream": OpenApiTypes.BINARY},
        parameters=[ArrivalSerializer],
        responses={201: IntakeSerializer, 200: IntakeSerializer},
        description="The same file for the same place is taken once: sent again it answers alike.",
    )
    def post(self, request: Request) -> Response:
        asked = ArrivalSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        arrival = services.Arrival(**asked.validated_data)
        content: Any = body_of(request)
        intake, again = services.receive(actor=self.account, arrival=arrival, content=content)
        if not again:
            tasks.announce_intake(intake.pk)
        return Response(IntakeSerializer(intake).data, status=200 if again else 201)


class IntakeView(ConsentView):
    """What became of one thing that came in, with how many items wait for what reason."""

    scopes = {"GET": "datasets:read"}

    @extend_schema(responses={200: IntakeSerializer, 404: OpenApiTypes.OBJECT})
    def get(self, request: Request, intake_id: Any) -> Response:  # noqa: ARG002
        intake = get(Intake.objects.select_related("project"), intake_id)
        require(self.account, "consent.view_dataset", intake.project)
        return Response(IntakeSerializer(intake).data)


class IntakeRepairView(ConsentView):
    """Set right what waits for one reason, all at once."""

    scopes = {"POST": "datasets:write"}

    @extend_schema(request=RepairSerializer, responses={200: RepairedSerializer})
    def post(self, request: Request, intake_id: Any) -> Response:
        said = read(RepairSerializer, request).validated_data
        reason = said["reason"]
        repaired = services.repair(
            actor=self.account,
            intake_id=intake_id,
            reason=reason,
            said=Repair(
                licence=said["licence"],
                legal_basis=said["legal_basis"],
                people={one["name"]: one["subject"] for one in said["people"]},
                accepted=frozenset({reason} if said["accept"] else ()),
            ),
        )
        return Response(RepairedSerializer(repaired).data)


class IntakeErrorsView(ConsentView):
    """What waits for repair, as CSV: set it right in a table, and bring that in."""

    scopes = {"GET": "datasets:write"}

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.BINARY})
    def get(self, request: Request, intake_id: Any) -> StreamingHttpResponse:  # noqa: ARG002
        lines = services.write_errors(reader=self.account, intake_id=intake_id)
        response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="errors-{intake_id}.csv"'
        return response


class LineageView(ConsentView):
    """Take in OpenLineage events, as its clients send them; an event counts once."""

    scopes = {"POST": "lineage:write"}
    parser_classes = (StreamParser,)

    @extend_schema(
        request={"application/json": OpenApiTypes.OBJECT},
        parameters=[
            OpenApiParameter(
                "project", str, description="Code of the project; needed by who works for several."
            )
        ],
        responses={201: IntakeSerializer, 200: IntakeSerializer},
    )
    def post(self, request: Request) -> Response:
        project = self._project(request.query_params.get("project", ""))
        intake, again = services.tell_event(
            actor=self.account, project_id=project.pk, content=_event(request)
        )
        return Response(IntakeSerializer(intake).data, status=200 if again else 201)

    def _project(self, code: str) -> Project:
        if not code.isprintable():
            raise TermsRefused("project is no code")
        projects = self.account.projects_with("consent.tell_lineage")
        mine = list(projects.filter(code=code) if code else projects.order_by("pk")[:2])
        if len(mine) != 1:
            raise TermsRefused(
                "say which project this is of: add ?project=<its code> to the address"
            )
        return mine[0]


def _event(request: Request) -> bytes:
    """Return the body, unpacked if it is packed. Raises DescriptionRefused, ParseError."""
    limit = openlineage.MAX_BYTES
    content = body_of(request).read(limit + 1)
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding == "gzip":
        try:
            content = zlib.decompressobj(31).decompress(content, limit + 1)
        except (zlib.error, gzip.BadGzipFile) as error:
            raise ParseError("the body is no gzip") from error
    elif encoding != "identity":
        raise ParseError("Content-Encoding must be gzip or left out")
    if len(content) > limit:
        raise DescriptionRefused(f"event has more than {limit} bytes")
    return content
