"""Migration operations that make the database guard its tables.

Each returns one reversible ``RunSQL``. The rules are triggers besides privileges: a privilege
can be granted by mistake. All triggers are ``ENABLE ALWAYS``, since ordinary ones are skipped
under ``session_replication_role = replica``, and TRUNCATE has one of its own.
"""

from collections.abc import Iterable, Sequence

from django.db.migrations.operations import RunSQL

WRITERS = ("app", "eraser")


def grant(table: str, **privileges: str) -> RunSQL:
    """Grant ``privileges`` (role → comma-separated list) on ``table``."""
    return _run(
        [f"GRANT {allowed} ON {table} TO {role}" for role, allowed in privileges.items()],
        [f"REVOKE ALL ON {table} FROM {role}" for role in privileges],
    )


def domain_table(table: str) -> RunSQL:
    """Let the application insert and change rows of ``table``, and only the eraser delete them."""
    return grant(
        table,
        app="SELECT, INSERT, UPDATE",
        eraser="SELECT, INSERT, UPDATE, DELETE",
        auditor="SELECT",
    )


def insert_only(table: str, *, writers: Sequence[str] = WRITERS) -> RunSQL:
    """Let ``writers`` insert into ``table`` and everybody read it; refuse any later change."""
    readers = {"app", "eraser", "sequencer", "auditor"}.difference(writers)
    grants = [f"GRANT SELECT, INSERT ON {table} TO {role}" for role in writers]
    grants += [f"GRANT SELECT ON {table} TO {role}" for role in sorted(readers)]
    create, drop = _triggers(
        table, "append_only", "ledger_refuse_change()", ("UPDATE OR DELETE", "TRUNCATE")
    )
    return _run(grants + create, drop)


def thinned(table: str, *, writers: Sequence[str]) -> RunSQL:
    """As ``insert_only``, but ``writers`` may delete the rows of checkpoints that nobody needs."""
    guard = insert_only(table, writers=writers)
    create, drop = str(guard.sql), str(guard.reverse_sql)
    create = create.replace("BEFORE UPDATE OR DELETE", "BEFORE UPDATE")
    made, unmade = _triggers(table, "thinned", "ledger_refuse_thinning()", ("DELETE",))
    grants = [f"GRANT DELETE ON {table} TO {role}" for role in writers]
    return _run([create, *grants, *made], [*unmade, drop])


def no_truncate(table: str) -> RunSQL:
    """Refuse TRUNCATE on a table whose rows may otherwise leave one by one."""
    return _run(*_triggers(table, "no_truncate", "ledger_refuse_change()", ("TRUNCATE",)))


def frozen(table: str, columns: Iterable[str], *, unless: Iterable[str] = ()) -> RunSQL:
    """Refuse any change of ``columns`` once a row is inserted.

    Rows in one of the states ``unless`` may still change, up to and with the move out of it.
    """
    arguments = ", ".join(f"'{column}'" for column in columns)
    open_ = ", ".join(f"'{state}'" for state in sorted(unless))
    name, when = ("terms", f" WHEN (OLD.state NOT IN ({open_}))") if open_ else ("frozen", "")
    function = f"ledger_refuse_new_value({arguments})"
    return _run(*_triggers(table, name, function, ("UPDATE",), when))


def set_once(table: str, columns: Iterable[str]) -> RunSQL:
    """Let each of ``columns`` go from NULL to a value, and never change again."""
    arguments = ", ".join(f"'{column}'" for column in columns)
    return _run(
        *_triggers(table, "set_once", f"ledger_refuse_second_value({arguments})", ("UPDATE",))
    )


def emptied_only(table: str, column: str) -> RunSQL:
    """Let ``column`` go from a value to NULL, for good, and never to another value."""
    function, when = f"ledger_refuse_new_value('{column}')", f" WHEN (NEW.{column} IS NOT NULL)"
    return _run(*_triggers(table, f"{column}_emptied", function, ("UPDATE",), when))


def transitions(
    table: str, column: str, pairs: Iterable[tuple[str, str]], *, initial: Iterable[str]
) -> RunSQL:
    """Let ``column`` start in one of ``initial`` and move only along ``pairs`` (from, to)."""
    legal = [f"'{one}>{other}'" for one, other in sorted(pairs)]
    legal += [f"'>{start}'" for start in sorted(initial)]
    arguments = ", ".join([f"'{column}'", *legal])
    return _run(
        *_triggers(
            table,
            f"{column}_transitions",
            f"ledger_refuse_transition({arguments})",
            ("INSERT OR UPDATE",),
        )
    )


def _run(do: Sequence[str], undo: Sequence[str]) -> RunSQL:
    return RunSQL(";\n".join(do), ";\n".join(undo))


def _triggers(
    table: str, name: str, function: str, events: Sequence[str], when: str = ""
) -> tuple[list[str], list[str]]:
    create, drop = [], []
    for event in events:
        level = "STATEMENT" if event == "TRUNCATE" else "ROW"
        trigger = f"{table}_{name}{'_truncate' if level == 'STATEMENT' and len(events) > 1 else ''}"
        made = f"CREATE TRIGGER {trigger} BEFORE {event} ON {table} FOR EACH {level}"
        create.append(f"{made}{when} EXECUTE FUNCTION {function}")
        create.append(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")
        drop.append(f"DROP TRIGGER {trigger} ON {table}")
    return create, drop
