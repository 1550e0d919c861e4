"""The way in: who gets a letter, what a link is good for, and what nobody can find out."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from django.utils import timezone

from consent import services, tasks
from consent.models import (
    Account,
    Language,
    LinkErrand,
    PortalLink,
    PortalVisit,
    Subject,
)
from consent.services.portal import IDLE, LINK_LIFE, LIVE_LINKS, LONGEST_VISIT
from ledger.models import Record
from tests.consent.factories import publish, register
from tests.consent.portal.conftest import ADDRESS, ENGLISH, ask_for_letters, link_in


@pytest.fixture
def link(cleo: Subject, mailoutbox: list[EmailMessage]) -> str:
    ask_for_letters()
    return link_in(mailoutbox[0])


def kinds() -> list[str]:
    bodies = Record.objects.order_by("-pk").values_list("body", flat=True)
    return [bytes(body).split(b'"kind":"')[1].split(b'"')[0].decode() for body in bodies]


# Asking ------------------------------------------------------------------------------------------


def test_known_and_unknown_addresses_are_answered_alike(
    cleo: Subject, mailoutbox: list[EmailMessage], django_assert_num_queries: Any
) -> None:
    client, answers = Client(**ENGLISH), []
    for address in (ADDRESS, "nobody@people.example"):
        with django_assert_num_queries(2):
            answers.append(client.post("/portal/", {"email": address}))
    known, unknown = (one.content for one in answers)
    assert known == unknown
    assert [one.status_code for one in answers] == [200, 200]
    # Who it was, the worker finds out behind the answer.
    assert mailoutbox == []
    assert LinkErrand.objects.count() == 2


def test_only_whoever_is_known_gets_a_letter(cleo: Subject, mailoutbox: list[EmailMessage]) -> None:
    ask_for_letters("nobody@people.example")
    assert mailoutbox == []
    ask_for_letters("CLEO@people.example")
    (letter,) = mailoutbox
    assert letter.to == [ADDRESS]
    assert cleo.handle in letter.body
    assert "C. I." in letter.body
    assert "Cleo" not in f"{letter.body}{letter.subject}"
    assert not LinkErrand.objects.exists()
    assert kinds()[0] == "portal_link.made"


def test_of_a_token_only_its_digest_is_kept(link: str, mailoutbox: list[EmailMessage]) -> None:
    token = link.rstrip("/").rpartition("/")[2]
    (row,) = PortalLink.objects.all()
    assert bytes(row.token_digest) == hashlib.sha256(token.encode()).digest()
    assert len(token) == 43  # 256 bits in base64url
    assert mailoutbox[0].extra_headers["Message-ID"].startswith(f"<{row.pk}@")


def test_each_of_a_family_gets_a_letter_of_their_own(
    officer: Account, cleo: Subject, mailoutbox: list[EmailMessage]
) -> None:
    kim = register(officer, "Kim Invented")
    ask_for_letters()
    found = {handle for letter in mailoutbox for handle in (cleo.handle, kim.handle)
             if handle in letter.body}  # fmt: skip
    assert found == {cleo.handle, kim.handle}
    assert len(mailoutbox) == 2
    client = Client(**ENGLISH)
    of_kim = next(letter for letter in mailoutbox if kim.handle in letter.body)
    client.post(link_in(of_kim))
    assert kim.handle in client.get("/portal/home/").content.decode()


def test_nobody_is_flooded_with_letters(cleo: Subject, mailoutbox: list[EmailMessage]) -> None:
    for _ in range(LIVE_LINKS + 2):
        ask_for_letters()
    assert len(mailoutbox) == LIVE_LINKS


def test_letters_speak_the_language_that_was_asked_in(
    cleo: Subject, mailoutbox: list[EmailMessage]
) -> None:
    client = Client(HTTP_ACCEPT_LANGUAGE="de-AT,de;q=0.9,en;q=0.5")
    client.post("/portal/", {"email": ADDRESS})
    tasks.send_links(str(LinkErrand.objects.get().pk))
    assert mailoutbox[0].subject.startswith("Ihr Link")
    assert "Guten Tag" in mailoutbox[0].body


def test_an_errand_whose_post_failed_is_done_later(
    cleo: Subject, mailoutbox: list[EmailMessage]
) -> None:
    errand = services.ask_for_link(address=ADDRESS, language=Language.ENGLISH)
    away = patch.object(EmailMessage, "send", side_effect=OSError("no route"))
    with away, pytest.raises(OSError, match="no route"):
        tasks.send_links(str(errand.pk))
    tasks.send_links(str(errand.pk))  # leased: nobody sends twice at once
    assert mailoutbox == []
    LinkErrand.objects.update(due_at=timezone.now())
    tasks.send_links(str(errand.pk))
    assert len(mailoutbox) == 1


def test_asking_too_often_is_slowed_down(cleo: Subject, settings: Any) -> None:
    client = Client(**ENGLISH)
    statuses = [client.post("/portal/", {"email": ADDRESS}).status_code for _ in range(21)]
    assert statuses == [200] * 20 + [429]
    page = client.post("/portal/", {"email": ADDRESS})
    assert page.headers["Retry-After"]
    assert "too many attempts" in page.content.decode()


@pytest.mark.parametrize("address", ["", "nobody", "a b@c.example", "x" * 300 + "@c.example"])
def test_what_is_no_address_is_said_so(db: None, address: str) -> None:
    page = Client(**ENGLISH).post("/portal/", {"email": address})
    assert page.status_code == 422
    assert 'role="alert"' in page.content.decode()
    assert not LinkErrand.objects.exists()


# Spending ----------------------------------------------------------------------------------------


def test_following_a_link_spends_nothing(link: str) -> None:
    client = Client(**ENGLISH)
    for _ in range(3):
        page = client.get(link)
        assert page.status_code == 200
        assert client.head(link).status_code == 200
    assert not PortalVisit.objects.exists()
    assert PortalLink.objects.count() == 1
    assert page.headers["Referrer-Policy"] == "strict-origin"
    assert page.headers["Cache-Control"] == "no-store"
    assert client.get("/portal/home/").status_code == 302


def test_a_link_works_once(link: str, cleo: Subject) -> None:
    first, second = Client(**ENGLISH), Client(**ENGLISH)
    assert first.post(link).headers["Location"] == "/portal/home/"
    assert kinds()[0] == "portal.entered"
    assert second.post(link).status_code == 410
    assert second.get(link).status_code == 410
    assert "no longer works" in second.get(link).content.decode()
    assert not second.cookies
    assert cleo.handle in first.get("/portal/home/").content.decode()


def test_a_link_ends_after_half_an_hour(link: str) -> None:
    PortalLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert Client(**ENGLISH).post(link).status_code == 410
    assert timedelta(minutes=30) == LINK_LIFE


def test_whoever_is_in_leaves_no_other_link_open(
    cleo: Subject, mailoutbox: list[EmailMessage]
) -> None:
    ask_for_letters()
    ask_for_letters()
    first, second = (link_in(letter) for letter in mailoutbox)
    Client().post(second)
    assert Client().post(first).status_code == 410


@pytest.mark.parametrize("token", ["x", "A" * 43, "A" * 2000, "%00"])
def test_forged_links_are_refused(db: None, log: Any, token: str) -> None:
    assert Client().post(f"/portal/link/{token}/").status_code == 410


# The visit ---------------------------------------------------------------------------------------


def test_a_key_that_a_browser_brings_along_is_never_taken_over(link: str) -> None:
    client = Client(**ENGLISH)
    client.cookies["muniment_portal"] = "planted-by-somebody-else"
    client.post(link)
    key = client.cookies["muniment_portal"]
    assert key.value != "planted-by-somebody-else"
    assert (key["httponly"], key["samesite"], key["path"]) == (True, "Lax", "/portal/")
    digest = hashlib.sha256(key.value.encode()).digest()
    assert bytes(PortalVisit.objects.get().key_digest) == digest
    other = Client(**ENGLISH)
    other.cookies["muniment_portal"] = "planted-by-somebody-else"
    assert other.get("/portal/home/").status_code == 302


@pytest.mark.parametrize(("column", "age"), [("seen_at", IDLE), ("entered_at", LONGEST_VISIT)])
def test_a_visit_ends_when_nobody_is_there(
    cleo: Subject, enter: Callable[..., Client], column: str, age: timedelta
) -> None:
    client = enter(cleo)
    assert client.get("/portal/home/").status_code == 200
    PortalVisit.objects.update(**{column: timezone.now() - age})
    assert client.get("/portal/home/").headers["Location"] == "/portal/"


def test_signing_out_ends_the_visit_itself(cleo: Subject, enter: Callable[..., Client]) -> None:
    client = enter(cleo)
    key = client.cookies["muniment_portal"].value
    assert client.get("/portal/leave/").status_code == 405
    assert client.post("/portal/leave/").status_code == 200
    client.cookies["muniment_portal"] = key
    assert client.get("/portal/home/").status_code == 302


def test_forms_from_elsewhere_are_refused_in_plain_words(link: str) -> None:
    client = Client(enforce_csrf_checks=True, **ENGLISH)
    for path in ("/portal/", link):
        page = client.post(path, {"email": ADDRESS})
        assert page.status_code == 403
        assert "This form has run out" in page.content.decode()
    assert not PortalVisit.objects.exists()


def test_a_person_concerned_is_nobody_elsewhere(
    cleo: Subject, enter: Callable[..., Client]
) -> None:
    client = enter(cleo)
    assert client.get("/admin/").headers["Location"].startswith("/admin/login/")
    assert client.get("/api/v1/notices").status_code in {401, 403}


def test_what_is_over_is_swept_away(link: str, cleo: Subject) -> None:
    Client().post(link)
    ask_for_letters()
    PortalLink.objects.update(expires_at=timezone.now())
    PortalVisit.objects.update(seen_at=timezone.now() - IDLE)
    tasks.sweep_portal()
    assert not PortalLink.objects.exists()
    assert not PortalVisit.objects.exists()


def test_a_lost_message_is_sent_again_by_the_sweep(
    cleo: Subject, mailoutbox: list[EmailMessage]
) -> None:
    errand = services.ask_for_link(address=ADDRESS, language=Language.GERMAN)
    with patch.object(tasks.send_links, "delay", tasks.send_links):
        tasks.sweep_portal()
    assert len(mailoutbox) == 1
    assert not LinkErrand.objects.filter(pk=errand.pk).exists()


@pytest.mark.parametrize(
    "path",
    ["home", "answers", "people", "requests", "take-back", "done/answered"],
)
def test_strangers_are_led_to_the_entrance(db: None, path: str) -> None:
    assert Client().get(f"/portal/{path}/").headers["Location"] == "/portal/"


# Pages in general --------------------------------------------------------------------------------


def test_no_page_lets_anything_run_or_come_from_elsewhere(
    cleo: Subject, enter: Callable[..., Client]
) -> None:
    policy = enter(cleo).get("/portal/home/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "script" not in policy


def test_language_is_the_browsers_until_one_is_chosen(db: None) -> None:
    client = Client(HTTP_ACCEPT_LANGUAGE="de")
    assert '<html lang="de">' in client.get("/portal/").content.decode()
    assert '<html lang="en">' in client.get("/portal/?language=en").content.decode()
    assert '<html lang="en">' in client.get("/portal/").content.decode()
    assert '<html lang="en">' in Client(HTTP_ACCEPT_LANGUAGE="fr").get("/portal/").content.decode()
    page = client.get("/portal/?language=xx")
    assert page.headers["Content-Language"] == "en"


@pytest.mark.parametrize(("language", "title"), [("en", "Nothing here"), ("de", "Hier ist nichts")])
def test_what_is_not_there_is_said_in_plain_words(db: None, language: str, title: str) -> None:
    page = Client(HTTP_ACCEPT_LANGUAGE=language).get("/portal/nowhere/")
    assert page.status_code == 404
    assert title in page.content.decode()


def test_notices_are_shown_in_the_persons_language(
    officer: Account, cleo: Subject, enter: Callable[..., Client]
) -> None:
    english = publish(officer, title="A release", text="You may…")
    publish(officer, language="de", title="Eine Einwilligung", text="Sie dürfen…")
    from tests.consent.factories import answer

    asked = services.request(
        actor=officer, subject_id=cleo.pk, notice_id=english.pk, answer=answer()
    )
    client = enter(cleo, HTTP_ACCEPT_LANGUAGE="de")
    page = client.get(f"/portal/answers/{asked.pk}/give/").content.decode()
    assert "Eine Einwilligung" in page
    assert "Sie dürfen…" in page
