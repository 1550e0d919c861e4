"""``make demo``: start the service, tell the story, verify what came of it, tamper, end.

Everything lies below ``var/demo`` and is made anew each time. Exit status 0 when all went as
told, 1 with one sentence when not.
"""

import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from config import environment
from config.embedded import EmbeddedError
from config.supervise import SuperviseError, end_earlier, running

if TYPE_CHECKING:
    from config.demo.story import Story

ROOT = Path(__file__).parents[2]
OUT = ROOT / "var" / "demo"


def main() -> int:
    """Tell the story once from end to end."""
    console = Console(stderr=True)
    began = time.monotonic()
    out = environment.folder("MUNIMENT_DEMO", OUT)
    home = out / "service"
    # One of a demo that was killed would go on in the folders that are removed now.
    end_earlier(home)
    _clear(out)
    with running(home) as address:
        story = _play(console, address, home, out)
        from config.demo.proof import tamper, verify, write_story

        _tell(console, "The report and the log are verified", lambda: verify(story))
        _tell(console, "A copy is tampered with, and found", lambda: tamper(story))
        write_story(story)
    _print_table(console, story.told.proved, out, time.monotonic() - began)
    return 0


def load(address: str, home: Path) -> None:
    """Tell the story into a fresh service that runs already (``make run``)."""
    out = home / "story"
    _clear(out)
    _play(Console(stderr=True), address, home, out)


def _play(console: Console, address: str, home: Path, out: Path) -> "Story":
    _start_django(home)
    # Only now: models can be imported once Django has started.
    from config.demo.story import Story
    from fixtures.demo.portraits import draw_portraits

    draw_portraits(out / "portraits")
    story = Story(address, out)
    for what, happen in story.chapters():
        _tell(console, what, happen)
    return story


def _clear(out: Path) -> None:
    if out.exists():
        shutil.rmtree(out)
    for name in ("images", "portraits", "requests"):
        (out / name).mkdir(parents=True)


def _start_django(home: Path) -> None:
    """Log in to the service's own databases, as the web process does."""
    os.environ |= {"MUNIMENT_HOME": str(home), "MUNIMENT_SUPERVISED": "on", "HF_HUB_OFFLINE": "1"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django

    import config.celery  # noqa: F401 (messages go to the service's own queue)

    django.setup()


def _tell(console: Console, what: str, happen: Callable[[], None]) -> None:
    began = time.monotonic()
    with console.status(f"{what} …"):
        happen()
    console.print(f"[green]✓[/] {what} [dim]{time.monotonic() - began:.1f} s[/]")


def _print_table(
    console: Console, proved: list[tuple[str, str]], out: Path, seconds: float
) -> None:
    from rich.table import Table

    table = Table(title=f"What was proved in {seconds:.0f} s", title_justify="left")
    table.add_column("what")
    table.add_column("result")
    for what, result in proved:
        table.add_row(what, result)
    console.print(table)
    console.print(
        f"Everything lies in {out}: report.zip, policy, impact.svg, images/, requests/, story.json"
    )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (SuperviseError, EmbeddedError, environment.SettingError) as error:
        sys.exit(f"demo: {error}")
