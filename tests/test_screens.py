"""The screens in a real browser: light, dark and narrow, without an error in its console."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from consent import services
from consent.roles import RoleCode
from consent.services import Newcomer
from ledger.models import Log, Record
from ledger.services.watch import check_log
from tests.consent.factories import open_house
from tests.ledger.acts import record

CHROMIUM = shutil.which("chromium")

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.chromium,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]


@pytest.fixture
def shown(log: Log, sequence: Callable[[], int]) -> Record:
    """A published record of a checked log."""
    written = record(tries=3)
    sequence()
    check_log(log)
    return written


@pytest.fixture
def session(log: Log) -> str:
    """The session of an officer who is signed in."""
    client = Client()
    client.force_login(open_house().account("Olga", RoleCode.OFFICER))
    return client.cookies[settings.SESSION_COOKIE_NAME].value


@contextmanager
def _browsing(address: str, session: str, **options: Any) -> Iterator[tuple[Any, list[str]]]:
    """Open a page of a signed-in browser; gives it with all that goes wrong in its console."""
    from playwright.sync_api import sync_playwright

    wrong: list[str] = []
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = browser.new_context(**options)
        cookie: Any = {"name": settings.SESSION_COOKIE_NAME, "value": session, "url": address}
        context.add_cookies([cookie])
        page = context.new_page()
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        yield page, wrong
        browser.close()


@pytest.mark.parametrize(
    "options",
    [
        {"color_scheme": "light"},
        {"color_scheme": "dark"},
        {"viewport": {"width": 390, "height": 800}},
    ],
)
def test_start_page_tells_the_verdict_without_an_error(
    options: dict[str, Any], live_server: Any, session: str, shown: Record
) -> None:
    with _browsing(live_server.url, session, **options) as (page, wrong):
        page.goto(f"{live_server.url}/admin/")
        assert page.get_by_role("heading", name="The log is sound").is_visible()
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(overflow) == 0
        is_dark = page.evaluate("document.documentElement.classList.contains('dark')")
        assert is_dark == (options.get("color_scheme") == "dark")
    assert wrong == []


def test_proof_is_copied_and_downloaded_from_a_records_page(
    live_server: Any, session: str, shown: Record
) -> None:
    granted = {"permissions": ["clipboard-read", "clipboard-write"]}
    with _browsing(live_server.url, session, **granted) as (page, wrong):
        page.goto(f"{live_server.url}/admin/ledger/record/{shown.uuid}/change/")
        page.get_by_role("button", name="Copy").click()
        page.get_by_text("Copied").wait_for()
        copied = page.evaluate("navigator.clipboard.readText()")
        with page.expect_download() as download:
            page.get_by_role("link", name="Download").click()
        downloaded = download.value.path().read_text()
        assert download.value.suggested_filename == f"{shown.uuid}.tlog-proof"
    assert copied.startswith("c2sp.org/tlog-proof@v1\n")
    assert copied == downloaded
    assert wrong == []


def test_a_one_time_sign_in_sets_a_password(live_server: Any, log: Log) -> None:
    house = open_house()
    newcomer = Newcomer("Zoe Invented", "zoe@house.example")
    proposed = services.propose_account(actor=house.ada, newcomer=newcomer)
    sign_in = services.approve_account(actor=house.ben, account_id=proposed.pk)
    with _browsing(live_server.url, "nobody") as (page, wrong):
        page.goto(f"{live_server.url}{sign_in.path}")
        for field in page.locator("input[type=password]").all():
            field.fill("an-invented-password-2026")
        page.get_by_role("button", name="Set password").click()
        page.wait_for_url("**/admin/login/**")
    assert wrong == []
