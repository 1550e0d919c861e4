"""Asked anew before a term ends: once, by letter, with reminders; silence is never a yes."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db import DatabaseError, connection, transaction

from consent import profiles, services, tasks
from consent.decision import Code
from consent.identity import IdentifierKind
from consent.models import (
    Account,
    AskingErrand,
    DatasetVersion,
    Grant,
    Identifier,
    ImpactCase,
    RequestKind,
    Subject,
)
from consent.moment import database_now
from consent.services import Known, Span, Visitor
from consent.uses import Assurance, Capacity, Method, Mode, Use
from ledger.leaf import parse_body
from ledger.models import Record
from tests.consent.factories import answer, body_of, consent_of, publish, register, wait_until
from tests.consent.test_admin import browser, list_url, row_url
from tests.consent.test_answers import code

pytestmark = pytest.mark.django_db
SOON = timedelta(days=10)


def ending(officer: Account, subject: Subject, *uses: Use, **changes: Any) -> Grant:
    """Record an answer whose term is nearly over."""
    now = database_now()
    term = {"valid_from": now - timedelta(days=300), "valid_until": now + SOON}
    return consent_of(officer, subject, answer(*(uses or (Use.TRAIN,)), **{**term, **changes}))


def asked_for(grant: Grant) -> Grant:
    return Grant.objects.get(renews=grant)


def kinds_of_records() -> list[str]:
    return [parse_body(one.body).kind for one in Record.objects.order_by("pk")]


def next_letter() -> None:
    """Let the time until the next letter pass, and the worker come by."""
    AskingErrand.objects.exclude(due_at=None).update(due_at=database_now())
    tasks.send_askings()


@pytest.fixture
def officers_person(officer: Account) -> Subject:
    return register(officer)


def test_what_ends_soon_is_asked_for_once_in_the_words_that_hold_now(
    officer: Account, officers_person: Subject
) -> None:
    grant = ending(officer, officers_person)
    newer = publish(officer, code=grant.notice.code)
    for _ in range(2):
        tasks.prepare_renewals()
    asked = asked_for(grant)
    assert (asked.state, asked.uses, asked.notice) == ("requested", ["train"], newer)
    assert grant.valid_until is not None
    assert grant.valid_from is not None
    assert asked.valid_until == grant.valid_until + (grant.valid_until - grant.valid_from)
    assert body_of(asked).kind == "grant.requested"


@pytest.mark.parametrize(
    "changes",
    [
        {"valid_until": None},
        {"valid_from": None},  # half of its term is not over
        {"mode": Mode.OPT_OUT, "uses": frozenset(), "refused": frozenset({Use.TRAIN})},
    ],
)
def test_nothing_else_is_asked_for(
    officer: Account, officers_person: Subject, changes: dict[str, Any]
) -> None:
    ending(officer, officers_person, **changes)
    tasks.prepare_renewals()
    assert not Grant.objects.filter(state="requested").exists()


def test_nobody_is_asked_who_asked_to_be_erased(officer: Account, officers_person: Subject) -> None:
    ending(officer, officers_person)
    services.open_request(
        actor=officer,
        subject_id=officers_person.pk,
        kind=RequestKind.ERASURE,
        channel=Method.LETTER,
        identity=Assurance.EID,
    )
    tasks.prepare_renewals()
    assert not Grant.objects.filter(state="requested").exists()


def test_letters_come_in_time_and_stop(
    officer: Account, officers_person: Subject, mailoutbox: list[EmailMessage]
) -> None:
    grant = ending(officer, officers_person)
    tasks.prepare_renewals()
    tasks.send_askings()
    tasks.send_askings()  # the first reminder is not due yet
    (letter,) = mailoutbox
    assert letter.to == ["cleo@people.example"]
    assert officers_person.handle in str(letter.body)
    assert "/portal/" in str(letter.body)
    assert "never a yes" in str(letter.body)
    for _ in range(4):
        next_letter()
    assert len(mailoutbox) == 1 + profiles.load().renewal.reminders
    assert AskingErrand.objects.get().due_at is None
    assert len({one.extra_headers["Message-ID"] for one in mailoutbox}) == len(mailoutbox)
    # Silence changes nothing.
    grant.refresh_from_db()
    assert (grant.state, asked_for(grant).state) == ("given", "requested")


def test_a_letter_that_fails_is_tried_again(
    officer: Account, officers_person: Subject, monkeypatch: pytest.MonkeyPatch,
    mailoutbox: list[EmailMessage],
) -> None:  # fmt: skip
    ending(officer, officers_person)
    tasks.prepare_renewals()
    with monkeypatch.context() as patch:
        patch.setattr(EmailMessage, "send", _post_is_away)
        tasks.send_askings()
    assert mailoutbox == []
    next_letter()
    assert len(mailoutbox) == 1
    assert AskingErrand.objects.get().sent == 1


def _post_is_away(_message: EmailMessage) -> None:
    raise OSError("the post is away")


def test_a_letter_is_in_the_language_of_the_text(
    officer: Account, officers_person: Subject, mailoutbox: list[EmailMessage]
) -> None:
    notice = publish(officer, language="de")
    now = database_now()
    services.give(
        actor=officer,
        subject_id=officers_person.pk,
        notice_id=notice.pk,
        answer=answer(valid_from=now - timedelta(days=300), valid_until=now + SOON),
    )
    tasks.prepare_renewals()
    tasks.send_askings()
    assert mailoutbox[0].extra_headers["Content-Language"] == "de"
    assert "Guten Tag" in str(mailoutbox[0].body)


def test_a_guardian_is_written_to_for_the_child(
    officer: Account, officers_person: Subject, mailoutbox: list[EmailMessage]
) -> None:
    parent = register(officer, "Pat Invented", email="pat@people.example")
    services.represent(
        actor=officer,
        subject_id=officers_person.pk,
        representative_id=parent.pk,
        capacity=Capacity.GUARDIAN,
        span=Span(ends_at=database_now() + timedelta(days=900)),
    )
    ending(officer, officers_person)
    tasks.prepare_renewals()
    tasks.send_askings()
    assert [letter.to for letter in mailoutbox] == [["pat@people.example"]]


def test_without_an_address_nobody_is_written_to(
    officer: Account, officers_person: Subject, mailoutbox: list[EmailMessage]
) -> None:
    ending(officer, officers_person)
    address = Identifier.objects.get(subject=officers_person, kind=IdentifierKind.EMAIL.value)
    services.end_identifier(actor=officer, identifier_id=address.pk)
    tasks.prepare_renewals()
    tasks.send_askings()
    assert mailoutbox == []
    (errand,) = AskingErrand.objects.unreached()
    assert errand.reach == "no_address"
    assert kinds_of_records()[-1] == "grant.unreached"
    # Once they have an address, the letter goes by itself; it is noted once that they had none.
    next_letter()
    known = Known(IdentifierKind.EMAIL, "cleo@new.example")
    services.add_identifier(actor=officer, subject_id=officers_person.pk, known=known)
    next_letter()
    assert [letter.to for letter in mailoutbox] == [["cleo@new.example"]]
    assert not AskingErrand.objects.unreached()
    assert kinds_of_records().count("grant.unreached") == 1


def test_a_yes_takes_the_place_of_what_ends(officer: Account, officers_person: Subject) -> None:
    grant = ending(officer, officers_person)
    tasks.prepare_renewals()
    asked = asked_for(grant)
    until = database_now() + timedelta(days=400)
    services.answer_request(
        actor=Visitor(officers_person), grant_id=asked.pk, answer=answer(valid_until=until)
    )
    grant.refresh_from_db()
    asked.refresh_from_db()
    assert (grant.state, asked.state, grant.record) == ("renewed", "given", asked.record)
    assert not ImpactCase.objects.exists()
    next_letter()
    assert AskingErrand.objects.get().due_at is None


def test_a_smaller_yes_ends_the_rest(officer: Account, officers_person: Subject) -> None:
    grant = ending(officer, officers_person, Use.TRAIN, Use.EVALUATE)
    tasks.prepare_renewals()
    services.answer_request(actor=officer, grant_id=asked_for(grant).pk, answer=answer(Use.TRAIN))
    assert code(officers_person, Use.TRAIN) is Code.GRANTED
    assert code(officers_person, Use.EVALUATE) is Code.WITHDRAWN


@pytest.mark.parametrize(("uses", "cases"), [((Use.TRAIN, Use.EVALUATE), 0), ((Use.TRAIN,), 1)])
def test_a_smaller_yes_opens_an_impact_case_and_one_as_large_none(
    officer: Account, cleo: Subject, version: DatasetVersion, uses: tuple[Use, ...], cases: int
) -> None:
    assert version.items.exists()
    grant = ending(officer, cleo, Use.TRAIN, Use.EVALUATE)
    tasks.prepare_renewals()
    services.answer_request(actor=officer, grant_id=asked_for(grant).pk, answer=answer(*uses))
    assert [case.cause for case in ImpactCase.objects.all()] == ["withdrawal"] * cases
    page = browser(officer).get(list_url(ImpactCase)).content.decode()
    assert [row_url(case) in page for case in ImpactCase.objects.all()] == [True] * cases


def test_a_yes_reaches_what_is_left_of_the_answer(
    officer: Account, officers_person: Subject
) -> None:
    grant = ending(officer, officers_person, Use.TRAIN, Use.EVALUATE)
    tasks.prepare_renewals()
    rest = services.withdraw(actor=officer, grant_id=grant.pk, uses=[Use.EVALUATE])
    tasks.prepare_renewals()
    assert Grant.objects.filter(state="requested").count() == 1
    services.answer_request(actor=officer, grant_id=asked_for(grant).pk, answer=answer(Use.TRAIN))
    rest.refresh_from_db()
    assert rest.state == "renewed"


def test_a_no_outweighs_what_is_still_in_force(officer: Account, officers_person: Subject) -> None:
    grant = ending(officer, officers_person)
    tasks.prepare_renewals()
    services.refuse_request(actor=officer, grant_id=asked_for(grant).pk, method=Method.LETTER)
    assert code(officers_person, Use.TRAIN) is Code.REFUSED_BY_PERSON


def test_postgresql_asks_once_and_lets_nobody_move_the_question(
    officer: Account, officers_person: Subject
) -> None:
    grant = ending(officer, officers_person)
    tasks.prepare_renewals()
    asked = asked_for(grant)
    with pytest.raises(DatabaseError, match="grant_asked_anew_once"), transaction.atomic():
        again = Grant.objects.get(pk=asked.pk)
        again.pk, again._state.adding = None, True
        again.save(force_insert=True)
    with (
        pytest.raises(DatabaseError, match="renews_id"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("UPDATE consent_grant SET renews_id = NULL WHERE id = %s", [asked.pk])


def test_whoever_comes_of_age_is_asked_themself(
    officer: Account, officers_person: Subject, mailoutbox: list[EmailMessage]
) -> None:
    parent = register(officer, "Pat Invented", email="pat@people.example")
    speaker = services.represent(
        actor=officer,
        subject_id=officers_person.pk,
        representative_id=parent.pk,
        capacity=Capacity.GUARDIAN,
        span=Span(ends_at=database_now() + timedelta(seconds=2)),
    )
    grant = services.give(
        actor=officer,
        subject_id=officers_person.pk,
        notice_id=publish(officer).pk,
        answer=answer(Use.TRAIN),
        representation_id=speaker.pk,
    )
    tasks.prepare_renewals()
    assert not Grant.objects.filter(renews=grant).exists()
    assert grant.power_until is not None
    wait_until(grant.power_until)
    for _ in range(2):
        tasks.prepare_renewals()
    tasks.send_askings()
    (letter,) = mailoutbox
    assert letter.to == ["cleo@people.example"]
    assert "You speak for yourself now" in str(letter.body)
    assert code(officers_person) is Code.POWER_ENDED
    services.answer_request(actor=officer, grant_id=asked_for(grant).pk, answer=answer(Use.TRAIN))
    grant.refresh_from_db()
    assert grant.state == "renewed"
    assert code(officers_person) is Code.GRANTED
