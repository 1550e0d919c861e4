"""The API of people: who they are by handle, who speaks for them, who holds their rights."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from consent import services
from consent.models import Observation, Representation, Subject, Title
from consent.serializers.subjects import (
    RepresentationRequestSerializer,
    RepresentationSerializer,
    SearchSerializer,
    SignalRequestSerializer,
    SignalSerializer,
    SubjectRequestSerializer,
    SubjectSerializer,
    TitleRequestSerializer,
    TitleSerializer,
)
from consent.services.authority import get, require
from consent.views.access import IDEMPOTENCY_KEY, ConsentView, read


class SubjectsView(ConsentView):
    """Register a person."""

    scopes = {"POST": "subjects:write"}

    @extend_schema(
        request=SubjectRequestSerializer,
        responses={201: SubjectSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request) -> Response:
        asked = SubjectRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        said = asked.validated_data
        subject = self.once(
            Subject, said, lambda: services.register_subject(actor=self.account, **said)
        )
        return Response(SubjectSerializer(subject).data, status=201)


class SubjectSearchView(ConsentView):
    """Find people by whole handle, name or address; terms never stand in an address line."""

    scopes = {"POST": "subjects:read"}

    @extend_schema(request=SearchSerializer, responses=SubjectSerializer(many=True))
    def post(self, request: Request) -> Response:
        require(self.account, "consent.view_subject")
        asked = SearchSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        found = Subject.objects.search(asked.validated_data["term"])[:50]
        return Response(SubjectSerializer(found, many=True).data)


class SubjectView(ConsentView):
    """Read one person's handle."""

    scopes = {"GET": "subjects:read"}

    @extend_schema(responses=SubjectSerializer)
    def get(self, request: Request, subject_id: UUID) -> Response:  # noqa: ARG002
        require(self.account, "consent.view_subject")
        return Response(SubjectSerializer(get(Subject.objects.all(), subject_id)).data)


class RepresentationsView(ConsentView):
    """Record that one person speaks for another."""

    scopes = {"POST": "subjects:write"}

    @extend_schema(
        request=RepresentationRequestSerializer,
        responses={201: RepresentationSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request) -> Response:
        asked = read(RepresentationRequestSerializer, request)
        row = self.once(
            Representation,
            asked.validated_data,
            lambda: services.represent(actor=self.account, **asked.as_said()),
        )
        return Response(RepresentationSerializer(row).data, status=201)


class RepresentationEndView(ConsentView):
    """Record that somebody no longer speaks for a person; a guardian's answers are set aside."""

    scopes = {"POST": "subjects:write"}

    @extend_schema(request=None, responses=RepresentationSerializer, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, representation_id: UUID) -> Response:  # noqa: ARG002
        row = self.once(
            Representation,
            {},
            lambda: services.end_representation(
                actor=self.account, representation_id=representation_id
            ),
        )
        return Response(RepresentationSerializer(row).data)


class TitlesView(ConsentView):
    """Record that somebody lets another dispose of their works or style."""

    scopes = {"POST": "subjects:write"}

    @extend_schema(
        request=TitleRequestSerializer,
        responses={201: TitleSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request) -> Response:
        asked = read(TitleRequestSerializer, request)
        row = self.once(
            Title,
            asked.validated_data,
            lambda: services.pass_title(actor=self.account, **asked.as_said()),
        )
        return Response(TitleSerializer(row).data, status=201)


class TitleEndView(ConsentView):
    """Record that a title is over."""

    scopes = {"POST": "subjects:write"}

    @extend_schema(request=None, responses=TitleSerializer, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, title_id: UUID) -> Response:  # noqa: ARG002
        row = self.once(
            Title, {}, lambda: services.end_title(actor=self.account, title_id=title_id)
        )
        return Response(TitleSerializer(row).data)


class SignalsView(ConsentView):
    """Record what a person's browser says of their wishes."""

    scopes = {"POST": "signals:write"}

    @extend_schema(
        request=SignalRequestSerializer,
        responses={201: SignalSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request) -> Response:
        said = read(SignalRequestSerializer, request).validated_data

        def write() -> Observation:
            return services.observe_request(
                actor=self.account,
                subject_id=said["subject"],
                place=said["place"],
                headers=said["headers"].encode(),
            )

        return Response(SignalSerializer(self.once(Observation, said, write)).data, status=201)
