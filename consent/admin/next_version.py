"""The act that begins the next version of a frozen one."""

from typing import Any

from django import forms

from consent import services, tasks
from consent.admin.acts import Act, Outcome, in_state
from consent.admin.forms import text
from consent.models import Account, DatasetVersion, Subject, VersionState
from consent.services import Without


class NextVersionForm(forms.Form):
    """Who does not go on."""

    people = text(
        "People to leave out",
        required=False,
        help_text="Their handles, such as S-7K2Q-9MZD, with blanks between them.",
    )

    def clean_people(self) -> list[Any]:
        named = set(self.cleaned_data["people"].replace(",", " ").split())
        known = dict(Subject.objects.filter(handle__in=named).values_list("handle", "pk"))
        if missing := named - known.keys():
            raise forms.ValidationError(f"nobody has this handle: {', '.join(sorted(missing))}")
        return list(known.values())


def _begin(actor: Account, version: DatasetVersion, said: dict[str, Any]) -> Outcome:
    intake = services.derive_version(
        actor=actor, origin_id=version.pk, without=Without(people=said["people"])
    )
    tasks.announce_intake(intake.pk)
    assert intake.version is not None
    return Outcome("A draft was begun; a worker fills it.", intake.version)


NEXT_VERSION = Act(
    "next",
    "Begin the next version",
    "library_add",
    "consent.freeze_version",
    "A draft with all that still stands: a worker fills it, and leaves out whoever's permission "
    "does not cover its uses now, and those named here. Freeze it when it is read.",
    _begin,
    lambda _: NextVersionForm,
    in_state(VersionState.FROZEN),
)
