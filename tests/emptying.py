"""Taking back what a test wrote to a clone: quicker than a new clone, where rows are all it was.

Nothing is taken on trust. A clone whose tables, triggers, functions, privileges or roles are not
what they were, whose seeded rows changed, or that others still use is left to be made anew.
"""

import time
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

# Each change of a definition leaves a row here that is new, or one row less.
_CATALOGS = (
    *("pg_attrdef", "pg_attribute", "pg_class", "pg_constraint", "pg_default_acl", "pg_depend"),
    *("pg_extension", "pg_index", "pg_inherits", "pg_namespace", "pg_policy", "pg_proc"),
    *("pg_rewrite", "pg_sequence", "pg_trigger", "pg_type"),
)
_CHANGED = "SELECT '{0}', count(*), max(xmin::text::bigint)::text FROM {0}"
_PRIVILEGES = """
SELECT 'roles', count(*), md5(string_agg(told, '' ORDER BY told)) FROM (
    SELECT pg_roles::text AS told FROM pg_roles
    UNION ALL SELECT pg_auth_members::text FROM pg_auth_members
    UNION ALL SELECT setting::text FROM pg_db_role_setting setting
        JOIN pg_database ON pg_database.oid = setdatabase WHERE datname = current_database()
    UNION ALL SELECT ROW(datdba, datacl, datconnlimit, datallowconn)::text FROM pg_database
        WHERE datname = current_database()
) AS everything
"""
_TABLES = """
SELECT oid::regclass::text, pg_relation_size(oid) FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0
"""
_SEQUENCES = (
    "SELECT format('%I.%I', schemaname, sequencename), coalesce(last_value, start_value), "
    "last_value IS NOT NULL FROM pg_sequences"
)
_OTHERS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
_PREPARED = "SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()"
# The guards fire for replicas too, so that nobody switches them off in passing: a superuser may do
# it in the catalogue, for one transaction in which nobody else looks. Of the tables' own rows
# there PostgreSQL learns that it must look again.
_UNGUARD = """
UPDATE pg_trigger SET tgenabled = 'D' WHERE tgenabled = 'A';
UPDATE pg_class SET relhastriggers = true WHERE relkind = 'r' AND relhastriggers
"""
_GUARD = "UPDATE pg_trigger SET tgenabled = 'A' WHERE tgenabled = 'D'"
_DISABLED = "SELECT count(*) FROM pg_trigger WHERE tgenabled = 'D'"
# Rows taken back leave their room: a table that grew beyond this is not worth it.
_LARGEST = 2**20
_PATIENCE_SECONDS = 2.0
Rows = list[Any]


@dataclass
class Untouched:
    """What a clean clone is like: definitions, rows that migrations wrote, sequences."""

    definitions: dict[str, Rows]
    seeds: dict[str, list[str]]
    sequences: Rows


def look_at(clone: psycopg.Connection) -> Untouched:
    """Note what a fresh clone is like. ``clone`` is a superuser's connection."""
    assert _ask(clone, _DISABLED) == [(0,)]
    seeds = {name: _rows(clone, name) for name, _ in _ask(clone, _TABLES)}
    return Untouched(_definitions(clone), seeds, _ask(clone, _SEQUENCES))


def empty(clone: psycopg.Connection, before: Untouched) -> bool:
    """Take back all rows and numbers; returns False where more than that has changed."""
    if not _is_alone(clone) or _definitions(clone) != before.definitions:
        return False
    written = dict(_ask(clone, _TABLES))
    if any(size > _LARGEST for size in written.values()):
        return False
    deletions = [_deletion(name, before.seeds.get(name, [])) for name in written]
    numbers = [f"SELECT setval('{name}', {at}, {called})" for name, at, called in before.sequences]
    unguarded = ["SET session_replication_role = replica", _UNGUARD, *deletions, _GUARD]
    # Several statements sent at once are one transaction.
    clone.execute(sql.SQL("; ".join([*unguarded, *numbers])))
    before.definitions |= _definitions(clone, "pg_class", "pg_trigger")
    return all(_rows(clone, name) == rows for name, rows in before.seeds.items())


def _deletion(table: str, keeping: list[str]) -> str:
    kept = ", ".join(f"'{row}'" for row in keeping)
    return f"DELETE FROM {table} AS t" + (f" WHERE md5(t::text) NOT IN ({kept})" if kept else "")


def _is_alone(clone: psycopg.Connection) -> bool:
    """End the sessions of others, and wait for it; False where one stays or left something."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while _ask(clone, _OTHERS) != [(0,)]:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.001)
    return _ask(clone, _PREPARED) == [(0,)]


def _definitions(clone: psycopg.Connection, *catalogs: str) -> dict[str, Rows]:
    asked = [_CHANGED.format(name) for name in catalogs or _CATALOGS]
    rows = _ask(clone, " UNION ALL ".join(asked if catalogs else [*asked, _PRIVILEGES]))
    return {name: rest for name, *rest in rows}


def _rows(clone: psycopg.Connection, table: str) -> list[str]:
    return [row for (row,) in _ask(clone, f"SELECT md5(t::text) FROM {table} t ORDER BY 1")]


def _ask(clone: psycopg.Connection, query: str) -> Rows:
    return clone.execute(sql.SQL(query)).fetchall()
