"""Who comes of age by their birth date alone is found, and no birth date stands in the clear."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from consent import majority, profiles, services, tasks
from consent.clock import of_age_at
from consent.identity import IdentifierKind
from consent.models import Account, AskingErrand, Grant, Identifier, Subject
from consent.moment import database_now
from consent.services import Known, Span
from consent.uses import Capacity, Use
from tests.consent.factories import answer, consent_of, publish, register

BERLIN = "Europe/Berlin"
ZONE = profiles.load().clock.zone


@pytest.mark.parametrize(
    ("birth", "of_age"),
    [
        (date(2008, 11, 21), date(2026, 11, 21)),
        (date(2008, 2, 29), date(2026, 3, 1)),
        (date(2008, 2, 28), date(2026, 2, 28)),
    ],
)
def test_somebody_is_of_age_from_the_day_on_that_has_the_number(birth: date, of_age: date) -> None:
    moment = datetime(of_age.year, of_age.month, of_age.day, tzinfo=ZoneInfo(BERLIN))
    assert of_age_at(birth, 18, BERLIN) == moment


def test_a_leap_day_comes_round_where_the_year_has_it() -> None:
    assert of_age_at(date(2008, 2, 29), 20, BERLIN).date() == date(2028, 2, 29)


@given(
    st.dates(date(1950, 1, 1), date(2020, 12, 31)),
    st.dates(date(2000, 1, 1), date(2035, 12, 31)),
    st.integers(0, 3_000),
)
def test_a_span_names_just_those_birth_dates_that_come_of_age_in_it(
    birth: date, first: date, days: int
) -> None:
    after = datetime(first.year, first.month, first.day, 12, tzinfo=UTC)
    until = after + timedelta(days=days)
    births = set(majority.births_between(after, until, years=18, zone=BERLIN))
    assert (birth in births) == (after < of_age_at(birth, 18, BERLIN) <= until)


def child(officer: Account, days: int, **changes: Any) -> Subject:
    """Register somebody who comes of age in so many days."""
    day = (database_now().astimezone(ZoneInfo(ZONE)) + timedelta(days=days)).date()
    birth = day.replace(year=day.year - profiles.load().majority_years)
    known = Known(IdentifierKind.BIRTH_DATE, birth.isoformat())
    return register(officer, others=[known], **changes)


@pytest.fixture
def in_days(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """``in_days(n)``: from now on the sweep looks so many days later."""

    def move(days: int) -> None:
        monkeypatch.setattr(
            "consent.services.renewals.database_now",
            lambda: database_now() + timedelta(days=days),
        )

    return move


@pytest.mark.django_db
def test_whoever_answered_as_a_child_is_asked_once_when_of_age(
    officer: Account, in_days: Callable[[int], None], mailoutbox: list[EmailMessage]
) -> None:
    grant = consent_of(officer, child(officer, 40), answer(Use.TRAIN))
    consent_of(officer, child(officer, 60))
    consent_of(officer, child(officer, -60))
    consent_of(officer, register(officer))
    tasks.prepare_renewals()
    assert not AskingErrand.objects.exists()
    in_days(41)
    for _ in range(2):
        tasks.prepare_renewals()
    (errand,) = AskingErrand.objects.all()
    assert (errand.cause, errand.grant.renews, errand.grant.uses) == ("of_age", grant, ["train"])
    AskingErrand.objects.update(due_at=database_now())
    tasks.send_askings()
    (letter,) = mailoutbox
    assert "while you were a child. You are of age now" in str(letter.body)
    assert "it stays as it was said" in str(letter.body)


@pytest.mark.django_db
def test_what_a_guardian_said_is_asked_for_by_the_birth_date_even_before_their_end(
    officer: Account, in_days: Callable[[int], None]
) -> None:
    subject = child(officer, 40)
    parent = register(officer, "Pat Invented", email="pat@people.example")
    speaker = services.represent(
        actor=officer,
        subject_id=subject.pk,
        representative_id=parent.pk,
        capacity=Capacity.GUARDIAN,
        span=Span(ends_at=database_now() + timedelta(days=300)),
    )
    grant = services.give(
        actor=officer,
        subject_id=subject.pk,
        notice_id=publish(officer).pk,
        answer=answer(),
        representation_id=speaker.pk,
    )
    in_days(41)
    tasks.prepare_renewals()
    assert AskingErrand.objects.get().grant.renews == grant


@pytest.mark.django_db
def test_a_birth_date_that_is_learned_late_or_elsewhere_counts_as_well(
    officer: Account, in_days: Callable[[int], None]
) -> None:
    grant = consent_of(officer, register(officer))
    twice = child(officer, 40, name="Cleo Twice")
    services.merge_subjects(
        actor=officer, keep_id=grant.subject_id, other_id=twice.pk, reason="the same"
    )
    in_days(400)
    tasks.prepare_renewals()
    assert AskingErrand.objects.get().grant.renews == grant


@pytest.mark.django_db
def test_a_birth_date_that_was_wrong_no_longer_counts(
    officer: Account, in_days: Callable[[int], None]
) -> None:
    subject = child(officer, 40)
    consent_of(officer, subject)
    wrong = Identifier.objects.get(subject=subject, kind=IdentifierKind.BIRTH_DATE.value)
    services.correct_identifier(
        actor=officer,
        identifier_id=wrong.pk,
        known=Known(IdentifierKind.BIRTH_DATE, "1970-01-01"),
    )
    in_days(41)
    tasks.prepare_renewals()
    assert not AskingErrand.objects.exists()


@pytest.mark.django_db
def test_those_who_come_of_age_soon_are_on_the_screen_with_the_others(officer: Account) -> None:
    soon = consent_of(officer, child(officer, 20))
    consent_of(officer, child(officer, 200))
    now = database_now()
    assert majority.find_outgrown(now, now + timedelta(days=60)) == {soon.pk}
    assert majority.find_all_outgrown(now) == set()
    assert Grant.objects.count() == 2
    seen = Client()
    seen.force_login(officer)
    url = reverse("admin:consent_grant_changelist")
    page = seen.get(f"{url}?of_age=soon").content.decode()
    assert page.count('class="mu-link" href="/admin/consent/subject/') == 1
    assert soon.subject.handle in page
    assert soon.subject.handle not in seen.get(f"{url}?of_age=past").content.decode()
