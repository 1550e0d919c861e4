"""HTTP: many events in one request, one JSON object a line (NDJSON)."""

from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import IO, Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from oauth2_provider.contrib.rest_framework import TokenHasScope
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from ledger.errors import LedgerError, LineRefused
from ledger.models import Recorded
from ledger.serializers import BatchAnswerSerializer
from ledger.services.reporting import Event, report_events

MAX_LINES = 10_000
MAX_LINE_BYTES = 65_536
MAX_KEY_CHARS = 255
_MEDIA_TYPE = "application/x-ndjson"
_PIECE = 65_536
_MEMBERS = {"kind": str, "facts": dict, "payload": dict}


class MayReport(TokenHasScope):  # type: ignore[misc]
    """Programs alone: by a token with the view's scope and a role that may report events."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        has_scope = bool(super().has_permission(request, view))
        return has_scope and bool(request.user.has_perm("ledger.report_event"))


class LinesParser(BaseParser):
    """Read a body of lines, and no more of it than a batch may have.

    It is read to its end before any transaction begins: a slow sender holds none open.
    """

    media_type = _MEDIA_TYPE

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,  # noqa: ARG002
        parser_context: Mapping[str, Any] | None = None,  # noqa: ARG002
    ) -> Any:
        """Return the bytes. Raises LineRefused for one line too many."""
        pieces, ends = [], 0
        while piece := stream.read(_PIECE):
            # A last line may lack its end.
            if ends + piece[:-1].count(b"\n") >= MAX_LINES:
                raise LineRefused(MAX_LINES + 1, f"a batch has at most {MAX_LINES} lines")
            pieces.append(piece)
            ends += piece.count(b"\n")
        return b"".join(pieces)


class BatchView(APIView):
    """Record many events that a program tells of: all of them, or none."""

    permission_classes = [MayReport]
    required_scopes = ["records:write"]
    parser_classes = [LinesParser]

    @extend_schema(
        operation_id="records_batch",
        description=(
            f"One JSON object a line, at most {MAX_LINES}: `kind`, one that `/api/v1/kinds/` "
            "calls open; `facts`, as its schema says; and, if you like, `payload`, which is "
            "sealed and must speak of no person. A problem names the `line` it is about."
        ),
        request={_MEDIA_TYPE: OpenApiTypes.STR},
        responses={201: BatchAnswerSerializer, 422: OpenApiResponse(OpenApiTypes.OBJECT)},
        parameters=[
            OpenApiParameter("Idempotency-Key", str, OpenApiParameter.HEADER, required=True)
        ],
    )
    def post(self, request: Request) -> Response:
        # Of an empty body the framework makes an empty mapping, and asks no parser.
        body: Any = request.data or b""
        assert isinstance(request.user, Recorded)
        records = report_events(
            client=request.user,
            key=_key(request),
            request=body,
            events=read_events(body),
            count=body.count(b"\n") + (body[-1:] not in (b"", b"\n")),
        )
        return Response(BatchAnswerSerializer({"records": records}).data, status=201)


def _key(request: Request) -> str:
    key = str(request.headers.get("Idempotency-Key", ""))
    if not (1 <= len(key) <= MAX_KEY_CHARS and key.isascii() and key.isprintable()):
        raise ParseError(f"the header Idempotency-Key must hold 1 to {MAX_KEY_CHARS} characters")
    return key


def read_events(body: bytes) -> Iterator[Event]:
    """Yield the events of a batch line by line, as the records are written. Raises LineRefused."""
    strict: Any = api_settings.DEFAULT_PARSER_CLASSES
    parser = strict[0]()
    for number, line in enumerate(BytesIO(body), 1):
        try:
            if len(line) > MAX_LINE_BYTES:
                raise ParseError(f"a line has at most {MAX_LINE_BYTES} bytes")
            event = _event(parser.parse(BytesIO(line)))
        except APIException as error:
            raise LineRefused(number, str(error.detail)) from error
        except LedgerError as error:
            raise LineRefused(number, str(error)) from error
        yield event


def _event(value: Any) -> Event:
    if type(value) is not dict or not {"kind", "facts"} <= value.keys() <= _MEMBERS.keys():
        raise ParseError("a line is an object with kind, facts and perhaps payload")
    for name, member in value.items():
        if type(member) is not _MEMBERS[name]:
            raise ParseError(f"{name} is not of the JSON type it should be")
    return Event.of(value["kind"], value["facts"], value.get("payload", {}))
