"""What acts about campaigns ask for."""

from typing import Any

from django import forms
from django.db.models import Exists, OuterRef
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextInputWidget,
)

from consent.admin.forms import one_of, some_of, text
from consent.models import Notice, Project
from consent.services.campaigns import MOST_REMIND_DAYS, MOST_REMINDERS
from consent.uses import Silence, Use


def _number(label: str, least: int, most: int, **options: Any) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        min_value=least,
        max_value=most,
        widget=UnfoldAdminTextInputWidget(),
        **options,
    )


def _new_texts() -> Any:
    """Return the newest version of each notice in each language that has an earlier one."""
    of_same = Notice.objects.filter(code=OuterRef("code"))
    newer = of_same.filter(language=OuterRef("language"), version__gt=OuterRef("version"))
    older = of_same.filter(version__lt=OuterRef("version"))
    return Notice.objects.filter(Exists(older), ~Exists(newer))


class CampaignForm(forms.Form):
    """Whom to ask about which text, until when, and what silence means."""

    notice = forms.ModelChoiceField(
        label="New text",
        queryset=Notice.objects.none(),
        widget=UnfoldAdminSelectWidget(),
        help_text="Who reads another language gets this version in it, where there is one.",
    )
    closes_at = forms.DateField(label="Last day to answer", widget=UnfoldAdminSingleDateWidget())
    silence = one_of(
        Silence,
        "If somebody says nothing by then",
        initial=Silence.SET_ASIDE.value,
        help_text="Said in the letter. Nobody's answer ends who was not surely written to a week "
        "before: it is set aside.",
    )
    reminders = _number("Reminders", 0, MOST_REMINDERS, initial=2)
    remind_after_days = _number("Days until each reminder", 1, MOST_REMIND_DAYS, initial=21)
    uses = some_of(Use, "Only answers that allow one of")
    territories = text(
        "Only answers for one of these countries",
        required=False,
        help_text="ISO codes with blanks between, such as DE FR. Empty: all.",
    )
    projects = forms.ModelMultipleChoiceField(
        label="Only people in the data of",
        help_text="None ticked: everybody.",
        queryset=Project.objects.order_by("code"),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget(),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        notices = self.fields["notice"]
        assert isinstance(notices, forms.ModelChoiceField)
        notices.queryset = _new_texts()

    def clean_territories(self) -> frozenset[str]:
        return frozenset(self.cleaned_data["territories"].upper().split())


class ExtensionForm(forms.Form):
    """Until when answers are waited for."""

    closes_at = forms.DateField(label="Last day to answer", widget=UnfoldAdminSingleDateWidget())
