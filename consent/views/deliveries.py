"""The API of recipients and of what was given to them."""

from uuid import UUID

from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from consent import services
from consent.lineage import Node
from consent.models import Delivery, Recipient
from consent.serializers.deliveries import (
    DeliveryRequestSerializer,
    DeliverySerializer,
    RecipientCorrectionSerializer,
    RecipientRequestSerializer,
    RecipientSerializer,
)
from consent.services.authority import require_anywhere
from consent.uses import Handover
from consent.views.access import IDEMPOTENCY_KEY, ConsentView, read


class RecipientsView(ConsentView, ListAPIView):
    """List the organisations to which something is given, or name one."""

    scopes = {"GET": "deliveries:read", "POST": "deliveries:write"}
    serializer_class = RecipientSerializer

    def get_queryset(self) -> QuerySet[Recipient]:
        require_anywhere(self.account, "consent.view_recipient")
        return Recipient.objects.order_by("code")

    @extend_schema(
        request=RecipientRequestSerializer,
        responses={201: RecipientSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request) -> Response:
        said = read(RecipientRequestSerializer, request).validated_data

        def write() -> Recipient:
            return services.name_recipient(
                actor=self.account, code=said["code"], details=said["details"]
            )

        return Response(RecipientSerializer(self.once(Recipient, said, write)).data, status=201)


class RecipientCorrectionView(ConsentView):
    """Say anew who a recipient is and where it can be told; what stood before stays provable."""

    scopes = {"POST": "deliveries:write"}

    @extend_schema(
        request=RecipientCorrectionSerializer,
        responses=RecipientSerializer,
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, recipient_id: UUID) -> Response:
        said = read(RecipientCorrectionSerializer, request).validated_data

        def write() -> Recipient:
            return services.correct_recipient(actor=self.account, recipient_id=recipient_id, **said)

        return Response(RecipientSerializer(self.once(Recipient, said, write)).data)


class DeliveriesView(ConsentView, ListAPIView):
    """List what was given to whom in one's projects, newest first, or record it."""

    scopes = {"GET": "deliveries:read", "POST": "deliveries:write"}
    serializer_class = DeliverySerializer

    def get_queryset(self) -> QuerySet[Delivery]:
        require_anywhere(self.account, "consent.view_delivery")
        theirs = Q(project__in=self.account.projects_with("consent.view_delivery"))
        # Models belong to no project.
        if self.account.has_perm("consent.view_delivery"):
            theirs |= Q(project=None)
        return Delivery.objects.filter(theirs).order_by("-delivered_at", "pk")

    @extend_schema(
        request=DeliveryRequestSerializer,
        responses={201: DeliverySerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request) -> Response:
        said = read(DeliveryRequestSerializer, request).validated_data

        def write() -> Delivery:
            return services.record_delivery(
                actor=self.account,
                what=Node(said["kind"], said["id"]),
                recipient_id=said["recipient"],
                how=Handover(said["how"]),
                delivered_at=said.get("delivered_at"),
            )

        return Response(DeliverySerializer(self.once(Delivery, said, write)).data, status=201)
