"""The API that generators speak; every write takes an ``Idempotency-Key``."""

from base64 import b64encode
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from oauth2_provider.contrib.rest_framework import TokenHasScope
from rest_framework.exceptions import ParseError
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from consent.authentication import ClientAuthentication
from consent.formats.cyclonedx import MEDIA_TYPE
from consent.models import Account
from consent.services.authority import get
from consent.views.access import ConsentView, read
from generation import services, tasks
from generation.answers import content_of, find_output, find_run, output_answer, run_answer
from generation.bom import write_bom
from generation.digests import sha256
from generation.models import ModelVersion, TrainingOverride, TrainingRun
from generation.serializers import (
    CompletionSerializer,
    FailureSerializer,
    ModelRequestSerializer,
    ModelSerializer,
    OutputAnswerSerializer,
    OverrideSerializer,
    RunAnswerSerializer,
    RunRequestSerializer,
    TrainedSerializer,
    TrainingRequestSerializer,
    TrainingSerializer,
)
from generation.services import Caller
from generation.states import FailureReason

MAX_KEY_CHARS = 255
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="A fresh text per write; a retry sends it again and is answered alike.",
)


class ClientView(APIView):
    """A view for programs: by token alone, never by a browser's session."""

    authentication_classes = (ClientAuthentication,)
    permission_classes = (TokenHasScope,)
    required_scopes: list[str] = []

    def account(self) -> Account:
        """Return the account of the client that asks."""
        assert isinstance(self.request.user, Account)
        return self.request.user

    def caller(self) -> Caller:
        """Return who writes, under which key. Raises ParseError without a usable key."""
        key = self.request.headers.get("Idempotency-Key", "")
        if not (1 <= len(key) <= MAX_KEY_CHARS and key.isascii() and key.isprintable()):
            raise ParseError(
                f"the header Idempotency-Key must hold 1 to {MAX_KEY_CHARS} ASCII characters"
            )
        return Caller(self.account(), key)


class ModelsView(ClientView):
    """Register models."""

    required_scopes = ["models:write"]

    @extend_schema(
        request=ModelRequestSerializer,
        responses={201: ModelSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request) -> Response:
        asked = ModelRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        model = services.register_model(caller=self.caller(), request=asked.as_request())
        return Response(ModelSerializer(model).data, status=201)


class ModelView(ClientView):
    """Read one registered model."""

    required_scopes = ["models:read"]

    @extend_schema(responses=ModelSerializer)
    def get(self, request: Request, model_id: UUID) -> Response:  # noqa: ARG002
        return Response(ModelSerializer(get(ModelVersion.objects.all(), model_id)).data)


class ModelBomView(ConsentView):
    """What a model is made of, as a CycloneDX ML-BOM; for people and programs."""

    scopes = {"GET": "models:read"}

    @extend_schema(responses={(200, MEDIA_TYPE): OpenApiTypes.BINARY})
    def get(self, request: Request, model_id: UUID) -> HttpResponse:  # noqa: ARG002
        written = write_bom(actor=self.account, model_id=model_id)
        response = HttpResponse(written, content_type=MEDIA_TYPE)
        response["Content-Disposition"] = f'attachment; filename="model-{model_id}.cdx.json"'
        return response


class RunsView(ClientView):
    """Ask *may I?* before each run."""

    required_scopes = ["runs:write"]

    @extend_schema(
        request=RunRequestSerializer,
        responses={201: RunAnswerSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request) -> Response:
        asked = RunRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        run = services.authorise_run(caller=self.caller(), request=asked.as_request())
        return Response(RunAnswerSerializer(run_answer(run)).data, status=201)


class RunView(ClientView):
    """Read a run: a held one is allowed or refused once a person has decided."""

    required_scopes = ["runs:read"]

    @extend_schema(responses=RunAnswerSerializer)
    def get(self, request: Request, run_id: UUID) -> Response:  # noqa: ARG002
        return Response(RunAnswerSerializer(run_answer(find_run(self.account(), run_id))).data)


class RunCompletionView(ClientView):
    """Hand in the images of an allowed run."""

    required_scopes = ["runs:write"]
    parser_classes = (MultiPartParser,)

    @extend_schema(
        request={"multipart/form-data": CompletionSerializer},
        responses={202: RunAnswerSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, run_id: UUID) -> Response:
        handed = CompletionSerializer(data=request.data)
        handed.is_valid(raise_exception=True)
        values: dict[str, Any] = handed.validated_data
        run = services.complete_run(
            caller=self.caller(),
            run_id=run_id,
            images=[image.read() for image in values["image"]],
            details=values["details"],
        )
        for output in run.outputs.all():
            tasks.announce(output.pk)
        return Response(RunAnswerSerializer(run_answer(run)).data, status=202)


class RunFailureView(ClientView):
    """Say that an allowed run made nothing."""

    required_scopes = ["runs:write"]

    @extend_schema(
        request=FailureSerializer,
        responses=RunAnswerSerializer,
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, run_id: UUID) -> Response:
        said = FailureSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        reason = FailureReason(said.validated_data["reason"])
        run = services.fail_run(caller=self.caller(), run_id=run_id, reason=reason)
        return Response(RunAnswerSerializer(run_answer(run)).data)


class OutputView(ClientView):
    """Read where an output stands."""

    required_scopes = ["outputs:read"]

    @extend_schema(responses=OutputAnswerSerializer)
    def get(self, request: Request, output_id: UUID) -> Response:  # noqa: ARG002
        output = find_output(self.account(), output_id)
        return Response(OutputAnswerSerializer(output_answer(output)).data)


class OutputContentView(ClientView):
    """Fetch the marked bytes of a released output."""

    required_scopes = ["outputs:read"]

    @extend_schema(responses={(200, "image/png"): OpenApiTypes.BINARY})
    def get(self, request: Request, output_id: UUID) -> HttpResponse:  # noqa: ARG002
        output = find_output(self.account(), output_id)
        content = content_of(output)
        response = HttpResponse(content, content_type=output.media_type)
        # RFC 9530: lets the client see that it holds exactly what was recorded.
        response["Repr-Digest"] = f"sha-256=:{b64encode(sha256(content)).decode()}:"
        response["Content-Disposition"] = f'attachment; filename="{output.pk}.png"'
        return response


class TrainingsView(ClientView):
    """Ask before each training whether the people in its versions still allow it."""

    required_scopes = ["trainings:write"]

    @extend_schema(
        request=TrainingRequestSerializer,
        responses={201: TrainingSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request) -> Response:
        asked = TrainingRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        training = services.authorise_training(caller=self.caller(), request=asked.as_request())
        return Response(TrainingSerializer(training).data, status=201)


class TrainingView(ClientView):
    """Read a training: a proposed one is authorised once two people stand for it."""

    required_scopes = ["trainings:read"]

    @extend_schema(responses={200: TrainingSerializer, 404: OpenApiTypes.OBJECT})
    def get(self, request: Request, training_id: UUID) -> Response:  # noqa: ARG002
        projects = self.account().projects_with("generation.view_trainingrun")
        training = get(TrainingRun.objects.filter(project__in=projects), training_id)
        return Response(TrainingSerializer(training).data)


class TrainingCompletionView(ClientView):
    """Say which registered model a training made."""

    required_scopes = ["trainings:write"]

    @extend_schema(
        request=TrainedSerializer, responses={200: TrainingSerializer}, parameters=[IDEMPOTENCY_KEY]
    )
    def post(self, request: Request, training_id: UUID) -> Response:
        said = TrainedSerializer(data=request.data)
        said.is_valid(raise_exception=True)
        training = services.complete_training(
            caller=self.caller(),
            training_id=training_id,
            model_id=said.validated_data["model"],
        )
        return Response(TrainingSerializer(training).data)


class TrainingEndView(ClientView):
    """End a training without a model: it failed, or is given up."""

    required_scopes = ["trainings:write"]
    end: Callable[..., TrainingRun] = staticmethod(services.fail_training)

    @extend_schema(request=None, responses={200: TrainingSerializer})
    def post(self, request: Request, training_id: UUID) -> Response:  # noqa: ARG002
        training = self.end(actor=self.account(), training_id=training_id)
        return Response(TrainingSerializer(training).data)


class OverrideView(ConsentView):
    """Stand for a training that something stands against, as the first of two people."""

    scopes = {"POST": "trainings:write"}

    @extend_schema(
        request=OverrideSerializer,
        responses={201: TrainingSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, training_id: UUID) -> Response:
        said = read(OverrideSerializer, request).validated_data

        def write() -> TrainingOverride:
            return services.propose_override(
                actor=self.account, training_id=training_id, reason=said["reason"]
            )

        training = self.once(TrainingOverride, said, write).training
        return Response(TrainingSerializer(training).data, status=201)


class OverrideApprovalView(ConsentView):
    """Stand for it as the second: the training is authorised from now on."""

    scopes = {"POST": "trainings:write"}

    @extend_schema(request=None, responses={201: TrainingSerializer}, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, training_id: UUID) -> Response:  # noqa: ARG002
        training = self.once(
            TrainingRun,
            {},
            lambda: services.approve_override(actor=self.account, training_id=training_id),
        )
        return Response(TrainingSerializer(training).data, status=201)
