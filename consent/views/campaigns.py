"""The API of campaigns, and of the questions that people are asked anew."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from consent import campaigns, services
from consent.campaign_papers import write_questions
from consent.models import AskingErrand, Campaign, Grant
from consent.serializers.campaigns import (
    CampaignRequestSerializer,
    CampaignSerializer,
    ExtensionSerializer,
    PreviewSerializer,
    ProgressSerializer,
    QuestionSerializer,
    QuestionsQuerySerializer,
)
from consent.serializers.grants import GrantSerializer
from consent.services.authority import get, require
from consent.views.access import IDEMPOTENCY_KEY, ConsentView, read


class CampaignsView(ConsentView, ListAPIView):
    """List campaigns, newest first, or prepare one: nobody is asked until it is begun."""

    scopes = {"GET": "grants:read", "POST": "grants:write"}
    serializer_class = CampaignSerializer

    def get_queryset(self) -> QuerySet[Campaign]:
        require(self.account, "consent.view_campaign")
        return Campaign.objects.order_by("-prepared_at", "pk")

    @extend_schema(
        request=CampaignRequestSerializer,
        responses={201: CampaignSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request) -> Response:
        asked = read(CampaignRequestSerializer, request)
        campaign = self.once(
            Campaign,
            asked.validated_data,
            lambda: services.prepare_campaign(actor=self.account, **asked.as_said()),
        )
        return Response(CampaignSerializer(campaign).data, status=201)


class OfCampaignView(ConsentView):
    """A view about one campaign."""

    scopes = {"GET": "grants:read"}

    def campaign(self, pk: UUID) -> Campaign:
        """Return the campaign. Raises NotPermitted, Unknown."""
        require(self.account, "consent.view_campaign")
        return get(Campaign.objects.select_related("notice"), pk)


class CampaignView(OfCampaignView):
    """Read one campaign."""

    @extend_schema(responses=CampaignSerializer)
    def get(self, request: Request, campaign_id: UUID) -> Response:  # noqa: ARG002
        return Response(CampaignSerializer(self.campaign(campaign_id)).data)


class CampaignPreviewView(OfCampaignView):
    """What a campaign would do if it began now; nobody is asked by looking."""

    @extend_schema(responses=PreviewSerializer)
    def get(self, request: Request, campaign_id: UUID) -> Response:  # noqa: ARG002
        return Response(PreviewSerializer(campaigns.look_ahead(self.campaign(campaign_id))).data)


class CampaignProgressView(OfCampaignView):
    """How far a campaign is."""

    @extend_schema(responses=ProgressSerializer)
    def get(self, request: Request, campaign_id: UUID) -> Response:  # noqa: ARG002
        told = campaigns.count_progress(self.campaign(campaign_id))
        return Response(ProgressSerializer(told).data)


class CampaignTableView(OfCampaignView):
    """Whom a campaign asks, or to whom no letter would go, as CSV; handles, never names."""

    table: Callable[..., Any] = staticmethod(write_questions)

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.BINARY})
    def get(self, request: Request, campaign_id: UUID) -> StreamingHttpResponse:  # noqa: ARG002
        lines = self.table(self.campaign(campaign_id))
        answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="campaign-{campaign_id}.csv"'
        return answer


class CampaignMoveView(ConsentView):
    """Move a campaign: ``move`` is the service that does it."""

    scopes = {"POST": "grants:write"}
    move: Callable[..., Campaign] = staticmethod(services.pause_campaign)

    @extend_schema(request=None, responses=CampaignSerializer, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, campaign_id: UUID) -> Response:  # noqa: ARG002
        moved = self.once(
            Campaign, {}, lambda: self.move(actor=self.account, campaign_id=campaign_id)
        )
        return Response(CampaignSerializer(moved).data)


class CampaignExtensionView(ConsentView):
    """Wait for answers until another day."""

    scopes = {"POST": "grants:write"}

    @extend_schema(
        request=ExtensionSerializer, responses=CampaignSerializer, parameters=[IDEMPOTENCY_KEY]
    )
    def post(self, request: Request, campaign_id: UUID) -> Response:
        said = read(ExtensionSerializer, request).validated_data
        moved = self.once(
            Campaign,
            said,
            lambda: services.extend_campaign(
                actor=self.account, campaign_id=campaign_id, closes_at=said["closes_at"]
            ),
        )
        return Response(CampaignSerializer(moved).data)


class QuestionsView(ConsentView, ListAPIView):
    """List what people are asked anew, by campaigns and otherwise, page by page."""

    scopes = {"GET": "grants:read"}
    serializer_class = QuestionSerializer

    @extend_schema(parameters=[QuestionsQuerySerializer])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[AskingErrand]:
        require(self.account, "consent.view_askingerrand")
        asked = QuestionsQuerySerializer(data=self.request.query_params)
        asked.is_valid(raise_exception=True)
        said = asked.validated_data
        rows = (
            AskingErrand.objects.unreached() if said["unreached"] else AskingErrand.objects.told()
        )
        if "campaign" in said:
            rows = rows.filter(grant__campaign=said["campaign"])
        chosen = {name: said[name] for name in ("reached", "said") if name in said}
        return rows.filter(**chosen).select_related("grant__subject").order_by("pk")


class QuestionMoveView(ConsentView):
    """Note by hand how somebody was reached: ``move`` is the service that does it."""

    scopes = {"POST": "grants:write"}
    move: Callable[..., Grant] = staticmethod(services.note_returned)

    @extend_schema(request=None, responses=GrantSerializer, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, grant_id: UUID) -> Response:  # noqa: ARG002
        moved = self.once(Grant, {}, lambda: self.move(actor=self.account, grant_id=grant_id))
        return Response(GrantSerializer(moved).data)
