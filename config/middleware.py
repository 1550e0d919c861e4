"""What holds for every request and answer, whoever serves it."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from config import api
from ledger.services import replay

Answer = Callable[[HttpRequest], HttpResponse]

# Asked by whoever watches the service, who must hear why it does not answer.
_ALWAYS = frozenset({"/healthz", "/readyz", "/metrics"})

# Unfold runs Alpine expressions, hence 'unsafe-eval'; nothing at all comes from elsewhere.
_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


class ReplayedFirst:
    """Answer nobody while a restored backup holds what was destroyed since it was made."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path not in _ALWAYS and replay.is_replaying():
            reason = "a restored backup is brought up to date: try again in a minute"
            return api.problem("Replaying", 503, reason)
        return self.get_response(request)


# Bodies that hold files or many lines.
_LARGE = frozenset({"multipart/form-data", "application/x-ndjson"})
_STREAMED = frozenset({"/api/v1/imports", "/api/v1/lineage"})


class BodyLimit:
    """Refuse a body by its announced length, before anything reads it."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        limit = settings.MUNIMENT_BODY_BYTES
        if request.content_type in _LARGE:
            limit += settings.MUNIMENT_UPLOAD_BYTES
        if request.path in _STREAMED:
            # Sealed piece by piece as they come, never held as a whole.
            limit = settings.MUNIMENT_IMPORT_BYTES
        if _announced(request) > limit:
            return api.problem("BodyTooLarge", 413, f"a body here may have {limit} bytes")
        return self.get_response(request)


class BrowserLimits:
    """Tell browsers what no page of ours needs: other origins, devices, caches of answers."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.setdefault("Content-Security-Policy", _POLICY)
        response.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        if not request.path.startswith("/static/"):
            response.setdefault("Cache-Control", "no-store")
        return response


def _announced(request: HttpRequest) -> int:
    length = request.META.get("CONTENT_LENGTH") or "0"
    return int(length) if length.isascii() and length.isdigit() else 0
