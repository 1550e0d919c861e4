"""PostgreSQL refuses to run as root: how root runs it all the same.

First choice is a user namespace in which we are ``nobody``: the files stay root's and no folder
changes its mode. Where the kernel allows none (many containers), PostgreSQL runs as the real
``nobody``, who then must own the cluster and be able to reach it.
"""

import os
import pwd
import subprocess
from functools import cache
from pathlib import Path


class NobodyToRunAsError(RuntimeError):
    """We are root, and there is no other user that PostgreSQL could run as."""


@cache
def prefix() -> tuple[str, ...]:
    """Return what to write before a command so that it does not run as root: often nothing."""
    if os.geteuid() != 0:
        return ()
    nobody = pwd.getpwnam("nobody")
    namespace = ("unshare", "--user", f"--map-user={nobody.pw_uid}")
    return namespace if _succeeds(*namespace, "true") else _setpriv(nobody)


def give(path: Path) -> None:
    """Make ``path`` belong to whoever the commands run as; a no-op except for the last resort."""
    if prefix()[:1] == ("setpriv",):
        nobody = pwd.getpwnam("nobody")
        os.chown(path, nobody.pw_uid, nobody.pw_gid)


def is_own(user_id: int) -> bool:
    """Say whether files of ``user_id`` are ours or those of the user that PostgreSQL runs as."""
    last_resort = prefix()[:1] == ("setpriv",)
    return user_id == os.geteuid() or (last_resort and user_id == pwd.getpwnam("nobody").pw_uid)


def verify_reach(*, program: Path, folder: Path) -> None:
    """Check that PostgreSQL may run ``program`` and enter ``folder``. Raises NobodyToRunAsError."""
    for path in (program, folder):
        if not _succeeds(*prefix(), "test", "-x", str(path)):
            raise NobodyToRunAsError(
                f"root may not run PostgreSQL, this machine allows no user namespaces, and the "
                f"user nobody cannot reach {path}: run as an ordinary user, or move the checkout "
                f"to a folder that everybody may enter, or set DATABASE_URL and KEYSTORE_URL"
            )


def _setpriv(user: pwd.struct_passwd) -> tuple[str, ...]:
    command = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
    if not _succeeds(*command, "true"):
        raise NobodyToRunAsError(
            "root may not run PostgreSQL, and this machine allows neither a user namespace nor a "
            "change of user: run as an ordinary user, or set DATABASE_URL and KEYSTORE_URL"
        )
    return command


def _succeeds(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0  # noqa: S603
    except FileNotFoundError:
        return False
