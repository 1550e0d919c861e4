import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.mail import EmailMessage
from django.test import Client

from consent import services, tasks
from consent.models import Account, Grant, Language, Subject
from consent.services import Visitor
from tests.consent.factories import answer, publish, register

ADDRESS = "cleo@people.example"
ENGLISH: dict[str, Any] = {"HTTP_ACCEPT_LANGUAGE": "en"}


@pytest.fixture
def cleo(officer: Account) -> Subject:
    return register(officer)


@pytest.fixture
def visitor(cleo: Subject) -> Visitor:
    return Visitor(cleo)


def ask_for_letters(address: str = ADDRESS, language: Language = Language.ENGLISH) -> None:
    """Ask for links and let the worker answer, as it would by the queue."""
    errand = services.ask_for_link(address=address, language=language)
    tasks.send_links(str(errand.pk))


def link_in(letter: EmailMessage) -> str:
    """Return the path of the link in a letter."""
    found = re.search(r"^https?://\S+$", str(letter.body), re.MULTILINE)
    assert found is not None
    return urlsplit(found[0]).path


@pytest.fixture
def enter(mailoutbox: list[EmailMessage]) -> Callable[..., Client]:
    """``enter(subject)`` gives a browser in which this person is signed in."""

    def signed_in(subject: Subject, **headers: Any) -> Client:
        client = Client(**{**ENGLISH, **headers})
        errand = services.ask_for_link(address=ADDRESS, language=Language.ENGLISH)
        made = services.make_links(errand)
        (token,) = [one.token for one in made if one.contact.subject == subject]
        errand.delete()
        assert client.post(f"/portal/link/{token}/").status_code == 302
        return client

    return signed_in


def ask(officer: Account, subject: Subject, **changes: Any) -> Grant:
    """Ask a person for an answer, as an officer does."""
    notice = publish(officer, title="Pictures of you", text="We train a generator.\n\nMay we?")
    return services.request(
        actor=officer, subject_id=subject.pk, notice_id=notice.pk, answer=answer(**changes)
    )


def once(page: Any) -> str:
    """Return the key that a page's form carries."""
    found = re.search(r'name="once" value="([^"]+)"', page.content.decode())
    assert found is not None
    return found[1]
