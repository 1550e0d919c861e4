"""Addresses that only tests serve: each does to the border what a real one might."""

from django.http import HttpRequest, HttpResponse
from django.urls import path
from oauth2_provider.contrib.rest_framework import OAuth2Authentication, TokenHasScope
from oauth2_provider.models import AccessToken
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import CharField, IntegerField, Serializer
from rest_framework.views import APIView

from config import urls
from generation.errors import RunClosed
from ledger.errors import SealBroken


class Steps(Serializer):
    steps = IntegerField(min_value=1)


class Order(Serializer):
    prompt = CharField(max_length=10)
    parameters = Steps()


class Echo(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()

    def post(self, request: Request) -> Response:
        return Response(request.data)


class Take(Echo):
    def post(self, request: Request) -> Response:
        order = Order(data=request.data)
        order.is_valid(raise_exception=True)
        return Response(order.data)


class Upload(Echo):
    parser_classes = (MultiPartParser,)

    def post(self, request: Request) -> Response:
        return Response({name: file.size for name, file in request.FILES.items()})


class Closed(Echo):
    def get(self, request: Request) -> Response:
        raise RunClosed("the run ended at 12:00")


class Broken(Echo):
    def get(self, request: Request) -> Response:
        raise SealBroken("row 7 of Ada Invented")


class Throttled(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)

    def get(self, request: Request) -> Response:
        return Response({})


class Guarded(APIView):
    authentication_classes = (OAuth2Authentication,)
    permission_classes = (TokenHasScope,)
    required_scopes = ()

    def get(self, request: Request) -> Response:
        assert isinstance(request.auth, AccessToken)
        return Response({"scopes": request.auth.scope.split()})


def crash(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("the secret of Ada Invented")


urlpatterns = [
    path("api/test/echo/", Echo.as_view()),
    path("api/test/take/", Take.as_view()),
    path("api/test/upload/", Upload.as_view()),
    path("api/test/closed/", Closed.as_view()),
    path("api/test/broken/", Broken.as_view()),
    path("api/test/throttled/", Throttled.as_view()),
    path("api/test/guarded/", Guarded.as_view()),
    path("api/test/crash/", crash),
    *urls.urlpatterns,
]
handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500
