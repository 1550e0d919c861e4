from pathlib import Path

import pytest

from generation import c2pa
from ledger.models import Log
from tests.generation.acts import House, open_house


@pytest.fixture
def house(log: Log, keys: Path) -> House:
    """An opened service on an open log; the test asks for its database itself."""
    return open_house()


@pytest.fixture
def keys(home: Path) -> Path:
    """The folder of this test's own C2PA certificates."""
    return c2pa.ensure_certificates().parent


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The outputs announced to the workers: no broker is there, tests play the worker."""
    announced: list[str] = []
    monkeypatch.setattr("generation.tasks.process_output.delay", announced.append)
    return announced


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    # The sequencer steps between two calls of the task: a single process plays both here.
    monkeypatch.setattr("generation.receipts.WAIT_SECONDS", 0.0)
