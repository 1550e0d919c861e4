"""The API of notices, answers and decisions."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from consent import services
from consent.decisions import decide_uses
from consent.models import Grant, Notice
from consent.serializers.decisions import (
    DecisionRequestSerializer,
    DecisionSerializer,
)
from consent.serializers.grants import (
    AnswerSerializer,
    AskingSerializer,
    GrantRequestSerializer,
    GrantSerializer,
    NoticeSerializer,
    RefusalSerializer,
    RenewalSerializer,
    WithdrawalSerializer,
)
from consent.services.authority import get, require, require_anywhere
from consent.uses import Assurance, Method, Use
from consent.views.access import IDEMPOTENCY_KEY, ConsentView, read


class NoticesView(ConsentView, ListAPIView):
    """List the published notices, newest version first."""

    scopes = {"GET": "notices:read"}
    serializer_class = NoticeSerializer
    queryset = Notice.objects.all()


class GrantsView(ConsentView):
    """Record what a person allows or refuses."""

    scopes = {"POST": "grants:write"}

    @extend_schema(
        request=GrantRequestSerializer,
        responses={201: GrantSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request) -> Response:
        asked = GrantRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        said = asked.validated_data

        def write() -> Grant:
            return services.give(
                actor=self.account,
                subject_id=said["subject"],
                notice_id=said["notice"],
                answer=asked.as_answer(),
                representation_id=said["representation"],
            )

        return Response(GrantSerializer(self.once(Grant, said, write)).data, status=201)


class GrantView(ConsentView):
    """Read an answer."""

    scopes = {"GET": "grants:read"}

    @extend_schema(responses=GrantSerializer)
    def get(self, request: Request, grant_id: UUID) -> Response:  # noqa: ARG002
        require(self.account, "consent.view_grant")
        return Response(GrantSerializer(get(Grant.objects.all(), grant_id)).data)


class GrantWithdrawalView(ConsentView):
    """Take back an answer, or some of its uses; what is left is returned."""

    scopes = {"POST": "grants:write"}

    @extend_schema(
        request=WithdrawalSerializer, responses=GrantSerializer, parameters=[IDEMPOTENCY_KEY]
    )
    def post(self, request: Request, grant_id: UUID) -> Response:
        said = read(WithdrawalSerializer, request).validated_data
        method = Method(said["method"])

        def write() -> Grant:
            if said["alike"]:
                return services.withdraw_alike(
                    actor=self.account, grant_id=grant_id, method=method
                )[0]
            uses = [Use(use) for use in said["uses"]]
            return services.withdraw(
                actor=self.account, grant_id=grant_id, uses=uses, method=method
            )

        return Response(GrantSerializer(self.once(Grant, said, write)).data)


class GrantRequestsView(ConsentView):
    """Ask a person for an answer; nothing follows from it until they give or refuse."""

    scopes = {"POST": "grants:write"}
    ask: Callable[..., Grant] = staticmethod(services.request)

    @extend_schema(
        request=AskingSerializer,
        responses={201: GrantSerializer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request) -> Response:
        asked = read(AskingSerializer, request)
        said = asked.validated_data

        def write() -> Grant:
            return self.ask(
                actor=self.account,
                subject_id=said["subject"],
                notice_id=said["notice"],
                answer=asked.as_answer(),
            )

        return Response(GrantSerializer(self.once(Grant, said, write)).data, status=201)


class GrantAnswerView(ConsentView):
    """Record the answer to a request; it may be another one than was asked for."""

    scopes = {"POST": "grants:write"}

    @extend_schema(
        request=AnswerSerializer, responses=GrantSerializer, parameters=[IDEMPOTENCY_KEY]
    )
    def post(self, request: Request, grant_id: UUID) -> Response:
        asked = read(AnswerSerializer, request)
        said = asked.validated_data

        def write() -> Grant:
            return services.answer_request(
                actor=self.account,
                grant_id=grant_id,
                answer=asked.as_answer(),
                representation_id=said["representation"],
            )

        return Response(GrantSerializer(self.once(Grant, said, write)).data)


class GrantRefusalView(ConsentView):
    """Record that the person says no to all that was asked."""

    scopes = {"POST": "grants:write"}

    @extend_schema(
        request=RefusalSerializer, responses=GrantSerializer, parameters=[IDEMPOTENCY_KEY]
    )
    def post(self, request: Request, grant_id: UUID) -> Response:
        said = read(RefusalSerializer, request).validated_data

        def write() -> Grant:
            return services.refuse_request(
                actor=self.account,
                grant_id=grant_id,
                method=Method(said["method"]),
                representation_id=said["representation"],
            )

        return Response(GrantSerializer(self.once(Grant, said, write)).data)


class GrantRenewalView(ConsentView):
    """Record that the person says the same again for a new term; the new answer is returned."""

    scopes = {"POST": "grants:write"}

    @extend_schema(
        request=RenewalSerializer, responses=GrantSerializer, parameters=[IDEMPOTENCY_KEY]
    )
    def post(self, request: Request, grant_id: UUID) -> Response:
        said = read(RenewalSerializer, request).validated_data

        def write() -> Grant:
            return services.renew(
                actor=self.account,
                grant_id=grant_id,
                valid_until=said["valid_until"],
                method=Method(said["method"]),
                assurance=Assurance(said["assurance"]),
            )

        return Response(GrantSerializer(self.once(Grant, said, write)).data)


class GrantMoveView(ConsentView):
    """Move an answer to where nothing more need be said: ``move`` is the service that does it."""

    scopes = {"POST": "grants:write"}
    move: Callable[..., Grant] = staticmethod(services.suspend)

    @extend_schema(request=None, responses=GrantSerializer, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, grant_id: UUID) -> Response:  # noqa: ARG002
        said: dict[str, Any] = {}
        moved = self.once(Grant, said, lambda: self.move(actor=self.account, grant_id=grant_id))
        return Response(GrantSerializer(moved).data)


class DecisionsView(ConsentView):
    """Ask whether consent covers a use, now or at a past moment; nothing is written."""

    scopes = {"POST": "decisions:read"}

    @extend_schema(request=DecisionRequestSerializer, responses=DecisionSerializer)
    def post(self, request: Request) -> Response:
        require_anywhere(self.account, "consent.decide")
        asked = DecisionRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return Response(DecisionSerializer(decide_uses(**asked.as_question())).data)
