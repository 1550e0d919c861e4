"""What every test stands on: real PostgreSQL, the application's role, no network, own folders."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import hypothesis
import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.db import connections
from django.test import TransactionTestCase
from pytest_django import DjangoDbBlocker
from pytest_django.fixtures import Settings

from tests.databases import ALIASES, CLUSTER, Databases, process_name
from tests.told import policy as policy
from tests.told import told as told

if TYPE_CHECKING:
    from ledger.models import Log

ActingAs = Callable[[str], AbstractContextManager[None]]
# Celery is set up once in a process, so that its folder is the process's and not the test's.
QUEUE = TemporaryDirectory(prefix="muniment-queue-")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    # Threads that wait for each other by spinning cost the other test processes their time. Read
    # by torch and OpenBLAS when they are imported, and by the programs that tests start.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # How long one example takes says something of the machine, not of the code.
    hypothesis.settings.register_profile("muniment", deadline=None)
    hypothesis.settings.load_profile("muniment")
    config.option.allow_hosts = "127.0.0.1,::1"
    config.option.allow_unix_socket = True
    # A slow hash defends real passwords; invented ones need none.
    django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    TransactionTestCase.databases = set(ALIASES)
    django_settings.CELERY_FOLDER = Path(QUEUE.name)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the modules that take longest: for what comes last one process waits alone.

    One of them has the demo told, and only that one waits for it: the others come later.
    """
    long = {
        item.path
        for item in items
        if item.get_closest_marker("slow") or item.get_closest_marker("chromium")
    }
    listeners = [item.path for item in items if "told" in getattr(item, "fixturenames", ())]
    turns = dict.fromkeys(long, 1) | dict.fromkeys(listeners, 2) | dict.fromkeys(listeners[:1], 0)
    items.sort(key=lambda item: turns.get(item.path, 3))


@pytest.fixture(scope="session")
def databases(django_db_blocker: DjangoDbBlocker) -> Iterator[Databases]:
    """Both databases of this process, on a cluster that runs while any test process needs it."""
    with CLUSTER.session(), django_db_blocker.unblock():
        opened = Databases(process_name())
        opened.open()
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def django_db_setup(databases: Databases) -> Iterator[None]:
    """Take the place of pytest-django's own test databases and of the flush between tests.

    Flush means TRUNCATE, which the ledger's triggers refuse: fresh clones are quicker besides.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _: databases.renew())
        yield


@pytest.fixture(autouse=True)
def home(tmp_path: Path, settings: Settings) -> Path:
    """A home of this test's own: keys, anchors, journal, files and queue."""
    settings.MUNIMENT_HOME = tmp_path
    for name in ("KEYS", "ANCHOR", "JOURNAL", "FILES"):
        folder = tmp_path / name.lower()
        folder.mkdir(mode=0o700)
        setattr(settings, f"MUNIMENT_{name}", folder)
    places = {"sealed": settings.MUNIMENT_FILES, "archive": tmp_path / "archive"}
    settings.STORAGES = settings.STORAGES | {
        name: {**settings.STORAGES[name], "OPTIONS": {"location": place}}
        for name, place in places.items()
    }
    for message in django_settings.CELERY_FOLDER.glob("queue/*.msg"):
        message.unlink()
    return tmp_path


@pytest.fixture(autouse=True)
def fresh_counts() -> None:
    """No test meets the limit of requests that another one has used up."""
    cache.clear()


@pytest.fixture
def acting_as(databases: Databases) -> ActingAs:
    """``with acting_as("eraser"): …`` logs in as another role; "superuser" may do anything.

    Needs ``django_db(transaction=True)``: a new login sees nothing of an open transaction.
    """

    @contextmanager
    def act(role: str) -> Iterator[None]:
        if any(connection.in_atomic_block for connection in connections.all()):
            raise RuntimeError("acting_as needs django_db(transaction=True)")
        databases.log_in(role)
        try:
            yield
        finally:
            databases.log_in("app")

    return act


@pytest.fixture
def log(home: Path) -> "Log":
    """The default log with keys of this test's own; the test asks for its database itself."""
    from ledger.services import open_log
    from ledger.signing import create_installation_keys, create_log_keys

    create_installation_keys()
    create_log_keys(f"{django_settings.MUNIMENT_ORIGIN}/default")
    return open_log()


@pytest.fixture
def sequence(acting_as: ActingAs, log: "Log") -> Callable[[], int]:
    """``sequence()`` gives all pending records their places; returns how many there were."""
    from ledger.sequencer import Sequencer

    def run() -> int:
        with acting_as("sequencer"):
            return Sequencer(log).step().sequenced

    return run
