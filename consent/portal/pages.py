"""How a page of the portal leaves: in the reader's language, and closed to everything foreign."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from consent.models import Language

PREFIX = "/portal/"
# Nothing runs and nothing comes from elsewhere: the pages are text, forms and one style sheet.
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_LOCALES = {Language.ENGLISH: "en-gb", Language.GERMAN: "de"}
_YEAR_SECONDS = 31_536_000

_ERRORS: dict[int, tuple[Promise, Promise]] = {
    400: (_("This could not be read"), _("Go back to the page before and try it once more.")),
    403: (
        _("This form has run out"),
        _("Your browser sent it without our cookie. Allow cookies for this site, open the page "
          "anew and try again."),
    ),
    404: (
        _("Nothing here"),
        _("There is nothing at this address for you. It may be gone, or the link was cut off."),
    ),
    409: (
        _("This has changed meanwhile"),
        _("Nothing was done. Look at it again and then decide."),
    ),
    410: (
        _("This link no longer works"),
        _("Each link works once and for half an hour. Ask for a new one; it comes by e-mail."),
    ),
    422: (_("This is not possible"), _("Nothing was changed. Go back and look at your choice.")),
    429: (_("Wait a moment"), _("There were too many attempts. Try again in a minute.")),
    503: (
        _("Not ready yet"),
        _("It is being written into the record. Try again in a minute."),
    ),
    500: (
        _("Something went wrong on our side"),
        _("Nothing was changed by what you just did. Try again in a few minutes."),
    ),
}  # fmt: skip


def is_portal(request: HttpRequest) -> bool:
    """Return whether a person concerned reads the answer."""
    return request.path.startswith(PREFIX)


def language_of(request: HttpRequest) -> Language:
    """Return the language to answer in: as just chosen, as chosen before, as the browser asks."""
    for chosen in (request.GET.get("language"), request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)):
        if chosen in Language.values:
            return Language(chosen)
    return Language(translation.get_language_from_request(request)[:2])


def speaking(language: Language) -> Any:
    """Return the context in which texts and dates are in ``language``."""
    return translation.override(_LOCALES[language])


def page(
    request: HttpRequest, template: str, context: Mapping[str, Any], *, status: int = 200
) -> HttpResponse:
    """Return one page, in the language of the surrounding context."""
    language = Language(str(translation.get_language())[:2])
    return render(
        request,
        f"consent/portal/{template}.html",
        {
            "language": language.value,
            "languages": [one for one in Language if one is not language],
            "organisation": settings.MUNIMENT_ORGANISATION,
            **context,
        },
        status=status,
    )


def error_page(request: HttpRequest, status: int) -> HttpResponse:
    """Return the page that says in plain words why there is no other, and what to do."""
    language = language_of(request)
    with speaking(language):
        title, told = _ERRORS[status]
        answer = page(request, "error", {"title": title, "told": told}, status=status)
    return finish(request, answer, language)


def finish(request: HttpRequest, answer: HttpResponse, language: Language) -> HttpResponse:
    """Put on an answer what all of the portal's carry, and keep a choice of language."""
    answer.headers.setdefault("Content-Security-Policy", _POLICY)
    answer.headers["Content-Language"] = language.value
    answer.headers["Vary"] = "Accept-Language, Cookie"
    if request.GET.get("language") == language.value:
        answer.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            language.value,
            max_age=_YEAR_SECONDS,
            path=PREFIX,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
    return answer
