"""Which database and which role a process logs in as: one process, one role (design 4)."""

from pathlib import Path
from typing import Any

from config import embedded, environment
from config.environment import SettingError

# What each role of the main database is in the keystore; the others have no access there.
KEYSTORE_ROLES = {"app": "sealer", "eraser": "destroyer", "migrator": "migrator"}
ROLES = ("app", "sequencer", "eraser", "auditor", "migrator")
# The migrator makes every table as its owner, so that nobody owns what they write.
_OWNERS = {"default": "owner", "keystore": "keystore_owner"}
_CONNECTION = {
    "ENGINE": "django.db.backends.postgresql",
    "CONN_MAX_AGE": 60,
    "CONN_HEALTH_CHECKS": True,
}


def of_embedded(cluster: embedded.Cluster, role: str) -> dict[str, dict[str, Any]]:
    """Return Django's DATABASES for ``role`` on the embedded cluster."""
    names = {"default": embedded.MAIN, "keystore": embedded.KEYSTORE}
    return {
        alias: _with_owner(alias, login_embedded(cluster, login, names[alias]))
        for alias, login in _logins(role).items()
    }


def login_embedded(cluster: embedded.Cluster, login: str, name: str) -> dict[str, Any]:
    """Return Django's settings of one database of ``cluster``, logged in as ``login``."""
    return {
        **_CONNECTION,
        "NAME": name,
        "USER": login,
        "PASSWORD": cluster.password(login),
        "HOST": str(cluster.socket_folder()),
        "PORT": "",
        "OPTIONS": {},
    }


def of_environment(role: str) -> dict[str, dict[str, Any]]:
    """Return Django's DATABASES for ``role`` from DATABASE_URL and KEYSTORE_URL.

    Raises SettingError when an address logs in as another role, or when both databases lie on
    one server: whoever restores that server restores the keys of erased people with it.
    """
    variables = {"default": "DATABASE_URL", "keystore": "KEYSTORE_URL"}
    found = {
        alias: _with_owner(alias, _CONNECTION | _address(variables[alias], login))
        for alias, login in _logins(role).items()
    }
    servers = {(each["HOST"], each["PORT"]) for each in found.values()}
    if len(servers) < len(found):
        raise SettingError(
            "KEYSTORE_URL names the server of DATABASE_URL: keep the keystore on another server"
        )
    return found


def of_home(home: Path, role: str) -> dict[str, dict[str, Any]]:
    """Return DATABASES for ``role``: from the environment where it names one, else embedded."""
    if is_embedded():
        return of_embedded(embedded.Cluster.of(home), role)
    return of_environment(role)


def is_embedded() -> bool:
    """Say whether no database is named, so that the embedded default serves."""
    return not environment.text("DATABASE_URL", "")


def _logins(role: str) -> dict[str, str]:
    keystore = KEYSTORE_ROLES.get(role)
    return {"default": role} | ({"keystore": keystore} if keystore else {})


def _address(variable: str, login: str) -> dict[str, Any]:
    address = environment.database(variable)
    if address["USER"] != login:
        raise SettingError(
            f"{variable} logs in as {address['USER']!r}, but MUNIMENT_ROLE asks for {login!r}: "
            f"give this process the address of that role"
        )
    return address


def _with_owner(alias: str, database: dict[str, Any]) -> dict[str, Any]:
    if database["USER"] == "migrator":
        database["OPTIONS"] = database["OPTIONS"] | {"options": f"-c role={_OWNERS[alias]}"}
    return database
