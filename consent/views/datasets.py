"""The API of data sets."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from consent import services
from consent.models import Dataset, DatasetVersion
from consent.serializers.datasets import (
    DatasetRequestSerializer,
    DatasetSerializer,
    DatasetVersionSerializer,
)
from consent.services.authority import get, require
from consent.views.access import IDEMPOTENCY_KEY, ConsentView


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
    """List the frozen versions of one data set, newest first."""

    scopes = {"GET": "datasets:read"}
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
