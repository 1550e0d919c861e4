"""What browsers say of a person's wishes, kept as it was seen and weighed in decisions."""

from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from consent import services
from consent.decision import Code, Context
from consent.decisions import decide_uses
from consent.errors import NotPermitted, TermsRefused
from consent.models import Account, Observation, SignalFinding, Subject
from consent.moment import database_now
from consent.roles import RoleCode
from consent.uses import Medium, Use
from ledger import vault
from tests.consent.factories import House, body_of, consent_of, register
from tests.consent.test_api import of_person, of_program, problem

GPC = b"Host: portal.example\r\nCookie: session=invented\r\nSec-GPC: 1\r\n"
PORTAL = "https://portal.example/"


def see(officer: Account, subject: Subject, headers: bytes = GPC) -> Observation:
    return services.observe_request(
        actor=officer, subject_id=subject.pk, place=PORTAL, headers=headers
    )


def codes(subject: Subject, use: Use = Use.DISTRIBUTE, **asked: Any) -> list[Code]:
    decision = decide_uses([subject.pk], [use], profile="california/1", **asked)
    return [reason.code for reason in decision.reasons]


def test_only_the_signal_is_kept_and_sealed_with_the_person(officer: Account) -> None:
    subject = register(officer)
    seen = see(officer, subject)
    keys = vault.keys(subject.scope_ids())
    assert keys.open(seen, "raw") == b"Sec-GPC: 1"
    assert keys.open(seen, "place") == PORTAL.encode()
    assert body_of(seen).kind == "signal.observed"
    (found,) = seen.findings.all()
    assert (found.signal, found.standing, found.code) == ("gpc", "reserved", "gpc_opt_out")
    assert found.uses == ["commercial", "distribute"]


def test_it_counts_against_silence_from_when_it_was_seen(officer: Account) -> None:
    subject = register(officer)
    before = database_now()
    assert codes(subject) == [Code.NOT_REFUSED]
    see(officer, subject)
    assert codes(subject) == [Code.SIGNAL_RESERVED]
    assert codes(subject, at=before) == [Code.NOT_REFUSED]
    assert codes(subject, Use.EVALUATE) == [Code.NOT_REFUSED]


def test_whoever_spoke_last_wins_and_the_loser_is_named(officer: Account) -> None:
    subject = register(officer)
    consent_of(officer, subject)
    shown = Context(medium=Medium.ONLINE, territory="DE")
    assert codes(subject, context=shown) == [Code.GRANTED]
    see(officer, subject)
    assert codes(subject, context=shown) == [Code.SIGNAL_RESERVED]
    consent_of(officer, subject)
    assert codes(subject, context=shown) == [Code.GRANTED, Code.SIGNAL_OUTWEIGHED]


def test_what_says_nothing_readable_reserves_nothing(officer: Account) -> None:
    subject = register(officer)
    see(officer, subject, b"Sec-GPC: 0")
    assert SignalFinding.objects.get().standing == "malformed"
    assert codes(subject) == [Code.NOT_REFUSED]


@pytest.mark.parametrize("headers", [b"", b"Host: portal.example", b"Sec-GPC:" + b"1" * 5_000])
def test_a_request_without_a_signal_leaves_nothing(officer: Account, headers: bytes) -> None:
    subject = register(officer)
    with pytest.raises(TermsRefused, match="holds no signal"):
        see(officer, subject, headers)
    assert not Observation.objects.exists()


def test_only_who_may_records_it(house: House, officer: Account) -> None:
    subject = register(officer)
    with pytest.raises(NotPermitted, match=r"consent\.observe_signal"):
        see(house.account("Mo", RoleCode.MODERATOR), subject)


def test_what_was_seen_is_fixed(officer: Account) -> None:
    seen = see(officer, register(officer))
    for table, column in (("observation", "raw"), ("signalfinding", "uses")):
        with (
            pytest.raises(DatabaseError, match=f"column {column} of consent_{table} is frozen"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(f"UPDATE consent_{table} SET {column} = '{{}}'")
    assert seen.record is not None


def test_a_program_reports_it(house: House, officer: Account) -> None:
    subject = register(officer)
    program = house.client("portal", RoleCode.GENERATOR)
    said = {"subject": str(subject.pk), "place": PORTAL, "headers": GPC.decode()}
    api = of_program(house, program, "signals:write")
    made = api.post("signals", said)
    assert made.status_code == 201
    assert made.json()["findings"][0]["code"] == "gpc_opt_out"
    assert "Cookie" not in made.content.decode()
    refused = of_person(officer).post("signals", {**said, "headers": "Host: x"})
    assert problem(refused) == (422, "TermsRefused")
