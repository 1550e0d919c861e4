"""Each named state is made to happen, is told everywhere, and leaves no half checkpoint behind."""

import errno
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from threading import Event

import pytest
from django.db import DatabaseError, OperationalError, connection, connections
from django.test import Client
from pytest_django.fixtures import Settings

from config.embedded import SUPERUSER
from consent.roles import RoleCode
from ledger import circumstances, conditions, failures, sequencer, soundness
from ledger.checks import examine_states
from ledger.circumstances import ClockWatch, read_circumstances, read_conditions
from ledger.conditions import (
    LEAST_FREE_BYTES,
    STATES,
    Circumstances,
    Clocks,
    Name,
    Queue,
    find_conditions,
    name_of,
)
from ledger.models import Checkpoint, Leaf, Log, Offer, Record
from ledger.offers import MinuteHand
from ledger.proofs import wait_for_record
from ledger.sequencer import Sequencer
from ledger.verification import verify_log
from tests.conftest import ActingAs
from tests.consent.factories import open_house
from tests.databases import CLUSTER, Databases
from tests.ledger.acts import record
from tests.ledger.dying import running
from tests.ledger.outsiders import NOON, offer_newest
from tests.ledger.waiting import PATIENCE_SECONDS

MINUTE = timedelta(minutes=1)
FINE = Circumstances(max_merge_delay=MINUTE)


# What is measured, and what that is called --------------------------------------------------------


def _names(found: Circumstances) -> list[Name]:
    return [condition.name for condition in find_conditions(found)]


@pytest.mark.parametrize(
    ("found", "name", "seen"),
    [
        (
            Circumstances(
                MINUTE,
                rooms={"databases": 9 << 20, "journal": 1 << 40, "files": 9 << 20, "copies": 0},
            ),
            Name.DISK_FULL,
            "copies: 0 MiB free, at least 256 wanted; "
            "databases, files: 9 MiB free, at least 256 wanted",
        ),
        (
            Circumstances(MINUTE, failures=((Name.DISK_FULL, "a sequencer"),)),
            Name.DISK_FULL,
            "met by a sequencer",
        ),
        (
            Circumstances(MINUTE, read_only=("main", "keystore")),
            Name.READ_ONLY,
            "the main database may only be read; the keystore database may only be read",
        ),
        (
            Circumstances(MINUTE, failures=((Name.LOG_REFUSED, "a sequencer"),)),
            Name.LOG_REFUSED,
            "met by a sequencer",
        ),
        (
            Circumstances(MINUTE, queues={"default": Queue(2, 3 * MINUTE)}, sequencers=1),
            Name.QUEUE_GROWING,
            "log default: the first record waits 3 min, at most 60 s is promised",
        ),
        (
            Circumstances(MINUTE, queues={"default": Queue(None, None)}, sequencers=0),
            Name.QUEUE_GROWING,
            "log default: the first record cannot be read in time, at most 60 s is promised; no "
            "sequencer is connected",
        ),
        (
            Circumstances(MINUTE, clocks=Clocks(apart={"main": timedelta(seconds=3)})),
            Name.CLOCK_JUMPED,
            "the main database is 3 s from this machine",
        ),
        (
            Circumstances(MINUTE, clocks=Clocks(jumped=timedelta(days=-1))),
            Name.CLOCK_JUMPED,
            "this machine's clock was set back by 24 h",
        ),
        (
            Circumstances(MINUTE, clocks=Clocks(jumped=timedelta(seconds=9))),
            Name.CLOCK_JUMPED,
            "this machine's clock was set ahead by 9 s",
        ),
        (
            Circumstances(MINUTE, clocks=Clocks(ahead=5 * MINUTE)),
            Name.CLOCK_JUMPED,
            "the newest checkpoint was offered 5 min after the database's now",
        ),
        (
            Circumstances(MINUTE, oldest=("auditor", 11 * MINUTE)),
            Name.LONG_TRANSACTION,
            "by auditor, for 11 min",
        ),
    ],
)
def test_state_is_named_with_what_was_seen(found: Circumstances, name: Name, seen: str) -> None:
    (condition,) = find_conditions(found)
    assert (condition.name, condition.seen) == (name, seen)


@pytest.mark.parametrize(
    "found",
    [
        FINE,
        Circumstances(MINUTE, rooms={"home": LEAST_FREE_BYTES}),
        Circumstances(MINUTE, queues={"default": Queue(9, MINUTE)}, sequencers=0),
        Circumstances(MINUTE, clocks=Clocks({"main": timedelta(seconds=2)})),
        Circumstances(MINUTE, oldest=("app", 10 * MINUTE)),
    ],
)
def test_what_keeps_its_bound_is_no_state(found: Circumstances) -> None:
    assert find_conditions(found) == ()


def test_every_state_says_in_a_sentence_what_it_means_and_what_to_do() -> None:
    assert set(STATES) == set(Name)
    for state in STATES.values():
        assert state.meaning.endswith(".")
        assert state.cure.endswith(".")
        assert max(len(state.meaning), len(state.cure)) <= 100
    assert [name for name in Name if STATES[name].stops] == [Name.DISK_FULL, Name.READ_ONLY]


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (OSError(errno.ENOSPC, ""), Name.DISK_FULL),
        (OSError(errno.EDQUOT, ""), Name.DISK_FULL),
        (OSError(errno.EFBIG, ""), Name.DISK_FULL),
        (OSError(errno.EROFS, ""), Name.READ_ONLY),
        (OSError(errno.EACCES, ""), None),
        (OSError("no number"), None),
        (OperationalError("no cause"), None),
        (ValueError(), None),
    ],
)
def test_failed_write_is_named_by_its_number(error: Exception, name: Name | None) -> None:
    assert name_of(error) is name
    wrapped = RuntimeError()
    wrapped.__cause__ = error
    assert name_of(wrapped) is name


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("state", "name"), [("53100", "disk_full"), ("25006", "read_only")])
def test_failed_statement_is_named_by_its_sqlstate(state: str, name: str) -> None:
    with pytest.raises(DatabaseError) as failed, connection.cursor() as cursor:
        cursor.execute(f"DO $$ BEGIN RAISE 'refused' USING ERRCODE = '{state}'; END $$")
    assert name_of(failed.value) == name


def test_clock_that_is_set_is_told_of_for_a_while() -> None:
    wall, steady = 1000.0, 50.0
    watch = ClockWatch(lambda: wall, lambda: steady)
    assert watch.jumped() == timedelta()
    wall, steady = wall + 86_400, steady + 1.5
    assert watch.jumped() == timedelta(seconds=86_398.5)
    wall, steady = wall + 590, steady + 590
    assert watch.jumped() > timedelta(hours=23)
    wall, steady = wall + 20, steady + 20
    assert watch.jumped() == timedelta()
    wall -= 30
    assert watch.jumped() == timedelta(seconds=-30)
    wall += 30
    assert watch.jumped() == timedelta()


def test_clock_that_is_slewed_has_not_jumped() -> None:
    wall, steady = 1000.0, 50.0
    watch = ClockWatch(lambda: wall, lambda: steady)
    for _ in range(100):
        wall, steady = wall + 61, steady + 60
        assert watch.jumped() == timedelta()


def test_failure_is_told_of_for_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "_met", {})
    failures.note(ValueError())
    assert failures.recent() == ()
    failures.note(OSError(errno.ENOSPC, ""))
    assert failures.recent() == (Name.DISK_FULL,)
    monkeypatch.setattr(failures, "KEPT_SECONDS", 0)
    assert failures.recent() == ()


# Who is told --------------------------------------------------------------------------------------


@pytest.fixture
def officer(log: Log) -> Client:
    client = Client()
    client.force_login(open_house().account("Olga", RoleCode.OFFICER))
    return client


def _assert_told(name: Name | None, officer: Client) -> None:
    """Check that readiness, metrics, doctor and start page all say the same."""
    answer = officer.get("/readyz")
    told = answer.json()
    assert [each["name"] for each in told["conditions"]] == ([name] if name else [])
    stops = bool(name and STATES[name].stops)
    assert (answer.status_code, told["ready"]) == ((503, False) if stops else (200, True))
    assert told["reasons"] == ([STATES[name].meaning] if name and stops else [])
    page, metrics = (officer.get(path).content.decode() for path in ("/admin/", "/metrics"))
    examined = {said.partition(":")[0]: cure for said, cure in examine_states()}
    for each, state in STATES.items():
        is_told = each == name
        assert f'muniment_condition{{name="{each}"}} {float(is_told)}\n' in metrics
        assert bool(examined[each]) == is_told
        assert (f"<code>{each}</code>" in page) == is_told
        assert (state.meaning.replace("'", "&#x27;") in page) == is_told


@pytest.mark.django_db(transaction=True)
def test_all_is_well_where_nothing_is_wrong(
    officer: Client, sequence: Callable[[], int], settings: Settings
) -> None:
    sequence()
    settings.MUNIMENT_MAX_MERGE_DELAY = 90
    _assert_told(None, officer)
    assert officer.get("/readyz").json()["maximum_merge_delay_seconds"] == 90
    assert "within 90 seconds," in officer.get("/admin/").content.decode()
    assert "muniment_maximum_merge_delay_seconds 90.0\n" in officer.get("/metrics").content.decode()


@pytest.mark.django_db(transaction=True)
def test_strangers_hear_no_place_no_role_and_no_number(
    officer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conditions, "LEAST_FREE_BYTES", 1 << 62)
    told = Client().get("/readyz").json()
    assert told["conditions"][0].keys() == {"name", "meaning", "cure", "stops"}
    assert "MiB" not in str(told)


@pytest.mark.django_db(transaction=True)
def test_silent_database_is_no_state_and_hides_none(
    officer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "NAME", "nowhere")
    connection.close()
    monkeypatch.setattr(conditions, "LEAST_FREE_BYTES", 1 << 62)
    assert [one.name for one in read_conditions()] == [Name.DISK_FULL]
    assert Client().get("/metrics").status_code == 200
    connection.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.superuser
def test_page_that_could_not_write_is_told_of(
    officer: Client,
    sequence: Callable[[], int],
    acting_as: ActingAs,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sequence()
    monkeypatch.setattr(failures, "_met", {})
    with acting_as("superuser"):
        _refuse_writes("BEFORE DELETE ON django_session", "53100")
    officer.raise_request_exception = False
    assert officer.post("/admin/logout/").status_code == 500
    _assert_told(Name.DISK_FULL, officer)
    assert "met by this process" in read_conditions()[0].seen


def _refuse_writes(event: str, sqlstate: str) -> None:
    """Let PostgreSQL refuse as it does when it can write no further. Needs the superuser."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE 'could not extend file' USING ERRCODE = '{sqlstate}'; END $$"
        )
        cursor.execute(f"CREATE TRIGGER refuse {event} EXECUTE FUNCTION refuse()")


@pytest.mark.django_db(transaction=True)
def test_place_that_this_process_cannot_see_is_left_out(
    log: Log, settings: Settings, home: Path
) -> None:
    settings.MUNIMENT_ANCHOR = home / "nowhere"
    settings.MUNIMENT_JOURNAL = home / ("x" * 300)
    assert read_circumstances().rooms.keys() == {"service's folder", "sealed files"}


# A growing queue ----------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_queue_that_nobody_takes_from_is_told_until_somebody_does(
    officer: Client, sequence: Callable[[], int], monkeypatch: pytest.MonkeyPatch, log: Log
) -> None:
    sequence()
    written = record()
    monkeypatch.setattr(soundness, "max_merge_delay", timedelta)
    monkeypatch.setattr(circumstances, "max_merge_delay", timedelta)
    _assert_told(Name.QUEUE_GROWING, officer)
    assert "no sequencer is connected" in read_conditions()[0].seen
    sequence()
    _assert_told(None, officer)
    assert wait_for_record(written.uuid).index == Leaf.objects.count() - 1
    assert verify_log(log).findings == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.superuser
def test_queue_is_read_from_a_floor_that_no_waiting_record_is_below(
    log: Log, sequence: Callable[[], int], acting_as: ActingAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = record()
    sequence()
    for minutes in range(4):
        offer_newest(acting_as, NOON + minutes * MINUTE)
        late = record(tries=minutes)
        sequence()
    waiting = record()
    assert soundness.read_queues()["default"].count == 1
    with connection.cursor() as cursor:
        cursor.execute(soundness._FLOOR, [log.pk])
        (floor,) = cursor.fetchone()
    # The last leaf that was offered two minutes before the newest offer.
    assert floor == Leaf.objects.get(index=2).record_id
    assert placed.pk < floor < late.pk < waiting.pk


@pytest.mark.django_db(transaction=True)
def test_queue_of_many_is_counted_up_to_a_bound(
    log: Log, sequence: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Queue, "COUNTED", 3)
    for tries in range(5):
        record(tries=tries)
    queue = soundness.read_queues()["default"]
    assert queue.count == 3
    assert queue.age is not None
    assert timedelta() < queue.age < MINUTE


@pytest.mark.django_db(transaction=True)
def test_queue_that_cannot_be_read_in_time_has_no_count(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(soundness, "_FLOOR", "SELECT 0 FROM pg_sleep(5) WHERE %s > 0")
    monkeypatch.setattr(soundness, "_BOUNDS", "SELECT set_config('statement_timeout', '5', true)")
    assert soundness.read_queues() == {"default": Queue(None, None)}
    assert Log.objects.count() == 1


# A database that may only be read -----------------------------------------------------------------


@contextmanager
def _set(databases: Databases, what: str, value: str) -> Iterator[None]:
    """Switch a setting for the sessions to come, as a database administrator does."""
    name = databases.name_of("default")
    scope = f"ROLE {what} IN DATABASE {name}" if what != "database" else f"DATABASE {name}"

    def alter(change: str) -> None:
        connections.close_all()
        with CLUSTER.connect(SUPERUSER, "postgres") as administrator:
            administrator.execute(f"ALTER {scope} {change}")

    alter(f"SET default_transaction_read_only = {value}")
    try:
        yield
    finally:
        alter("RESET default_transaction_read_only")


@pytest.mark.django_db(transaction=True)
@pytest.mark.superuser
def test_database_that_may_only_be_read_is_told_and_goes_on_afterwards(
    officer: Client, log: Log, sequence: Callable[[], int], databases: Databases
) -> None:
    sequence()
    waiting = record(tries=1)
    before = Checkpoint.objects.count()
    with _set(databases, "database", "on"):
        with pytest.raises(DatabaseError, match="read-only transaction"):
            record(tries=2)
        with pytest.raises(DatabaseError, match="read-only transaction"):
            sequence()
        _assert_told(Name.READ_ONLY, officer)
        assert verify_log(log).findings == []
    assert Checkpoint.objects.count() == before
    sequence()
    assert wait_for_record(waiting.uuid).index == Leaf.objects.count() - 1
    _assert_told(None, officer)
    assert verify_log(log).findings == []


# What a sequencer meets ---------------------------------------------------------------------------


def _until(name: Name | None) -> None:
    """Wait until just this state is told."""
    stop = Event()
    for _ in range(PATIENCE_SECONDS * 50):
        if [one.name for one in read_conditions()] == ([name] if name else []):
            return
        stop.wait(0.02)
    raise AssertionError(f"{name} is never told, but {read_conditions()}")


@pytest.mark.django_db(transaction=True)
def test_sequencer_whose_disk_is_full_says_so_and_goes_on_once_there_is_room(
    officer: Client, log: Log, sequence: Callable[[], int], acting_as: ActingAs
) -> None:
    sequence()
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)

    def run() -> None:
        # Every file that it writes ends here: also the ticket of a checkpoint for the anchor.
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, most))
        sequencer.run(Event())

    with acting_as("sequencer"), running(run) as pid, acting_as("app"):
        written = record(tries=1)
        _until(Name.DISK_FULL)
        _assert_told(Name.DISK_FULL, officer)
        assert Checkpoint.objects.filter(anchored=None, size=Leaf.objects.count()).exists()
        assert verify_log(log).findings == []
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))
        assert wait_for_record(written.uuid, PATIENCE_SECONDS).index == Leaf.objects.count() - 1
        _until(None)
    assert verify_log(log).findings == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.superuser
@pytest.mark.parametrize(("state", "name"), [("53100", "disk_full"), ("25006", "read_only")])
@pytest.mark.parametrize("table", ["ledger_leaf", "ledger_tile", "ledger_checkpoint"])
def test_batch_that_the_database_refuses_leaves_nothing_and_is_told(
    officer: Client,
    log: Log,
    sequence: Callable[[], int],
    acting_as: ActingAs,
    state: str,
    name: str,
    table: str,
) -> None:
    sequence()
    with acting_as("superuser"):
        _refuse_writes(f"BEFORE INSERT ON {table}", state)
    for tries in range(260):
        record(tries=tries)
    before = (Leaf.objects.count(), Checkpoint.objects.count())
    with acting_as("sequencer"), running(partial(sequencer.run, Event())), acting_as("app"):
        _until(Name(name))
        assert (Leaf.objects.count(), Checkpoint.objects.count()) == before
        with acting_as("superuser"), connection.cursor() as cursor:
            cursor.execute(f"DROP TRIGGER refuse ON {table}")
        newest = Record.objects.order_by("-id")[0]
        assert wait_for_record(newest.uuid, PATIENCE_SECONDS).index == Leaf.objects.count() - 1
        _until(None)
    assert verify_log(log).findings == []


@pytest.mark.django_db(transaction=True)
def test_sequencer_that_refuses_a_log_says_so(
    officer: Client, log: Log, sequence: Callable[[], int], acting_as: ActingAs, settings: Settings
) -> None:
    sequence()
    (anchor,) = settings.MUNIMENT_ANCHOR.glob("*.checkpoint")
    held = anchor.read_text()
    anchor.write_text("no checkpoint")
    with acting_as("sequencer"), running(partial(sequencer.run, Event())), acting_as("app"):
        _until(Name.LOG_REFUSED)
        _assert_told(Name.LOG_REFUSED, officer)
        anchor.write_text(held)
        _until(None)
        assert read_circumstances().sequencers == 1


# Clocks and transactions --------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_offer_of_a_minute_that_has_not_come_yet_is_told(
    officer: Client, log: Log, sequence: Callable[[], int], acting_as: ActingAs
) -> None:
    sequence()
    offer_newest(acting_as, NOON.replace(year=2999))
    _assert_told(Name.CLOCK_JUMPED, officer)


@pytest.mark.django_db(transaction=True)
def test_log_goes_on_under_a_clock_that_jumps_about(
    log: Log, acting_as: ActingAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = NOON.timestamp()
    hand = MinuteHand(lambda: now)
    monkeypatch.setattr(sequencer, "MinuteHand", lambda: hand)
    with acting_as("sequencer"):
        at_work = Sequencer(log)
    for tries, jump in enumerate([60, 86_400 * 400, -86_400 * 800, 0, 61, -61, 86_400 * 400]):
        now += jump
        record(tries=tries)
        with acting_as("sequencer"):
            assert at_work.step().published == Leaf.objects.count()
    minutes = list(Offer.objects.values_list("minute", flat=True))
    assert len(set(minutes)) == len(minutes) >= 4
    assert verify_log(log).findings == []


@pytest.mark.django_db(transaction=True)
def test_transaction_that_stays_open_is_told_with_its_role(
    officer: Client,
    log: Log,
    sequence: Callable[[], int],
    databases: Databases,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sequence()
    monkeypatch.setattr(conditions, "LONGEST_TRANSACTION", timedelta(milliseconds=20))
    with CLUSTER.connect("auditor", databases.name_of("default")) as forgotten:
        forgotten.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        forgotten.execute("SELECT pg_sleep(0.05)")
        _assert_told(Name.LONG_TRANSACTION, officer)
        assert read_conditions()[0].seen == "by auditor, for 0 s"
        written = record()
        assert sequence() == 1
    assert wait_for_record(written.uuid).index == Leaf.objects.count() - 1
    _assert_told(None, officer)
    assert verify_log(log).findings == []
