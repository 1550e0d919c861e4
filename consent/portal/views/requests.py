"""Asking for one's data or for erasure, following it, and taking the package away."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from consent import services
from consent.kinds import CloseOutcome
from consent.models import Paper, PrivacyRequest, RequestKind, RequestState
from consent.portal.forms import RequestForm
from consent.portal.views.visiting import PersonView, find_own
from consent.portal.words import ASKED_FOR, KINDS, REQUESTS
from consent.services import Sealed
from consent.services.requests import OPEN_TO_PLANNING
from consent.uses import Assurance, Method
from ledger.record_kinds import DisclosureReason


class RequestsView(PersonView):
    """What was asked, and the form to ask."""

    here = "requests"

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002
        return self._page(RequestForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = RequestForm(request.POST)
        if not form.is_valid():
            return self._page(form, status=422)
        kind = RequestKind(form.cleaned_data["kind"])

        def write() -> PrivacyRequest:
            return services.open_request(
                actor=self.visitor,
                subject_id=self.person.pk,
                kind=kind,
                channel=Method.PORTAL,
                identity=Assurance.KNOWN_CONTACT,
            )

        if self._is_asked(kind) and not self.was_sent():
            form.add_error("kind", _("You asked for this already; see how it stands above."))
            return self._page(form, status=422)
        opened = self.once(PrivacyRequest, write)
        return redirect("portal:request", request_id=opened.pk)

    def _is_asked(self, kind: RequestKind) -> bool:
        own = PrivacyRequest.objects.filter(subject__in=self.selves, kind=kind.value)
        return own.filter(closed_at=None).exists()

    def _page(self, form: RequestForm, *, status: int = 200) -> HttpResponse:
        own = PrivacyRequest.objects.filter(subject__in=self.selves)
        told = [_told(one) for one in own]
        hints = [KINDS[kind][1] for kind in RequestKind]
        return self.page("requests", form=form, requests=told, hints=hints, status=status)


class RequestView(PersonView):
    """How one request stands, and the button that withdraws it."""

    def get(self, request: HttpRequest, request_id: UUID) -> HttpResponse:  # noqa: ARG002
        return self.page("request", told=_told(self._find(request_id)))

    def post(self, request: HttpRequest, request_id: UUID) -> HttpResponse:  # noqa: ARG002
        asked = self._find(request_id)
        self.once(
            PrivacyRequest,
            lambda: services.close_request(
                actor=self.visitor, request_id=asked.pk, outcome=CloseOutcome.WITHDRAWN
            ),
        )
        return redirect("portal:request", request_id=asked.pk)

    def _find(self, pk: UUID) -> PrivacyRequest:
        own = PrivacyRequest.objects.filter(subject__in=self.selves)
        found: PrivacyRequest = find_own(own, pk)
        return found


class PackageView(RequestView):
    """Where the package of a request is downloaded; that it was is on the record first."""

    http_method_names = ["get"]

    def get(self, request: HttpRequest, request_id: UUID) -> HttpResponse:  # noqa: ARG002
        asked = self._find(request_id)
        package = asked.packages.select_related("file").filter(paper=Paper.EXPORT).first()
        if package is None:
            raise Http404("there is no package yet")
        seen = services.view_files(
            reader=self.visitor,
            permission="consent.download_package",
            reason=DisclosureReason.OWN_MATTERS,
            wanted=[Sealed(package, "file")],
        )
        if package.pk not in seen:
            raise Http404("the package was destroyed")
        answer = HttpResponse(seen[package.pk], content_type="application/zip")
        answer.headers["Content-Disposition"] = 'attachment; filename="your-data.zip"'
        return answer


def _told(asked: PrivacyRequest) -> dict[str, Any]:
    """Return how a request reads."""
    return {
        "row": asked,
        "kind": ASKED_FOR[RequestKind(asked.kind)],
        "state": REQUESTS[RequestState(asked.state)],
        "package": asked.packages.filter(paper=Paper.EXPORT).exists(),
        "can_withdraw": asked.state in OPEN_TO_PLANNING,
    }
