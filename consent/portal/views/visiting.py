"""What all pages share: the language, what a refusal looks like, who is there, one write once."""

import secrets
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

import orjson
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.views import View

from consent import services
from consent.errors import (
    ConsentError,
    LinkRefused,
    NotPermitted,
    TermsRefused,
    Unknown,
    WrongState,
)
from consent.models import PortalVisit, Representation, Subject
from consent.portal.pages import PREFIX, error_page, finish, language_of, page, speaking
from consent.services import Visitor
from ledger.errors import (
    AnswerGone,
    IdempotencyConflict,
    LedgerError,
    NotYetPublished,
    ScopeGone,
)
from ledger.idempotency import claim
from ledger.models import Recorded, RequestKey

COOKIE = "muniment_portal"
MAX_KEY_CHARS = 64

Row = TypeVar("Row", bound=Recorded)

# What is not theirs is not there; what changed under them is to be looked at again.
_ANSWERS: dict[type[Exception], int] = {
    Unknown: 404,
    NotPermitted: 404,
    ScopeGone: 404,
    AnswerGone: 404,
    LinkRefused: 410,
    WrongState: 409,
    IdempotencyConflict: 409,
    TermsRefused: 422,
    NotYetPublished: 503,
}


class PortalView(View):
    """A page that anybody may open."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        language = language_of(request)
        with speaking(language):
            try:
                answer = self.answer(request, *args, **kwargs)
            except (ConsentError, LedgerError) as error:
                status = _ANSWERS.get(type(error))
                if status is None:
                    raise
                answer = error_page(request, status)
        return finish(request, answer, language)

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Return the answer of the method's own function."""
        return super().dispatch(request, *args, **kwargs)  # type: ignore[return-value]

    def page(self, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
        """Return one page."""
        return page(self.request, template, context, status=status)


class PersonView(PortalView):
    """A page for who is signed in; others are led to the entrance."""

    here = ""  # which entry of the menu the page stands for
    visit: PortalVisit
    visitor: Visitor

    def answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        visit = services.find_visit(request.COOKIES.get(COOKIE, ""))
        if visit is None:
            return redirect("portal:entrance")
        self.visit, self.visitor = visit, services.visitor_of(visit)
        return super().answer(request, *args, **kwargs)

    @property
    def person(self) -> Subject:
        """Return the person in whose matters the visitor acts."""
        spoken_for = self.visitor.representation
        return spoken_for.subject if spoken_for else self.visitor.subject

    @property
    def selves(self) -> QuerySet[Subject]:
        """Return all rows that are this person: several, where they were registered twice."""
        return Subject.objects.selves(self.person.pk)

    @property
    def represents(self) -> QuerySet[Representation]:
        """Return by what the visitor speaks, or spoke, for others."""
        selves = Subject.objects.selves(self.visitor.subject.pk)
        return Representation.objects.filter(representative__in=selves)

    def page(self, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
        """Return one page, with what the menu needs and a key for a write."""
        menu = {
            "visitor": self.visitor,
            "person": self.person,
            "represents": self.represents.exists(),
            "here": self.here,
            "once": secrets.token_urlsafe(16),
        }
        return super().page(template, status=status, **menu, **context)

    def once(self, model: type[Row], write: Callable[[], Row]) -> Row:
        """Return the row that ``write`` returns, or the one of the same form sent before.

        Raises TermsRefused without a usable key, IdempotencyConflict, AnswerGone.
        """
        key = self.request.POST.get("once", "")
        if not (0 < len(key) <= MAX_KEY_CHARS and key.isascii() and key.isprintable()):
            raise TermsRefused("the form came without its key")
        said = {name: values for name, values in self.request.POST.lists() if _is_said(name)}
        asked = orjson.dumps({"path": self.request.path, "said": said}, option=orjson.OPT_SORT_KEYS)
        with transaction.atomic():
            # The visit's own id: what stays of it for a day leads to nobody.
            claimed = claim(client=self.visit.pk, key=key, request=asked)
            if claimed.is_replay:
                return claimed.answer(model)
            row = write()
            claimed.settle(row)
        return row

    def was_sent(self) -> bool:
        """Say whether this form was sent before in this visit."""
        key = self.request.POST.get("once", "")
        return RequestKey.objects.filter(client=self.visit.pk, key=key).exists()


def find_own(rows: QuerySet, pk: UUID) -> Any:
    """Return the row of ``rows`` with this id. Raises Http404: others' rows are not there."""
    row = rows.filter(pk=pk).first()
    if row is None:
        raise Http404("nothing of this person has this id")
    return row


def admit(answer: HttpResponse, key: str) -> HttpResponse:
    """Give the browser the key of a visit; a key that it brought along is never taken over."""
    answer.set_cookie(
        COOKIE,
        key,
        path=PREFIX,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return answer


def show_out(answer: HttpResponse) -> HttpResponse:
    """Take the key of a visit away from the browser."""
    answer.delete_cookie(COOKIE, path=PREFIX, samesite="Lax")
    return answer


def _is_said(name: str) -> bool:
    return name != "csrfmiddlewaretoken"
