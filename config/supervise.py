"""``make run``: all processes of the embedded service under one supervisord, in the foreground.

Start: end what an earlier supervisor left, prepare databases and log, then become supervisord.
It starts each process again when it ends; Ctrl-C ends them all.
"""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from config import databases, embedded, environment, locks, processes, unprivileged

ROOT = Path(__file__).parents[1]
LOOPBACK = "127.0.0.1"
# A first start makes cluster, tables and keys: long on a busy machine, and cut short if it fails.
READY_SECONDS = 180
# Each may be repeated: what is there stays.
PREPARATIONS = (
    ("migrate_all", "--verbosity=0"),
    ("replay_journal",),
    ("prepare",),
)


class SuperviseError(RuntimeError):
    """The service cannot start; the message says what to do."""


@dataclass(frozen=True)
class Program:
    """One process to keep alive; ``role`` is its database role."""

    name: str
    command: tuple[str, ...]
    role: str = "app"
    stop_signal: str = "TERM"


def programs(home: Path, port: int) -> tuple[Program, ...]:
    """Return what runs, PostgreSQL first: it starts before the others and stops after them."""
    python, celery = sys.executable, (sys.executable, "-m", "celery", "--app", "config.celery")
    # Threads share one process: nothing forks, and killing it leaves nobody behind.
    worker = (
        "worker",
        "--pool=threads",
        "--concurrency=2",
        "--loglevel=WARNING",
        "--without-mingle",
    )
    beat = ("beat", f"--schedule={home / 'celery' / 'beat'}", "--pidfile=", "--loglevel=WARNING")
    web = (
        "config.wsgi",
        f"--bind={LOOPBACK}:{port}",
        "--workers=1",
        "--threads=8",
        "--no-control-socket",
    )
    return (
        Program("postgres", (python, "-m", "config.embedded"), "migrator", "INT"),
        Program("sequencer", (python, str(ROOT / "manage.py"), "sequencer"), "sequencer"),
        Program("worker", (*celery, *worker), "eraser"),
        Program("beat", (*celery, *beat)),
        Program("web", (python, "-m", "gunicorn", *web)),
    )


def run(home: Path, port: int, *, story: bool) -> NoReturn:
    """Become the supervisor of the service below ``home``, with the demo story if asked for.

    Raises SuperviseError, EmbeddedError.
    """
    if not databases.is_embedded():
        raise SuperviseError(
            "DATABASE_URL is set: this supervisor runs the embedded default only; in production "
            "run the four commands of config/README.md under the host's service manager"
        )
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with locks.opened(home / "supervisor") as lock:
        if not locks.try_lock(lock, locks.EXCLUSIVE):
            raise SuperviseError(f"the service of {home} runs already: stop it first with Ctrl-C")
        processes.enrol(home / "run", "supervisor", signal.SIGINT)
        everything = programs(home, port)
        # Those who use the database first, the database last.
        processes.end_orphans(home / "run", [each.name for each in reversed(everything)])
        verify_port_free(port)
        os.environ |= {"MUNIMENT_HOME": str(home), "MUNIMENT_PORT": str(port)}
        _prepare(home)
        os.environ["MUNIMENT_SUPERVISED"] = "on"
        configuration = _write_configuration(home, everything)
        _announce(*(["--story"] if story else []))
        # supervisord holds the lock as long as it lives and closes it in its children.
        os.set_inheritable(lock, True)  # noqa: FBT003
        command = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(configuration)]
        os.chdir(ROOT)
        os.execv(command[0], command)  # noqa: S606


@contextmanager
def running(home: Path, port: int = 0) -> Iterator[str]:
    """Run the whole service below ``home`` meanwhile; gives its address once it is ready.

    ``port`` 0 takes a free one. Raises SuperviseError with the reasons and the end of its output.
    """
    port = port or free_port()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home / "supervise.log").open("w+b") as log:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "config.supervise"],
            cwd=ROOT,
            env=os.environ | {"MUNIMENT_HOME": str(home), "MUNIMENT_PORT": str(port)},
            stdout=log,
            stderr=log,
        )
        try:
            address = f"http://{LOOPBACK}:{port}"
            if reasons := wait_until_ready(address, lambda: supervisor.poll() is None):
                said = Path(log.name).read_text()[-2000:]
                raise SuperviseError(f"the service did not start: {reasons}\n{said}")
            yield address
        finally:
            supervisor.send_signal(signal.SIGINT)
            supervisor.wait()


def end_earlier(home: Path) -> None:
    """End a service of ``home`` that outlived whoever started it, its database last."""
    names = [each.name for each in reversed(programs(home, 0))]
    processes.end_orphans(home / "run", ["supervisor", *names])


def verify_port_free(port: int) -> None:
    """Raises SuperviseError when another program listens on ``port``."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as exc:
            raise SuperviseError(
                f"port {port} of {LOOPBACK} is in use by another program: end that one, or choose "
                f"another port with MUNIMENT_PORT"
            ) from exc


def _announce(*options: str) -> None:
    """Start the greeter: supervisord itself is silent, and a log may not share our output."""
    subprocess.Popen([sys.executable, "-m", "config.greeting", *options], cwd=ROOT)  # noqa: S603


def _prepare(home: Path) -> None:
    """Bring databases, keys and the log up to date, on a cluster held for that long."""
    with embedded.Cluster.of(home).session():
        for command in PREPARATIONS:
            prepared = subprocess.run(  # noqa: S603
                [sys.executable, str(ROOT / "manage.py"), *command], cwd=ROOT, check=False
            )
            if prepared.returncode:
                raise SuperviseError(f"manage.py {' '.join(command)} failed: see above")


def _write_configuration(home: Path, everything: tuple[Program, ...]) -> Path:
    for folder in ("logs", "run"):
        (home / folder).mkdir(mode=0o700, exist_ok=True)
    path = home / "supervisord.conf"
    sections = [_head(home), *(_section(home, each) for each in everything)]
    # supervisord stops one group after the other, so that alone each would wait for the next.
    users = ",".join(each.name for each in everything[1:])
    sections += [f"[group:users]\nprograms={users}\npriority=2"]
    path.write_text("\n\n".join(sections))
    return path


def _head(home: Path) -> str:
    lines = [
        "[supervisord]",
        f"logfile={_escape(home / 'logs' / 'supervisord.log')}",
        f"pidfile={_escape(home / 'run' / 'supervisord.pid')}",
        f"childlogdir={_escape(home / 'logs')}",
        "silent=true",
        # Said aloud, or supervisord warns that nobody dropped root's privileges.
        *(["user=root"] if os.geteuid() == 0 else []),
    ]
    return "\n".join(lines)


def _section(home: Path, program: Program) -> str:
    enrolment = (str(home / "run"), program.name, program.stop_signal)
    command = (sys.executable, "-m", "config.processes", *enrolment, *program.command)
    lines = [
        f"[program:{program.name}]",
        f"command={_escape(shlex.join(command))}",
        f"directory={_escape(ROOT)}",
        f'environment=MUNIMENT_ROLE="{program.role}"',
        "priority=1",
        "autorestart=true",
        "startsecs=1",
        # A database that comes up slowly must not make the others give up for good.
        "startretries=1000000",
        f"stopsignal={program.stop_signal}",
        "stopwaitsecs=20",
        "redirect_stderr=true",
        f"stdout_logfile={_escape(home / 'logs' / f'{program.name}.log')}",
        "stdout_logfile_maxbytes=10MB",
        "stdout_logfile_backups=3",
    ]
    return "\n".join(lines)


def _escape(value: object) -> str:
    """Keep supervisord from reading a per cent sign as the start of a variable."""
    return str(value).replace("%", "%%")


def _reasons_unready(address: str) -> list[str]:
    """Ask ``/readyz`` once; an empty list is *ready*."""
    try:
        with urllib.request.urlopen(f"{address}/readyz", timeout=5):  # noqa: S310
            return []
    except urllib.error.HTTPError as exc:
        with exc:
            return list(json.loads(exc.read())["reasons"])
    except OSError:
        return ["the web process does not answer"]


def wait_until_ready(address: str, goes_on: Callable[[], bool] = lambda: True) -> list[str]:
    """Wait while ``goes_on``, at most READY_SECONDS; returns the reasons that are left."""
    deadline = time.monotonic() + READY_SECONDS
    while (reasons := _reasons_unready(address)) and time.monotonic() < deadline and goes_on():
        time.sleep(0.1)
    return reasons


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    try:
        run(
            environment.folder("MUNIMENT_HOME", embedded.DEFAULT_HOME),
            environment.integer("MUNIMENT_PORT", 8000, least=1, most=65535),
            story="--story" in sys.argv,
        )
    except (
        SuperviseError,
        embedded.EmbeddedError,
        environment.SettingError,
        unprivileged.NobodyToRunAsError,
    ) as exc:
        sys.exit(f"muniment: {exc}")
