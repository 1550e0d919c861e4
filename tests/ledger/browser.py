"""Debian's chromium, showing a copy of ``verify.html`` from the source tree."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import FilePayload, Page, Playwright

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
)
# Chromium 150 has ML-DSA behind this switch; later ones have it by default.
WITH_MLDSA = "--enable-blink-features=WebCryptoPQC"
WITHOUT_MLDSA = "--disable-blink-features=WebCryptoPQC"

READ_RESULT = """() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const text = (selector) => document.querySelector(selector)?.textContent ?? null;
  return {
    grade: document.querySelector("[data-grade]").dataset.grade,
    headline: text("#line-1"),
    rests_on: text("#line-2"),
    findings: all("[data-code]").map((item) => ({...item.dataset})),
    events: all("[data-event]").map((row) => ({...row.dataset})),
    positions: Object.fromEntries(
      all("[data-status]").map((cell) => [cell.dataset.status, Number(cell.textContent)])),
    figures: all('[data-agrees="true"]').length,
    text: text("#result"),
    not_checked: text("#not-checked"),
  };
}"""


@dataclass(frozen=True)
class Shown:
    """What the page shows: lines 1 and 2, each finding's data, counts; all text besides."""

    grade: str
    headline: str | None
    rests_on: str | None
    findings: list[dict[str, str]]
    events: list[dict[str, str]]
    positions: dict[str, int]
    figures: int
    text: str
    not_checked: str | None


@dataclass
class Browser:
    """One page that is given one bundle after the other."""

    page: Page
    url: str
    has_inputs: bool = False

    def check(
        self,
        bundle: bytes,
        *,
        require: tuple[str, ...] = (),
        **inputs: bytes | None,
    ) -> Shown:
        """Choose the files as a person would, wait for the verdict and read it.

        ``inputs`` are policy, since and trust; what is not given is taken out.
        """
        if self.has_inputs:
            self.page.locator("#form").evaluate("form => form.reset()")
        self.has_inputs = bool(require or inputs)
        for name in ("policy", "since", "trust"):
            if (content := inputs.get(name)) is not None:
                self.page.set_input_files(f"#{name}", _payload(name, content))
        for name in require:
            self.page.locator(f"[value={name}]").evaluate("box => { box.checked = true }")
        self.page.set_input_files("#bundle", _payload("report.zip", bundle))
        return Shown(**self.page.locator("#result[data-state=done]").evaluate(READ_RESULT))


@contextmanager
def open_page(
    playwright: Playwright, html: bytes, folder: Path, *flags: str, **options: Any
) -> Iterator[Browser]:
    """Write ``html`` to a file, open it from the file system, and close the browser after."""
    file = folder / "verify.html"
    file.write_bytes(html)
    chromium = playwright.chromium.launch(
        executable_path=CHROMIUM, args=[*FLAGS, *(flags or (WITH_MLDSA,))]
    )
    page = chromium.new_page(**options)
    page.goto(file.as_uri())
    try:
        yield Browser(page, file.as_uri())
    finally:
        chromium.close()


def _payload(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}
