"""What acts ask for: fields only; what they mean is the services' business."""

from enum import StrEnum
from typing import Any
from uuid import UUID

from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminEmailInputWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from consent.kinds import CloseOutcome
from consent.models import Grant, Notice, Project, RequestKind, Subject
from consent.roles import ROLES, AccountKind, Level, RoleCode
from consent.uses import (
    ANY,
    WORLD,
    Assurance,
    Basis,
    Capacity,
    Medium,
    Method,
    Mode,
    Remedy,
    Right,
    Theme,
    Use,
    Worded,
)


def text(label: str, **options: Any) -> forms.CharField:
    """Return a one-line text field."""
    return forms.CharField(label=label, widget=UnfoldAdminTextInputWidget(), **options)


def one_of(
    kind: type[Worded] | list[tuple[str, str]], label: str, **options: Any
) -> forms.ChoiceField:
    """Return a field for one code."""
    choices = kind if isinstance(kind, list) else [(code.value, code.words) for code in kind]
    return forms.ChoiceField(
        label=label, choices=choices, widget=UnfoldAdminSelectWidget(), **options
    )


def some_of(kind: type[Worded], label: str, **options: Any) -> forms.MultipleChoiceField:
    """Return a field for several codes, or none."""
    return forms.MultipleChoiceField(
        label=label,
        choices=[(code.value, code.words) for code in kind],
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        **options,
    )


def plain(codes: type[StrEnum]) -> list[tuple[str, str]]:
    """Return choices for codes that read well as they are."""
    return [(code.value, code.value.replace("_", " ")) for code in codes]


class NoticeForm(forms.Form):
    """A notice to publish."""

    code = text("Code", help_text="Small letters, digits, hyphens. The same code: a new version.")
    language = text("Language", max_length=2, help_text="Two letters, such as en or de.")
    title = text("Title")
    text = forms.CharField(label="Text", widget=UnfoldAdminTextareaWidget())


class SubjectForm(forms.Form):
    """A person to register."""

    name = text("Name")
    email = forms.EmailField(
        label="E-mail address", required=False, widget=UnfoldAdminEmailInputWidget()
    )
    portrait = forms.FileField(
        label="Portrait", required=False, widget=UnfoldAdminFileFieldWidget()
    )

    def clean_portrait(self) -> bytes | None:
        return _content(self.cleaned_data["portrait"])


class SearchForm(forms.Form):
    """Whom to look for."""

    term = text("Handle, name or address", help_text="The whole of it.")


class TermsForm(forms.Form):
    """What a person is asked, or said."""

    right = one_of(Right, "It speaks of")
    basis = one_of(Basis, "Legal basis")
    mode = one_of(Mode, "Shape of the answer", initial=Mode.GRANULAR.value)
    uses = some_of(Use, "Allowed")
    refused = some_of(Use, "Refused")
    shown_in = some_of(Medium, "Where it may be shown")
    territories = text(
        "Countries",
        required=False,
        initial=WORLD,
        help_text="ISO codes with blanks between, such as DE FR; or WORLD.",
    )
    recipients = text(
        "Recipients",
        initial=ANY,
        help_text="Codes with blanks between, never a person's name; or ANY.",
    )
    families = text("Model families", initial=ANY, help_text="Codes with blanks between; or ANY.")
    barred_themes = some_of(Theme, "Never in pictures that are")
    assurance = one_of(Assurance, "The giver is tied to it by")
    method = one_of(Method, "Came by")
    remedy = one_of(Remedy, "Promised should it be withdrawn")
    valid_until = forms.DateTimeField(
        label="Ends on",
        required=False,
        widget=UnfoldAdminSingleDateWidget(),
        help_text="Empty: until withdrawn.",
    )

    def clean_territories(self) -> frozenset[str]:
        return frozenset(self.cleaned_data["territories"].upper().split())

    def clean_recipients(self) -> frozenset[str]:
        return frozenset(self.cleaned_data["recipients"].split())

    def clean_families(self) -> frozenset[str]:
        return frozenset(self.cleaned_data["families"].split())


class RequestedForm(TermsForm):
    """What a person is asked for, by which notice."""

    notice = forms.ModelChoiceField(
        label="Notice to answer", queryset=Notice.objects.all(), widget=UnfoldAdminSelectWidget()
    )
    field_order = ("notice",)


def answer_form(subject: Subject) -> type[TermsForm]:
    """Return the form for an answer of this person, or of somebody who speaks for them."""
    speakers = [
        (str(one.pk), f"{one.get_capacity_display()}, {one.representative.handle}")
        for one in subject.representatives.select_related("representative")
        if one.ended_at is None
    ]

    class AnswerForm(TermsForm):
        representation = forms.ChoiceField(
            label="Answered by",
            choices=[("", Capacity.SELF.words), *speakers],
            required=False,
            widget=UnfoldAdminSelectWidget(),
        )
        evidence = forms.FileField(
            label="Evidence",
            required=False,
            widget=UnfoldAdminFileFieldWidget(),
            help_text="The signed form, for instance. Sealed under the person's key.",
        )

        def clean_evidence(self) -> bytes | None:
            return _content(self.cleaned_data["evidence"])

        def clean_representation(self) -> UUID | None:
            said = self.cleaned_data["representation"]
            return UUID(said) if said else None

    return AnswerForm


def grant_form(subject: Subject) -> type[forms.Form]:
    """Return the form for an answer of this person to a notice."""

    class GrantForm(answer_form(subject)):  # type: ignore[misc]
        notice = forms.ModelChoiceField(
            label="Notice that was answered",
            queryset=Notice.objects.all(),
            widget=UnfoldAdminSelectWidget(),
        )
        field_order = ("notice", "representation")

    return GrantForm


def withdrawal_form(grant: Grant) -> type[forms.Form]:
    """Return the form that takes back this answer, or some of its uses."""
    spoken_of = [(use, Use(use).words) for use in [*grant.uses, *grant.refused]]

    class WithdrawalForm(forms.Form):
        uses = forms.MultipleChoiceField(
            label="Only these uses",
            choices=spoken_of,
            required=False,
            widget=UnfoldAdminCheckboxSelectMultipleWidget(),
            help_text="None ticked: the whole answer.",
        )
        method = one_of(Method, "Came by")

    return WithdrawalForm


class MethodForm(forms.Form):
    """By which way the person's word came."""

    method = one_of(Method, "Came by")


class RenewalForm(MethodForm):
    """The new term of an answer."""

    valid_until = forms.DateTimeField(
        label="Ends on",
        required=False,
        widget=UnfoldAdminSingleDateWidget(),
        help_text="Empty: until withdrawn.",
    )


class SpanForm(forms.Form):
    """Somebody to whom something passes, and until when."""

    handle = text("Handle of the other person", help_text="Such as S-7K3F-9QXM.")
    ends_at = forms.DateTimeField(
        label="Ends on",
        required=False,
        widget=UnfoldAdminSingleDateWidget(),
        help_text="A guardian's word ends when the child comes of age. Empty: no end is planned.",
    )
    evidence = forms.FileField(
        label="Evidence",
        required=False,
        widget=UnfoldAdminFileFieldWidget(),
        help_text="Sealed under the keys of both.",
    )

    def clean_handle(self) -> Subject:
        found = Subject.objects.filter(handle=self.cleaned_data["handle"].strip().upper()).first()
        if found is None:
            raise forms.ValidationError("Nobody here has this handle.")
        return found

    def clean_evidence(self) -> bytes | None:
        return _content(self.cleaned_data["evidence"])


class RepresentationForm(SpanForm):
    """Who speaks for the person."""

    capacity = one_of(
        [(one.value, one.words) for one in Capacity if one is not Capacity.SELF], "Speaks as"
    )


class TitleForm(SpanForm):
    """Who may dispose of the person's works or style."""

    right = one_of(
        [(one.value, one.words) for one in Right if one is not Right.LIKENESS], "What passes"
    )
    exclusive = forms.BooleanField(
        label="Exclusive",
        required=False,
        widget=UnfoldBooleanWidget(),
        help_text="The person can no longer allow it themself meanwhile.",
    )


class AccountForm(forms.Form):
    """Somebody to let in."""

    kind = one_of(
        [(AccountKind.PERSON.value, "a person"), (AccountKind.CLIENT.value, "a program")], "Who"
    )
    name = text("Name")
    email = forms.EmailField(
        label="E-mail address",
        required=False,
        widget=UnfoldAdminEmailInputWidget(),
        help_text="People sign in with it; a program has none.",
    )

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        is_person = said.get("kind") == AccountKind.PERSON
        if is_person and not said.get("email") and "email" not in self.errors:
            self.add_error("email", "A person needs an address to sign in with.")
        if not is_person and said.get("email"):
            self.add_error("email", "A program has no address.")
        return said


class MembershipForm(forms.Form):
    """A role to hold."""

    role = one_of(
        [(code.value, f"{code.value.replace('_', ' ')}: {ROLES[code].about}") for code in RoleCode],
        "Role",
    )
    project = forms.ModelChoiceField(
        label="Project",
        queryset=Project.objects.order_by("code"),
        required=False,
        widget=UnfoldAdminSelectWidget(),
        help_text="Empty: organisation-wide.",
    )


class MemberForm(forms.Form):
    """A role for somebody in the project at hand."""

    email = forms.EmailField(
        label="E-mail address",
        widget=UnfoldAdminEmailInputWidget(),
        help_text="The address that they sign in with.",
    )
    role = one_of(
        [(code.value, code.value.replace("_", " ")) for code in RoleCode
         if Level.PROJECT in ROLES[code].levels and AccountKind.PERSON in ROLES[code].kinds],
        "Role",
    )  # fmt: skip


class CodeForm(forms.Form):
    """A project or data set to open."""

    code = text("Code", help_text="Small letters, digits, hyphens; never a person's name.")


class RequestForm(forms.Form):
    """A privacy request that came in."""

    kind = one_of(
        [
            (RequestKind.ACCESS.value, "a copy of everything"),
            (RequestKind.ERASURE.value, "erasure"),
        ],
        "Asked for",
    )
    channel = one_of(Method, "Came by")
    identity = one_of(Assurance, "The person was identified by")
    received_at = forms.DateTimeField(
        label="Received on",
        required=False,
        widget=UnfoldAdminSingleDateWidget(),
        help_text="Empty: now. The legal deadline counts from here.",
    )


class IdentityForm(forms.Form):
    """How the person was identified after all."""

    identity = one_of(Assurance, "The person was identified by")


class EndForm(forms.Form):
    """How a request ends that is not carried out."""

    outcome = one_of(
        [
            (CloseOutcome.WITHDRAWN.value, "the person withdrew it"),
            (CloseOutcome.REFUSED.value, "it is refused"),
        ],
        "Why it ends",
    )


def _content(uploaded: Any) -> bytes | None:
    return uploaded.read() if uploaded else None
