"""What acts on data sets ask for: fields only; what they mean is the services' business."""

from typing import Any

from django import forms
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from consent import profiles
from consent.admin.forms import area, one_of, some_of, text
from consent.formats.columns import Meaning
from consent.licences import KNOWN
from consent.models import Account, DatasetVersion, Intake, Project, Source
from consent.serializers.intakes import BRINGABLE, waiting_for
from consent.services import read_columns
from consent.services.vetting_acts import MAX_REASON
from consent.uses import Form, LegalBasis, Provenance, Use


class InProjectForm(forms.Form):
    """A data set or a source to open in a project."""

    project = forms.ModelChoiceField(
        Project.objects.order_by("code"), widget=UnfoldAdminSelectWidget()
    )
    code = text("Code", help_text="Letters, digits, hyphens; never a person's name.")


class SourceForm(InProjectForm):
    """A source to open."""

    provenance = one_of(Provenance, "How what is there came to be there")
    address = text("Address", required=False, help_text="Where it is; kept sealed.")


class VersionForm(forms.Form):
    """A version to begin."""

    uses = some_of(Use, "What it is for", help_text="Consent is asked for these.")
    profile = forms.ChoiceField(
        label="Rules", choices=lambda: [(name, name) for name in profiles.labels()],
        widget=UnfoldAdminSelectWidget(), initial=profiles.DEFAULT,
    )  # fmt: skip


class SeenForm(forms.Form):
    """What one server answered."""

    url = text("Address", help_text="Where it was seen, as https://pictures.example/robots.txt.")
    seen_at = forms.DateTimeField(
        label="Seen at (UTC)", widget=UnfoldAdminTextInputWidget(),
        help_text="Such as 2026-11-20 10:00.",
    )  # fmt: skip
    status = forms.IntegerField(
        label="Status", initial=200, min_value=0, max_value=599,
        widget=UnfoldAdminTextInputWidget(),
        help_text="What the server answered: 200 found, 404 there is none; 0 when it did not.",
    )  # fmt: skip
    headers = area(
        "Headers", required=False,
        help_text="As they came. Only those that are signals are kept, and the media type.",
    )  # fmt: skip
    body = forms.FileField(label="What it gave", required=False, allow_empty_file=True,
                           widget=UnfoldAdminFileFieldWidget())  # fmt: skip
    covers = text(
        "Speaks for", required=False,
        help_text="An address for all below which it speaks; empty: the file itself, or the whole "
        "site for robots.txt and the like.",
    )  # fmt: skip


class LinesForm(forms.Form):
    """What a crawler wrote."""

    file = forms.FileField(
        label="File of JSON lines", widget=UnfoldAdminFileFieldWidget(),
        help_text="Larger ones come by the API or the command line.",
    )  # fmt: skip


class AskForm(forms.Form):
    """What is asked of an address."""

    location = text("Address of an item", help_text="Or its place within the source.")
    uses = some_of(Use, "For", help_text="None chosen: training a model.")
    profile = forms.ChoiceField(
        label="Rules", choices=lambda: [(name, name) for name in profiles.labels()],
        widget=UnfoldAdminSelectWidget(), initial=profiles.DEFAULT,
    )  # fmt: skip


class WaiverForm(forms.Form):
    """Why nobody vets a draft."""

    reason = area("Reason", max_length=MAX_REASON)


def bring_form(version: DatasetVersion) -> type[forms.Form]:
    """Return the form for bringing a file into ``version``."""
    sources = Source.objects.filter(project=version.project_id).order_by("code")
    readable = [Form(code) for code in BRINGABLE if code != Form.OPENLINEAGE]

    class BringForm(forms.Form):
        form = one_of([(one.value, one.words) for one in readable], "What it is")
        file = forms.FileField(
            label="File", widget=UnfoldAdminFileFieldWidget(),
            help_text="Larger ones come by the API or the command line.",
        )  # fmt: skip
        source = forms.ModelChoiceField(
            sources, required=False, label="Source", widget=UnfoldAdminSelectWidget()
        )

    return BringForm


def repair_form(intake: Intake) -> type[forms.Form]:
    """Return the form for setting right what waits in ``intake``."""
    reasons = [(one["reason"], f"{one['words']} ({one['items']})") for one in waiting_for(intake)]
    licences = [("", "–"), *((code, code) for code in sorted(KNOWN))]
    bases = [("", "–"), *LegalBasis.choices()]

    class RepairForm(forms.Form):
        reason = one_of(reasons, "What is wrong")
        licence = one_of(licences, "Their licence is", required=False)
        legal_basis = one_of(bases, "Their legal basis is", required=False)
        name = text(
            "A name in them", required=False, help_text="As the description calls somebody."
        )
        person = text(
            "means this person", required=False,
            help_text="The handle; empty: nobody, as of a pseudonym of a photographer.",
        )  # fmt: skip
        accept = forms.BooleanField(
            label="Take them as they are, and answer for it", required=False,
            widget=UnfoldBooleanSwitchWidget(),
        )  # fmt: skip

    return RepairForm


def columns_form(reader: Account, intake: Intake) -> type[forms.Form]:
    """Return the form that says what the columns of a table mean; their names are opened."""
    meanings = [(one.value, one.value.replace("_", " ")) for one in Meaning]
    columns = read_columns(reader=reader, intake_id=intake.pk)
    fields: dict[str, Any] = {
        f"column_{place}": forms.ChoiceField(
            label=name, choices=meanings, initial=meaning.value, widget=UnfoldAdminSelectWidget()
        )
        for place, (name, meaning) in enumerate(columns.items())
    }
    return type("ColumnsForm", (forms.Form,), fields)


def drop_form(intake: Intake) -> type[forms.Form]:
    """Return the form for turning away what waits in ``intake``."""
    reasons = [("", "all that waits"), *((r["reason"], r["words"]) for r in waiting_for(intake))]

    class DropForm(forms.Form):
        reason = one_of(reasons, "What is turned away", required=False)

    return DropForm
