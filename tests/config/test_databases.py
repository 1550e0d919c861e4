import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, connections

from config import databases
from tests.conftest import ActingAs

MAIN_URL = "postgresql://app:se%40cret@db.example:6432/muniment?sslmode=verify-full"
KEYSTORE_URL = "postgresql://sealer:other@keys.example/keystore"


def session_user(alias: str) -> str:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT session_user")
        return str(cursor.fetchone()[0])


@pytest.fixture
def addresses(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("DATABASE_URL", MAIN_URL)
    monkeypatch.setenv("KEYSTORE_URL", KEYSTORE_URL)
    return monkeypatch


@pytest.mark.django_db
def test_tests_run_as_the_application() -> None:
    assert (session_user("default"), session_user("keystore")) == ("app", "sealer")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("role", "logins"),
    [("eraser", ("eraser", "destroyer")), ("superuser", ("postgres", "postgres"))],
)
def test_a_test_acts_as_another_role(
    acting_as: ActingAs, role: str, logins: tuple[str, str]
) -> None:
    with acting_as(role):
        assert (session_user("default"), session_user("keystore")) == logins
    assert session_user("default") == "app"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", ["first", "second"])
def test_each_transactional_test_finds_fresh_databases(acting_as: ActingAs, attempt: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM django_session")
        assert cursor.fetchone() == (0,)
        cursor.execute("INSERT INTO django_session VALUES (%s, '', now())", [attempt])


@pytest.mark.django_db
def test_another_role_needs_a_transactional_test(acting_as: ActingAs) -> None:
    with pytest.raises(RuntimeError, match="needs django_db"), acting_as("eraser"):
        pass


@pytest.mark.django_db(transaction=True)
def test_tables_belong_to_their_owners_alone(acting_as: ActingAs) -> None:
    with acting_as("superuser"):
        for alias, owner in (("default", "owner"), ("keystore", "keystore_owner")):
            with connections[alias].cursor() as cursor:
                cursor.execute(
                    "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
                )
                assert cursor.fetchall() == [(owner,)]


def test_addresses_are_read_from_the_environment(addresses: pytest.MonkeyPatch) -> None:
    found = databases.of_environment("app")
    assert found["default"] == {
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "NAME": "muniment",
        "USER": "app",
        "PASSWORD": "se@cret",
        "HOST": "db.example",
        "PORT": "6432",
        "OPTIONS": {"sslmode": "verify-full"},
    }
    assert found["keystore"]["HOST"] == "keys.example"


def test_the_migrator_acts_as_owner(addresses: pytest.MonkeyPatch) -> None:
    addresses.setenv("DATABASE_URL", MAIN_URL.replace("app", "migrator"))
    addresses.setenv("KEYSTORE_URL", KEYSTORE_URL.replace("sealer", "migrator"))
    found = databases.of_environment("migrator")
    assert found["default"]["OPTIONS"]["options"] == "-c role=owner"
    assert found["keystore"]["OPTIONS"]["options"] == "-c role=keystore_owner"


@pytest.mark.parametrize("role", ["sequencer", "auditor"])
def test_some_roles_have_no_keystore_at_all(addresses: pytest.MonkeyPatch, role: str) -> None:
    addresses.setenv("DATABASE_URL", MAIN_URL.replace("app", role))
    assert set(databases.of_environment(role)) == {"default"}


@pytest.mark.parametrize(
    ("variable", "value", "complaint"),
    [
        ("DATABASE_URL", MAIN_URL.replace("app", "root"), "logs in as 'root', but MUNIMENT_ROLE"),
        ("DATABASE_URL", "mysql://app:p@h/d", "DATABASE_URL is no PostgreSQL address"),
        ("DATABASE_URL", "postgresql://app:p@h", "DATABASE_URL is no PostgreSQL address"),
        ("DATABASE_URL", "postgresql://app:p@h:x/d", "DATABASE_URL has a bad port"),
        ("KEYSTORE_URL", "", "KEYSTORE_URL is not set"),
        ("KEYSTORE_URL", MAIN_URL.replace("app:", "sealer:"), "keep the keystore on another"),
    ],
)
def test_a_bad_address_is_refused_without_its_password(
    addresses: pytest.MonkeyPatch, variable: str, value: str, complaint: str
) -> None:
    addresses.setenv(variable, value)
    with pytest.raises(ImproperlyConfigured, match=complaint) as refusal:
        databases.of_environment("app")
    assert "se%40cret" not in str(refusal.value)


def test_a_socket_folder_may_be_the_host(addresses: pytest.MonkeyPatch) -> None:
    addresses.setenv("DATABASE_URL", "postgresql://app:p@%2Frun%2FPostgres/muniment")
    assert databases.of_environment("app")["default"]["HOST"] == "/run/Postgres"
