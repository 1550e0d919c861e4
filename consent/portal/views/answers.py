"""What is allowed: the overview, each answer in full, giving and taking back."""

from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect

from consent import services
from consent.models import Grant, GrantState, Notice, PrivacyRequest, Serving
from consent.moment import database_now
from consent.portal import standing
from consent.portal.answer import Answered, in_own_language
from consent.portal.forms import AnswerForm, TakeBackForm
from consent.portal.views.visiting import PersonView, find_own
from consent.services.endings import IN_FORCE
from consent.services.renewals import newest_text
from consent.uses import Method, Use


class AnswersPage(PersonView):
    """A page about the answers of the person in whose matters the visitor acts."""

    @property
    def answers(self) -> QuerySet[Grant]:
        """Return the person's answers; what is only being prepared was never asked."""
        own = Grant.objects.filter(subject__in=self.selves).exclude(state=GrantState.DRAFT)
        return own.select_related("notice", "subject")

    def find(self, pk: UUID) -> Grant:
        """Return one answer of the person. Raises Http404."""
        grant: Grant = find_own(self.answers, pk)
        return grant


class HomeView(AnswersPage):
    """What is allowed today, use by use, and what waits for an answer."""

    here = "home"

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002
        return self.page(
            "home",
            tables=standing.tables_of(self.person),
            asking=[Answered(one) for one in self.answers.filter(state__in=standing.ASKING)],
            in_force=self.answers.filter(state__in=IN_FORCE).exists(),
            pictures=standing.count_pictures(self.person),
            requests=PrivacyRequest.objects.filter(subject__in=self.selves, closed_at=None).count(),
        )


class HistoryView(AnswersPage):
    """All answers that there ever were, newest first."""

    here = "history"

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002
        return self.page("history", answers=[Answered(one) for one in self.answers])


class AnswerView(AnswersPage):
    """One answer in full, and the form that takes it back."""

    def get(self, request: HttpRequest, grant_id: UUID) -> HttpResponse:  # noqa: ARG002
        return self._page(self.find(grant_id))

    def post(self, request: HttpRequest, grant_id: UUID) -> HttpResponse:
        """Take back what is ticked, or all of it."""
        grant = self.find(grant_id)
        # Whatever its state: the same form sent twice is answered alike.
        form = TakeBackForm([use for use in Use if use in grant.uses], request.POST)
        everything, alike = "everything" in request.POST, "alike" in request.POST
        if not (everything or alike or form.is_valid()):
            return self._page(grant, form, status=422)
        uses = () if everything or alike else map(Use, form.cleaned_data["uses"])

        def write() -> Grant:
            if alike:
                return services.withdraw_alike(actor=self.visitor, grant_id=grant.pk)[0]
            if everything and grant.state != GrantState.REFUSED:
                return services.withdraw_allowed(
                    actor=self.visitor, subject_id=self.person.pk, grant_id=grant.pk
                )[0]
            return services.withdraw(
                actor=self.visitor, grant_id=grant.pk, uses=uses, method=Method.PORTAL
            )

        self.once(Grant, write)
        return redirect("portal:done-answer", done="taken-back", grant_id=grant.pk)

    def _page(
        self, grant: Grant, form: TakeBackForm | None = None, *, status: int = 200
    ) -> HttpResponse:
        shown = Answered(grant)
        alike = services.find_alike(grant).select_related("notice") if shown.is_in_force else ()
        return self.page(
            "answer",
            status=status,
            shown=shown,
            alike=[Answered(one) for one in alike],
            form=form or TakeBackForm(_allowed(grant)),
            can_answer=_is_open(grant) or _is_again(grant),
        )


class GiveView(AnswersPage):
    """The form for an answer: to a request of ours, or once more to what was taken back."""

    def get(self, request: HttpRequest, grant_id: UUID) -> HttpResponse:  # noqa: ARG002
        grant = self._wanted(grant_id)
        self._serve(in_own_language(grant.notice))
        return self._page(grant, AnswerForm(grant))

    def post(self, request: HttpRequest, grant_id: UUID) -> HttpResponse:
        # Not whether it is still open: the same form sent twice is answered alike.
        grant = _by_the_newest(self.find(grant_id))
        form = AnswerForm(grant, request.POST)
        if not form.is_valid():
            return self._page(self._wanted(grant_id), form, status=422)
        answered = self.once(Grant, lambda: self._write(grant, form))
        return redirect("portal:done-answer", done="answered", grant_id=answered.pk)

    def _serve(self, notice: Notice) -> None:
        """Record that the text was opened, once in a visit."""
        opened = Serving.objects.filter(
            subject=self.person,
            notice=notice,
            channel=Method.PORTAL.value,
            capacity=self.visitor.capacity.value,
            served_at__gte=self.visit.entered_at,
        )
        if not opened.exists():
            services.serve_notice(
                actor=self.visitor,
                subject_id=self.person.pk,
                notice_id=notice.pk,
                channel=Method.PORTAL,
            )

    def _write(self, grant: Grant, form: AnswerForm) -> Grant:
        answer, read = form.as_answer(), in_own_language(grant.notice).pk
        if _is_again(grant):
            return services.give(
                actor=self.visitor, subject_id=self.person.pk, notice_id=read, answer=answer
            )
        if not answer.uses:
            return services.refuse_request(
                actor=self.visitor, grant_id=grant.pk, method=Method.PORTAL, notice_id=read
            )
        return services.answer_request(
            actor=self.visitor, grant_id=grant.pk, answer=answer, notice_id=read
        )

    def _wanted(self, pk: UUID) -> Grant:
        grant = self.find(pk)
        if not _is_open(grant) and not _is_again(grant):
            raise Http404("nobody asks for this answer")
        return _by_the_newest(grant)

    def _page(self, grant: Grant, form: AnswerForm, *, status: int = 200) -> HttpResponse:
        return self.page(
            "give",
            status=status,
            shown=Answered(grant),
            form=form,
        )


class ReceiptView(AnswersPage):
    """Where the signed receipt of an answer is downloaded; that it was is on the record first."""

    def get(self, request: HttpRequest, grant_id: UUID) -> HttpResponse:  # noqa: ARG002
        grant = self.find(grant_id)
        if grant.given_at is None:
            raise Http404("nothing was answered yet")
        paper = services.issue_receipt(actor=self.visitor, grant_id=grant.pk)
        content = services.read_paper(reader=self.visitor, paper=paper)
        if content is None:
            raise Http404("the receipt was destroyed")
        answer = HttpResponse(content, content_type="application/ld+json")
        answer.headers["Content-Disposition"] = 'attachment; filename="receipt.jsonld"'
        return answer


class LaterView(AnswersPage):
    """Where an answer is put off."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, grant_id: UUID) -> HttpResponse:  # noqa: ARG002
        grant = self.find(grant_id)
        self.once(Grant, lambda: services.defer_request(actor=self.visitor, grant_id=grant.pk))
        return redirect("portal:done", done="put-off")


class TakeBackView(AnswersPage):
    """Where everything that is allowed is taken back at once."""

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002
        standing_now = self.answers.filter(state__in=IN_FORCE)
        return self.page("take_back", answers=[Answered(one) for one in standing_now])

    def post(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002
        self.once(
            Grant,
            lambda: services.withdraw_allowed(actor=self.visitor, subject_id=self.person.pk)[0],
        )
        return redirect("portal:done", done="taken-back")


class DoneView(AnswersPage):
    """What was just done, what follows, and where the receipt of it is."""

    def get(
        self,
        request: HttpRequest,  # noqa: ARG002
        done: str,
        grant_id: UUID | None = None,
    ) -> HttpResponse:
        if done not in {"answered", "taken-back", "put-off"}:
            raise Http404("nothing is done like this")
        return self.page("done", done=done, grant=self.find(grant_id) if grant_id else None)


def _allowed(grant: Grant) -> list[Use]:
    return [use for use in Use if use in grant.uses] if grant.state == GrantState.GIVEN else []


def _is_open(grant: Grant) -> bool:
    return grant.state in standing.ASKING


def _by_the_newest(grant: Grant) -> Grant:
    """Let what is said once more be said to the text that holds now, in memory only."""
    if not _is_open(grant):
        grant.notice = newest_text(grant.notice)
    return grant


def _is_again(grant: Grant) -> bool:
    """Say whether what was taken back may be given once more, under the same terms."""
    is_over = grant.valid_until is not None and grant.valid_until <= database_now()
    return grant.state == GrantState.WITHDRAWN and not is_over
