"""Plays the database superuser: triggers off, any table, no trace but the one to be found."""

from django.db import connection


def forge(*statements: str) -> None:
    """Run SQL as the superuser could, with the triggers off: also those always enabled.

    They stay off; the database is this test's own.
    """
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        for statement in statements:
            cursor.execute(statement)
