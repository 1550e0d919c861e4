from collections.abc import Iterator

import psycopg
import pytest

from config.embedded import KEYSTORE, MAIN, SUPERUSER, Cluster

MAY_CONNECT = {
    MAIN: {"migrator", "app", "sequencer", "eraser", "auditor"},
    KEYSTORE: {"migrator", "sealer", "destroyer"},
    "postgres": set(),
    "template1": set(),
}
LOGINS = sorted(MAY_CONNECT[MAIN] | MAY_CONNECT[KEYSTORE])
PRIVILEGES = "rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("cluster"), durable=False)
    with made.session():
        yield made


@pytest.fixture
def superuser(cluster: Cluster) -> Iterator[psycopg.Connection]:
    with cluster.connect(SUPERUSER, MAIN) as connection:
        yield connection


@pytest.mark.parametrize("database", MAY_CONNECT)
@pytest.mark.parametrize("role", LOGINS)
def test_a_role_connects_only_where_its_work_is(cluster: Cluster, role: str, database: str) -> None:
    if role in MAY_CONNECT[database]:
        cluster.connect(role, database).close()
    else:
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            cluster.connect(role, database)


@pytest.mark.parametrize("role", ["owner", "keystore_owner"])
def test_nobody_logs_in_as_an_owner(superuser: psycopg.Connection, role: str) -> None:
    found = superuser.execute("SELECT rolcanlogin FROM pg_roles WHERE rolname = %s", [role])
    assert found.fetchone() == (False,)


def test_no_role_has_powers_over_the_server(superuser: psycopg.Connection) -> None:
    found = superuser.execute(
        f"SELECT rolname FROM pg_roles WHERE ({PRIVILEGES}) AND rolname !~ '^pg_'"
    )
    assert found.fetchall() == [(SUPERUSER,)]


def test_only_the_migrator_is_a_member_of_a_role_of_ours_and_inherits_nothing(
    superuser: psycopg.Connection,
) -> None:
    found = superuser.execute(
        "SELECT member::regrole::text, roleid::regrole::text, inherit_option, admin_option"
        " FROM pg_auth_members WHERE member::regrole::text !~ '^pg_' ORDER BY 2"
    )
    assert found.fetchall() == [
        ("migrator", "keystore_owner", False, False),
        ("migrator", "owner", False, False),
        # For one function, which tells who keeps a transaction open; the owner cannot log in.
        ("owner", "pg_read_all_stats", True, False),
    ]


@pytest.mark.parametrize(
    ("role", "database"), [("app", MAIN), ("eraser", MAIN), ("sealer", KEYSTORE)]
)
def test_a_role_can_create_nothing(cluster: Cluster, role: str, database: str) -> None:
    with cluster.connect(role, database) as connection:
        for statement in ("CREATE TABLE mine (id int)", "CREATE TEMPORARY TABLE mine (id int)"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


@pytest.mark.parametrize("statement", ["SET ROLE owner", "SET session_replication_role = replica"])
def test_the_application_cannot_step_round_the_triggers(cluster: Cluster, statement: str) -> None:
    refused = pytest.raises(psycopg.errors.InsufficientPrivilege)
    with cluster.connect("app", MAIN) as connection, refused:
        connection.execute(statement)


def test_a_new_function_is_not_for_everybody(cluster: Cluster) -> None:
    with cluster.connect("migrator", MAIN) as connection:
        connection.execute("SET ROLE owner")
        connection.execute("CREATE FUNCTION secret() RETURNS int RETURN 1")
    refused = pytest.raises(psycopg.errors.InsufficientPrivilege)
    with cluster.connect("app", MAIN) as connection, refused:
        connection.execute("SELECT secret()")


@pytest.mark.parametrize(
    ("role", "database"),
    [("app", MAIN), ("eraser", MAIN), ("sealer", KEYSTORE), ("destroyer", KEYSTORE)],
)
def test_application_transactions_end_after_thirty_seconds(
    cluster: Cluster, role: str, database: str
) -> None:
    with cluster.connect(role, database) as connection:
        assert connection.execute("SHOW transaction_timeout").fetchone() == ("30s",)


def test_the_role_files_may_be_run_again(cluster: Cluster) -> None:
    for database in (MAIN, KEYSTORE):
        cluster.apply_roles(database, database)
