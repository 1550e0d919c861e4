"""The portal in a real browser without JavaScript: by keyboard alone, narrow and wide, both ways
of light, and what assistive technology needs."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.core.mail import EmailMessage

from consent import tasks
from consent.models import Account, Grant, GrantState, LinkErrand, Subject
from consent.uses import Use
from tests.consent.factories import consent_of
from tests.consent.portal.conftest import ADDRESS, ask, ask_for_letters, link_in

CHROMIUM = shutil.which("chromium")
STYLE = Path(__file__).parents[3] / "consent/static/consent/portal/portal.css"
NARROW, WIDE = {"width": 360, "height": 740}, {"width": 1280, "height": 800}
TWO = frozenset({Use.EVALUATE, Use.MODERATION})

browsing = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.chromium,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed"),
]


@contextmanager
def browser(**options: Any) -> Iterator[Any]:
    """Open a page of a browser that runs no script."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        launched = player.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        context = launched.new_context(java_script_enabled=False, locale="en-GB", **options)
        wrong: list[str] = []
        page = context.new_page()
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        yield page
        launched.close()
        assert [one for one in wrong if "responded with a status of 4" not in one] == []


def press_on(page: Any, name: str, *, role: str = "button") -> None:
    """Go to a control by the tab key alone, and press it."""
    press(page, page.get_by_role(role, name=name).first, "Enter")


def press(page: Any, wanted: Any, key: str) -> None:
    for _ in range(60):
        page.keyboard.press("Tab")
        if wanted.evaluate("one => one === document.activeElement"):
            page.keyboard.press(key)
            return
    raise AssertionError("the tab key never comes there")


# Keyboard, from the letter to what is taken back ------------------------------------------------


@pytest.mark.parametrize("viewport", [NARROW, WIDE], ids=["narrow", "wide"])
class TestByKeyboard:
    pytestmark = browsing

    def test_a_person_comes_in_gives_and_takes_back(
        self,
        viewport: Any,
        live_server: Any,
        officer: Account,
        cleo: Subject,
        mailoutbox: list[EmailMessage],
    ) -> None:
        asked = ask(officer, cleo, uses=TWO)
        with browser(viewport=viewport) as page:
            page.goto(f"{live_server.url}/portal/")
            press(page, page.get_by_label("Your e-mail address"), "End")
            page.keyboard.type(ADDRESS)
            with patch.object(tasks, "announce_link"):
                page.keyboard.press("Enter")
                page.get_by_role("heading", name="Look into your mailbox").wait_for()
        tasks.send_links(str(LinkErrand.objects.get().pk))
        with browser(viewport=viewport) as page:
            page.goto(f"{live_server.url}{link_in(mailoutbox[0])}")
            press_on(page, "Sign in")
            page.get_by_role("heading", name="What you allow").wait_for()
            press_on(page, "Read and answer", role="link")
            for use in ("Testing", "Safety checks"):
                press(page, page.get_by_role("group", name=use).get_by_label("Yes"), "Space")
            press_on(page, "Give this answer")
            page.get_by_role("heading", name="Your answer is recorded").wait_for()
            press_on(page, "Back to the overview", role="link")
            press_on(page, "See or take back", role="link")
            press_on(page, "Take back all of it")
            page.get_by_role("heading", name="It is taken back").wait_for()
            press_on(page, "Sign out")
            page.get_by_role("heading", name="You are signed out").wait_for()
        assert Grant.objects.get(pk=asked.pk).state == GrantState.WITHDRAWN


# Every page -------------------------------------------------------------------------------------

# What is wrong with the page at hand; run from outside, the page itself runs nothing.
_FAULTS = """() => {
  const faults = [], all = (s) => [...document.querySelectorAll(s)];
  const shown = (e) => e.getClientRects().length && !e.closest('.unseen');
  if (!document.documentElement.lang) faults.push('no language');
  if (document.title.trim().length < 3) faults.push('no title');
  if (all('h1').length !== 1) faults.push('not one h1');
  if (all('main').length !== 1) faults.push('not one main');
  for (const nav of all('nav')) if (!nav.getAttribute('aria-label')) faults.push('unnamed nav');
  let level = 0;
  for (const h of all('h1,h2,h3,h4')) {
    const now = +h.tagName[1];
    if (now > level + 1) faults.push('skips to ' + h.tagName + ': ' + h.textContent);
    if (!h.textContent.trim()) faults.push('empty heading');
    level = now;
  }
  const ids = all('[id]').map((e) => e.id);
  for (const id of ids.filter((id, n) => ids.indexOf(id) !== n)) faults.push('twice #' + id);
  for (const e of all('[aria-describedby],[aria-labelledby]'))
    for (const name of ['aria-describedby', 'aria-labelledby'])
      for (const id of (e.getAttribute(name) || '').split(' ').filter(Boolean))
        if (!document.getElementById(id)) faults.push('nobody is #' + id);
  for (const e of all('input:not([type=hidden])'))
    if (!e.labels.length || !e.labels[0].textContent.trim()) faults.push('no label: ' + e.name);
  for (const e of all('fieldset')) if (!e.querySelector('legend')) faults.push('no legend');
  for (const e of all('table')) {
    if (!e.caption) faults.push('no caption');
    for (const th of e.querySelectorAll('th')) if (!th.scope) faults.push('th without scope');
  }
  for (const e of all('a,button'))
    if (!e.textContent.trim()) faults.push('nameless ' + e.outerHTML);
  for (const e of all('a[href^="#"]'))
    if (!document.getElementById(e.hash.slice(1))) faults.push('leads nowhere: ' + e.hash);
  for (const e of all('button,a.button,nav a,label.choice,input[type=email],a.row').filter(shown)) {
    const box = e.getBoundingClientRect();
    if (box.height < 44 || box.width < 44) faults.push('small: ' + e.textContent.trim());
  }
  const over = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (over > 0) faults.push('wider than the window by ' + over);
  const light = (c) => {
    const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255)
      .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const c = getComputedStyle(e).backgroundColor;
      if (!/, 0\\)$|transparent/.test(c)) return c;
    }
    return getComputedStyle(document.body).backgroundColor;
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.textContent.trim() || !shown(e)) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(ground(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) faults.push('contrast ' + ratio.toFixed(1) + ': ' + e.textContent.trim());
  }
  return faults;
}"""


def faults_of(page: Any) -> dict[str, list[str]]:
    """Return what is wrong with the page at hand by day and by night, where anything is."""
    found = {}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        if faults := page.evaluate(_FAULTS):
            found[scheme] = faults
    return found


@pytest.mark.parametrize("viewport", [NARROW, WIDE], ids=["narrow", "wide"])
class TestEveryPage:
    pytestmark = browsing

    def test_has_nothing_that_bars_anybody(
        self,
        viewport: Any,
        live_server: Any,
        officer: Account,
        cleo: Subject,
        mailoutbox: list[EmailMessage],
    ) -> None:
        asked, given = ask(officer, cleo), consent_of(officer, cleo)
        ask_for_letters()
        link = link_in(mailoutbox[0])
        language = "de" if viewport is NARROW else "en"
        with browser(viewport=viewport) as page:

            def look(path: str) -> None:
                page.goto(f"{live_server.url}{path}")
                assert faults_of(page) == {}, path

            look(f"/portal/?language={language}")
            page.locator("main button").click()
            assert faults_of(page) == {}
            assert page.get_by_role("alert").is_visible()
            look(link)
            page.locator("main button").click()
            own = f"/portal/answers/{asked.pk}/"
            for path in ("home/", "answers/", "people/", "requests/", "take-back/"):
                look(f"/portal/{path}")
            for path in (own, f"{own}give/", f"/portal/answers/{given.pk}/"):
                look(path)
            look("/portal/done/answered/")
            page.goto(f"{live_server.url}{own}give/")
            page.locator("main button").first.click()
            assert page.get_by_role("alert").is_visible()
            assert faults_of(page) == {}
            page.goto(f"{live_server.url}/portal/requests/")
            page.get_by_role("radio").first.check()
            page.locator("main button").first.click()
            assert faults_of(page) == {}
            page.goto(f"{live_server.url}/portal/nowhere/")
            assert page.locator("html").get_attribute("lang") == language


class TestTheLink:
    pytestmark = browsing

    def test_its_address_travels_on_to_nobody(
        self, live_server: Any, cleo: Subject, mailoutbox: list[EmailMessage]
    ) -> None:
        ask_for_letters()
        link, sent = link_in(mailoutbox[0]), []
        with browser() as page:
            page.on("request", lambda one: sent.append((one.url, one.all_headers())))
            page.goto(f"{live_server.url}{link}")
            page.get_by_role("button", name="Sign in").click()
            assert page.url.endswith("/portal/home/")
        token = link.split("/")[3]
        assert len(sent) > 2
        assert not any(token in headers.get("referer", "") for _, headers in sent)


def test_the_style_shows_focus_and_fetches_nothing() -> None:
    style = STYLE.read_text()
    assert re.search(r":focus-visible \{ outline: 3px solid", style)
    assert "prefers-color-scheme: dark" in style
    assert "@media print" in style
    assert not re.search(r"url\(|@import|https?:", style)
