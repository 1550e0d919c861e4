"""Notices that reached people, and notices published at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import DatabaseError, connection, connections, transaction

from consent import services
from consent.errors import NotPermitted, TermsRefused, Unknown
from consent.models import Account, Notice, Serving
from consent.moment import database_now
from consent.roles import RoleCode
from consent.uses import Capacity, Method
from ledger.holdings import HOLDINGS
from ledger.vault import keys
from tests.consent.factories import House, openings_of, publish, register


def serve(officer: Account, **changes: Any) -> Serving:
    said: dict[str, Any] = {"channel": Method.LETTER}
    if "subject_id" not in changes:
        said["subject_id"] = register(officer).pk
    if "notice_id" not in changes:
        said["notice_id"] = publish(officer, language="de").pk
    return services.serve_notice(actor=officer, **{**said, **changes})


def test_what_was_served_is_recorded_apart_from_any_answer(officer: Account) -> None:
    row = serve(officer, capacity=Capacity.GUARDIAN)
    said = {opening.role: opening.payload for opening in openings_of(row)}["subject"]
    assert (said["language"], said["channel"], said["to"]) == ("de", "letter", "guardian")
    assert said["notice"] == f"sha256:{row.notice.digest.hex()}"
    assert not row.subject.grants.exists()
    (holding,) = [one for one in HOLDINGS if one.name == "consent.serving"]
    told = holding.export(row, keys(row.scope_ids()))
    assert (told["served_to"], told["notice"]) == ("guardian", "release 1 (de)")


def test_a_letter_of_last_week_is_recorded_as_of_then(officer: Account) -> None:
    notice = publish(officer)
    with pytest.raises(TermsRefused, match="before the notice was published"):
        serve(officer, notice_id=notice.pk, served_at=notice.published_at - timedelta(days=1))
    with pytest.raises(TermsRefused, match="or is yet to be"):
        serve(officer, served_at=database_now() + timedelta(hours=1))
    row = serve(officer, notice_id=notice.pk, served_at=notice.published_at)
    assert row.served_at < row.recorded_at


def test_only_who_may_records_it_and_of_whom_there_is(house: House, officer: Account) -> None:
    notice = publish(officer)
    with pytest.raises(Unknown):
        serve(officer, subject_id=notice.pk, notice_id=notice.pk)
    subject = register(officer)
    with pytest.raises(NotPermitted, match="serve_notice"):
        serve(house.account("Axel", RoleCode.APPROVER), subject_id=subject.pk, notice_id=notice.pk)


def test_postgresql_lets_nothing_of_it_change(officer: Account) -> None:
    serve(officer)
    for change in ("channel = 'email'", "served_at = now()", "capacity = 'agent'"):
        with (
            pytest.raises(DatabaseError, match="is frozen"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(f"UPDATE consent_serving SET {change}")


@pytest.mark.django_db(transaction=True)
def test_notices_published_at_once_get_one_version_after_the_other(officer: Account) -> None:
    together = Barrier(4)

    def run(number: int) -> int:
        together.wait()
        try:
            return publish(officer, text=f"Text {number}").version
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        versions = sorted(pool.map(run, range(4)))
    assert versions == [1, 2, 3, 4]
    assert Notice.objects.count() == 4
