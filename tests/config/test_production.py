"""Production's first start as config/README.md tells it: two empty servers, one role a process."""

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from config.databases import KEYSTORE_ROLES
from config.embedded import KEYSTORE, MAIN, SUPERUSER, Cluster

ROOT = Path(__file__).parents[2]
OURS = re.compile("MUNIMENT_|DATABASE_URL|KEYSTORE_URL|CELERY_|DJANGO_")
NAMED = {
    "--url https://…": "--url https://log.people.example",
    '"NAME <ADDRESS>" --administrator …': '"Olga <olga@people.example>" '
    '--administrator "Pia <pia@people.example>"',
}


def steps() -> Iterator[tuple[str, str]]:
    """Yield role and command of each line of the README's first start."""
    readme = (ROOT / "config" / "README.md").read_text()
    block = readme.partition("**The first start.**")[2].partition("```\n")[2].partition("```")[0]
    for line in block.splitlines():
        role, command = re.fullmatch(r"MUNIMENT_ROLE=(\w+) +(manage\.py .*)", line).groups()  # type: ignore[union-attr]
        command = re.split(r" {3,}", command)[0]
        for said, meant in NAMED.items():
            command = command.replace(said, meant)
        yield role, command


class Production:
    """Two servers, and processes that each know the addresses of one role."""

    def __init__(self, main: Cluster, keystore: Cluster, home: Path) -> None:
        self.main, self.keystore, self.home = main, keystore, home

    def environment(self, role: str) -> dict[str, str]:
        """Return what a process of ``role`` is told."""
        there = {name: value for name, value in os.environ.items() if not OURS.match(name)}
        there |= {
            "MUNIMENT_ROLE": role,
            "MUNIMENT_HOME": str(self.home),
            "MUNIMENT_SECRET_KEY": "an-invented-secret-" * 4,
            "MUNIMENT_HOSTS": "log.people.example",
            "MUNIMENT_URL": "https://log.people.example",
            "MUNIMENT_MAIL_URL": "smtp://muniment:invented@mail.people.example",
            "CELERY_BROKER_URL": "redis://queue.people.example/0",
            "DATABASE_URL": _address(self.main, role, MAIN),
        }
        if login := KEYSTORE_ROLES.get(role):
            there["KEYSTORE_URL"] = _address(self.keystore, login, KEYSTORE)
        return there

    def run(self, role: str, command: str) -> subprocess.CompletedProcess[str]:
        """Run one line in a process of its own."""
        return subprocess.run(
            [sys.executable, *shlex.split(command)],
            cwd=ROOT,
            env=self.environment(role),
            capture_output=True,
            text=True,
            check=False,
        )

    def count_waiting(self) -> int:
        """Return how many records have no place yet."""
        with self.main.connect(SUPERUSER, MAIN) as connection:
            waiting = connection.execute("SELECT count(*) FROM ledger_pending").fetchone()
        assert waiting is not None
        return int(waiting[0])


def _address(cluster: Cluster, login: str, name: str) -> str:
    folder = quote(str(cluster.socket_folder()), safe="")
    return f"postgresql://{login}:{cluster.password(login)}@{folder}/{name}"


@pytest.fixture
def production(tmp_path: Path) -> Iterator[Production]:
    main, keystore = (Cluster(tmp_path / name, durable=False) for name in ("main", "keys"))
    with main.session(), keystore.session():
        yield Production(main, keystore, tmp_path / "home")


@pytest.mark.robustness
def test_two_empty_servers_become_a_service(production: Production) -> None:
    *before, (role, examine) = steps()
    assert "doctor" in examine
    for each, command in before:
        done = production.run(each, command)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    sequencer = subprocess.Popen(
        [sys.executable, "manage.py", "sequencer"],
        cwd=ROOT,
        env=production.environment("sequencer"),
    )
    try:
        # Each record that was written until here gets its place.
        deadline = time.monotonic() + 60
        while production.count_waiting() and time.monotonic() < deadline:
            time.sleep(0.2)
        verified = production.run("app", "manage.py verify_log --json")
        assert verified.returncode == 0, verified.stdout + verified.stderr
        assert json.loads(verified.stdout)["size"] > 0
        examined = production.run(role, examine)
        assert sequencer.poll() is None
    finally:
        sequencer.terminate()
        sequencer.wait(60)
    assert examined.returncode == 0, examined.stdout + examined.stderr
