"""Checkpoints that nobody needs leave; PostgreSQL keeps every one that somebody does."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from ledger.models import Anchored, Checkpoint, Incarnation, IssuedReport, Log
from ledger.services.keys import create_log_keys, rotate_log_keys
from ledger.thinning import Thinning
from ledger.verification import verify_log
from tests.conftest import ActingAs
from tests.ledger.acts import record
from tests.ledger.outsiders import NOON, offer_newest

pytestmark = pytest.mark.django_db(transaction=True)
Sequence = Callable[[], int]


def _sizes() -> list[int]:
    return list(Checkpoint.objects.order_by("size").values_list("size", flat=True))


def _grow(sequence: Sequence, times: int) -> None:
    for _ in range(times):
        record()
        sequence()


def _thin(acting_as: ActingAs) -> int:
    with acting_as("sequencer"):
        return Thinning().thin(Incarnation.objects.get())


def test_only_what_is_offered_or_young_stays(
    log: Log, sequence: Sequence, acting_as: ActingAs
) -> None:
    _grow(sequence, 4)  # with the opening: sizes 2 to 5
    for minute in range(3):
        offer_newest(acting_as, NOON + timedelta(minutes=minute))
        _grow(sequence, 3)
    # Offered are 5, 8 and 11; from the last but one on, all are young.
    assert _thin(acting_as) == 5
    assert _sizes() == [5, 8, 9, 10, 11, 12, 13, 14]
    assert Anchored.objects.count() == len(_sizes())
    assert verify_log(log).is_sound


def test_nothing_goes_before_two_offers(log: Log, sequence: Sequence, acting_as: ActingAs) -> None:
    _grow(sequence, 3)
    assert _thin(acting_as) == 0
    offer_newest(acting_as)
    _grow(sequence, 3)
    assert _thin(acting_as) == 0


def test_what_encloses_a_report_or_tells_of_keys_stays(
    log: Log, sequence: Sequence, acting_as: ActingAs
) -> None:
    _grow(sequence, 2)
    with acting_as("eraser"):
        create_log_keys(log.name)
        rotate_log_keys(log.name)
    sequence()
    handover = _sizes()[-1]
    _grow(sequence, 4)
    enclosing = handover + 2
    IssuedReport.objects.create(
        incarnation=Incarnation.objects.get(),
        first=enclosing,
        end=enclosing + 1,
        ordered_at=timezone.now(),
    )
    for minute in range(2):
        offer_newest(acting_as, NOON + timedelta(minutes=minute))
        _grow(sequence, 1)
    _thin(acting_as)
    assert {handover, enclosing, enclosing + 1} <= set(_sizes())
    assert handover + 1 not in _sizes()


def test_database_refuses_to_delete_one_that_is_needed(
    log: Log, sequence: Sequence, acting_as: ActingAs
) -> None:
    _grow(sequence, 2)
    with acting_as("sequencer"), pytest.raises(DatabaseError, match="is needed"):
        Anchored.objects.all()._raw_delete("default")
    with acting_as("app"), pytest.raises(DatabaseError, match="permission denied"):
        Checkpoint.objects.all()._raw_delete("default")
    with (
        acting_as("sequencer"),
        connection.cursor() as cursor,
        pytest.raises(DatabaseError, match="permission denied"),
    ):
        cursor.execute("UPDATE ledger_checkpoint SET size = size + 1")
