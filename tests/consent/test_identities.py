"""What people are known by, and how they are found. All people are invented."""

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from consent import services
from consent.errors import AlreadyKnown, NotPermitted, TermsRefused, Unknown, WrongState
from consent.identity import Form, IdentifierKind
from consent.models import Account, Identifier, SearchKey, Subject
from consent.roles import RoleCode
from consent.search import Found, find_subjects
from consent.services import Known
from ledger import vault
from ledger.verification import verify_log
from tests.consent.factories import House, openings_of, register

PHONE, NAME, BORN = IdentifierKind.PHONE, IdentifierKind.NAME, IdentifierKind.BIRTH_DATE
ADDRESS = Known(IdentifierKind.ADDRESS, "Hauptstr. 5a, 10115 Berlin")


def find(officer: Account, term: str, **how: Any) -> Found:
    return find_subjects(actor=officer, term=term, **how)


def how(found: Found) -> list[tuple[str, str]]:
    ways = [match.way for match in found.matches if match.way]
    return [(way.kind.value, way.form.value) for way in ways]


def named(subject: Subject, kind: IdentifierKind = NAME) -> Identifier:
    return subject.identifiers.get(kind=kind.value, until=None)


@pytest.mark.parametrize(
    ("term", "way"),
    [
        ("Zoë Müller", ("name", "exact")),
        ("MUELLER, ZOE", ("name", "folded")),
        ("Zoe Muhler", ("name", "phonetic")),
        ("ZOE@people.EXAMPLE", ("email", "folded")),
        ("0049 30 901820", ("phone", "e164")),
        ("1990-12-31", ("birth_date", "date")),
        ("Hauptstraße 5 a, 10115 Berlin-Mitte", ("address", "place")),
    ],
)
def test_a_person_is_found_by_whatever_they_are_known_by(
    officer: Account, term: str, way: tuple[str, str]
) -> None:
    known = (Known(PHONE, "030 901820", "DE"), Known(BORN, "1990-12-31"), ADDRESS)
    subject = register(officer, "Zoë Müller", email="zoe@people.example", others=known)
    register(officer, "Noor Invented", email="noor@people.example")
    found = find(officer, term, region="DE")
    assert [match.subject for match in found.matches] == [subject]
    assert how(found) == [way]


def test_the_closest_come_first_and_each_person_once(officer: Account) -> None:
    sounds = register(officer, "Stephan Fillips", email=None)
    folded = register(officer, "PHILIPS STEFAN", email=None)
    exact = register(officer, "Stefan Philips", email=None)
    found = find(officer, "Stefan Philips")
    assert [match.subject for match in found.matches] == [exact, folded, sounds]


def test_who_is_not_here_is_not_found_and_the_answer_says_what_was_searched(
    officer: Account,
) -> None:
    subject = register(officer, "Zoë  Invented")
    found = find(officer, "Zoë")
    assert found.matches == ()
    assert {str(way) for way in found.ways} >= {
        "name, sounds alike",
        "account name, letter by letter",
    }
    assert find(officer, "1990-12-31", kind=BORN).ways[0].form is Form.DATE
    assert find(officer, subject.handle.lower()).matches[0].way is None


def test_a_term_that_is_nothing_of_its_kind_is_refused(house: House, officer: Account) -> None:
    with pytest.raises(TermsRefused, match="phone number is malformed"):
        find(officer, "cleo", kind=PHONE)
    with pytest.raises(NotPermitted, match=r"consent\.view_subject"):
        find(house.account("Mia", RoleCode.MANAGER), "cleo")


def test_a_further_identifier_counts_from_when_it_is_added(officer: Account) -> None:
    subject = register(officer)
    assert not find(officer, "@cleo_draws").matches
    account = Known(IdentifierKind.ACCOUNT_NAME, "cleo_draws")
    row = services.add_identifier(actor=officer, subject_id=subject.pk, known=account)
    assert how(find(officer, "@cleo_draws")) == [("account_name", "folded")]
    assert vault.keys(row.scope_ids()).open(row, "value") == b"cleo_draws"
    assert {opening.role for opening in openings_of(row)} == {"subject", "actor"}
    with pytest.raises(AlreadyKnown, match="has this account name already"):
        services.add_identifier(actor=officer, subject_id=subject.pk, known=account)
    with pytest.raises(Unknown):
        services.add_identifier(actor=officer, subject_id=row.pk, known=account)


def test_a_former_name_is_still_found_and_said_to_be_former(officer: Account) -> None:
    subject = register(officer, "Cleo Invented")
    with pytest.raises(TermsRefused, match="only name"):
        services.end_identifier(actor=officer, identifier_id=named(subject).pk)
    old = named(subject)
    services.add_identifier(actor=officer, subject_id=subject.pk, known=Known(NAME, "Cleo Newly"))
    services.end_identifier(actor=officer, identifier_id=old.pk)
    assert [match.is_former for match in find(officer, "Cleo Invented").matches] == [True]
    assert [match.is_former for match in find(officer, "Cleo Newly").matches] == [False]
    with pytest.raises(WrongState, match="no longer in use"):
        services.end_identifier(actor=officer, identifier_id=old.pk)


def test_what_was_wrong_can_neither_be_read_nor_found_again(
    officer: Account, sequence: Any
) -> None:
    subject = register(officer, "Cloe Invented")
    wrong = named(subject)
    right = services.correct_identifier(
        actor=officer, identifier_id=wrong.pk, known=Known(NAME, "Cleo Invented")
    )
    wrong.refresh_from_db()
    assert (wrong.value, wrong.until is None) == (None, False)
    assert set(wrong.search_keys.values_list("key", flat=True)) == {None}
    assert find(officer, "Cloe Invented", kind=NAME).matches[0].way is not None
    assert how(find(officer, "Cloe Invented", kind=NAME)) == [("name", "phonetic")]
    assert named(subject) == right
    with pytest.raises(TermsRefused, match="cannot take the place"):
        services.correct_identifier(
            actor=officer, identifier_id=right.pk, known=Known(PHONE, "+49 30 901820")
        )


@pytest.mark.parametrize(
    ("sql", "refusal"),
    [
        ("UPDATE consent_identifier SET value = '\\x01'", "column value of consent_identifier"),
        ("UPDATE consent_searchkey SET key = sha256('a')", "column key of consent_searchkey"),
        ("UPDATE consent_identifier SET kind = 'alias'", "column kind of consent_identifier"),
        ("UPDATE consent_identifier SET value = NULL", "identifier_emptied_when_over"),
        ("UPDATE consent_searchkey SET form = 'city'", "column form of consent_searchkey"),
    ],
)
def test_postgresql_lets_identifiers_be_emptied_and_never_replaced(
    officer: Account, sql: str, refusal: str
) -> None:
    register(officer)
    with (
        pytest.raises(DatabaseError, match=refusal),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql)


def test_nobody_has_more_identifiers_than_a_record_can_say(officer: Account) -> None:
    many = [Known(BORN, f"1990-01-{day:02}") for day in range(1, 32)]
    with pytest.raises(TermsRefused, match="at most 50"):
        register(officer, others=[*many, *(Known(BORN, f"1991-{k.value[5:]}") for k in many)])
    assert not Subject.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_identifiers_and_keys_are_on_the_record(officer: Account, log: Any, sequence: Any) -> None:
    subject = register(officer)
    services.correct_identifier(
        actor=officer, identifier_id=named(subject).pk, known=Known(NAME, "Noor Invented")
    )
    sequence()
    assert verify_log(log).findings == []
    assert not SearchKey.objects.filter(record=None).exists()
