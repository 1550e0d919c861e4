"""The keystore's connection dies before or after each statement of what uses it.

Whatever is left then, nothing is sealed under a scope that is being destroyed; and once the same
is started again, no key and no segment of an erased person is left.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.db import DatabaseError, InterfaceError, OperationalError, connections, transaction

from ledger import vault
from ledger.errors import KeyInUse, ScopeGone
from ledger.keystore import keys
from ledger.keystore.encryption import find_key_files, key_folder
from ledger.keystore.models import DataKey, ShredList
from ledger.models import Log, Record, Retention, Scope, Segment
from ledger.services import close_epoch, destroy_scopes, open_scope
from ledger.services.keys import retire_encryption_key, rewrap, rotate_encryption_key
from ledger.services.replay import replay_journal
from ledger.verification import verify_log
from tests.conftest import ActingAs
from tests.databases import Databases
from tests.ledger.acts import about, person, record
from tests.ledger.test_shred import _terminate

pytestmark = pytest.mark.django_db(transaction=True)

Sequence = Callable[[], int]
FAULTS = (DatabaseError, InterfaceError, OperationalError)


class Killer:
    """Kills the keystore's connection at its n-th statement, COMMIT included; counts them all."""

    def __init__(self, at: int, when: str) -> None:
        self.at, self.when, self.seen = at, when, 0

    def __call__(self, execute: Any, *arguments: Any) -> Any:
        self.seen += 1
        if self.seen == self.at and self.when == "before":
            _terminate(connections["keystore"])
        answer = execute(*arguments)
        if self.seen == self.at and self.when == "after":
            _terminate(connections["keystore"])
            # The statement took effect, and its answer is lost on the way.
            raise OperationalError("the connection was lost")
        return answer


@contextmanager
def dying(at: int, when: str) -> Iterator[Killer]:
    """Let the keystore's connection die at statement ``at``; it must be reached and be noticed."""
    killer = Killer(at, when)
    # A connection of this test's own, so that the statement is the first to meet its death.
    DataKey.objects.exists()
    keystore: Any = connections["keystore"]
    commit = keystore._commit
    keystore._commit = lambda: killer(commit)
    try:
        # What every append asks goes past Django's cursors.
        with keystore.execute_wrapper(killer), pytest.MonkeyPatch.context() as patch:
            ask = keys._ask
            patch.setattr(keys, "_ask", lambda scopes: partial(killer, lambda: ask(scopes)()))
            yield killer
    finally:
        del keystore._commit
        keystore.close()


def statements(action: Callable[[], Any]) -> int:
    """Return how many statements ``action`` sends to the keystore."""
    with dying(0, "never") as killer:
        action()
    return killer.seen


def every_death(action: Callable[[], Any], count: int) -> Iterator[Callable[[], None]]:
    """Yield, for each statement and each side of it, a call that dies there."""
    for at in range(1, count + 1):
        for when in ("before", "after"):

            def die(at: int = at, when: str = when) -> None:
                with pytest.raises(FAULTS), dying(at, when) as killer:
                    action()
                assert killer.seen >= at

            yield die


def test_append_leaves_nothing_whichever_statement_dies(log: Log) -> None:
    whose = person()
    count = statements(lambda: record(about(whose)))
    before = Record.objects.count(), Segment.objects.count()
    deaths = list(every_death(lambda: record(about(whose)), count))
    assert len(deaths) == 2
    for die in deaths:
        die()
        assert (Record.objects.count(), Segment.objects.count()) == before
    record(about(whose))


def test_person_is_made_whole_or_leaves_an_orphan_key_that_nothing_uses(log: Log) -> None:
    def make() -> None:
        with transaction.atomic():
            open_scope(Retention.PERSON)

    count = statements(make)
    scopes = set(Scope.objects.values_list("pk", flat=True))
    deaths = list(every_death(make, count))
    assert len(deaths) == 6
    for die in deaths:
        die()
        assert set(Scope.objects.values_list("pk", flat=True)) == scopes
    # Only the statement that makes the key leaves one, when its answer alone is lost.
    assert DataKey.objects.exclude(scope__in=scopes).count() == 1


def test_destruction_ends_the_same_whichever_statement_dies(
    log: Log, sequence: Sequence, acting_as: ActingAs
) -> None:
    with acting_as("eraser"):
        count = _statements_of_a_destruction()
        for die_at in range(1, count + 1):
            for when in ("before", "after"):
                gone = _somebody()
                with pytest.raises(FAULTS), dying(die_at, when):
                    destroy_scopes([gone])
                _assert_sealed_off(gone)
                destroy_scopes([gone])
                _assert_gone(gone)
        assert _people() == 2 * count + 1
        close_epoch()
    sequence()
    verdict = verify_log(log)
    assert (verdict.findings, verdict.segments["destroying"]) == ([], 0)


def test_destruction_that_died_anywhere_is_finished_by_the_replay(
    log: Log, sequence: Sequence, acting_as: ActingAs
) -> None:
    with acting_as("eraser"):
        count = _statements_of_a_destruction()
        on_record = []
        for die_at in range(1, count + 1):
            gone = _somebody()
            with pytest.raises(FAULTS), dying(die_at, "after"):
                destroy_scopes([gone])
            on_record.append(gone)
        replay_journal()
        for gone in on_record:
            # What died before its line was written is the caller's to start again.
            destroy_scopes([gone])
            _assert_gone(gone)
        close_epoch()
    sequence()
    assert verify_log(log).findings == []


def test_close_of_an_epoch_ends_the_same_whichever_statement_dies(
    log: Log, sequence: Sequence, acting_as: ActingAs
) -> None:
    def close() -> None:
        assert close_epoch() or not ShredList.objects.exists()

    with acting_as("eraser"):
        destroy_scopes([_somebody()])
        count = statements(close)
        for die_at in range(1, count + 1):
            for when in ("before", "after"):
                gone = _somebody()
                destroy_scopes([gone])
                with pytest.raises(FAULTS), dying(die_at, when):
                    close_epoch()
                close_epoch()
                _assert_gone(gone)
                assert not ShredList.objects.exists()
    sequence()
    assert verify_log(log).findings == []


def test_rotation_ends_the_same_whichever_statement_dies(
    log: Log, sequence: Sequence, acting_as: ActingAs
) -> None:
    def rotate() -> None:
        rotate_encryption_key()
        while rewrap(2):
            pass
        for key in find_key_files(key_folder()):
            _retire_if_old(key)

    with acting_as("eraser"):
        people = [_somebody() for _ in range(3)]
        gone = people[0]
        destroy_scopes([gone])
        at, is_over = 0, False
        while not is_over:
            at += 1
            for when in ("before", "after"):
                with suppress(*FAULTS), dying(at, when) as killer:
                    rotate()
                is_over = killer.seen < at
                assert not DataKey.objects.filter(scope=gone).exists()
                vault.keys(people[1:])
        assert at > 10
        rotate()
        for whose in people[1:]:
            destroy_scopes([whose])
            _assert_gone(whose)
        close_epoch()
    sequence()
    assert verify_log(log).findings == []


@pytest.mark.parametrize("restored", [("default",), ("keystore",), ("default", "keystore")])
def test_replay_ends_the_same_whichever_statement_dies(
    log: Log, acting_as: ActingAs, databases: Databases, restored: tuple[str, ...]
) -> None:
    gone, stays = _somebody(), _somebody()
    for alias in ("default", "keystore"):
        databases.back_up(alias)
    with acting_as("eraser"):
        destroy_scopes([gone])
    for alias in restored:
        databases.restore(alias)
    with acting_as("eraser"):
        at = 0
        while True:
            at += 1
            try:
                with dying(at, "after") as killer:
                    replay_journal()
            except FAULTS:
                continue
            assert killer.seen < at
            break
        assert at > 3
        _assert_gone(gone)
        assert DataKey.objects.filter(scope=stays).exists()


def _statements_of_a_destruction() -> int:
    first = _somebody()
    count = statements(lambda: destroy_scopes([first]))
    assert count >= 5
    return count


def _retire_if_old(key: str) -> None:
    with suppress(KeyInUse):
        retire_encryption_key(key)


def _somebody() -> UUID:
    """Return a person with a segment of their own and one that they share."""
    whose, other = person(), person()
    record(about(whose, n="1"), about(whose, other, n="2"))
    return whose


def _people() -> int:
    return sum(ShredList.objects.values_list("people", flat=True))


def _assert_sealed_off(gone: UUID) -> None:
    """Nothing can be sealed under what is being destroyed, nor under what is half destroyed."""
    written = Record.objects.count()
    if Scope.objects.get(pk=gone).state == "live":
        return
    with pytest.raises(ScopeGone):
        record(about(gone))
    assert Record.objects.count() == written


def _assert_gone(gone: UUID) -> None:
    assert not DataKey.objects.filter(scope=gone).exists()
    assert not Segment.objects.filter(scopes__contains=[gone]).exists()
    assert Scope.objects.get(pk=gone).state == "destroyed"
    with pytest.raises(ScopeGone):
        record(about(gone))
