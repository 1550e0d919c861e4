"""The API of lineage and of impact cases."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from consent import lineage, services
from consent.errors import TermsRefused, Unknown
from consent.impact_report import draw_case, draw_impact, report_case, report_impact
from consent.models import ImpactCase, ImpactDecision, ImpactState
from consent.moment import database_now
from consent.serializers.impact import (
    AssignmentSerializer,
    EvidenceSerializer,
    ImpactCaseSerializer,
    ImpactDecisionSerializer,
    LeavesQuerySerializer,
    LeavesSerializer,
    MeasureSerializer,
    NodeQuerySerializer,
)
from consent.services.authority import get, require
from consent.uses import Measure, Method
from consent.views.access import IDEMPOTENCY_KEY, ConsentView, read

SVG = "image/svg+xml"
_DONE = {201: ImpactDecisionSerializer}


class LineageView(ConsentView):
    """Tell what came of a thing, or what it came of."""

    scopes = {"GET": "lineage:read"}

    @extend_schema(
        parameters=[NodeQuerySerializer],
        responses={200: OpenApiTypes.OBJECT, 404: OpenApiTypes.OBJECT},
    )
    def get(self, request: Request) -> Response:
        return Response(report_impact(self.look(request)))

    def look(self, request: Request) -> lineage.Impact:
        """Return the answer. Raises NotPermitted, ValidationError, Unknown."""
        require(self.account, "consent.view_lineage")
        asked = NodeQuerySerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        _check(asked.node)
        return lineage.look(asked.node, asked.direction_asked)


class LineageGraphView(LineageView):
    """The same as a picture that stands alone."""

    @extend_schema(
        parameters=[NodeQuerySerializer],
        responses={(200, SVG): OpenApiTypes.BINARY, 404: OpenApiTypes.OBJECT},
    )
    def get(self, request: Request) -> HttpResponse:  # type: ignore[override]
        return _picture(draw_impact(self.look(request), is_file=True), "lineage")


class LeavesView(ConsentView):
    """List the many things that hang on one, page by page."""

    scopes = {"GET": "lineage:read"}

    @extend_schema(
        parameters=[LeavesQuerySerializer],
        responses={200: LeavesSerializer, 404: OpenApiTypes.OBJECT},
    )
    def get(self, request: Request) -> Response:
        require(self.account, "consent.view_lineage")
        asked = LeavesQuerySerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        _check(asked.node)
        said = asked.validated_data
        hung = lineage.leaves_of(asked.node.kind, asked.direction_asked)
        if said["leaf"] not in hung:
            raise TermsRefused(
                f"no {said['leaf']} hangs on a {asked.node.kind} {asked.direction_asked},"
                f" wanted {' or '.join(hung) or 'another kind'}"
            )
        page = lineage.find_leaves(
            asked.node,
            said["leaf"],
            asked.direction_asked,
            after=said["after"],
            limit=said["limit"],
        )
        return Response(LeavesSerializer(page).data)


class ImpactCasesView(ConsentView, ListAPIView):
    """List impact cases, newest first."""

    scopes = {"GET": "impact:read"}
    serializer_class = ImpactCaseSerializer

    @extend_schema(
        parameters=[
            OpenApiParameter("state", str, enum=[state.value for state in ImpactState]),
            OpenApiParameter("overdue", bool, description="Only those whose day is past."),
        ]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[ImpactCase]:
        require(self.account, "consent.view_impactcase")
        cases = ImpactCase.objects.prefetch_related("lines").order_by("-opened_at", "pk")
        if (state := self.request.query_params.get("state")) is not None:
            cases = cases.filter(state=state)
        if self.request.query_params.get("overdue") in {"1", "true", "True"}:
            cases = cases.overdue(database_now())
        return cases


class ImpactCaseView(ConsentView):
    """Read one case."""

    scopes = {"GET": "impact:read"}

    @extend_schema(responses={200: ImpactCaseSerializer, 404: OpenApiTypes.OBJECT})
    def get(self, request: Request, case_id: UUID) -> Response:  # noqa: ARG002
        return Response(ImpactCaseSerializer(self.case(case_id)).data)

    def case(self, case_id: UUID) -> ImpactCase:
        """Return the case. Raises NotPermitted, Unknown."""
        require(self.account, "consent.view_impactcase")
        return get(ImpactCase.objects.select_related("subject"), case_id)


class ImpactReportView(ImpactCaseView):
    """A case with all that it concerns, as a report."""

    @extend_schema(responses={200: OpenApiTypes.OBJECT, 404: OpenApiTypes.OBJECT})
    def get(self, request: Request, case_id: UUID) -> Response:  # noqa: ARG002
        return Response(report_case(self.case(case_id)))


class ImpactPictureView(ImpactCaseView):
    """What a case concerns, as a picture that stands alone."""

    @extend_schema(responses={(200, SVG): OpenApiTypes.BINARY, 404: OpenApiTypes.OBJECT})
    def get(self, request: Request, case_id: UUID) -> HttpResponse:  # type: ignore[override]  # noqa: ARG002
        return _picture(draw_case(self.case(case_id)), f"impact-{case_id}")


class ImpactClosingView(ConsentView):
    """Close a case that concerns no version and no model."""

    scopes = {"POST": "impact:write"}

    @extend_schema(
        request=None, responses={201: ImpactCaseSerializer}, parameters=[IDEMPOTENCY_KEY]
    )
    def post(self, request: Request, case_id: UUID) -> Response:  # noqa: ARG002
        case = self.once(
            ImpactCase,
            {},
            lambda: services.close_impact(actor=self.account, case_id=case_id),
        )
        return Response(ImpactCaseSerializer(case).data, status=201)


class AssignmentView(ConsentView):
    """Say who sees to a line."""

    scopes = {"POST": "impact:write"}

    @extend_schema(request=AssignmentSerializer, responses=_DONE, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, line_id: UUID) -> Response:
        said = read(AssignmentSerializer, request).validated_data

        def write() -> ImpactDecision:
            return services.assign_impact(
                actor=self.account, line_id=line_id, owner_id=said["owner"], due_at=said["due_at"]
            )

        return _line(self.once(ImpactDecision, said, write))


class MeasureView(ConsentView):
    """Decide what becomes of a version or model."""

    scopes = {"POST": "impact:write"}

    @extend_schema(request=MeasureSerializer, responses=_DONE, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, line_id: UUID) -> Response:
        said = read(MeasureSerializer, request).validated_data

        def write() -> ImpactDecision:
            return services.decide_impact(
                actor=self.account,
                line_id=line_id,
                decision=Measure(said["decision"]),
                reason=said["reason"],
            )

        return _line(self.once(ImpactDecision, said, write))


class CompletionView(ConsentView):
    """Record that what was decided is done."""

    scopes = {"POST": "impact:write"}

    @extend_schema(request=EvidenceSerializer, responses=_DONE, parameters=[IDEMPOTENCY_KEY])
    def post(self, request: Request, line_id: UUID) -> Response:
        said = read(EvidenceSerializer, request).validated_data

        def write() -> ImpactDecision:
            return services.complete_impact(
                actor=self.account,
                line_id=line_id,
                evidence=said["evidence"],
                channel=Method(said["channel"]) if "channel" in said else None,
            )

        return _line(self.once(ImpactDecision, said, write))


def _check(node: lineage.Node) -> None:
    if not lineage.exists(node):
        raise Unknown(f"no {lineage.EDGES.kinds[node.kind].one} has this id")


def _line(line: ImpactDecision) -> Response:
    return Response(ImpactDecisionSerializer(line).data, status=201)


def _picture(svg: str, stem: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{stem}.svg"'}
    return HttpResponse(svg, content_type=SVG, headers=headers)
