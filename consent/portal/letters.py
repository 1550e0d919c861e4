"""Letters: one link to one person, as plain text."""

from uuid import UUID, uuid5

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from consent import profiles
from consent.clock import last_day
from consent.portal.answer import in_own_language
from consent.portal.pages import speaking
from consent.services import AskingLetter, Letter
from consent.uses import Capacity, Cause


def post(letter: Letter) -> None:
    """Send a letter by the installation's post. Raises OSError or SMTPException when it is away."""
    host = settings.DEFAULT_FROM_EMAIL.rstrip(">").rpartition("@")[2]
    with speaking(letter.language):
        message = EmailMessage(
            subject=_subject(),
            body=render_to_string("consent/portal/letter.txt", _context(letter)),
            to=[letter.contact.address],
            headers={
                "Message-ID": f"<{letter.link.pk}@{host}>",
                "Auto-Submitted": "auto-generated",  # RFC 3834: no machine is to answer it
                "Content-Language": letter.language.value,
            },
        )
        message.send()


def post_asking(letter: AskingLetter) -> None:
    """Send a letter that asks for an answer. It holds no way in: it leads to the entrance."""
    host = settings.DEFAULT_FROM_EMAIL.rstrip(">").rpartition("@")[2]
    with speaking(letter.language):
        EmailMessage(
            subject=_asking_subject(letter),
            body=render_to_string("consent/portal/asking.txt", _asking(letter)),
            to=[letter.contact.address],
            headers={
                # The same for the same letter, so that one sent twice is known to be one.
                "Message-ID": f"<{_number(letter)}@{host}>",
                "Auto-Submitted": "auto-generated",
                "Content-Language": letter.language.value,
            },
        ).send()


def _number(letter: AskingLetter) -> UUID:
    return uuid5(letter.grant.pk, f"{letter.number} {letter.contact.subject.pk}")


def _asking(letter: AskingLetter) -> dict[str, object]:
    old, campaign = letter.grant.renews, letter.campaign
    assert old is not None
    return {
        "organisation": settings.MUNIMENT_ORGANISATION,
        "handle": letter.grant.subject.handle,
        "cause": letter.cause.value,
        "by_guardian": old.capacity == Capacity.GUARDIAN,
        "is_outgrown": old.power_until is not None and old.power_until <= letter.grant.opened_at,
        "ends_on": old.valid_until,
        "title": in_own_language(letter.grant.notice).title,
        "closes_on": last_day(campaign.closes_at, profiles.load().clock.zone) if campaign else None,
        "silence": campaign.silence if campaign else "",
        "address": f"{settings.MUNIMENT_URL}{reverse('portal:entrance')}",
    }


def _asking_subject(letter: AskingLetter) -> str:
    said = {"organisation": settings.MUNIMENT_ORGANISATION}
    if letter.cause is Cause.CAMPAIGN:
        return _("%(organisation)s has a new text and asks you again") % said
    return _("%(organisation)s asks you again") % said


def _subject() -> str:
    return _("Your link to %(organisation)s") % {"organisation": settings.MUNIMENT_ORGANISATION}


def _context(letter: Letter) -> dict[str, object]:
    path = reverse("portal:link", kwargs={"token": letter.token})
    return {
        "organisation": settings.MUNIMENT_ORGANISATION,
        "initials": letter.contact.initials,
        "handle": letter.contact.subject.handle,
        "address": f"{settings.MUNIMENT_URL}{path}",
    }
