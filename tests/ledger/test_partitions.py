"""Partitions are made ahead, guarded like their table, and hold what the table cannot."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import override_settings

from config.embedded import SUPERUSER
from ledger import privileges
from ledger.models import Leaf, Log, Partition, Record
from ledger.partitions import AHEAD, Partitions
from ledger.verification import verify_log
from tests.conftest import ActingAs
from tests.databases import CLUSTER, Databases
from tests.ledger.acts import about, person, record

pytestmark = pytest.mark.django_db(transaction=True)


def go_on_at(acting_as: ActingAs, record_id: int) -> None:
    """Let the next record have this id, as if all ids before had been used up."""
    with acting_as("superuser"), connection.cursor() as cursor:
        cursor.execute("SELECT setval('ledger_record_id_seq', %s, false)", [record_id])


def test_partitions_are_made_ahead_without_gaps(log: Log, acting_as: ActingAs) -> None:
    end = Partition.objects.last().end  # type: ignore[union-attr]
    with acting_as("sequencer"):
        assert Partitions().extend() == 0
    go_on_at(acting_as, end - 1)
    with acting_as("sequencer"), override_settings(MUNIMENT_PARTITION_RECORDS=5000):
        partitions = Partitions()
        assert partitions.extend() == AHEAD
        assert partitions.extend() == 0
    bounds = list(Partition.objects.values_list("first", "end"))
    assert [first for first, _ in bounds[1:]] == [end for _, end in bounds[:-1]]
    assert bounds[-1][1] == end + 5000 * AHEAD


def test_table_that_somebody_holds_is_waited_for_only_so_long(
    log: Log, acting_as: ActingAs, databases: Databases
) -> None:
    end = Partition.objects.last().end  # type: ignore[union-attr]
    go_on_at(acting_as, end - 1)
    holder = CLUSTER.connect(SUPERUSER, databases.name_of("default"))
    with holder, holder.transaction():
        holder.execute("LOCK TABLE ledger_record IN SHARE UPDATE EXCLUSIVE MODE")
        with acting_as("sequencer"):
            assert Partitions().extend() == 0
        # Writers have no part in it.
        assert record().pk == end - 1
    with acting_as("sequencer"):
        assert Partitions().extend() == AHEAD


def test_log_goes_on_over_the_border(
    log: Log, sequence: Callable[[], int], acting_as: ActingAs
) -> None:
    border = Partition.objects.first().end  # type: ignore[union-attr]
    go_on_at(acting_as, border - 2)
    written = [record(about(person(), said="invented")) for _ in range(4)]
    assert [one.pk for one in written] == [border - 2, border - 1, border, border + 1]
    sequence()
    assert Leaf.objects.filter(record__in=written).count() == 4
    assert verify_log(log).is_sound


def test_no_role_reaches_a_partition_past_its_table(log: Log, acting_as: ActingAs) -> None:
    record()
    (name,) = {f"ledger_record_{one.first}" for one in Partition.objects.all()[:1]}
    for role in ("app", "sequencer", "eraser", "auditor"):
        with (
            acting_as(role),
            connection.cursor() as cursor,
            pytest.raises(DatabaseError, match="permission denied"),
        ):
            cursor.execute(f"SELECT * FROM {name}")


@pytest.mark.superuser
@pytest.mark.parametrize("statement", ["UPDATE {} SET log_id = 9", "DELETE FROM {}", "TRUNCATE {}"])
def test_partition_is_append_only_even_for_its_owner(
    log: Log, acting_as: ActingAs, statement: str
) -> None:
    record()
    name = f"ledger_record_{Partition.objects.all()[0].first}"
    with acting_as("superuser"), connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        with pytest.raises(DatabaseError, match="append-only"):
            cursor.execute(statement.format(name))


@pytest.mark.superuser
def test_faults_of_a_partition_are_named(log: Log, acting_as: ActingAs) -> None:
    name = f"ledger_record_{Partition.objects.all()[0].first}"
    with acting_as("superuser"), connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {name} DISABLE TRIGGER ledger_record_append_only")
        cursor.execute(f"DROP TRIGGER {name}_no_truncate ON {name}")
        cursor.execute(f"GRANT DELETE ON {name} TO app")
    triggers = privileges.find_trigger_faults("default", privileges.expected_triggers("default"))
    assert sorted(triggers) == [
        f"trigger {name}_no_truncate on {name} is missing",
        f"trigger ledger_record_append_only on {name} is not enabled always",
    ]
    assert list(privileges.find_faults("default")) == [
        f"app may DELETE on {name}, which no migration gave"
    ]


def test_open_partition_takes_no_empty_body_and_no_id_twice(log: Log) -> None:
    first = record()
    for again in (
        Record(uuid=uuid4(), log=log, body=b""),
        Record(uuid=first.uuid, log=log, body=b"{}"),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            again.save(force_insert=True)
