"""In and out: asking for a link, spending it, leaving, and for whom one acts."""

import logging
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import rotate_token
from django.shortcuts import redirect
from django.urls import reverse

from consent import services, tasks
from consent.errors import LinkRefused, TermsRefused
from consent.models import PortalVisit
from consent.moment import database_now
from consent.portal.forms import AddressForm
from consent.portal.pages import language_of
from consent.portal.views.visiting import COOKIE, PersonView, PortalView, admit, show_out
from consent.portal.words import CAPACITIES
from consent.services import Visitor
from consent.services.portal import LINK_LIFE
from consent.uses import Capacity

logger = logging.getLogger(__name__)


class EntranceView(PortalView):
    """Where an address is typed; whoever it is, the answer is the same after the same work."""

    def get(self, request: HttpRequest) -> HttpResponse:
        if services.find_visit(request.COOKIES.get(COOKIE, "")) is not None:
            return redirect("portal:home")
        return self.page("entrance", form=AddressForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = AddressForm(request.POST)
        if not form.is_valid():
            return self.page("entrance", form=form, status=422)
        errand = services.ask_for_link(
            address=form.cleaned_data["email"], language=language_of(request)
        )
        tasks.announce_link(errand.pk)
        return self.page("sent", minutes=int(LINK_LIFE.total_seconds() // 60))


class LinkView(PortalView):
    """Where a link leads: to one button. Machines that follow links in letters spend nothing."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:  # noqa: ARG002
        if services.find_link(token) is None:
            raise LinkRefused("this link is spent or expired")
        return _keep_address(self.page("link"))

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        visit, key = services.enter(token=token)
        _observe(request, visit)
        rotate_token(request)
        return _keep_address(admit(redirect("portal:home"), key))


class LeaveView(PortalView):
    """Where a visit ends; with none, nothing happens."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        visit = services.find_visit(request.COOKIES.get(COOKIE, ""))
        if visit is not None:
            services.leave(visit=visit)
        return show_out(self.page("left"))


class PeopleView(PersonView):
    """For whom the visitor acts: themself, or one whom they speak for."""

    here = "people"

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002
        now = database_now()
        rows = self.represents.select_related("subject")
        current = [row for row in rows if row.period.covers(now)]
        names = services.read_initials(
            reader=self.visitor.subject, people=[row.subject for row in current]
        )
        people = [
            (row, names.get(row.subject_id, ""), CAPACITIES[Capacity(row.capacity)])
            for row in current
        ]
        return self.page("people", people=people)

    def post(self, request: HttpRequest) -> HttpResponse:
        chosen = request.POST.get("representation", "")
        services.act_for(visit=self.visit, representation_id=_uuid(chosen) if chosen else None)
        return redirect("portal:home")


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise TermsRefused("an id is malformed") from error


def _keep_address(answer: HttpResponse) -> HttpResponse:
    """Let the link's address, which is a secret, travel on to nobody, ourselves included.

    Under ``no-referrer`` browsers would send the form with ``Origin: null``, which is refused.
    """
    answer.headers["Referrer-Policy"] = "strict-origin"
    return answer


def _observe(request: HttpRequest, visit: PortalVisit) -> None:
    """Record the wish that the browser sends along, if it sends one."""
    said = request.headers.get("Sec-GPC")
    if said is None:
        return
    try:
        services.observe_request(
            actor=Visitor(visit.subject),
            subject_id=visit.subject_id,
            place=request.build_absolute_uri(reverse("portal:entrance")),
            headers=b"Sec-GPC: " + said.encode(),
        )
    except TermsRefused:
        # Nobody is kept out by what their browser says too long or not at all.
        logger.warning("a signal of a visitor's browser was not recorded")
