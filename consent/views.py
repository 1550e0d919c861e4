"""The API of consent, and the page where a one-time sign-in is spent.

People use the API in their session, programs by token; what either may do, their roles say.
Every write takes an ``Idempotency-Key``.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import orjson
from django.contrib.auth import logout
from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views import View
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from oauth2_provider.contrib.rest_framework import TokenHasScope
from rest_framework.exceptions import ParseError
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from consent import services
from consent.decisions import decide_uses
from consent.errors import SignInRefused, TermsRefused
from consent.forms import PasswordForm
from consent.models import Account, Dataset, DatasetVersion, Grant, Notice, Subject
from consent.serializers import (
    DatasetRequestSerializer,
    DatasetSerializer,
    DatasetVersionSerializer,
    DecisionRequestSerializer,
    DecisionSerializer,
    GrantRequestSerializer,
    GrantSerializer,
    NoticeSerializer,
    SearchSerializer,
    SubjectRequestSerializer,
    SubjectSerializer,
    WithdrawalSerializer,
)
from consent.services.authority import get, require, require_anywhere
from consent.uses import Method, Use
from ledger.idempotency import claim
from ledger.models import Recorded

MAX_KEY_CHARS = 255
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="A fresh text per write; a retry sends it again and is answered alike.",
)

Row = TypeVar("Row", bound=Recorded)


class Access(TokenHasScope):  # type: ignore[misc]
    """Programs need the scope of the address; of people, only that they are signed in."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if request.auth is None:
            return bool(request.user and request.user.is_authenticated)
        return bool(super().has_permission(request, view))

    def get_scopes(self, request: Request, view: Any) -> list[str]:
        return [view.scopes[request.method]]


class ConsentView(APIView):
    """A view for people and programs; ``scopes`` says by method what a token must carry."""

    permission_classes = (Access,)
    scopes: ClassVar[Mapping[str, str]] = {}

    @property
    def account(self) -> Account:
        """Return who asks."""
        assert isinstance(self.request.user, Account)
        return self.request.user

    def once(self, model: type[Row], asked: Mapping[str, Any], write: Callable[[], Row]) -> Row:
        """Return the row that ``write`` returns, or the one that answered the same key before.

        Raises ParseError without a usable key, IdempotencyConflict, AnswerGone.
        """
        key = self.request.headers.get("Idempotency-Key", "")
        if not (1 <= len(key) <= MAX_KEY_CHARS and key.isascii() and key.isprintable()):
            raise ParseError(
                f"the header Idempotency-Key must hold 1 to {MAX_KEY_CHARS} characters"
            )
        said = {"asked": asked, "path": self.request.path}
        request = orjson.dumps(said, default=str, option=orjson.OPT_SORT_KEYS)
        with transaction.atomic():
            claimed = claim(client=self.account.pk, key=key, request=request)
            if claimed.is_replay:
                return claimed.answer(model)
            row = write()
            claimed.settle(row)
        return row


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
        asked = WithdrawalSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        said = asked.validated_data

        def write() -> Grant:
            return services.withdraw(
                actor=self.account,
                grant_id=grant_id,
                uses=[Use(use) for use in said["uses"]],
                method=Method(said["method"]),
            )

        return Response(GrantSerializer(self.once(Grant, said, write)).data)


class DecisionsView(ConsentView):
    """Ask whether consent covers a use, now or at a past moment; nothing is written."""

    scopes = {"POST": "decisions:read"}

    @extend_schema(request=DecisionRequestSerializer, responses=DecisionSerializer)
    def post(self, request: Request) -> Response:
        require_anywhere(self.account, "consent.decide")
        asked = DecisionRequestSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        return Response(DecisionSerializer(decide_uses(**asked.as_question())).data)


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
        counts = {
            "held": Count("items", distinct=True),
            "quarantined_count": Count("quarantined", distinct=True),
        }
        return dataset.versions.annotate(**counts).order_by("-number")


class SignInView(View):
    """Where the holder of a one-time sign-in sets a password."""

    def get(self, request: HttpRequest, account_id: UUID, token: str) -> HttpResponse:
        return self._page(request, PasswordForm(), is_open=_is_open(account_id, token))

    def post(self, request: HttpRequest, account_id: UUID, token: str) -> HttpResponse:
        form = PasswordForm(request.POST)
        if not form.is_valid():
            return self._page(request, form, is_open=True)
        password = form.cleaned_data["password"]
        try:
            services.set_password(account_id=account_id, token=token, password=password)
        except SignInRefused:
            return self._page(request, form, is_open=False)
        except TermsRefused as error:
            form.add_error("password", str(error))
            return self._page(request, form, is_open=True)
        # Whoever else was signed in at this browser is not the person who sets the password.
        logout(request)
        return redirect("admin:index")

    def _page(self, request: HttpRequest, form: PasswordForm, *, is_open: bool) -> HttpResponse:
        context = {"form": form, "is_open": is_open}
        response = render(request, "consent/sign_in.html", context, status=200 if is_open else 403)
        # The address is the secret: it must not travel on with the next click.
        response["Referrer-Policy"] = "no-referrer"
        response["Cache-Control"] = "no-store"
        return response


def _is_open(account_id: UUID, token: str) -> bool:
    return services.find_sign_in(account_id=account_id, token=token) is not None
