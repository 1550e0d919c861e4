"""How errors leave the service: every one as a problem document (RFC 9457), by the error's class.

``type`` is the name of the class, so that a client can tell errors apart without reading prose.
"""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.utils.translation import gettext_lazy as _
from django.views import csrf, defaults
from rest_framework import exceptions
from rest_framework.pagination import PageNumberPagination

from config.pages import error_page
from config.statuses import STATUSES
from consent.portal import pages as portal
from consent.portal.pages import is_portal

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
_INTERNAL = "something went wrong on our side; it is in the service's log"


class Pages(PageNumberPagination):
    """Lists come in pages of 50; ``page_size`` asks for up to 200."""

    page_size_query_param = "page_size"
    max_page_size = 200


def problem(name: str, status: int, detail: str, **members: Any) -> HttpResponse:
    """Return one problem document; ``members`` extend it (RFC 9457, section 3.2)."""
    title = _title(name)
    body = {"type": name, "title": title, "status": status, "detail": detail, **members}
    return JsonResponse(body, status=status, content_type=MEDIA_TYPE)


def problem_of(error: Exception, context: Mapping[str, Any]) -> HttpResponse | None:  # noqa: ARG001
    """Turn what an API view raised into its answer; None lets Django answer 500 and log it."""
    error = _as_api_error(error)
    if isinstance(error, exceptions.APIException):
        return _of_api_error(error)
    status = status_of(type(error))
    if not status:
        return None
    return problem(type(error).__name__, status, str(error), **getattr(error, "members", {}))


def status_of(error: type[Exception]) -> int | None:
    """Return the HTTP status of a domain error, or of the nearest class above that has one."""
    return next((STATUSES[each] for each in error.__mro__ if each in STATUSES), None)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if is_api(request):
        return problem("ParseError", 400, "the request is malformed")
    if is_portal(request):
        return portal.error_page(request, 400)
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    if is_api(request):
        return problem("PermissionDenied", 403, "this is not permitted")
    told = _("Your roles do not allow this. A user administrator can say who may.")
    return error_page(request, 403, title=_("Not permitted"), told=told)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Refuse a form that did not come from a page of ours, or came without its cookie."""
    if is_portal(request):
        return portal.error_page(request, 403)
    return csrf.csrf_failure(request, reason)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    if is_api(request):
        return problem("NotFound", 404, "there is nothing at this address")
    told = _("There is nothing at this address. It may have been erased, or the link cut off.")
    return error_page(request, 404, title=_("Nothing here"), told=told)


def server_error(request: HttpRequest) -> HttpResponse:
    if is_api(request):
        return problem("InternalError", 500, _INTERNAL)
    if is_portal(request):
        return portal.error_page(request, 500)
    return defaults.server_error(request)


def is_api(request: HttpRequest) -> bool:
    """Return whether a program reads the answer."""
    return request.path.startswith(("/api/", "/log/", "/oauth/"))


def _as_api_error(error: Exception) -> Exception:
    """Say in REST framework's words what Django itself raised."""
    if isinstance(error, Http404):
        return exceptions.NotFound("there is nothing at this address")
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(error, RequestDataTooBig):
        return BodyTooLarge(str(error))
    if isinstance(error, SuspiciousOperation | UnreadablePostError):
        return exceptions.ParseError("the request is malformed or was cut off")
    return error


class BodyTooLarge(exceptions.APIException):
    """The body is larger than this address takes."""

    status_code = 413


def _of_api_error(error: exceptions.APIException) -> HttpResponse:
    name = type(error).__name__
    if isinstance(error, exceptions.ValidationError):
        found = [{"at": at, "detail": text} for at, text in _flatten(error.detail)]
        return problem(name, error.status_code, "the content is not as described", errors=found)
    detail = " ".join(text for _, text in _flatten(error.detail))
    response = problem(name, error.status_code, detail)
    if challenge := getattr(error, "auth_header", None):
        response["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        response["Retry-After"] = str(int(wait) + 1)
    return response


def _flatten(detail: Any, at: str = "") -> Iterator[tuple[str, str]]:
    """Walk REST framework's nested messages as (path like ``parameters.steps``, text)."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            yield from _flatten(inner, f"{at}.{name}" if at else str(name))
    elif isinstance(detail, list):
        for position, inner in enumerate(detail):
            nested = isinstance(inner, Mapping | list)
            yield from _flatten(inner, f"{at}[{position}]" if nested else at)
    else:
        yield at, str(detail)


def _title(name: str) -> str:
    """Write a class name as words: ``RunClosed`` → ``Run closed``."""
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
    return words.strip().capitalize()
