"""What acts about answers ask for, and about those with a say for a person."""

from uuid import UUID

from django import forms
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldBooleanWidget,
)

from consent import services
from consent.admin.forms import ManyFiles, content, one_of, some_of, text
from consent.models import Grant, GrantState, Notice, Representation, Subject
from consent.services import Piece
from consent.services.merges import MAX_REASON
from consent.uses import (
    ANY,
    WORLD,
    Assurance,
    Basis,
    Capacity,
    EvidenceKind,
    Medium,
    Method,
    Mode,
    Remedy,
    Right,
    Theme,
    Use,
)


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


def speaker_field(subject: Subject) -> forms.TypedChoiceField:
    """Return the field that says who spoke: the person, or somebody who speaks for them."""
    speakers = [
        (str(one.pk), f"{one.get_capacity_display()}, {one.representative.handle}")
        for one in Representation.objects.filter(
            subject__in=Subject.objects.selves(subject.pk), ended_at=None
        ).select_related("representative")
    ]
    return forms.TypedChoiceField(
        label="Answered by",
        choices=[("", Capacity.SELF.words), *speakers],
        coerce=UUID,
        empty_value=None,
        required=False,
        widget=UnfoldAdminSelectWidget(),
    )


def answer_form(subject: Subject) -> type[TermsForm]:
    """Return the form for an answer of this person, or of somebody who speaks for them."""

    class AnswerForm(TermsForm):
        signed_on = forms.DateField(
            label="Day of signing",
            required=False,
            widget=UnfoldAdminSingleDateWidget(),
            help_text="Of a paper that is recorded later; it counts from now on.",
        )
        representation = speaker_field(subject)
        evidence = ManyFiles(
            label="Evidence",
            required=False,
            help_text="The signed form, for instance, or all pages of it. Sealed under the keys of "
            "whoever speaks and of the person.",
        )

        def clean_evidence(self) -> list[Piece]:
            return [Piece(one) for one in self.cleaned_data["evidence"]]

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
    # Only of an answer that is in force may a part be taken back.
    uses = [*grant.uses, *grant.refused] if grant.state == GrantState.GIVEN else []
    spoken_of = [(use, Use(use).words) for use in uses]

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


def alike_form(grant: Grant) -> type[MethodForm]:
    """Return the form that takes back this answer and all like it; it tells which those are."""
    alike = [
        f"{one.notice}: {', '.join(Use(use).words for use in one.uses)}"
        for one in services.find_alike(grant).select_related("notice")
    ]
    told = f"With it: {'; '.join(alike)}." if alike else "There is nothing like it: only this one."

    class AlikeForm(MethodForm):
        method = one_of(Method, "Came by", help_text=told)

    return AlikeForm


class EvidenceForm(forms.Form):
    """What shows an answer, besides what is there."""

    kind = one_of(EvidenceKind, "What it is")
    evidence = ManyFiles(label="Files", help_text="At most 20, of 10 MB each.")


def refusal_form(grant: Grant) -> type[MethodForm]:
    """Return the form for a *no* of this person, or of somebody who speaks for them."""

    class RefusalForm(MethodForm):
        representation = speaker_field(grant.subject)

    return RefusalForm


class RenewalForm(MethodForm):
    """The new term of an answer, and how surely it was the person."""

    assurance = one_of(Assurance, "The giver is tied to it by")

    valid_until = forms.DateTimeField(
        label="Ends on",
        required=False,
        widget=UnfoldAdminSingleDateWidget(),
        help_text="Empty: until withdrawn.",
    )


class OtherForm(forms.Form):
    """Another person, by handle."""

    handle = text("Handle of the other person", help_text="Such as S-7K3F-9QXM.")

    def clean_handle(self) -> Subject:
        found = Subject.objects.filter(handle=self.cleaned_data["handle"].strip().upper()).first()
        if found is None:
            raise forms.ValidationError("Nobody here has this handle.")
        return found


class MergeForm(OtherForm):
    """Who is the same person, and why we think so."""

    reason = text("Why", max_length=MAX_REASON, help_text="Sealed under the keys of both.")


class ServingForm(forms.Form):
    """Which notice reached somebody, how and when."""

    notice = forms.ModelChoiceField(
        label="Notice", queryset=Notice.objects.all(), widget=UnfoldAdminSelectWidget()
    )
    channel = one_of(Method, "Reached them by")
    capacity = one_of(Capacity, "It was given to")
    served_at = forms.DateTimeField(
        label="On",
        required=False,
        widget=UnfoldAdminSingleDateWidget(),
        help_text="Empty: now.",
    )


class SpanForm(OtherForm):
    """Somebody to whom something passes, and until when."""

    ends_at = forms.DateTimeField(
        label="Ends on",
        required=False,
        widget=UnfoldAdminSingleDateWidget(),
        help_text="Of a guardian: the day on which the child comes of age. Else empty: no end.",
    )
    evidence = forms.FileField(
        label="Evidence",
        required=False,
        widget=UnfoldAdminFileFieldWidget(),
        help_text="Sealed under the keys of both.",
    )

    def clean_evidence(self) -> bytes | None:
        return content(self.cleaned_data["evidence"])


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
