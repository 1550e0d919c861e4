"""What acts on old releases ask for: fields only; what they mean is the services' business."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django import forms
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget

from consent.admin.forms import area, one_of, some_of, text
from consent.models import Notice, ReleaseImport, Subject
from consent.releases.columns import Meaning
from consent.releases.snags import ACCEPTABLE, Snag
from consent.releases.stating import Said
from consent.releases.table import ENCODINGS
from consent.releases.words import CODES, fold_word
from consent.serializers.releases import waiting_lines
from consent.services.release_lines import load_kept
from consent.uses import Basis, Medium, Remedy, Use

_ORDERS = [("", "nobody knows: ask for each"), ("day", "the day"), ("month", "the month")]
_ENCODINGS = [
    (ENCODINGS[0], "UTF-8"),
    (ENCODINGS[1], "Windows-1252, as spreadsheet programs often write it"),
    (ENCODINGS[2], "UTF-16"),
]
_BASES = [(one.value, one.words) for one in (Basis.CONSENT, Basis.CONTRACT)]
_WHAT = {
    "uses": "what is allowed or refused",
    "media": "where it may be shown",
    "territories": "countries",
    "themes": "what it must not be about",
}


class WholeForm(forms.Form):
    """How a whole table is to be read."""

    day_first = one_of(_ORDERS, "In 03/04/2019 stands first", required=False)
    region = text(
        "Country of phone numbers", required=False, max_length=2,
        help_text="Two letters, such as DE; for numbers without their prefix.",
    )  # fmt: skip
    uses = some_of(Use, "Allowed, where a line does not say what")
    shown_in = some_of(Medium, "Shown in, where a line does not say where")
    territories = text(
        "Countries, where a line does not say which", required=False,
        help_text="ISO codes with blanks between, such as DE FR; or WORLD.",
    )  # fmt: skip
    term = text(
        "For how long, where a line does not say so", required=False,
        help_text="As 5 years (from the day of signing), 2030-12-31, or unlimited.",
    )  # fmt: skip
    basis = one_of(_BASES, "Legal basis")
    remedy = one_of(Remedy, "Promised should it be withdrawn")

    def said(self, before: Said) -> Said:
        """Return what is said now of the whole; columns and words stay as they were."""
        form = self.cleaned_data
        orders = {"": None, "day": True, "month": False}
        return Said(
            mapping=before.mapping,
            words=before.words,
            day_first=orders[form["day_first"]],
            region=form["region"].upper(),
            uses=tuple(form["uses"]),
            media=tuple(form["shown_in"]),
            territories=tuple(form["territories"].upper().split()),
            term=form["term"].strip(),
            basis=form["basis"],
            remedy=form["remedy"],
        )

    def clean(self) -> dict[str, Any]:
        form = super().clean() or {}
        if not self.errors:
            form["said"] = self.said
        return form


class BringReleasesForm(WholeForm):
    """A table to bring, with its scans."""

    table = forms.FileField(
        label="Table (CSV)", widget=UnfoldAdminFileFieldWidget(),
        help_text="The first line names the columns. One line for each paper.",
    )  # fmt: skip
    scans = forms.FileField(
        label="Scans (ZIP)", required=False, widget=UnfoldAdminFileFieldWidget(),
        help_text="PDF, JPEG, PNG, TIFF or WebP, at most 10 MB each. They may come later; a large "
        "archive comes by the API or the command line.",
    )  # fmt: skip
    notice = forms.ModelChoiceField(
        Notice.objects.all(), label="The text that was signed", required=False,
        widget=UnfoldAdminSelectWidget(), empty_label="known from the papers only",
        help_text="Publish the wording of the old form as a notice first, if you have it.",
    )  # fmt: skip
    encoding = one_of(_ENCODINGS, "Written in")
    field_order = ("table", "scans", "notice", "encoding")


def whole_form(row: ReleaseImport) -> type[forms.Form]:
    """Return the form that says how the whole table is to be read, as it is said by now."""
    said = load_kept(row).said

    class SaidForm(WholeForm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            orders = {None: "", True: "day", False: "month"}
            self.initial = {
                "day_first": orders[said.day_first],
                "region": said.region,
                "uses": said.uses,
                "shown_in": said.media,
                "territories": " ".join(said.territories),
                "term": said.term,
                "basis": said.basis,
                "remedy": said.remedy,
            }

    return SaidForm


def columns_form(row: ReleaseImport) -> type[forms.Form]:
    """Return the form that says what the columns of a table mean."""
    meanings = [(one.value, one.words) for one in Meaning]
    fields: dict[str, Any] = {
        f"column_{place}": forms.ChoiceField(
            label=name, choices=meanings, initial=meaning.value, widget=UnfoldAdminSelectWidget()
        )
        for place, (name, meaning) in enumerate(load_kept(row).mapping.items())
    }
    return type("ColumnsForm", (forms.Form,), fields)


class WordForm(forms.Form):
    """What a word in the table means."""

    what = one_of(list(_WHAT.items()), "It says")
    word = text(
        "The word", max_length=200, help_text="As it stands in the table; case is no matter."
    )
    means = area(
        "It means",
        help_text="Codes with blanks between: depict commercial; print online; DE AT. Nothing: it "
        "says nothing of use.",
        required=False,
    )

    def clean(self) -> dict[str, Any]:
        form = super().clean() or {}
        codes = form.get("means", "").replace(",", " ").split()
        if form.get("what") == "territories":
            codes = [code.upper() for code in codes]
        if strange := [code for code in codes if code not in CODES[form.get("what", "uses")]]:
            known = ", ".join(sorted(CODES[form.get("what", "uses")])[:12])
            self.add_error("means", f"{len(strange)} of these are no codes. There are: {known}.")
        form["codes"] = tuple(codes)
        form["key"] = f"{form.get('what')}:{fold_word(form.get('word', ''))}"
        return form


class ScansForm(forms.Form):
    """Further scans."""

    scans = forms.FileField(label="Scans (ZIP)", widget=UnfoldAdminFileFieldWidget())


class RepairedForm(forms.Form):
    """What was set right in a table."""

    table = forms.FileField(label="Table (CSV)", widget=UnfoldAdminFileFieldWidget())
    encoding = one_of(_ENCODINGS, "Written in")


def who_form(row: ReleaseImport) -> type[forms.Form]:
    """Return the form that says who a line speaks of, of those for which that is not known."""

    class WhoForm(forms.Form):
        line = one_of(list(_unclear(row)), "Line")
        handle = text(
            "Is this person", required=False, help_text="The handle; empty: somebody new."
        )

        def clean_line(self) -> tuple[UUID, bool]:
            line, _, whose = self.cleaned_data["line"].partition(" ")
            return UUID(line), whose == "guardian"

        def clean_handle(self) -> UUID | None:
            handle = self.cleaned_data["handle"].strip().upper()
            if not handle:
                return None
            found = Subject.objects.filter(handle=handle).first()
            if found is None:
                raise forms.ValidationError("Nobody has this handle.")
            return found.pk

    return WhoForm


def _unclear(row: ReleaseImport) -> Iterator[tuple[str, str]]:
    lines = row.lines.order_by("ordinal")
    for line in lines.filter(reasons__contains=[Snag.PERSON_UNCLEAR.value]):
        yield f"{line.pk} person", f"Line {line.ordinal}"
    for line in lines.filter(reasons__contains=[Snag.GUARDIAN_UNCLEAR.value]):
        yield f"{line.pk} guardian", f"The guardian in line {line.ordinal}"


def accept_form(row: ReleaseImport) -> type[forms.Form]:
    """Return the form for answering for what waits, where somebody may."""
    return _reason_form(row, "What is taken as it is", only=ACCEPTABLE)


def drop_form(row: ReleaseImport) -> type[forms.Form]:
    """Return the form for turning away what waits."""
    return _reason_form(row, "What is turned away", also=[("", "all that waits")])


def _reason_form(
    row: ReleaseImport, label: str, only: Any = None, also: list[tuple[str, str]] | None = None
) -> type[forms.Form]:
    reasons = [
        (one["reason"], f"{one['words']} ({one['lines']})")
        for one in waiting_lines(row)
        if only is None or one["reason"] in only
    ]

    class ReasonForm(forms.Form):
        reason = one_of([*(also or []), *reasons], label, required=not also)

    return ReasonForm
