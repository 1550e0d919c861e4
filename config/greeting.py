"""What ``make run`` says once the service answers: where it is, and how to sign in.

A process of its own beside supervisord, which is silent. ``--story`` tells the demo story into a
service that has no accounts yet; MUNIMENT_STORY=off keeps a service empty for real use.
"""

import os
import sys
from pathlib import Path

from rich.console import Console

from config import embedded, environment
from config.supervise import LOOPBACK, wait_until_ready


def greet(home: Path, port: int, *, story: bool) -> None:
    """Wait for the service and introduce it; silent if the service ends first."""
    console, supervisor = Console(highlight=False), os.getppid()
    address = f"http://{LOOPBACK}:{port}"
    reasons = wait_until_ready(address, lambda: os.getppid() == supervisor)
    if os.getppid() != supervisor:
        return
    if reasons:
        console.print(f"Muniment is not ready: {reasons}; see {home / 'logs'}")
        return
    if story:
        _tell_story(console, address, home)
    console.print(f"  People concerned: {address}/portal/ (letters are files in {home / 'mail'})")
    console.print(f"Muniment is ready at {address} (Ctrl-C ends it)")


def _tell_story(console: Console, address: str, home: Path) -> None:
    if not environment.flag("MUNIMENT_STORY", default=True):
        console.print("For the first two accounts: manage.py open_service --help")
        return
    from config.demo import cast

    if not (home / "story").exists():
        from config.demo.__main__ import load

        load(address, home)
        (home / "story" / "told").touch()
    if not (home / "story" / "told").exists():
        console.print(f"The demo story broke off earlier: remove {home} to have it told anew")
        return
    for colleague in (*cast.FOUNDERS, *cast.STAFF):
        roles = ", ".join(role.replace("_", " ") for role in colleague.roles)
        console.print(f"  {colleague.email:24} {roles or 'user administrator'}")
    console.print(f"  Everybody here is invented and signs in with the password {cast.PASSWORD}")


if __name__ == "__main__":
    try:
        greet(
            environment.folder("MUNIMENT_HOME", embedded.DEFAULT_HOME),
            environment.integer("MUNIMENT_PORT", 8000, least=1, most=65535),
            story="--story" in sys.argv,
        )
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as exc:
        # The service itself runs on; only its first content is missing.
        sys.exit(f"The demo story was not told to its end: {exc}")
