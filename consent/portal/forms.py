"""What people fill in: an address, an answer use by use, what they take back, what they ask for."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from consent.identity import MAX_LENGTH, IdentifierKind
from consent.models import Grant, RequestKind
from consent.portal.words import KINDS, USES
from consent.services import Answer
from consent.uses import Assurance, Method, Mode, Use

YES, NO = "yes", "no"


class AddressForm(forms.Form):
    """Where the link is to go."""

    email = forms.EmailField(
        label=_("Your e-mail address"),
        max_length=MAX_LENGTH[IdentifierKind.EMAIL],
        widget=forms.EmailInput(
            attrs={"autocomplete": "email", "aria-describedby": "id_email_helptext"}
        ),
        help_text=_("The one that we know you by, such as name@example.org."),
        error_messages={
            "required": _("Enter your e-mail address."),
            "invalid": _("Enter an e-mail address such as name@example.org."),
        },
    )


class AnswerForm(forms.Form):
    """A yes or a no to each use that is asked about; nothing is chosen beforehand."""

    def __init__(self, grant: Grant, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._grant = grant
        asked = {*grant.uses, *grant.refused}
        self.uses = [use for use in Use if use in asked]
        for use in self.uses:
            label, hint = USES[use]
            self.fields[use.value] = forms.ChoiceField(
                label=str(label),
                help_text=str(hint),
                choices=[(YES, _("Yes")), (NO, _("No"))],
                widget=forms.RadioSelect,
                error_messages={"required": _("Say yes or no.")},
            )

    def said(self, word: str) -> frozenset[Use]:
        """Return the uses to which the answer is ``word``."""
        return frozenset(use for use in self.uses if self.cleaned_data[use.value] == word)

    def as_answer(self) -> Answer:
        """Return the answer under the terms that were asked about."""
        grant, uses, refused = self._grant, self.said(YES), self.said(NO)
        mode = Mode.GRANULAR if uses and refused else Mode.OPT_IN if uses else Mode.OPT_OUT
        said = {
            name: getattr(grant, name)
            for name in ("right", "basis", "media", "territories", "recipients", "families")
        }
        return Answer.parse(
            {
                **said,
                "mode": mode,
                "uses": uses,
                "refused": refused,
                "barred_themes": grant.barred_themes,
                "remedy": grant.remedy,
                "assurance": Assurance.KNOWN_CONTACT,
                "method": Method.PORTAL,
                "valid_until": grant.valid_until,
            }
        )


class TakeBackForm(forms.Form):
    """Which uses of an answer to take back."""

    uses = forms.MultipleChoiceField(
        label=_("Which of these do you take back?"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Tick at least one, or take back all of it.")},
    )

    def __init__(self, uses: Sequence[Use], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["uses"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(use.value, USES[use][0]) for use in uses]


class RequestForm(forms.Form):
    """What to ask for."""

    kind = forms.ChoiceField(
        label=_("What do you ask for?"),
        widget=forms.RadioSelect,
        choices=[(kind.value, KINDS[kind][0]) for kind in RequestKind],
        error_messages={"required": _("Choose what you ask for.")},
    )
