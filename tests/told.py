"""The demo, told once for all tests that look at what it leaves, whichever process they run in."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest

from config import locks
from config.embedded import MAIN, SUPERUSER, Cluster
from ledger.tlogpolicy import Policy

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
PATIENCE_SECONDS = 600


@dataclass(frozen=True)
class Told:
    """What the demo left in ``out``. Tests only read there; ``spare`` is a copy of the home."""

    out: Path
    spare: Path
    exit_status: int
    said: str

    @property
    def home(self) -> Path:
        return self.out / "service"

    @cached_property
    def story(self) -> dict[str, Any]:
        story: dict[str, Any] = json.loads((self.out / "story.json").read_text())
        return story

    @cached_property
    def people(self) -> dict[str, dict[str, Any]]:
        """Return everybody in the story by key."""
        return {person["key"]: person for person in self.story["people"]}

    @property
    def images(self) -> list[Path]:
        return [self.out / image["path"] for image in self.story["images"]]

    def verify(self, bundle: Path, *options: str) -> subprocess.CompletedProcess[str]:
        """Run the console script as an auditor would."""
        return run(BIN / "muniment-verify", bundle, *options, cwd=self.out)

    def manage(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Run a management command on the home that the demo left."""
        command: list[str | Path] = [sys.executable, ROOT / "manage.py", *arguments]
        return run(*command, home=self.home, cwd=ROOT, **settings)

    @contextmanager
    def database(self, name: str = MAIN) -> Iterator[psycopg.Connection]:
        """Start the demo's cluster and look into one of its databases as superuser."""
        cluster = Cluster.of(self.home)
        with cluster.session(), cluster.connect(SUPERUSER, name) as connection:
            yield connection


def run(
    *command: str | Path, home: Path | None = None, cwd: Path = ROOT, **settings: str
) -> subprocess.CompletedProcess[str]:
    """Run a program on a service's home; the caller looks at its exit status."""
    environment = dict(os.environ)
    # What this test process was started with says nothing about another home.
    for name in [each for each in environment if each.startswith("MUNIMENT_")]:
        del environment[name]
    homes = {} if home is None else {"MUNIMENT_HOME": str(home)}
    return subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment | homes | settings,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """The demo's leavings. Told by the first test process that asks; the others wait for it."""
    base = tmp_path_factory.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "told"
    place.mkdir(exist_ok=True)
    with locks.held(place / "lock"):
        if not (place / "said").exists():
            _tell(place)
    told = Told(
        out=place / "demo",
        spare=place / "spare",
        exit_status=int((place / "exit_status").read_text()),
        said=(place / "said").read_text(),
    )
    if told.exit_status:
        pytest.fail(f"the demo ended with exit status {told.exit_status}:\n{told.said}")
    return told


@pytest.fixture(scope="module")
def policy(told: Told) -> Policy:
    """What an auditor holds from outside."""
    return Policy.parse((told.out / "policy").read_bytes())


def _tell(place: Path) -> None:
    ended = run(sys.executable, "-m", "config.demo", MUNIMENT_DEMO=str(place / "demo"))
    if ended.returncode == 0:
        # Copied while nothing runs; PostgreSQL's files may belong to another user.
        run("cp", "--archive", place / "demo" / "service", place / "spare")
        # Where the original's server listens, and so not the copy's.
        (place / "spare" / "postgres" / "socket").unlink()
    (place / "exit_status").write_text(str(ended.returncode))
    (place / "said").write_text(ended.stdout + ended.stderr)


def is_uuid(text: str) -> bool:
    """Say whether a value of the story is an id."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False
