"""Reader: what is installed here, as digests that can be compared from day to day."""

import hashlib
import hmac
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

from django.conf import settings
from django.db import connections

from ledger import privileges
from ledger.private_files import read_private
from ledger.routers import KEYSTORE

# What runs; the tests, fixtures and benchmarks beside it do not.
PACKAGES = ("config", "ledger", "consent", "generation")
LEFT_OUT = frozenset({"__pycache__"})

_FUNCTIONS = """
    SELECT p.proname, p.prosrc, p.prosecdef::text, coalesce(p.proconfig::text, '')
    FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace ORDER BY 1, 2"""
_TRIGGERS = """
    SELECT pg_get_triggerdef(t.oid), t.tgenabled::text FROM pg_trigger t
    JOIN pg_class c ON c.oid = t.tgrelid
    WHERE NOT t.tgisinternal AND c.relnamespace = 'public'::regnamespace
      AND NOT c.relispartition -- which come and go; what is wrong there is counted as a fault
    ORDER BY 1"""
_ROLES = """
    SELECT rolname, rolsuper::text, rolcreaterole::text, rolcreatedb::text, rolcanlogin::text,
           rolreplication::text, rolbypassrls::text,
           ARRAY(SELECT roleid::regrole::text FROM pg_auth_members
                 WHERE member = r.oid ORDER BY 1)::text
    FROM pg_roles r WHERE rolname !~ '^pg_' ORDER BY 1"""


@cache
def build_digest() -> str:
    """Return the digest of every file of the running code: names and contents."""
    return _files_digest(settings.BASE_DIR, _code())


@cache
def lock_digest() -> str:
    """Return the digest of every installed package with its version."""
    return digest_of(
        f"{package.metadata['Name'].lower()}=={package.version}"
        for package in metadata.distributions()
    )


def applied_migrations() -> list[str]:
    """Return ``<app>.<name>`` of each migration that either database has seen, sorted."""
    query = "SELECT app || '.' || name FROM django_migrations"
    return sorted({name for alias in _databases() for (name,) in _rows(alias, query)})


def control_digests() -> dict[str, str]:
    """Return the digests of triggers with their functions, grants, roles and certificates."""
    return {
        "triggers": _catalogues(_TRIGGERS, _FUNCTIONS),
        "grants": digest_of(_grants()),
        "roles": _catalogues(_ROLES),
        "certificates": _files_digest(settings.MUNIMENT_KEYS, _certificates()),
    }


def count_faults() -> int:
    """Return how many roles, privileges and triggers are not what the migrations made."""
    return sum(
        len([*privileges.find_faults(alias), *_trigger_faults(alias)]) for alias in _databases()
    )


def setting_digests() -> dict[str, str]:
    """Return a keyed digest of each watched setting; without the key no value can be guessed."""
    key = read_private(settings.MUNIMENT_KEYS / "index.key")
    return {
        name: "sha256:" + hmac.new(key, f"setting\0{name}\0{value}".encode(), "sha256").hexdigest()
        for name in settings.MUNIMENT_WATCHED_SETTINGS
        if (value := repr(getattr(settings, name, None)))
    }


def digest_of(lines: Iterable[str]) -> str:
    """Return ``sha256:…`` over the sorted lines."""
    return "sha256:" + hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def _code() -> Iterator[Path]:
    for package in PACKAGES:
        for path in (Path(settings.BASE_DIR) / package).rglob("*"):
            if path.is_file() and not LEFT_OUT.intersection(path.parts):
                yield path


def _certificates() -> Iterator[Path]:
    for name in ("chain.pem", "root.pem"):
        yield from settings.MUNIMENT_KEYS.rglob(name)


def _files_digest(folder: Path, files: Iterable[Path]) -> str:
    return digest_of(
        f"{path.relative_to(folder)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}"
        for path in files
    )


def _catalogues(*queries: str) -> str:
    return digest_of(
        "\0".join((alias, *map(str, row)))
        for alias in _databases()
        for query in queries
        for row in _rows(alias, query)
    )


def _grants() -> Iterator[str]:
    for alias in _databases():
        for (table, role), held in privileges.actual_privileges(alias).items():
            yield f"{alias}\0{table}\0{role}\0{','.join(sorted(held))}"


def _trigger_faults(alias: str) -> Iterator[str]:
    return privileges.find_trigger_faults(alias, privileges.expected_triggers(alias))


def _databases() -> list[str]:
    """Return the databases that this process can reach: not every role has a keystore login."""
    return [alias for alias in ("default", KEYSTORE) if alias in settings.DATABASES]


def _rows(alias: str, query: str) -> list[tuple]:
    with connections[alias].cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())
