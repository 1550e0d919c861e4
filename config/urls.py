"""Every address of the service. Each app names its own in ``<app>/urls.py``."""

from django.contrib import admin
from django.http import Http404
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from oauth2_provider.views import RevokeTokenView, TokenView
from rest_framework.permissions import AllowAny

from config import api, health
from config.attempts import limit_attempts
from consent.portal.views import EntranceView

_OPEN = {"authentication_classes": [], "permission_classes": [AllowAny]}

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("", include("ledger.urls")),
    path("", include("consent.urls")),
    # Every wish for a link is answered by a page, so that each counts.
    path("portal/", limit_attempts(EntranceView.as_view(), door="portal")),
    path("portal/", include("consent.portal.urls")),
    # Django's own page would change an account off the record; one-time sign-ins do it on record.
    path("admin/password_change/", api.not_found, {"exception": Http404()}),
    path("admin/login/", limit_attempts(admin.site.login, door="sign-in")),
    path("admin/", admin.site.urls),
    path("oauth/token/", limit_attempts(TokenView.as_view(), door="token"), name="token"),
    path("oauth/revoke_token/", RevokeTokenView.as_view(), name="revoke-token"),
    path("api/v1/schema/", SpectacularAPIView.as_view(**_OPEN), name="schema"),
    path("api/v1/", include("generation.urls")),
    path("api/v1/docs/", SpectacularSwaggerView.as_view(**_OPEN, url_name="schema"), name="docs"),
]

handler400 = "config.api.bad_request"
handler403 = "config.api.permission_denied"
handler404 = "config.api.not_found"
handler500 = "config.api.server_error"
