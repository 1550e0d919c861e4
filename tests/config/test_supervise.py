import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from config import embedded, processes, supervise

pytestmark = pytest.mark.slow
NAMES = tuple(program.name for program in supervise.programs(Path("/home"), 1))
BACK_SECONDS = 10


@dataclass(frozen=True)
class Service:
    home: Path
    address: str

    def find(self, name: str) -> processes.Process | None:
        return processes.find(self.home / "run", name)

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/readyz", timeout=5) as response:  # noqa: S310
                return bool(response.status == 200)
        except OSError:
            return False


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("service")
    with supervise.running(home) as address:
        yield Service(home, address)


def wait_for(is_true: Callable[[], object], seconds: float = BACK_SECONDS) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if is_true():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("name", NAMES)
def test_a_killed_process_is_back_within_ten_seconds(service: Service, name: str) -> None:
    assert wait_for(lambda: service.find(name))
    killed = service.find(name)
    assert killed
    os.kill(killed.pid, signal.SIGKILL)
    assert wait_for(
        lambda: (found := service.find(name)) and found != killed and service.is_ready()
    )


def test_killing_postgres_loses_nothing_acknowledged(service: Service) -> None:
    cluster = embedded.Cluster.of(service.home)
    with cluster.connect(embedded.SUPERUSER, embedded.MAIN) as connection:
        connection.execute("CREATE TABLE acknowledged (number integer)")
        connection.execute("INSERT INTO acknowledged SELECT generate_series(1, 1000)")
    postgres = service.find("postgres")
    assert postgres
    os.kill(postgres.pid, signal.SIGKILL)
    assert wait_for(lambda: service.find("postgres") != postgres and service.is_ready(), 60)
    with cluster.connect(embedded.SUPERUSER, embedded.MAIN) as connection:
        found = connection.execute("SELECT count(*) FROM acknowledged").fetchone()
    assert found == (1000,)


def test_a_command_beside_the_service_uses_its_database(service: Service) -> None:
    before = service.find("postgres")
    with embedded.Cluster.of(service.home).session():
        pass
    assert service.find("postgres") == before


def test_a_second_start_on_the_same_home_is_refused(service: Service) -> None:
    second = start(service.home, supervise.free_port())
    assert second.returncode == 1
    assert "runs already" in second.stderr


def test_a_busy_port_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with socket.create_server((supervise.LOOPBACK, 0)) as busy:
        started = start(tmp_path, busy.getsockname()[1])
    assert started.returncode == 1
    assert "is in use by another program" in started.stderr
    assert "MUNIMENT_PORT" in started.stderr


@pytest.mark.robustness
def test_the_next_start_ends_what_a_killed_supervisor_left(service: Service) -> None:
    orphans = [orphan for name in NAMES if (orphan := service.find(name))]
    os.kill(int((service.home / "run" / "supervisord.pid").read_text()), signal.SIGKILL)
    with supervise.running(service.home) as address:
        assert Service(service.home, address).is_ready()
        assert len(orphans) == len(NAMES)
        assert not any(orphan.is_alive() for orphan in orphans)
    assert not any(service.find(name) for name in NAMES)
    assert not embedded.Cluster.of(service.home).is_running()


@pytest.mark.robustness
def test_a_service_that_outlived_its_starter_is_ended_whole(service: Service) -> None:
    with supervise.running(service.home):
        supervise.end_earlier(service.home)
        assert not any(service.find(name) for name in ("supervisor", *NAMES))
        assert not embedded.Cluster.of(service.home).is_running()


def start(home: Path, port: int) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "config.supervise"],
        env=os.environ | {"MUNIMENT_HOME": str(home), "MUNIMENT_PORT": str(port)},
        cwd=supervise.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
