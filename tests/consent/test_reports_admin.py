from collections.abc import Callable

import pytest
from django.urls import reverse

from consent.roles import RoleCode
from ledger.models import HOUSE_SCOPE, IssuedReport
from ledger.services import store_file
from tests.consent.factories import House
from tests.consent.test_admin import browser

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "admin:ledger_issuedreport_changelist"
ORDER = "admin:ledger_issuedreport_list_act"


def test_officer_orders_a_report_on_the_record(house: House, sequence: Callable[[], int]) -> None:
    sequence()
    client = browser(house.account("Olga", RoleCode.OFFICER))
    answer = client.post(reverse(ORDER, args=["order"]), {"first": "", "last": "0"})
    assert answer.status_code == 302
    report = IssuedReport.objects.get()
    assert (report.first, report.end, report.record is None) == (0, 1, False)
    assert b"being made" in client.get(reverse(LIST)).content


def test_period_beyond_the_log_is_refused_in_a_sentence(
    house: House, sequence: Callable[[], int]
) -> None:
    sequence()
    client = browser(house.account("Olga", RoleCode.OFFICER))
    answer = client.post(reverse(ORDER, args=["order"]), {"first": "5", "last": "99999"})
    assert b"Records 5 to 99999 are not all among" in answer.content
    assert not IssuedReport.objects.exists()


def test_bundle_is_handed_to_those_who_may_and_to_nobody_else(
    house: House, sequence: Callable[[], int]
) -> None:
    sequence()
    officer = browser(house.account("Olga", RoleCode.OFFICER))
    officer.post(reverse(ORDER, args=["order"]), {})
    report = IssuedReport.objects.get()
    url = reverse("admin:ledger_issuedreport_download", args=[report.pk])
    assert officer.get(url).status_code == 404
    store_file((HOUSE_SCOPE,), b"PK, a bundle", report.pk)
    answer = officer.get(url)
    assert (answer.content, answer["Content-Type"]) == (b"PK, a bundle", "application/zip")
    assert browser(house.account("Mo", RoleCode.MODERATOR)).get(url).status_code == 403
