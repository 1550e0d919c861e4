"""What ``manage.py`` does before Django: choose the database role, hold the embedded cluster."""

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NoReturn

from config import databases, embedded, environment

# The role of a command that needs another one than ``app``; MUNIMENT_ROLE overrides it.
ROLES = {
    "archive": "eraser",
    "close_epoch": "eraser",
    "import_releases": "eraser",
    "keys": "eraser",
    "migrate": "migrator",
    "migrate_all": "migrator",
    "replay_journal": "eraser",
    "sequencer": "sequencer",
}
# Only these make a cluster where there is none: whoever verifies in an empty place has mistaken it.
MAKERS = frozenset({"migrate", "migrate_all"})
WITHOUT_DATABASE = frozenset(
    {
        "check",
        "collectstatic",
        "diffsettings",
        "help",
        "makemigrations",
        "receipt_keys",
        "spectacular",
    }
    | {"verify_receipt", "version"}
)


def execute(arguments: Sequence[str]) -> None:
    """Run one management command; ends with exit status 1 and one line when it cannot start."""
    command = arguments[1] if len(arguments) > 1 else "help"
    os.environ.setdefault("MUNIMENT_ROLE", ROLES.get(command, "app"))
    # So that ``finally`` blocks run, here the one that stops the embedded cluster.
    signal.signal(signal.SIGTERM, _leave)
    try:
        with _database_for(command):
            from django.core.management import execute_from_command_line

            execute_from_command_line(list(arguments))
    except (environment.SettingError, embedded.EmbeddedError) as exc:
        sys.exit(f"{arguments[0]}: {exc}")


def _database_for(command: str) -> AbstractContextManager[None]:
    """Return what to hold while ``command`` runs: the embedded cluster where nobody else does."""
    elsewhere = os.environ.get("MUNIMENT_SUPERVISED") or not databases.is_embedded()
    if elsewhere or command in WITHOUT_DATABASE or command.startswith("-"):
        return nullcontext()
    home = environment.folder("MUNIMENT_HOME", embedded.DEFAULT_HOME)
    cluster = embedded.Cluster.of(home)
    if command not in MAKERS and not cluster.data.exists():
        raise embedded.EmbeddedError(
            f"there is no service in {home} yet: start one with make run, or name another place, "
            "as MUNIMENT_HOME=var/demo/service for what make demo left"
        )
    return cluster.session()


def _leave(number: int, frame: object) -> NoReturn:  # noqa: ARG001
    sys.exit(128 + number)
