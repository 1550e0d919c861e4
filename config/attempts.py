"""Slow down those who guess passwords and secrets."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from rest_framework.throttling import SimpleRateThrottle

from config.api import is_api, problem
from config.pages import error_page

View = Callable[..., HttpResponseBase]


class RefusedAttempts(SimpleRateThrottle):
    """The refused attempts of one address at one door, in each web process for itself."""

    scope = "refused_attempts"

    def __init__(self, door: str) -> None:
        super().__init__()
        self._door = door

    def get_cache_key(self, request: Any, view: Any) -> str:  # noqa: ARG002
        return f"{self.scope}:{self._door}:{self.get_ident(request)}"

    def is_open(self, request: Any) -> bool:
        """Tell whether one more attempt may pass; Django's own requests will do."""
        return self.allow_request(request, view=None)  # type: ignore[arg-type]

    def throttle_success(self) -> bool:
        """Let the attempt pass uncounted: whether it was refused shows only afterwards."""
        return True

    def count(self) -> None:
        """Count the attempt that was let pass: it was refused."""
        super().throttle_success()


def limit_attempts(view: View, *, door: str) -> View:
    """Refuse further POSTs of an address with 429 once too many were refused within a minute.

    A POST is refused when its answer is an error, or a form again instead of a redirect.
    """

    @wraps(view)
    def limited(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        attempts = RefusedAttempts(door)
        if not attempts.is_open(request):
            return _too_many(request, int(attempts.wait() or 0) + 1)
        answer = view(request, *args, **kwargs)
        if answer.status_code >= 400 or "text/html" in answer.get("Content-Type", ""):
            attempts.count()
        return answer

    return limited


def _too_many(request: HttpRequest, seconds: int) -> HttpResponse:
    told = ngettext(
        "There were too many failed attempts from your address. Try again in one second.",
        "There were too many failed attempts from your address. Try again in %(seconds)d seconds.",
        seconds,
    ) % {"seconds": seconds}
    if is_api(request):
        answer = problem("Throttled", 429, told)
    else:
        answer = error_page(request, 429, title=_("Wait a moment"), told=told)
    answer["Retry-After"] = str(seconds)
    return answer
