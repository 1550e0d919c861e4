"""Refusals of people and programs that have an account go on record."""

import logging

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse

from config.api import is_api
from config.middleware import Answer
from consent.kinds import Face
from consent.models import Account
from consent.services import record_denial

logger = logging.getLogger(__name__)

FORBIDDEN = 403
# Who clicks again is not refused anew: one record an account, address and web process for so long.
QUIET_SECONDS = 600


class RecordDenials:
    """Record each answer 403 to a known account; the answer itself stays as it is."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == FORBIDDEN:
            _record(request)
        return response


def _record(request: HttpRequest) -> None:
    account = getattr(request, "user", None)
    view = request.resolver_match.view_name if request.resolver_match else ""
    if not isinstance(account, Account) or not cache.add(
        f"denied:{account.pk}:{view}", "", QUIET_SECONDS
    ):
        return
    face = Face.API if is_api(request) else Face.PAGES
    try:
        record_denial(account=account, face=face, view=view)
    # The refusal itself stands whatever becomes of its record.
    except Exception:
        logger.exception("a refused access could not be put on record")
