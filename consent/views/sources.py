"""The API of sources: what a crawler saw there, and what it comes to for an item."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from consent import services
from consent.errors import TermsRefused, Unknown
from consent.models import Source, SourceObservation
from consent.serializers.sources import (
    ObservedSerializer,
    PlaceSerializer,
    SourceObservationSerializer,
    SourceRequestSerializer,
    SourceSerializer,
    WeighingSerializer,
)
from consent.services.authority import get, require
from consent.uses import Provenance, Use
from consent.views.access import IDEMPOTENCY_KEY, ConsentView, read
from consent.views.intakes import StreamParser, body_of, pieces_of


class SourcesView(ConsentView, ListAPIView):
    """List the sources of one's projects, or name one."""

    scopes = {"GET": "datasets:read", "POST": "datasets:write"}
    serializer_class = SourceSerializer

    def get_queryset(self) -> QuerySet[Source]:
        projects = self.account.projects_with("consent.view_dataset")
        return Source.objects.filter(project__in=projects).order_by("code", "pk")

    @extend_schema(
        request=SourceRequestSerializer,
        responses={201: SourceSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request) -> Response:
        said = read(SourceRequestSerializer, request).validated_data

        def write() -> Source:
            return services.open_source(
                actor=self.account,
                project_id=said["project"],
                code=said["code"],
                provenance=Provenance(said["provenance"]),
                address=said["address"],
            )

        return Response(SourceSerializer(self.once(Source, said, write)).data, status=201)


class SourceObservationsView(ConsentView, ListAPIView):
    """List what was seen at a source, newest first, or bring what a crawler saw."""

    scopes = {"GET": "datasets:read", "POST": "datasets:write"}
    serializer_class = SourceObservationSerializer
    parser_classes = (StreamParser,)

    @extend_schema(
        responses={200: SourceObservationSerializer(many=True), 404: OpenApiTypes.OBJECT}
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[SourceObservation]:
        if getattr(self, "swagger_fake_view", False):
            return SourceObservation.objects.none()
        source = get(Source.objects.select_related("project"), self.kwargs["source_id"])
        require(self.account, "consent.view_source", source.project)
        return source.observations.order_by("-seen_at", "pk")

    @extend_schema(
        request={"application/x-ndjson": OpenApiTypes.BINARY},
        responses={200: ObservedSerializer, 404: OpenApiTypes.OBJECT, 422: OpenApiTypes.OBJECT},
        description="One answer of a server a line, as JSON: url, seen_at, status (0: no answer), "
        "headers, body or body_base64; covers, kind and manifest_store where they apply. Sent "
        "again it changes nothing. Lines that cannot be taken are told; 422 where none could.",
    )
    def post(self, request: Request, source_id: UUID) -> Response:
        lines = services.read_lines(pieces_of(body_of(request)))
        told = services.observe_lines(actor=self.account, source_id=source_id, lines=lines)
        if not told.observations and not told.unchanged:
            line, why = told.reasons[0] if told.reasons else (1, "nothing was sent")
            raise TermsRefused(f"none of the lines could be taken: line {line}: {why}")
        return Response(ObservedSerializer(told).data)


class SourceAskingView(ConsentView):
    """Ask what holds for an item at a place, by what was seen."""

    scopes = {"POST": "datasets:read"}

    @extend_schema(
        request=PlaceSerializer,
        responses={200: WeighingSerializer, 404: OpenApiTypes.OBJECT},
        description="By POST, since an address may name somebody; nothing is changed. 404 where "
        "nothing was seen that speaks for the place.",
    )
    def post(self, request: Request, source_id: UUID) -> Response:
        said = read(PlaceSerializer, request).validated_data
        weighing = services.weigh_address(
            actor=self.account,
            source_id=source_id,
            **(said | {"uses": [Use(use) for use in said["uses"]]}),
        )
        if weighing is None:
            raise Unknown("nothing was seen that speaks for this place")
        return Response(WeighingSerializer(weighing).data)
