"""What acts ask for: fields only; what they mean is the services' business."""

from enum import StrEnum
from typing import Any

from django import forms
from oauth2_provider.scopes import get_scopes_backend
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminEmailInputWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from consent.identity import IdentifierKind
from consent.kinds import CloseOutcome
from consent.models import Project, RequestKind
from consent.roles import ROLES, AccountKind, Level, RoleCode
from consent.services.tokens import MAX_DAYS
from consent.uses import (
    Assurance,
    Method,
    Worded,
)
from ledger.record_kinds import DisclosureReason


def text(label: str, **options: Any) -> forms.CharField:
    """Return a one-line text field."""
    return forms.CharField(label=label, widget=UnfoldAdminTextInputWidget(), **options)


def area(label: str, **options: Any) -> forms.CharField:
    """Return a text field of several lines."""
    return forms.CharField(label=label, widget=UnfoldAdminTextareaWidget(), **options)


def one_of(
    kind: type[Worded] | list[tuple[str, str]], label: str, **options: Any
) -> forms.ChoiceField:
    """Return a field for one code."""
    choices = kind if isinstance(kind, list) else kind.choices()
    return forms.ChoiceField(
        label=label, choices=choices, widget=UnfoldAdminSelectWidget(), **options
    )


def some_of(kind: type[Worded], label: str, **options: Any) -> forms.MultipleChoiceField:
    """Return a field for several codes, or none."""
    return forms.MultipleChoiceField(
        label=label,
        choices=kind.choices(),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
        **options,
    )


def plain(codes: type[StrEnum]) -> list[tuple[str, str]]:
    """Return choices for codes that read well as they are."""
    return [(code.value, code.value.replace("_", " ")) for code in codes]


def known_kinds() -> list[tuple[str, str]]:
    """Return choices for what people are known by."""
    return IdentifierKind.choices()


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
        return content(self.cleaned_data["portrait"])


class RegionForm(forms.Form):
    """In which country a phone number needs no prefix."""

    region = text(
        "Country of a phone number",
        required=False,
        max_length=2,
        help_text="Two letters, such as DE; only for a number without its prefix.",
    )

    def clean_region(self) -> str | None:
        return self.cleaned_data["region"].upper() or None


class KnownForm(RegionForm):
    """Something that somebody is known by."""

    kind = one_of(IdentifierKind, "What it is")
    value = text("Text", help_text="A birth date as 1990-12-31; an address with commas.")
    field_order = ("kind", "value", "region")


class CorrectionForm(RegionForm):
    """The right value in the place of a wrong one."""

    value = text("What is right")
    field_order = ("value", "region")


class SearchForm(RegionForm):
    """Whom to look for."""

    term = text(
        "Handle, name, address, number or date",
        help_text="The whole of it; case, accents and the order of names do not matter.",
    )
    kind = one_of([("", "anything"), *known_kinds()], "What it is", required=False)
    field_order = ("term", "kind", "region")


class ScanForm(RegionForm):
    """Whom to look for among everybody, and why."""

    name = text("Name", required=False)
    email = text("E-mail address", required=False)
    phone = text("Phone number", required=False)
    birth_date = text("Birth date", required=False, help_text="As 1990-12-31.")
    address = text("Address", required=False)
    account_name = text("Account name", required=False)
    reason = one_of(
        [
            (one.value, one.value.replace("_", " "))
            for one in (DisclosureReason.PRIVACY_REQUEST, DisclosureReason.CASEWORK)
        ],
        "For",
    )
    why = text("Why", help_text="Sealed. Such as: asked for a copy, and is not found by name.")
    field_order = (
        *("name", "email", "phone", "region", "birth_date", "address", "account_name"),
        *("reason", "why"),
    )

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if not any(said.get(kind.value) for kind in IdentifierKind):
            raise forms.ValidationError("Say at least one thing to look for.")
        return said


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


class ManyFilesInput(UnfoldAdminFileFieldWidget):
    """A field for files that takes several."""

    allow_multiple_selected = True


class ManyFiles(forms.FileField):
    """Several files, each within the limits of one."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=ManyFilesInput(attrs={"multiple": True}), **options)

    def clean(self, data: Any, initial: Any = None) -> list[bytes]:  # noqa: ARG002
        """Return the content of each."""
        files = [super(ManyFiles, self).clean(one) for one in data or [None]]
        return [file.read() for file in files if file]


def content(uploaded: Any) -> bytes | None:
    """Return the bytes of an uploaded file; None for none."""
    return uploaded.read() if uploaded else None


class TokenForm(forms.Form):
    """A token to issue."""

    scopes = forms.MultipleChoiceField(
        label="What it may do",
        choices=lambda: sorted(get_scopes_backend().get_all_scopes().items()),
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
    )
    days = forms.IntegerField(
        label="For how many days",
        min_value=1,
        max_value=MAX_DAYS,
        initial=90,
        widget=UnfoldAdminTextInputWidget(),
    )
