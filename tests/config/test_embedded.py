import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config.embedded import KEYSTORE, LOGINS, MAIN, SUPERUSER, Cluster, EmbeddedError
from tests.databases import ROOT

HOLD = """
import sys
from pathlib import Path
from config.embedded import Cluster
with Cluster(Path(sys.argv[1]), durable=False).session():
    print("open", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("cluster"), durable=False)
    with made.session():
        yield made


def hold(cluster: Cluster) -> "subprocess.Popen[str]":
    """Open a session in a process of its own, which holds it until its input ends."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(cluster.folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def is_open(holder: "subprocess.Popen[str]") -> bool:
    assert holder.stdout
    return holder.stdout.readline() == "open\n"


def postmaster(cluster: Cluster) -> int:
    return int((cluster.data / "postmaster.pid").read_text().splitlines()[0])


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("data_checksums", "on"),
        ("listen_addresses", ""),
        ("TimeZone", "UTC"),
        ("server_encoding", "UTF8"),
        ("log_parameter_max_length", "0"),
        ("log_parameter_max_length_on_error", "0"),
        ("log_min_error_statement", "panic"),
        ("log_error_verbosity", "terse"),
    ],
)
def test_the_server_is_set_as_promised(cluster: Cluster, setting: str, value: str) -> None:
    with cluster.connect(SUPERUSER, MAIN) as connection:
        assert connection.execute(f"SHOW {setting}").fetchone() == (value,)


def test_the_files_are_for_their_owner_only(cluster: Cluster) -> None:
    private = [cluster.data, cluster.socket_folder(), cluster.folder / "passwords"]
    private += [cluster.folder / "passwords" / role for role in (SUPERUSER, *LOGINS)]
    assert {path.stat().st_mode & 0o077 for path in private} == {0}


def test_a_long_path_of_the_home_leaves_the_socket_short(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path / ("long" * 30), durable=False)
    with cluster.session(), cluster.connect("app", MAIN) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("role", LOGINS)
def test_a_wrong_password_is_refused(cluster: Cluster, role: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(host=str(cluster.socket_folder()), user=role, password="wrong", dbname=MAIN)


def test_killing_the_postmaster_loses_nothing_committed(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    with cluster.session():
        with cluster.connect(SUPERUSER, MAIN) as connection:
            connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 500) AS number")
        os.kill(postmaster(cluster), signal.SIGKILL)
    with cluster.session(), cluster.connect(SUPERUSER, MAIN) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (500,)


def test_two_processes_that_start_it_at_once_share_one_server(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, durable=False)
    with hold(cluster) as one, hold(cluster) as other:
        assert is_open(one)
        assert is_open(other)
        one.communicate()
        with cluster.connect("app", MAIN) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        other.communicate()
    assert not cluster.is_running()


def test_a_server_left_by_a_killed_command_serves_the_next_and_then_ends(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, durable=False)
    with hold(cluster) as killed:
        assert is_open(killed)
        killed.kill()
    left = postmaster(cluster)
    with cluster.session():
        assert postmaster(cluster) == left
    assert not cluster.is_running()


def test_a_half_made_cluster_is_made_anew(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, durable=False)
    (tmp_path / "data.new" / "base").mkdir(parents=True)
    with cluster.session(), cluster.connect("sealer", KEYSTORE) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_foreign_socket_folder_is_not_used(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path / "home", durable=False)
    with cluster.session():
        pass
    (tmp_path / "foreign").mkdir(mode=0o777)
    (tmp_path / "foreign").chmod(0o777)
    (cluster.folder / "socket").write_text(str(tmp_path / "foreign"))
    with cluster.session():
        assert cluster.socket_folder() != tmp_path / "foreign"


def test_a_damaged_cluster_is_refused_with_where_to_look(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, durable=False)
    cluster.data.mkdir()
    complaint = r"did not start: see the end of .*postgres\.log"
    with pytest.raises(EmbeddedError, match=complaint), cluster.session():
        pass


def test_the_log_repeats_no_value_of_a_failed_statement(cluster: Cluster) -> None:
    with cluster.connect(SUPERUSER, MAIN) as connection:
        connection.execute("CREATE TABLE once (email text UNIQUE)")
        connection.execute("INSERT INTO once VALUES ('ada@invented.example')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO once VALUES (%s)", ["ada@invented.example"])
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO once VALUES ('ada@invented.example')")
    assert "once_email_key" in cluster.log.read_text()
    assert "ada@" not in cluster.log.read_text()
