"""The secret that signs sessions and CSRF tokens; it protects no record and no person's data."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from config import environment

_LEAST_CHARACTERS = 50


def session_secret(home: Path, *, embedded: bool) -> str:
    """Return MUNIMENT_SECRET_KEY, or for the embedded default one made once below ``home``.

    Raises SettingError when a production process has none, or a short one.
    """
    if embedded and not os.environ.get("MUNIMENT_SECRET_KEY"):
        return _made_once(home / "session-secret")
    secret = environment.text("MUNIMENT_SECRET_KEY")
    if len(secret) < _LEAST_CHARACTERS:
        raise environment.SettingError(
            f"MUNIMENT_SECRET_KEY has {len(secret)} characters: give it {_LEAST_CHARACTERS} or "
            f"more random ones, the same for every process"
        )
    return secret


def _made_once(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(FileExistsError):
        # Linked from a whole file: whoever loses the race reads what the winner wrote.
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        aside.touch(mode=0o600)
        aside.write_text(secrets.token_urlsafe(64))
        try:
            if not path.exists():
                os.link(aside, path)
        finally:
            aside.unlink()
    return path.read_text()
