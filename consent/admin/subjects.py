"""The people concerned, by handle; what they answered, what was made of them, what they asked."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest

from consent import lineage, search, services
from consent.admin.acts import Act, Outcome
from consent.admin.answer_forms import (
    MergeForm,
    RepresentationForm,
    RequestedForm,
    ServingForm,
    TitleForm,
    grant_form,
)
from consent.admin.forms import KnownForm, RequestForm, SearchForm, SubjectForm
from consent.admin.grants import said_as_answer
from consent.admin.names import SEALED, NamesAdmin
from consent.admin.requests import day_in_words
from consent.identity import IdentifierKind
from consent.models import (
    Account,
    Grant,
    Identifier,
    Merge,
    PrivacyRequest,
    Representation,
    RequestKind,
    Serving,
    Subject,
    Title,
)
from consent.pictures import data_url, thumbnail
from consent.services import Known, Sealed, Span
from consent.uses import Assurance, Capacity, Method, Right
from ledger.admin import record_link
from ledger.record_kinds import DisclosureReason
from ledger.services import Disclosure

PORTRAIT_SIDE = 240


def _register(actor: Account, _row: None, said: dict[str, Any]) -> Outcome:
    subject = services.register_subject(
        actor=actor, name=said["name"], email=said["email"] or None, portrait=said["portrait"]
    )
    return Outcome(f"Registered as {subject.handle}.", subject)


def _give(actor: Account, subject: Subject, said: dict[str, Any]) -> Outcome:
    grant = services.give(
        actor=actor,
        subject_id=subject.pk,
        notice_id=said["notice"].pk,
        answer=said_as_answer(said),
        evidence=said["evidence"],
        representation_id=said["representation"],
    )
    return Outcome("Recorded. It counts from now on.", grant)


def _ask(actor: Account, subject: Subject, said: dict[str, Any]) -> Outcome:
    grant = services.request(
        actor=actor,
        subject_id=subject.pk,
        notice_id=said["notice"].pk,
        answer=said_as_answer(said),
    )
    return Outcome("Recorded. Nothing may be done before they answer.", grant)


def _represent(actor: Account, subject: Subject, said: dict[str, Any]) -> Outcome:
    row = services.represent(
        actor=actor,
        subject_id=subject.pk,
        representative_id=said["handle"].pk,
        capacity=Capacity(said["capacity"]),
        span=Span(ends_at=said["ends_at"], evidence=said["evidence"]),
    )
    return Outcome("Recorded. They may answer for the person from now on.", row)


def _pass_title(actor: Account, subject: Subject, said: dict[str, Any]) -> Outcome:
    row = services.pass_title(
        actor=actor,
        origin_id=subject.pk,
        holder_id=said["handle"].pk,
        right=Right(said["right"]),
        exclusive=said["exclusive"],
        span=Span(ends_at=said["ends_at"], evidence=said["evidence"]),
    )
    return Outcome("Recorded. Their answers count from now on.", row)


def _receive(actor: Account, subject: Subject, said: dict[str, Any]) -> Outcome:
    request = services.open_request(
        actor=actor,
        subject_id=subject.pk,
        kind=RequestKind(said["kind"]),
        channel=Method(said["channel"]),
        identity=Assurance(said["identity"]),
        received_at=said["received_at"],
    )
    until = day_in_words(request.last_day)
    return Outcome(f"Received. An answer is due by the end of {until}.", request)


def _merge(actor: Account, subject: Subject, said: dict[str, Any]) -> Outcome:
    merge = services.merge_subjects(
        actor=actor, keep_id=subject.pk, other_id=said["handle"].pk, reason=said["reason"]
    )
    return Outcome("Merged. They count as one person from now on.", merge)


def _serve(actor: Account, subject: Subject, said: dict[str, Any]) -> Outcome:
    services.serve_notice(
        actor=actor,
        subject_id=subject.pk,
        notice_id=said["notice"].pk,
        channel=Method(said["channel"]),
        served_at=said["served_at"],
        capacity=Capacity(said["capacity"]),
    )
    return Outcome("Recorded. It says nothing of what they chose.", subject)


def _find(actor: Account, _row: None, said: dict[str, Any]) -> Outcome:
    found = search.find_subjects(
        actor=actor,
        term=said["term"],
        kind=IdentifierKind(said["kind"]) if said["kind"] else None,
        region=said["region"],
    )
    count = len(found.matches)
    people = f"{count} {'person' if count == 1 else 'people'}" if count else "Nobody was"
    return Outcome(f"{people} found", page="consent/admin/found.html", shown={"found": found})


def _add(actor: Account, subject: Subject, said: dict[str, Any]) -> Outcome:
    known = Known(IdentifierKind(said["kind"]), said["value"], said["region"])
    services.add_identifier(actor=actor, subject_id=subject.pk, known=known)
    return Outcome("Recorded. The person is found by it from now on.", subject)


@admin.register(Subject)
class SubjectAdmin(NamesAdmin):
    """People, found by what they are known by; the term is never put into an address."""

    menu_group = "Consent"
    menu_icon = "person"
    empty = "Register a person, or bring in old releases."
    open_permission = "consent.disclose_subject"
    list_display = ("handle", "open_name", "answers", "pictures", "registered_at", record_link)
    fields = ("handle", "open_name", "registered_at", record_link)
    ordering = ("-registered_at", "pk")
    sortable_by = ("registered_at",)
    change_form_outer_after_template = "consent/admin/subject.html"
    list_acts = (
        Act(
            "register",
            "Register a person",
            "person_add",
            "consent.register_subject",
            "Gives the person a random handle and a key of their own. Search first: the same "
            "person may be here already.",
            _register,
            lambda _: SubjectForm,
        ),
        Act(
            "search",
            "Find a person",
            "search",
            "consent.view_subject",
            "Finds by the handle, or by anything people are or were known by: names however "
            "spelled, e-mail addresses, phone numbers, birth dates, addresses.",
            _find,
            lambda _: SearchForm,
        ),
    )
    row_acts = (
        Act(
            "know",
            "Add a name, address or number",
            "badge",
            "consent.register_subject",
            "The person is found by it from now on; what they were known by before stays.",
            _add,
            lambda _: KnownForm,
        ),
        Act(
            "give",
            "Record a permission or refusal",
            "task_alt",
            "consent.give_grant",
            "Records what the person allows or refuses. The terms are fixed from then on; an "
            "earlier answer stays in force beside it until it is withdrawn.",
            _give,
            grant_form,
        ),
        Act(
            "ask",
            "Ask for a permission",
            "contact_support",
            "consent.give_grant",
            "Records what the person is asked. Nothing follows from it until they answer.",
            _ask,
            lambda _: RequestedForm,
        ),
        Act(
            "serve",
            "Record that a notice reached them",
            "outgoing_mail",
            "consent.serve_notice",
            "Records which notice they got, in its language, when and how; apart from what they "
            "answer.",
            _serve,
            lambda _: ServingForm,
        ),
        Act(
            "represent",
            "Record who speaks for them",
            "supervisor_account",
            "consent.register_subject",
            "A guardian, an agent or an heir may then answer for the person. What a guardian "
            "answers goes before a human once the person is of age.",
            _represent,
            lambda _: RepresentationForm,
        ),
        Act(
            "title",
            "Record who holds their works",
            "copyright",
            "consent.register_subject",
            "An agency, for instance, may then answer for the person's works or style.",
            _pass_title,
            lambda _: TitleForm,
        ),
        Act(
            "merge",
            "Merge with a duplicate",
            "merge",
            "consent.merge_subject",
            "The other handle counts as this person from now on: what either allowed or refused, "
            "their pictures, searches, requests. Nothing is rewritten, and they can be parted.",
            _merge,
            lambda _: MergeForm,
        ),
        Act(
            "request",
            "Record a privacy request",
            "contact_mail",
            "consent.open_request",
            "Starts the legal clock for a copy of everything, or for erasure.",
            _receive,
            lambda _: RequestForm,
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Subject]:
        subjects: QuerySet[Subject] = super().get_queryset(request)
        standing = Count("grants", filter=Q(grants__state="given"), distinct=True)
        return subjects.annotate(
            standing=standing, depicted=Count("depictions", distinct=True)
        ).select_related("portrait")

    def describe(self, request: HttpRequest, row: Subject) -> dict[str, Any]:
        impact = lineage.find_impact(lineage.Node("subject", row.pk))
        selves = Subject.objects.selves(row.pk)
        return {
            **super().describe(request, row),
            "portrait": _portrait(request, row),
            "known_by": _known_by(row),
            "servings": Serving.objects.filter(subject__in=selves).select_related("notice"),
            "merges": Merge.objects.filter(Q(subject=row) | Q(into=row)).select_related(
                "subject", "into"
            ),
            "grants": Grant.objects.filter(subject__in=selves).select_related("notice"),
            "speakers": Representation.objects.filter(subject__in=selves).select_related(
                "representative"
            ),
            "titles": Title.objects.filter(origin__in=selves).select_related("holder"),
            "requests": PrivacyRequest.objects.filter(subject__in=selves),
            "impact": [one for one in lineage.in_words(impact) if one[0] != "people"],
        }

    def open_names(self, request: HttpRequest, rows: Sequence[Any]) -> None:
        """Open what each person is or was known by; name and address are what they go by now."""
        found = Identifier.objects.legible().filter(subject__in=[row.pk for row in rows])
        opened = self.disclose(request, [Disclosure(one, ("value",)) for one in found])
        for row in rows:
            own = [one for one in found if one.subject_id == row.pk and one.pk in opened]
            row.opened_identifiers = {one.pk: opened[one.pk]["value"].decode() for one in own}
            row.opened = {
                one.kind: row.opened_identifiers[one.pk] for one in own if one.until is None
            }

    @admin.display(description="permissions in force", ordering="standing")
    def answers(self, subject: Any) -> int:
        return int(subject.standing)

    @admin.display(description="pictures in data sets", ordering="depicted")
    def pictures(self, subject: Any) -> int:
        return int(subject.depicted)


def _known_by(subject: Subject) -> list[tuple[Identifier, str]]:
    """Return what the person is or was known by, each with what to show of it."""
    opened = getattr(subject, "opened_identifiers", {})
    return [
        (one, opened.get(one.pk, SEALED) if one.value else "corrected")
        for one in subject.identifiers.all()
    ]


def _portrait(request: HttpRequest, subject: Subject) -> str | None:
    """Return the portrait as a data URL once the name is open; looking is on the record."""
    assert isinstance(request.user, Account)
    if subject.portrait is None or not hasattr(subject, "opened"):
        return None
    seen = services.view_files(
        reader=request.user,
        permission="consent.disclose_subject",
        reason=DisclosureReason.CASEWORK,
        wanted=[Sealed(subject, "portrait")],
    )
    content = seen.get(subject.pk)
    return data_url(thumbnail(content, PORTRAIT_SIDE)) if content else None
