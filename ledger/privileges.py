"""Reader: are roles, owners, privileges and triggers in the database what the migrations made?

What should be is read from the migrations themselves: their GRANT and CREATE TRIGGER statements,
in order. So there is no second list that could differ from the first.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations import RunSQL

from ledger.routers import KEYSTORE

# Who may log in, and who owns the tables, in each database.
LOGINS = {
    "default": ("app", "sequencer", "eraser", "auditor"),
    KEYSTORE: ("sealer", "destroyer"),
}
OWNERS = {"default": "owner", KEYSTORE: "keystore_owner"}

_GRANT = re.compile(r"GRANT ([A-Z, ()a-z_]+?) ON (\w+) TO (\w+)")
_TRIGGER = re.compile(r"CREATE TRIGGER (\w+) BEFORE [A-Z ]+ ON (\w+)")
_PRIVILEGE = re.compile(r"([A-Z]+)(?: \(([^)]*)\))?")

# (table, role) → privileges: ``INSERT``, or ``UPDATE (state)`` for one column.
Privileges = dict[tuple[str, str], frozenset[str]]


def find_faults(alias: str) -> Iterator[str]:
    """Yield each way in which roles, owners or privileges of one database are off."""
    yield from _find_strong_roles(alias)
    expected, actual = expected_privileges(alias), actual_privileges(alias)
    # Nobody may touch a partition but through its table, whose rules would not bind there.
    tables = {table for table, _ in expected} | {part for part, _ in _partitions(alias)}
    yield from _find_foreign_owners(alias, tables)
    for table, role in sorted(expected.keys() | actual.keys()):
        if table not in tables:
            continue
        should = expected.get((table, role), frozenset())
        may = actual.get((table, role), frozenset())
        if surplus := may - should:
            yield f"{role} may {', '.join(sorted(surplus))} on {table}, which no migration gave"
        if lacking := should - may:
            yield f"{role} may not {', '.join(sorted(lacking))} on {table}, as it should"


def expected_privileges(alias: str) -> Privileges:
    """Return what the migrations grant on our own tables."""
    granted: dict[tuple[str, str], set[str]] = defaultdict(set)
    for statement in _statements(alias):
        for privileges, table, role in _GRANT.findall(statement):
            granted[table, role] |= set(_split(privileges))
    return {place: frozenset(found) for place, found in granted.items()}


def actual_privileges(alias: str) -> Privileges:
    """Return what each login, and everybody, may do with each table, as PostgreSQL has it."""
    # Lists of columns beside the tables': a grant on a column is none on the table.
    query = """
        SELECT c.relname, coalesce(r.rolname, 'PUBLIC'), a.privilege_type, NULL
        FROM pg_class c CROSS JOIN LATERAL aclexplode(c.relacl) a
        LEFT JOIN pg_roles r ON r.oid = a.grantee
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
          AND a.grantee <> c.relowner
        UNION ALL
        SELECT c.relname, coalesce(r.rolname, 'PUBLIC'), a.privilege_type, t.attname
        FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid
        CROSS JOIN LATERAL aclexplode(t.attacl) a
        LEFT JOIN pg_roles r ON r.oid = a.grantee
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for table, role, privilege, column in _rows(alias, query):
        found[table, role].add(f"{privilege} ({column})" if column else privilege)
    return {place: frozenset(privileges) for place, privileges in found.items()}


def expected_triggers(alias: str) -> frozenset[tuple[str, str]]:
    """Return (table, trigger) of every trigger that should be: on partitions their table's too."""
    made = {
        (table, trigger)
        for statement in _statements(alias)
        for trigger, table in _TRIGGER.findall(statement)
    }
    for part, whole in _partitions(alias):
        rows = {one for table, one in made if table == whole and not one.endswith("_truncate")}
        made |= {(part, one) for one in rows | {f"{part}_no_truncate"}}
    return frozenset(made)


def find_trigger_faults(alias: str, expected: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield each expected trigger that is missing or that somebody could slip past."""
    query = """
        SELECT c.relname, t.tgname, t.tgenabled FROM pg_trigger t
        JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal"""
    enabled = {(table, trigger): how for table, trigger, how in _rows(alias, query)}
    for table, trigger in sorted(expected):
        how = enabled.get((table, trigger))
        if how is None:
            yield f"trigger {trigger} on {table} is missing"
        elif how not in ("A", b"A"):
            yield f"trigger {trigger} on {table} is not enabled always"


def _partitions(alias: str) -> list[tuple[str, str]]:
    """Return each partition and its table."""
    query = """
        SELECT part.relname, whole.relname FROM pg_inherits i
        JOIN pg_class part ON part.oid = i.inhrelid JOIN pg_class whole ON whole.oid = i.inhparent
        WHERE whole.relkind = 'p'"""
    return [(part, whole) for part, whole in _rows(alias, query)]


def _find_strong_roles(alias: str) -> Iterator[str]:
    query = """
        SELECT rolname, rolsuper, rolcreaterole, rolreplication, rolbypassrls,
               pg_has_role(rolname, %s, 'MEMBER')
        FROM pg_roles WHERE rolname = ANY (%s) ORDER BY rolname"""
    rights = ("is superuser", "makes roles", "replicates", "bypasses row security", "acts as owner")
    rows = _rows(alias, query, [OWNERS[alias], list(LOGINS[alias])])
    seen = set()
    for role, *held in rows:
        seen.add(role)
        for right, has in zip(rights, held, strict=True):
            if has:
                yield f"role {role} {right}: no trigger or privilege would bind it"
    for role in sorted(set(LOGINS[alias]) - seen):
        yield f"role {role} does not exist"


def _find_foreign_owners(alias: str, tables: Iterable[str]) -> Iterator[str]:
    query = """
        SELECT relname, relowner::regrole::text FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relname = ANY (%s) ORDER BY relname"""
    for table, owner in _rows(alias, query, [sorted(tables)]):
        if owner != OWNERS[alias]:
            yield f"table {table} belongs to {owner}, not to {OWNERS[alias]}"


@cache
def _statements(alias: str) -> tuple[str, ...]:
    """Return the SQL of all migrations of one database, in order."""
    executor = MigrationExecutor(connections[alias])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes(), clean_start=True)
    return tuple(
        str(operation.sql)
        for migration, _ in plan
        if (migration.app_label == KEYSTORE) == (alias == KEYSTORE)
        for operation in migration.operations
        if isinstance(operation, RunSQL)
    )


def _split(privileges: str) -> Iterator[str]:
    """Split ``SELECT, UPDATE (a, b)`` into ``SELECT``, ``UPDATE (a)`` and ``UPDATE (b)``."""
    for name, columns in _PRIVILEGE.findall(privileges):
        if columns:
            yield from (f"{name} ({column.strip()})" for column in columns.split(","))
        else:
            yield name


def _rows(alias: str, query: str, arguments: Any = None) -> list[tuple]:
    with connections[alias].cursor() as cursor:
        cursor.execute(query, arguments)
        return list(cursor.fetchall())
