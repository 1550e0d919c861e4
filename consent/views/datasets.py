"""The API of data sets."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ParseError
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from consent import services, tasks
from consent.models import Dataset, DatasetVersion, Delivery, Intake
from consent.serializers.datasets import (
    DatasetRequestSerializer,
    DatasetSerializer,
    DatasetVersionSerializer,
    ExportRequestSerializer,
    HandoverRequestSerializer,
    NextVersionSerializer,
    ProofRequestSerializer,
    VersionRequestSerializer,
)
from consent.serializers.intakes import IntakeSerializer
from consent.services import ExportForm, exports
from consent.services.authority import get, require
from consent.services.exports import FORMS
from consent.uses import Use
from consent.views.access import IDEMPOTENCY_KEY, ConsentView, read


class DatasetsView(ConsentView, ListAPIView):
    """List the data sets of one's projects, or open one."""

    scopes = {"GET": "datasets:read", "POST": "datasets:write"}
    serializer_class = DatasetSerializer

    def get_queryset(self) -> QuerySet[Dataset]:
        projects = self.account.projects_with("consent.view_dataset")
        return Dataset.objects.filter(project__in=projects).order_by("code", "pk")

    @extend_schema(
        request=DatasetRequestSerializer,
        responses={201: DatasetSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request) -> Response:
        asked = DatasetRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        said = asked.validated_data

        def write() -> Dataset:
            return services.open_dataset(
                actor=self.account, project_id=said["project"], code=said["code"]
            )

        return Response(DatasetSerializer(self.once(Dataset, said, write)).data, status=201)


class DatasetVersionsView(ConsentView, ListAPIView):
    """List the versions of one data set, newest first, or begin a draft."""

    scopes = {"GET": "datasets:read", "POST": "datasets:write"}
    serializer_class = DatasetVersionSerializer

    @extend_schema(responses={200: DatasetVersionSerializer(many=True), 404: OpenApiTypes.OBJECT})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[DatasetVersion]:
        if getattr(self, "swagger_fake_view", False):
            return DatasetVersion.objects.none()
        dataset = get(Dataset.objects.all(), self.kwargs["dataset_id"])
        require(self.account, "consent.view_datasetversion", dataset)
        return dataset.versions.counted().order_by("-number")

    @extend_schema(
        request=VersionRequestSerializer,
        responses={201: DatasetVersionSerializer, 404: OpenApiTypes.OBJECT},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, dataset_id: UUID) -> Response:
        said = read(VersionRequestSerializer, request).validated_data

        def write() -> DatasetVersion:
            return services.open_version(
                actor=self.account,
                dataset_id=dataset_id,
                uses=[Use(use) for use in said["uses"]],
                profile=said["profile"],
            )

        return Response(_told(self.once(DatasetVersion, said, write)), status=201)


class VersionFreezingView(ConsentView):
    """Freeze a draft that was vetted as it is, or for which somebody waived that."""

    scopes = {"POST": "datasets:write"}

    @extend_schema(
        request=None,
        responses={
            200: DatasetVersionSerializer,
            404: OpenApiTypes.OBJECT,
            409: OpenApiTypes.OBJECT,
        },
        parameters=[IDEMPOTENCY_KEY],
        description="Order a vetting first and settle what it finds. What lies where its uses are "
        "reserved by now is left out, and so is who no longer consents.",
    )
    def post(self, request: Request, dataset_id: UUID, version_id: UUID) -> Response:  # noqa: ARG002
        pk = _in_dataset(dataset_id, version_id)

        def write() -> DatasetVersion:
            return services.freeze_version(actor=self.account, version_id=pk)

        return Response(_told(self.once(DatasetVersion, {}, write)))


class VersionAbandoningView(ConsentView):
    """Give a draft up."""

    scopes = {"POST": "datasets:write"}

    @extend_schema(
        request=None,
        responses={200: DatasetVersionSerializer, 404: OpenApiTypes.OBJECT},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, dataset_id: UUID, version_id: UUID) -> Response:  # noqa: ARG002
        pk = _in_dataset(dataset_id, version_id)

        def write() -> DatasetVersion:
            return services.abandon_version(actor=self.account, version_id=pk)

        return Response(_told(self.once(DatasetVersion, {}, write)))


class VersionExportView(ConsentView):
    """A frozen version, as other people's tools read it; single items only on the record."""

    scopes = {"GET": "datasets:read", "POST": "datasets:read deliveries:write"}

    @extend_schema(
        parameters=[ExportRequestSerializer],
        responses={(200, "application/*"): OpenApiTypes.BINARY},
        description="For one's own use.",
    )
    def get(self, request: Request, dataset_id: UUID, version_id: UUID) -> StreamingHttpResponse:
        if "recipient" in request.query_params:
            raise ParseError("what is exported for somebody is asked for by POST")
        asked = ExportRequestSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        wanted = _wanted(dataset_id, version_id, asked.validated_data)
        pieces = services.export_version(
            actor=self.account,
            version_id=wanted.version_id,
            form=wanted.form,
            with_items=wanted.with_items,
            with_people=wanted.with_people,
        )
        return _stream(wanted, pieces)

    @extend_schema(
        request=HandoverRequestSerializer,
        parameters=[IDEMPOTENCY_KEY],
        responses={(200, "application/*"): OpenApiTypes.BINARY},
        description="For somebody: recorded as given to them, once for each key.",
    )
    def post(self, request: Request, dataset_id: UUID, version_id: UUID) -> StreamingHttpResponse:
        said = read(HandoverRequestSerializer, request).validated_data
        wanted = _wanted(dataset_id, version_id, said)

        def write() -> Delivery:
            return exports.hand_over(
                actor=self.account, wanted=wanted, recipient_id=said["recipient"]
            )

        self.once(Delivery, said, write)
        return _stream(wanted, exports.export_delivered(actor=self.account, wanted=wanted))


def _wanted(dataset_id: UUID, version_id: UUID, said: Mapping[str, Any]) -> exports.Wanted:
    pk, form = _in_dataset(dataset_id, version_id), ExportForm(said["form"])
    return exports.Wanted(pk, form, said["items"], said["people"])


def _stream(wanted: exports.Wanted, pieces: Iterator[bytes]) -> StreamingHttpResponse:
    kind = FORMS[wanted.form]
    response = StreamingHttpResponse(pieces, content_type=kind.media_type)
    name = f"version-{wanted.version_id}.{kind.ending}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


class NextVersionView(ConsentView):
    """Begin the next version of a frozen one, with all that still stands."""

    scopes = {"POST": "datasets:write"}

    @extend_schema(
        request=NextVersionSerializer,
        responses={201: IntakeSerializer},
        parameters=[IDEMPOTENCY_KEY],
        description="Answers with the import that fills the draft; a worker reads it.",
    )
    def post(self, request: Request, dataset_id: UUID, version_id: UUID) -> Response:
        said = read(NextVersionSerializer, request).validated_data

        def write() -> Intake:
            intake = services.derive_version(
                actor=self.account,
                origin_id=_in_dataset(dataset_id, version_id),
                without=services.Without(said["without_people"], said["without_items"]),
                uses=[Use(use) for use in said["uses"]],
                profile=said["profile"],
            )
            tasks.announce_intake(intake.pk)
            return intake

        return Response(IntakeSerializer(self.once(Intake, said, write)).data, status=201)


class ItemProofView(ConsentView):
    """The proof that one item is in a version: ``manage.py verify_item`` checks it offline."""

    scopes = {"GET": "datasets:read"}

    @extend_schema(parameters=[ProofRequestSerializer], responses={200: OpenApiTypes.OBJECT})
    def get(
        self, request: Request, dataset_id: UUID, version_id: UUID, item_id: UUID
    ) -> HttpResponse:
        asked = ProofRequestSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        proof = services.prove_item(
            actor=self.account,
            version_id=_in_dataset(dataset_id, version_id),
            item_id=item_id,
            with_opening=asked.validated_data["opening"],
        )
        return HttpResponse(proof.as_json(), content_type="application/json")


def _told(version: DatasetVersion) -> Any:
    """Return what is said of a version, with what of it is held and waits."""
    return DatasetVersionSerializer(DatasetVersion.objects.counted().get(pk=version.pk)).data


def _in_dataset(dataset_id: UUID, version_id: UUID) -> UUID:
    """Return the id of a version of this data set. Raises Unknown."""
    return get(DatasetVersion.objects.filter(dataset=dataset_id), version_id).pk
