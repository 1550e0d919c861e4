"""The API of people: who they are by handle, who speaks for them, who holds their rights."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from consent import search, services
from consent.identity import IdentifierKind
from consent.models import Identifier, Merge, Observation, Representation, Subject, Title
from consent.serializers.subjects import (
    FoundSerializer,
    IdentifierSerializer,
    KnownSerializer,
    MergeRequestSerializer,
    MergeSerializer,
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
        asked = read(SubjectRequestSerializer, request)
        subject = self.once(
            Subject,
            asked.validated_data,
            lambda: services.register_subject(actor=self.account, **asked.as_said()),
        )
        return Response(SubjectSerializer(subject).data, status=201)


class SubjectSearchView(ConsentView):
    """Find people by anything they are known by; terms never stand in an address line."""

    scopes = {"POST": "subjects:read"}

    @extend_schema(request=SearchSerializer, responses=FoundSerializer)
    def post(self, request: Request) -> Response:
        require(self.account, "consent.view_subject")
        said = read(SearchSerializer, request).validated_data
        kind = IdentifierKind(said["kind"]) if "kind" in said else None
        found = search.find_subjects(
            actor=self.account, term=said["term"], kind=kind, region=said["region"]
        )
        return Response(FoundSerializer(found).data)


class SubjectView(ConsentView):
    """Read one person's handle."""

    scopes = {"GET": "subjects:read"}

    @extend_schema(responses=SubjectSerializer)
    def get(self, request: Request, subject_id: UUID) -> Response:  # noqa: ARG002
        require(self.account, "consent.view_subject")
        return Response(SubjectSerializer(get(Subject.objects.all(), subject_id)).data)


class IdentifiersView(ConsentView):
    """Record a further thing that a person is known by."""

    scopes = {"POST": "subjects:write"}

    @extend_schema(
        request=KnownSerializer, responses={201: IdentifierSerializer}, parameters=[IDEMPOTENCY_KEY]
    )
    def post(self, request: Request, subject_id: UUID) -> Response:
        asked = read(KnownSerializer, request)
        row = self.once(
            Identifier,
            asked.validated_data,
            lambda: services.add_identifier(
                actor=self.account, subject_id=subject_id, known=asked.known()
            ),
        )
        return Response(IdentifierSerializer(row).data, status=201)


class IdentifierCorrectionView(ConsentView):
    """Put the right value in the place of a wrong one, which nobody can read again."""

    scopes = {"POST": "subjects:write"}

    @extend_schema(
        request=KnownSerializer, responses={201: IdentifierSerializer}, parameters=[IDEMPOTENCY_KEY]
    )
    def post(self, request: Request, identifier_id: UUID) -> Response:
        asked = read(KnownSerializer, request)
        row = self.once(
            Identifier,
            asked.validated_data,
            lambda: services.correct_identifier(
                actor=self.account, identifier_id=identifier_id, known=asked.known()
            ),
        )
        return Response(IdentifierSerializer(row).data, status=201)


class IdentifierEndView(ConsentView):
    """Record that a person no longer goes by something; they are still found by it."""

    scopes = {"POST": "subjects:write"}

    @extend_schema(request=None, responses=IdentifierSerializer, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, identifier_id: UUID) -> Response:  # noqa: ARG002
        row = self.once(
            Identifier,
            {},
            lambda: services.end_identifier(actor=self.account, identifier_id=identifier_id),
        )
        return Response(IdentifierSerializer(row).data)


class MergesView(ConsentView):
    """Record that another is the same person as this one."""

    scopes = {"POST": "subjects:write"}

    @extend_schema(
        request=MergeRequestSerializer,
        responses={201: MergeSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, subject_id: UUID) -> Response:
        said = read(MergeRequestSerializer, request).validated_data

        def write() -> Merge:
            return services.merge_subjects(
                actor=self.account,
                keep_id=subject_id,
                other_id=said["other"],
                reason=said["reason"],
            )

        return Response(MergeSerializer(self.once(Merge, said, write)).data, status=201)


class MergePartingView(ConsentView):
    """Record that two people were wrongly taken for one."""

    scopes = {"POST": "subjects:write"}

    @extend_schema(request=None, responses=MergeSerializer, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, merge_id: UUID) -> Response:  # noqa: ARG002
        row = self.once(
            Merge, {}, lambda: services.part_subjects(actor=self.account, merge_id=merge_id)
        )
        return Response(MergeSerializer(row).data)


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
