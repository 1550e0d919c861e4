"""Records leave the database by way of a checked copy; proofs, verdicts and reports still come."""

import json
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from uuid import UUID

import boto3
import pytest
from django.conf import settings as django_settings
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from moto.server import ThreadedMotoServer
from pytest_django.fixtures import Settings

from config import environment
from config.embedded import SUPERUSER
from ledger.archive.copying import Part, archived_size, copy
from ledger.archive.reading import read_body
from ledger.errors import CopyBroken, LogTampered, NotArchivable
from ledger.leaf import parse_body
from ledger.merkle import TILE_WIDTH
from ledger.models import Archive, Incarnation, Log, Partition, Pending, Record
from ledger.partitions import Partitions
from ledger.proofs import prove_record
from ledger.reports.collect import collect_evidence
from ledger.sequencer import Sequencer
from ledger.services import archive as service
from ledger.services import destroy_scopes, open_log
from ledger.services.bulk import Draft, append_many
from ledger.signing import create_log_keys
from ledger.standing import get_standing
from ledger.tree import StoredTree
from ledger.verification import verify_log
from tests.conftest import ActingAs
from tests.databases import CLUSTER, Databases
from tests.ledger.acts import THING_TESTED, Tries, about, person, record
from tests.ledger.dying import COMMIT, die
from tests.ledger.test_partitions import go_on_at
from tests.ledger.workers import cut_for_workers

pytestmark = pytest.mark.django_db(transaction=True)
Sequence = Callable[[], int]
# Leaves of the first partition: the opening, one about a person, and 600 + 100 more; the tiles
# that hold them are full, so that all bodies leave but that of leaf 0.
LEAVES = 702
TILES = 3


@pytest.fixture
def bucket(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An S3 bucket on loopback, as the archive's place."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "invented")
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://{host}:{port}")
        boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="invented")
        monkeypatch.setenv("MUNIMENT_ARCHIVE", "s3://invented/muniment")
        place = environment.storage("MUNIMENT_ARCHIVE", Path())
        settings.STORAGES = settings.STORAGES | {"archive": place}
        yield
    finally:
        server.stop()


@pytest.fixture(autouse=True)
def no_floor(settings: Settings) -> None:
    """Let young records leave."""
    settings.MUNIMENT_RETENTION_DAYS = 0


@pytest.fixture
def first(log: Log, sequence: Sequence, acting_as: ActingAs) -> Partition:
    """The first partition, closed."""
    partition = Partition.objects.all()[0]
    record(about(person(), said="invented"))
    _append(600)
    go_on_at(acting_as, partition.end - 100)
    _append(200)
    sequence()
    with acting_as("sequencer"):
        Partitions().extend()
    return partition


@pytest.fixture
def copied(first: Partition, acting_as: ActingAs) -> Archive:
    with acting_as("eraser"):
        return service.copy_partition(first)


@pytest.fixture
def detached(copied: Archive, acting_as: ActingAs) -> Archive:
    with acting_as("eraser"):
        assert service.detach_partition(copied) == LEAVES - 1
    copied.refresh_from_db()
    return copied


def _append(count: int) -> None:
    with transaction.atomic():
        append_many(Draft(THING_TESTED, Tries(tries=number)) for number in range(count))


def _file(path: str) -> Path:
    home: Path = django_settings.MUNIMENT_HOME
    return home / "archive" / path


def _spoil(path: Path) -> None:
    """Change one byte in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _bodies(partition: Partition) -> dict[UUID, bytes]:
    return dict(Record.objects.filter(pk__lt=partition.end).values_list("uuid", "body"))


def test_all_stays_provable_when_a_partition_leaves(
    first: Partition, log: Log, acting_as: ActingAs
) -> None:
    bodies = _bodies(first)
    with acting_as("eraser"):
        archive = service.copy_partition(first)
        assert archive.records == len(bodies) == LEAVES
        assert service.detach_partition(archive) == LEAVES - 1
    assert Record.objects.filter(body=b"").count() == LEAVES - 1
    for uuid, body in list(bodies.items())[::50]:
        assert body in prove_record(uuid).leaf
        assert read_body(Record.objects.get(uuid=uuid)) == body
        assert get_standing(uuid).body == parse_body(body)
    assert verify_log(log).is_sound
    with acting_as("eraser"):
        service.drop_partition(archive)
    assert verify_log(log).is_sound
    with connection.cursor() as cursor:
        assert f"ledger_detached_{first.first}" not in connection.introspection.table_names(cursor)


def test_report_over_archived_leaves_says_the_same(
    first: Partition, log: Log, acting_as: ActingAs, sequence: Sequence
) -> None:
    incarnation = Incarnation.objects.get()
    before = collect_evidence(incarnation, 2, 600)
    with acting_as("eraser"):
        service.detach_partition(service.copy_partition(first))
    after = collect_evidence(incarnation, 2, 600)
    assert after.leaves == before.leaves


def test_person_whose_records_left_can_still_be_read_and_erased(
    log: Log, sequence: Sequence, acting_as: ActingAs, first: Partition
) -> None:
    someone = person()
    with acting_as("eraser"):
        service.detach_partition(service.copy_partition(first))
    assert verify_log(log).segments["open"] >= 1
    (scope,) = Record.objects.get(pk=2).segments.values_list("scopes", flat=True)
    with acting_as("eraser"):
        destroy_scopes([*scope, someone])
    verdict = verify_log(log)
    assert verdict.is_sound
    assert verdict.segments["destroying"] == 1


def test_workers_leave_what_lies_in_the_archive_to_the_process_that_reads_it(
    detached: Archive, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert detached.partition == Partition.objects.all()[0]
    alone = verify_log(log)
    cut_for_workers(monkeypatch)
    assert verify_log(log) == alone
    assert (alone.findings, alone.segments) == ([], {"open": 1})
    _file("default/tile/entries/000").unlink()
    assert "archive_broken" in {one.code for one in verify_log(log).findings}


@pytest.mark.parametrize(
    "path",
    [
        "default/tile/entries/001",
        "default/tile/0/001",
        "partitions/1/records.parquet",
        "partitions/1/manifest.json",
    ],
)
@pytest.mark.parametrize("spoil", [_spoil, Path.unlink], ids=["changed", "gone"])
def test_damaged_copy_is_named_and_nothing_leaves(
    copied: Archive, acting_as: ActingAs, path: str, spoil: Callable[[Path], None]
) -> None:
    spoil(_file(path))
    with pytest.raises(CopyBroken, match=path.split("/")[0]):
        service.check_copy(copied)
    with acting_as("eraser"), pytest.raises(CopyBroken):
        service.detach_partition(copied)
    assert not Record.objects.filter(body=b"").exists()


@pytest.mark.parametrize("spoil", [_spoil, Path.unlink], ids=["changed", "gone"])
def test_entry_bundle_lost_after_its_records_left_is_found(
    detached: Archive, log: Log, spoil: Callable[[Path], None]
) -> None:
    spoil(_file("default/tile/entries/001"))
    verdict = verify_log(log)
    assert not verdict.is_sound
    assert {one.index for one in verdict.findings} <= set(range(256, 512))


def test_open_partitions_and_such_out_of_turn_are_refused(
    first: Partition, log: Log, acting_as: ActingAs, sequence: Sequence
) -> None:
    _, second, *_ = Partition.objects.all()
    with acting_as("eraser"), pytest.raises(NotArchivable, match="still being written"):
        service.copy_partition(second)
    go_on_at(acting_as, second.end)
    record()
    sequence()
    with acting_as("eraser"), pytest.raises(NotArchivable, match="come first"):
        service.copy_partition(second)
    with acting_as("superuser"), connection.cursor() as cursor:
        cursor.execute("INSERT INTO ledger_pending (record_id) VALUES (5)")
    with acting_as("eraser"), pytest.raises(NotArchivable, match="wait for their place"):
        service.copy_partition(first)


@pytest.mark.superuser
def test_tampered_records_are_not_archived(first: Partition, acting_as: ActingAs) -> None:
    with acting_as("superuser"), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ledger_record DISABLE TRIGGER ALL")
        cursor.execute(
            "UPDATE ledger_record SET body = convert_to(replace(convert_from(body, 'UTF8'), "
            "'\"tries\":99}', '\"tries\":98}'), 'UTF8') WHERE id < 500"
        )
    with acting_as("eraser"), pytest.raises(LogTampered, match="do not give it"):
        service.copy_partition(first)
    assert not Archive.objects.exists()


def test_young_records_stay(copied: Archive, settings: Settings, acting_as: ActingAs) -> None:
    settings.MUNIMENT_RETENTION_DAYS = 183
    with acting_as("eraser"), pytest.raises(NotArchivable, match="younger than 183 days"):
        service.detach_partition(copied, older_than=1)


def test_nothing_leaves_without_a_copy_on_record(first: Partition, acting_as: ActingAs) -> None:
    for role, refusal in (("eraser", "no archive"), ("app", "permission denied")):
        with (
            acting_as(role),
            connection.cursor() as cursor,
            pytest.raises(DatabaseError, match=refusal),
        ):
            cursor.execute("SELECT ledger_detach(%s)", [first.first])


def test_reader_is_waited_for_only_so_long(
    copied: Archive, acting_as: ActingAs, databases: Databases
) -> None:
    reader = CLUSTER.connect(SUPERUSER, databases.name_of("default"))
    with reader, reader.transaction():
        reader.execute("SELECT 1 FROM ledger_record LIMIT 1")
        with acting_as("eraser"), pytest.raises(NotArchivable, match="try again"):
            service.detach_partition(copied)
    with acting_as("eraser"):
        assert service.detach_partition(copied) == LEAVES - 1


def test_quiet_log_keeps_what_fills_no_tile(
    log: Log, home: Path, sequence: Sequence, acting_as: ActingAs
) -> None:
    partition = Partition.objects.all()[0]
    create_log_keys("log.example/quiet")
    quiet = open_log("quiet")
    said = record(log="quiet")
    _append(300)
    go_on_at(acting_as, partition.end)
    record()
    sequence()
    with acting_as("sequencer"):
        Sequencer(quiet).step()
    with acting_as("eraser"):
        service.detach_partition(service.copy_partition(partition))
    assert archived_size(Incarnation.objects.get(log=log)) == TILE_WIDTH
    assert archived_size(Incarnation.objects.get(log=quiet)) == 0
    assert Record.objects.get(pk=said.pk).body == said.body
    assert verify_log(log).is_sound
    assert verify_log(quiet).is_sound


def test_late_record_of_a_partition_that_left_is_taken(
    detached: Archive, log: Log, sequence: Sequence, acting_as: ActingAs
) -> None:
    """An id drawn long ago may still be used: its row stands among those without body."""
    sequence()
    go_on_at(acting_as, 5000)
    late = record()
    go_on_at(acting_as, Partition.objects.all()[1].end)
    assert sequence() == 1
    assert prove_record(late.uuid).leaf
    assert verify_log(log).is_sound


@pytest.mark.parametrize(
    ("at", "when"),
    [
        ("ledger.archive.store:put", "after"),
        ("ledger.archive.table:write", "before"),
        ("ledger.archive.store:replace", "before"),
        ("ledger.archive.checking:check", "before"),
        ("ledger.services.archive:append", "after"),
    ],
)
def test_copy_goes_on_after_a_sudden_death(
    first: Partition, log: Log, acting_as: ActingAs, at: str, when: str
) -> None:
    with acting_as("eraser"):
        die(lambda: service.copy_partition(first), at=at, when=when)
        archive = service.copy_partition(first)
        service.check_copy(archive)
        die(
            lambda: service.detach_partition(archive),
            at="ledger.services.archive:append",
            when="after",
        )
        assert service.detach_partition(archive) == LEAVES - 1
    assert verify_log(log).is_sound


def test_file_cut_off_by_a_death_is_written_again_and_another_is_refused(
    copied: Archive, first: Partition, acting_as: ActingAs
) -> None:
    entries = _file("default/tile/entries/001")
    entries.write_bytes(entries.read_bytes()[:1000])
    parts = [Part(Incarnation.objects.get(), 0, TILES * TILE_WIDTH)]
    with acting_as("eraser"), transaction.atomic():
        copy(first, parts, lambda _: None)
        service.check_copy(copied)
        _spoil(entries)
        with pytest.raises(CopyBroken, match="holds another default/tile/entries/001"):
            copy(first, parts, lambda _: None)


def test_death_around_the_commit_leaves_all_or_nothing(
    copied: Archive, log: Log, acting_as: ActingAs
) -> None:
    with acting_as("eraser"):
        # The reading's transaction commits first.
        die(lambda: service.detach_partition(copied), at=COMMIT, when="before", time=2)
        assert not Record.objects.filter(body=b"").exists()
        die(lambda: service.detach_partition(copied), at=COMMIT, when="after", time=2)
    copied.refresh_from_db()
    assert copied.state == "detached"
    assert Record.objects.filter(body=b"").count() == LEAVES - 1
    assert verify_log(log).is_sound


def test_command_takes_each_step_and_says_what_it_did(
    first: Partition, log: Log, acting_as: ActingAs, settings: Settings
) -> None:
    def run(*arguments: str) -> str:
        out = StringIO()
        with acting_as("eraser"):
            call_command("archive", *arguments, stdout=out)
        return out.getvalue()

    name = f"records 1 to {first.end - 1}"
    assert run("list").splitlines()[0] == f"{name}: closed, not copied yet"
    assert run("copy") == f"{name}: {LEAVES} copied and checked\n"
    assert run("copy").startswith("nothing to do")
    assert run("verify") == f"{name}: the copy of {LEAVES} is whole\n"
    assert run("detach", "--older-than", "2") == f"{name}: younger than 2 days, kept\n"
    assert run("detach") == f"{name}: {LEAVES - 1} left the database\n"
    assert run("drop") == f"{name}: only the archive has them now\n"
    assert json.loads(run("list", "--json"))[0]["state"] == "dropped"
    settings.MUNIMENT_RETENTION_DAYS = 183
    with pytest.raises(CommandError, match="MUNIMENT_RETENTION_DAYS is 183"):
        run("detach", "--older-than", "2")
    assert not Pending.objects.filter(record__lt=first.end).exists()
    assert verify_log(log).is_sound


def test_archive_may_be_a_bucket(
    bucket: None, first: Partition, log: Log, acting_as: ActingAs
) -> None:
    with acting_as("eraser"):
        archive = service.copy_partition(first)
        assert service.detach_partition(archive) == LEAVES - 1
    assert verify_log(log).is_sound
    assert not (django_settings.MUNIMENT_HOME / "archive").exists()
    storages["archive"].delete("default/tile/entries/001")
    with pytest.raises(CopyBroken, match="cannot give default/tile/entries/001"):
        service.check_copy(archive)


def test_archive_is_a_log_of_tiles_by_itself(detached: Archive) -> None:
    """Whoever has the folder alone can follow it: the paths are those of C2SP tlog-tiles."""
    tree = StoredTree(Incarnation.objects.get())
    for number in range(TILES):
        assert _file(f"default/tile/0/{number:03}").read_bytes() == b"".join(tree.tile(0, number))
    assert sorted(path.name for path in _file("default/tile/entries").iterdir()) == [
        f"{number:03}" for number in range(TILES)
    ]
