"""Databases for tests: one embedded cluster, one migrated template, a clone for each worker.

The cluster and its templates stay under ``var/test/`` from run to run; a template is named by
the digest of what makes it, so that it is built again only when that changed. Clones lie in
memory where there is room: making the hundreds of files of each is what they cost on a disk.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp

import psycopg
from django.db import connections
from psycopg import sql

from config import databases, locks
from config.embedded import KEYSTORE, MAIN, SUPERUSER, Cluster
from config.management.commands.migrate_all import migrate
from tests.emptying import Untouched, empty, look_at

ROOT = Path(__file__).parents[1]
CLUSTER = Cluster(ROOT / "var" / "test" / "postgres", durable=False)
ALIASES = {"default": MAIN, "keystore": KEYSTORE}
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder within is made for this process alone
ROOM = 2**30
# All that a template is made from. Migrations import guards and fields, hence the second row.
_INGREDIENTS = (
    *("*/migrations/*.py", "*/*/migrations/*.py", "config/roles/*.sql", "config/privileges.py"),
    *("*/guards.py", "*/fields.py", "*/roles.py", "*/migrations/*.sql", "constraints.txt"),
    *("config/settings.py",),
)


class Databases:
    """The two databases of one test process."""

    def __init__(self, process: str) -> None:
        self.process = process
        self.template = f"template_{_digest()}"
        self.tablespace = "pg_default"
        # Of each clone that nobody has replaced since, what it was like and a session in it.
        self._untouched: dict[str, tuple[Untouched, psycopg.Connection]] = {}

    def open(self) -> None:
        """Build the template unless it stands, and clone it. Needs a running cluster."""
        with locks.held(CLUSTER.folder / "templates"), _administration() as administrator:
            _drop_leftovers(administrator)
            if not _exists(administrator, self._name(self.template, "keystore")):
                self._build(administrator)
            if _has_room():
                self.tablespace = _make_tablespace(administrator, self.process)
        self.renew()

    def close(self) -> None:
        connections.close_all()
        with _administration() as administrator:
            for alias in ALIASES:
                self._forget(alias)
                _drop(administrator, self.name_of(alias))
                _drop(administrator, self._backup(alias))
            if self.tablespace != "pg_default":
                _drop_tablespace(administrator, self.tablespace)

    def renew(self) -> None:
        """Take back all that was written to both clones, and log in as the application again."""
        connections.close_all()
        for alias in ALIASES:
            if not self._empty(alias):
                self._replace(alias)
        self.log_in("app")

    def back_up(self, alias: str) -> None:
        """Copy one database aside. Nobody else may be connected to it."""
        self._forget(alias)
        self._copy(self.name_of(alias), self._backup(alias))

    def restore(self, alias: str) -> None:
        """Put the copy in the place of the database, and log in as the application again."""
        self._forget(alias)
        self._copy(self._backup(alias), self.name_of(alias))
        CLUSTER.apply_roles(self.name_of(alias), ALIASES[alias])
        self.log_in("app")

    def log_in(self, role: str) -> None:
        """Point Django's connections, in every thread, at the clones as ``role``."""
        logins = {"default": role, "keystore": databases.KEYSTORE_ROLES.get(role)}
        if role == "superuser":
            logins = dict.fromkeys(ALIASES, SUPERUSER)
        for alias, login in logins.items():
            # A role without access there meets PostgreSQL's refusal, as in its own process.
            _point(alias, login or role, self.name_of(alias))

    def name_of(self, alias: str) -> str:
        """Return the name of the database that ``alias`` stands for in this process."""
        return self._name(f"test_{self.process}", alias)

    def _empty(self, alias: str) -> bool:
        if alias not in self._untouched:
            return False
        before, clone = self._untouched[alias]
        try:
            return empty(clone, before)
        except psycopg.OperationalError:
            return False  # a test replaced it, or its server

    def _replace(self, alias: str) -> None:
        name = self.name_of(alias)
        self._forget(alias)
        with _administration() as administrator:
            _drop(administrator, name)
            self._clone(administrator, self._name(self.template, alias), name)
        CLUSTER.apply_roles(name, ALIASES[alias])
        clone = CLUSTER.connect(SUPERUSER, name)
        self._untouched[alias] = look_at(clone), clone

    def _forget(self, alias: str) -> None:
        if alias in self._untouched:
            self._untouched.pop(alias)[1].close()

    def _backup(self, alias: str) -> str:
        return self._name(f"test_{self.process}_backup", alias)

    def _copy(self, one: str, other: str) -> None:
        connections.close_all()
        with _administration() as administrator:
            _drop(administrator, other)
            self._clone(administrator, one, other)

    def _clone(self, administrator: psycopg.Connection, template: str, clone: str) -> None:
        statement = "CREATE DATABASE {} TEMPLATE {} STRATEGY wal_log TABLESPACE {}"
        names = map(sql.Identifier, (clone, template, self.tablespace))
        administrator.execute(sql.SQL(statement).format(*names))

    @staticmethod
    def _name(stem: str, alias: str) -> str:
        return f"{stem}_{alias}"

    def _build(self, administrator: psycopg.Connection) -> None:
        for alias, roles in ALIASES.items():
            building = self._name("building", alias)
            _drop(administrator, building)
            _create(administrator, building)
            CLUSTER.apply_roles(building, roles)
            _migrate(alias, building)
            # Renamed last: a template by that name is whole.
            finished = self._name(self.template, alias)
            _drop(administrator, finished)
            administrator.execute(
                sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                    sql.Identifier(building), sql.Identifier(finished)
                )
            )
            administrator.execute(
                sql.SQL("COMMENT ON DATABASE {} IS {}").format(
                    sql.Identifier(finished), sql.Literal(datetime.now(UTC).isoformat())
                )
            )


def _migrate(alias: str, name: str) -> None:
    owner = {"default": "owner", "keystore": "keystore_owner"}[alias]
    _point(alias, "migrator", name, options={"options": f"-c role={owner}"})
    migrate(alias, verbosity=0)
    connections[alias].close()


def _point(alias: str, login: str, name: str, options: dict[str, str] | None = None) -> None:
    connections[alias].close()
    # One dictionary stands behind the connections of all threads.
    connections.settings[alias].update(databases.login_embedded(CLUSTER, login, name))
    connections.settings[alias].update({"CONN_MAX_AGE": 0, "OPTIONS": options or {}})


@contextmanager
def _administration() -> Iterator[psycopg.Connection]:
    with CLUSTER.connect(SUPERUSER, "postgres") as connection:
        yield connection


def _create(administrator: psycopg.Connection, name: str) -> None:
    administrator.execute(
        sql.SQL("CREATE DATABASE {} STRATEGY wal_log").format(sql.Identifier(name))
    )


def _drop(administrator: psycopg.Connection, name: str) -> None:
    administrator.execute(
        sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    )


def _exists(administrator: psycopg.Connection, name: str) -> bool:
    found = administrator.execute("SELECT FROM pg_database WHERE datname = %s", [name])
    return found.fetchone() is not None


def _has_room() -> bool:
    # Containers often have 64 MB there.
    return os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM


def _make_tablespace(administrator: psycopg.Connection, process: str) -> str:
    """Give the clones of one process a folder in memory, and return its name to PostgreSQL."""
    name = f"memory_{process}"
    folder = mkdtemp(prefix="muniment-test-", dir=MEMORY)
    server = CLUSTER.data.stat()
    os.chown(folder, server.st_uid, server.st_gid)
    statement = sql.SQL("CREATE TABLESPACE {} LOCATION {}")
    administrator.execute(statement.format(sql.Identifier(name), sql.Literal(folder)))
    return name


def _drop_tablespace(administrator: psycopg.Connection, name: str) -> None:
    query = "SELECT pg_tablespace_location(oid) FROM pg_tablespace WHERE spcname = %s"
    places = administrator.execute(query, [name]).fetchall()
    administrator.execute(sql.SQL("DROP TABLESPACE {}").format(sql.Identifier(name)))
    for (folder,) in places:
        shutil.rmtree(folder, ignore_errors=True)


def _drop_leftovers(administrator: psycopg.Connection) -> None:
    """Drop clones of processes that are gone, and templates that are older than a day."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    rows = administrator.execute(
        "SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database"
    )
    for name, comment in rows.fetchall():
        outdated = name.startswith("template_") and comment and comment < yesterday.isoformat()
        if outdated or (name.startswith("test_") and _is_gone(name)):
            _drop(administrator, name)
    for (name,) in administrator.execute("SELECT spcname FROM pg_tablespace").fetchall():
        if name.startswith("memory_") and _is_gone(name):
            _drop_tablespace(administrator, name)


def _is_gone(name: str) -> bool:
    """Say whether the process that a database or tablespace was made for has ended."""
    return not Path(f"/proc/{name.split('_')[1]}").exists()


def _digest() -> str:
    digest = hashlib.sha256()
    for path in sorted({path for pattern in _INGREDIENTS for path in ROOT.glob(pattern)}):
        if path.relative_to(ROOT).parts[0] not in {".venv", "var", "build"}:
            digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def process_name() -> str:
    """Name this process among all that may share the cluster."""
    return str(os.getpid())
