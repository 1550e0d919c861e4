"""All tables of a first migration at once: the same as one operation after the other."""

import pytest
from django.db import connection, migrations, models
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from ledger.creation import CreateTables
from tests.conftest import ActingAs

APP = "ledger"
ID = ("id", models.BigAutoField(primary_key=True))
# The first refers to the second, which is made later and refers back.
OPERATIONS: list[Operation] = [
    migrations.CreateModel("Egg", [ID, ("size", models.IntegerField())]),
    migrations.CreateModel("Hen", [ID, ("egg", models.ForeignKey("ledger.Egg", models.PROTECT))]),
    migrations.AddField("Egg", "layer", models.ForeignKey("ledger.Hen", models.PROTECT, null=True)),
    migrations.AddConstraint(
        "Egg", models.CheckConstraint(condition=models.Q(size__gt=0), name="egg_of_size")
    ),
    migrations.AddIndex("Egg", models.Index(fields=["size"], name="egg_by_size")),
]
TABLES = """
SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable
FROM information_schema.columns WHERE table_name IN ('ledger_egg', 'ledger_hen')
UNION ALL SELECT conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid::regclass::text IN ('ledger_egg', 'ledger_hen')
UNION ALL SELECT indexdef FROM pg_indexes WHERE tablename IN ('ledger_egg', 'ledger_hen')
ORDER BY 1
"""


def tables() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        return [said for (said,) in cursor.fetchall()]


def carry_out(operations: list[Operation]) -> tuple[ProjectState, list[str]]:
    """Carry operations out and back; return the state and the tables as they were between."""
    state = ProjectState()
    assert state.apps.get_models() == []
    steps = []
    for operation in operations:
        before = state.clone()
        operation.state_forwards(APP, state)
        with connection.schema_editor() as editor:
            operation.database_forwards(APP, editor, before, state)
        steps.append((operation, before, state.clone()))
    made = tables()
    for operation, before, after in reversed(steps):
        with connection.schema_editor() as editor:
            operation.database_backwards(APP, editor, after, before)
    return state, made


@pytest.mark.django_db(transaction=True)
def test_tables_are_the_same_as_one_by_one(acting_as: ActingAs) -> None:
    with acting_as("superuser"):
        state, made = carry_out(list(OPERATIONS))
        assert (made != [], tables()) == (True, [])
        at_once, made_at_once = carry_out([CreateTables(OPERATIONS)])
        assert tables() == []
    assert made_at_once == made
    assert at_once == state
