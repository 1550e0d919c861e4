"""A fresh installation on the embedded default, fsync on, for the length of one run."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from psycopg import IsolationLevel

from config.embedded import MAIN, SUPERUSER, Cluster

ROOT = Path(__file__).parents[1]
HOME = ROOT / "var" / "bench"


@contextmanager
def installation() -> Iterator[None]:
    """Make it anew under ``var/bench``, and keep its PostgreSQL running meanwhile."""
    shutil.rmtree(HOME, ignore_errors=True)
    os.environ |= {"MUNIMENT_HOME": str(HOME), "DJANGO_SETTINGS_MODULE": "bench.settings"}
    with Cluster.of(HOME).session():
        os.environ["MUNIMENT_SUPERVISED"] = "1"
        for command in ("migrate_all", "open_log"):
            manage(command, stdout=sys.stderr.fileno())
        yield


def manage(*arguments: str, stdout: int | None = None) -> None:
    """Run one management command in a process of its own."""
    run = [sys.executable, str(ROOT / "manage.py"), *arguments]
    subprocess.run(run, check=True, stdout=stdout)  # noqa: S603


@contextmanager
def held_snapshot() -> Iterator[None]:
    """Hold a snapshot open, so that nothing deleted meanwhile can be cleaned away."""
    with Cluster.of(HOME).connect(SUPERUSER, MAIN) as connection:
        connection.autocommit = False
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.execute("SELECT count(*) FROM ledger_pending")
        yield
        connection.rollback()


def as_superuser(statement: str) -> None:
    """Run one statement that no role of the service may run."""
    with Cluster.of(HOME).connect(SUPERUSER, MAIN) as connection:
        connection.execute(statement.encode())
