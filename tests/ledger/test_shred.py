import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from signal import SIGCONT
from typing import Any
from uuid import UUID

import pytest
from django.db import connections, transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from consent.models import Identifier, Subject
from ledger import journal, vault
from ledger.errors import JournalBroken, ScopeGone
from ledger.holdings import HOLDINGS, Holding
from ledger.journal import Line
from ledger.keystore.models import DataKey, ShredList
from ledger.leaf import parse_body
from ledger.models import (
    HOUSE_SCOPE,
    Leaf,
    Log,
    Record,
    Retention,
    Scope,
    SealedFile,
    Segment,
    Tombstone,
)
from ledger.services import (
    Unsealed,
    append,
    close_epoch,
    destroy_scopes,
    open_scope,
    store_file,
    sweep_orphan_keys,
)
from ledger.verification import verify_log
from tests.conftest import ActingAs
from tests.ledger.acts import THING_TESTED, Tries, about, person, record
from tests.ledger.dying import COMMIT, die, frozen
from tests.ledger.waiting import until_blocked

pytestmark = pytest.mark.django_db(transaction=True)

Sequence = Callable[[], int]

# Where a destruction can be cut off: its first commits in either database, each outside effect,
# and its last step.
CUTS = [
    *((COMMIT, when, time) for when in ("before", "after") for time in (1, 2, 3)),
    ("django.db.models.query:QuerySet.get_or_create", "before", 1),
    ("django.db.models.query:QuerySet.get_or_create", "after", 1),
    ("ledger.journal:write", "before", 1),
    ("ledger.journal:write", "after", 1),
    ("ledger.services.shred:delete_files", "before", 1),
    ("ledger.services.shred:delete_files", "after", 1),
    ("ledger.services.shred:destroy_keys", "before", 1),
    ("ledger.services.shred:destroy_keys", "after", 1),
    ("ledger.services.shred:_set_state", "before", 2),
    ("ledger.services.shred:_set_state", "after", 2),
]


@pytest.mark.parametrize(("at", "when", "time"), CUTS)
def test_destruction_cut_off_anywhere_ends_the_same_when_started_again(
    log: Log,
    sequence: Sequence,
    acting_as: ActingAs,
    settings: Settings,
    at: str,
    when: str,
    time: int,
) -> None:
    gone, _ = _two_people()
    sequence()
    with acting_as("eraser"):
        die(lambda: destroy_scopes([gone]), at=at, when=when, time=time)
    cut_off = verify_log(log)
    assert (cut_off.findings, cut_off.segments["missing without cause"]) == ([], 0)
    with acting_as("eraser"):
        destroy_scopes([gone])
        _assert_destroyed(gone, settings)
        epoch = close_epoch()
        assert epoch is not None
        assert (epoch.number, epoch.count, epoch.people) == (1, 2, 1)
        assert close_epoch() is None
    sequence()
    verdict = verify_log(log)
    assert verdict.findings == []
    assert dict(verdict.segments) == {"destroyed (epoch 1)": 2, "open": 2, "padding": 1}


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", [COMMIT, "django.db.models.query:QuerySet.delete"])
def test_close_of_an_epoch_cut_off_anywhere_ends_the_same(
    log: Log, sequence: Sequence, acting_as: ActingAs, settings: Settings, at: str, when: str
) -> None:
    gone, _ = _two_people()
    sequence()
    with acting_as("eraser"):
        destroy_scopes([gone])
        die(close_epoch, at=at, when=when)
        close_epoch()
        assert not ShredList.objects.exists()
    assert sequence() == 1
    assert sorted(Tombstone.objects.values_list("epoch", flat=True)) == [1, 1]
    assert verify_log(log).findings == []


def test_segments_read_destroying_until_the_epoch_closes(
    log: Log, sequence: Sequence, acting_as: ActingAs
) -> None:
    gone, _ = _two_people()
    sequence()
    with acting_as("eraser"):
        destroy_scopes([gone])
    assert dict(verify_log(log).segments) == {"destroying": 2, "open": 2, "padding": 1}


def test_cut_off_destruction_is_not_proved_before_it_is_finished(
    log: Log, acting_as: ActingAs
) -> None:
    gone, _ = _two_people()
    with acting_as("eraser"):
        die(lambda: destroy_scopes([gone]), at="ledger.journal:write", when="after")
        assert close_epoch() is None
        assert ShredList.objects.count() == 1
    assert not Tombstone.objects.exists()


def test_shared_segment_ends_with_the_first_erasure(
    log: Log, sequence: Sequence, acting_as: ActingAs
) -> None:
    one, other = person(), person()
    record(about(one, other, said="together"), about(other, said="alone"))
    sequence()
    with acting_as("eraser"):
        destroy_scopes([one])
        close_epoch()
        destroy_scopes([other])
        close_epoch()
    sequence()
    verdict = verify_log(log)
    assert verdict.findings == []
    assert dict(verdict.segments) == {"destroyed (epoch 1)": 1, "destroyed (epoch 2)": 1}


def test_destruction_again_changes_nothing(
    log: Log, acting_as: ActingAs, settings: Settings
) -> None:
    gone, _ = _two_people()
    with acting_as("eraser"):
        destroy_scopes([gone])
        close_epoch()
        again = destroy_scopes([gone])
        assert {(step.before, step.after) for step in again.steps} == {(0, 0)}
        assert close_epoch() is None
    assert len(_lines(settings)) == 1


def test_house_scope_is_never_destroyed(log: Log, acting_as: ActingAs) -> None:
    with acting_as("eraser"), pytest.raises(ValueError, match="house scope is never destroyed"):
        destroy_scopes([person(), HOUSE_SCOPE])


def test_application_cannot_destroy(log: Log) -> None:
    gone, _ = _two_people()
    with pytest.raises(Exception, match="permission denied"):
        destroy_scopes([gone])
    with pytest.raises(Exception, match="permission denied"):
        DataKey.objects.filter(scope=gone).delete()
    assert Segment.objects.filter(scopes__contains=[gone]).count() == 2


def test_nothing_is_destroyed_when_the_journal_cannot_be_written(
    log: Log, acting_as: ActingAs, settings: Settings
) -> None:
    gone, _ = _two_people()
    (settings.MUNIMENT_JOURNAL / journal.NAME).write_bytes(b"{}\n")
    with acting_as("eraser"):
        with pytest.raises(JournalBroken, match="line 1 of the shred journal is malformed"):
            destroy_scopes([gone])
        assert Segment.objects.filter(scopes__contains=[gone]).count() == 2
        assert DataKey.objects.filter(scope=gone).exists()
        (settings.MUNIMENT_JOURNAL / journal.NAME).unlink()
        destroy_scopes([gone])
        _assert_destroyed(gone, settings)


def test_lists_keys_and_entries_of_one_epoch_do_not_tell_people_apart(
    log: Log, acting_as: ActingAs
) -> None:
    people = [person() for _ in range(4)]
    for whose in people * 4:
        record(about(whose))
    with acting_as("eraser"):
        for whose in people:
            destroy_scopes([whose])
        close_epoch()
    rows = list(Tombstone.objects.order_by("id").values_list("record_id", flat=True))
    assert sorted(rows) != rows
    assert [len({row % 4 for row in rows[at : at + 4]}) for at in (0, 4, 8, 12)] != [1] * 4


def test_files_left_by_a_cut_off_destruction_go_when_it_is_started_again(
    log: Log, acting_as: ActingAs, settings: Settings
) -> None:
    gone = person()
    with transaction.atomic():
        kept = store_file([person()], b"kept")
        store_file([gone], b"gone")
    with acting_as("eraser"):
        die(
            lambda: destroy_scopes([gone]),
            at="ledger.services.shred:delete_files",
            when="before",
        )
        destroy_scopes([gone])
    assert list(SealedFile.objects.all()) == [kept]
    assert len([path for path in _sealed(settings).rglob("*") if path.is_file()]) == 1


def test_append_races_destruction_and_leaves_nothing_readable(
    log: Log, sequence: Sequence, acting_as: ActingAs, settings: Settings
) -> None:
    people = [person() for _ in range(6)]

    def write(number: int) -> bool:
        try:
            record(about(people[number % 6], n=str(number)))
        except ScopeGone:
            return False
        return True

    with acting_as("eraser"), ThreadPoolExecutor(6) as pool:
        writes = [pool.submit(_closing(write), number) for number in range(30)]
        ends = [pool.submit(_closing(destroy_scopes), [whose]) for whose in people]
        writes += [pool.submit(_closing(write), number) for number in range(30)]
        sealed = sum(one.result() for one in writes)
        assert len([one.result() for one in ends]) == 6
        for whose in people:
            _assert_destroyed(whose, settings)
        close_epoch()
    sequence()
    verdict = verify_log(log)
    assert (verdict.findings, verdict.segments["destroyed (epoch 1)"]) == ([], sealed)


def test_destruction_waits_for_a_writer_and_takes_what_it_wrote(
    log: Log, acting_as: ActingAs, settings: Settings
) -> None:
    whose = person()
    with acting_as("eraser"):
        writing = frozen(lambda: record(about(whose)), at=COMMIT)
        with writing as writer, ThreadPoolExecutor(1) as pool:
            ending = pool.submit(_closing(destroy_scopes), [whose])
            until_blocked()
            os.kill(writer, SIGCONT)
            ending.result()
        assert Record.objects.count() == 2
        _assert_destroyed(whose, settings)


def test_lost_keystore_connection_stops_a_destruction_that_then_goes_on(
    log: Log, acting_as: ActingAs, settings: Settings
) -> None:
    gone, _ = _two_people()
    with acting_as("eraser"):
        ShredList.objects.count()
        _terminate(connections["keystore"])
        with pytest.raises(Exception, match="terminating connection|connection is closed|closed"):
            destroy_scopes([gone])
        connections["keystore"].close()
        assert Segment.objects.filter(scopes__contains=[gone]).count() == 2
        destroy_scopes([gone])
        _assert_destroyed(gone, settings)


def test_lost_keystore_connection_leaves_no_record(log: Log) -> None:
    whose = person()
    DataKey.objects.count()
    _terminate(connections["keystore"])
    with pytest.raises(Exception, match="terminating connection|closed"):
        record(about(whose))
    connections["keystore"].close()
    assert (Record.objects.count(), Segment.objects.count()) == (1, 0)
    record(about(whose))


def test_destruction_during_a_verification_raises_no_alarm(
    log: Log, sequence: Sequence, acting_as: ActingAs
) -> None:
    gone, _ = _two_people()
    sequence()
    with acting_as("eraser"), frozen(_verify_or_die(log), at=OPEN) as verifier:
        destroy_scopes([gone])
        close_epoch()
        os.kill(verifier, SIGCONT)
        assert os.waitstatus_to_exitcode(os.waitpid(verifier, 0)[1]) == 0


def test_key_lost_without_cause_is_an_alarm(
    log: Log, sequence: Sequence, acting_as: ActingAs
) -> None:
    _two_people()
    gone = person()
    record(about(gone))
    sequence()
    with acting_as("eraser"):
        DataKey.objects.filter(scope=gone).delete()
    verdict = verify_log(log)
    assert [finding.message for finding in verdict.findings] == [
        "segment 0 of leaf 4 has lost its key without cause"
    ]
    assert verdict.segments["missing without cause"] == 1


def test_epoch_is_closed_once_by_two_at_a_time(
    log: Log, sequence: Sequence, acting_as: ActingAs
) -> None:
    gone, _ = _two_people()
    with acting_as("eraser"):
        destroy_scopes([gone])
        with frozen(close_epoch, at=COMMIT) as one, ThreadPoolExecutor(1) as pool:
            other = pool.submit(_closing(close_epoch))
            until_blocked()
            os.kill(one, SIGCONT)
            assert other.result() is None
    sequence()
    assert Tombstone.objects.count() == 2
    assert verify_log(log).findings == []


def test_sweep_takes_only_old_keys_without_a_scope(log: Log, acting_as: ActingAs) -> None:
    kept = person()
    with pytest.raises(RuntimeError), transaction.atomic():
        open_scope(Retention.PERSON)
        raise RuntimeError
    young = DataKey.objects.count()
    with acting_as("superuser"):
        assert sweep_orphan_keys() == 0
        DataKey.objects.update(created_at=timezone.now() - timedelta(hours=1))
    with acting_as("eraser"):
        assert sweep_orphan_keys() == 1
    assert DataKey.objects.count() == young - 1
    assert DataKey.objects.filter(scope__in=[kept, HOUSE_SCOPE]).count() == 2


OPEN = "ledger.verification.openness:OpennessCheck.check"


def _verify_or_die(log: Log) -> Callable[[], None]:
    def verify() -> None:
        verdict = verify_log(log)
        assert (verdict.findings, verdict.segments["destroying"]) == ([], 2)

    return verify


def _two_people() -> tuple[UUID, UUID]:
    """Return one to be destroyed and one who stays, with two segments each; one is padding."""
    gone, stays = person(), person()
    record(about(gone, n="1"))
    record(about(gone, n="2"), about(stays, n="3"), about(stays, n="4"))
    record()
    return gone, stays


def _assert_destroyed(gone: UUID, settings: Settings) -> None:
    assert not Segment.objects.filter(scopes__contains=[gone]).exists()
    assert not DataKey.objects.filter(scope=gone).exists()
    assert Scope.objects.get(pk=gone).state == "destroyed"
    assert [line.scopes for line in _lines(settings)].count((gone,)) == 1
    with pytest.raises(ScopeGone):
        vault.keys([gone])


def _lines(settings: Settings) -> list[Line]:
    return journal.read(settings.MUNIMENT_JOURNAL / journal.NAME)


def _sealed(settings: Settings) -> Path:
    return Path(settings.MUNIMENT_FILES)


def _closing(action: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap ``action`` for a thread: its connections end with it."""

    def act(*args: Any) -> Any:
        try:
            return action(*args)
        finally:
            connections.close_all()

    return act


def _terminate(victim) -> None:  # type: ignore[no-untyped-def]
    from tests.databases import _administration

    with _administration() as administrator:
        administrator.execute(
            "SELECT pg_terminate_backend(%s)", [victim.connection.info.backend_pid]
        )


@pytest.fixture
def relinked() -> Iterator[Identifier]:
    """A row that must stay when somebody is erased, and loses its pointer to them instead."""
    now = timezone.now()
    with transaction.atomic():
        subject = Subject(scope=open_scope(Retention.PERSON), registered_at=now)
        subject.save(force_insert=True)
        row = Identifier(subject=subject, kind="name", value=b"leads to somebody", since=now)
        row.save(force_insert=True)
        append(
            kind=THING_TESTED,
            facts=Tries(tries=1),
            segments=[Unsealed("house", rows=(subject, row))],
        )

    def relink(_scopes: object) -> list[Identifier]:
        rows = list(Identifier.objects.filter(pk=row.pk, until=None))
        Identifier.objects.filter(pk=row.pk, until=None).update(value=None, until=now)
        return rows

    holding = Holding("rows of a test", lambda _: Identifier.objects.none(), _tell, relink=relink)
    HOLDINGS.register(holding)
    yield row
    del HOLDINGS._holdings[holding.name]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("time", [3, 4])
def test_row_that_stays_is_told_of_anew_at_the_close_of_the_epoch(
    log: Log, relinked: Identifier, sequence: Sequence, acting_as: ActingAs, when: str, time: int
) -> None:
    gone, _ = _two_people()
    sequence()
    with acting_as("eraser"):
        die(lambda: destroy_scopes([gone]), at=COMMIT, when=when, time=time)
        destroy_scopes([gone])
    assert verify_log(log).findings == []
    with acting_as("eraser"):
        die(close_epoch, at=COMMIT, when="after")
        close_epoch()
    sequence()
    kinds = [parse_body(leaf.record.body).kind for leaf in Leaf.objects.order_by("-index")[:2]]
    assert kinds == ["rows.relinked", "segments.destroyed"]
    relinked.refresh_from_db()
    assert relinked.value is None
    assert verify_log(log).findings == []


def _tell(_row: object, _keys: vault.Keys) -> dict[str, Any]:
    return {}
