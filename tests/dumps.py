"""Real backups of the test databases: pg_dump and pg_restore, as an operator makes them."""

import os
import subprocess
from pathlib import Path

from django.db import connections

from config.embedded import SUPERUSER, _program
from tests.databases import ALIASES, CLUSTER, Databases, _administration, _create, _drop


def dump(databases: Databases, alias: str, folder: Path) -> Path:
    """Write a backup of one database and return its file."""
    path = folder / f"{alias}.dump"
    _run("pg_dump", "--format=custom", f"--file={path}", databases.name_of(alias))
    return path


def load(databases: Databases, alias: str, path: Path) -> None:
    """Put a backup in the place of one database, and log in as the application again."""
    connections.close_all()
    name = databases.name_of(alias)
    with _administration() as administrator:
        _drop(administrator, name)
        _create(administrator, name)
    _run("pg_restore", "--exit-on-error", f"--dbname={name}", str(path))
    CLUSTER.apply_roles(name, ALIASES[alias])
    databases.log_in("app")


def _run(program: str, *options: str) -> None:
    login = [f"--host={CLUSTER.socket_folder()}", f"--username={SUPERUSER}", "--no-password"]
    subprocess.run(
        [str(_program(program)), *login, *options],
        env=os.environ | {"PGPASSWORD": CLUSTER.password(SUPERUSER), "LC_ALL": "C"},
        check=True,
    )
