import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from signal import SIGCONT
from threading import get_native_id
from urllib.parse import quote

import pytest
from django.db import connections, transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from bench.storm import SequencerProcess, Storm
from consent.models import Identifier, Subject
from ledger.models import HOUSE_SCOPE, Checkpoint, Leaf, Log, Pending, Record, Retention
from ledger.services import Unsealed, append, open_scope
from ledger.verification import verify_log
from tests.databases import Databases
from tests.ledger.acts import THING_TESTED, Tries, about, record
from tests.ledger.dying import COMMIT, frozen
from tests.ledger.waiting import until_blocked

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def test_no_gap_fork_or_duplicate_while_the_sequencer_is_killed(
    log: Log, sequencer_process: SequencerProcess, tmp_path: Path
) -> None:
    def write(number: int) -> None:
        segments = [about(HOUSE_SCOPE, n=str(number))] if number % 4 == 0 else []
        written = record(*segments, tries=number)
        with (tmp_path / f"{os.getpid()}-{get_native_id()}").open("a") as acknowledged:
            acknowledged.write(f"{written.uuid}\n")

    Storm(processes=2, threads=8, records=400, kills=3).rage(write, sequencer_process)
    placed = Leaf.objects.order_by("index").values_list("index", "record__uuid")
    indexes, uuids = zip(*placed, strict=True)
    acknowledged = [line for path in tmp_path.glob("*-*") for line in path.read_text().split()]
    assert indexes == tuple(range(401))
    assert (len(acknowledged), set(acknowledged)) == (400, set(map(str, uuids[1:])))
    assert (Record.objects.count(), Pending.objects.count()) == (401, 0)
    verdict = verify_log(log)
    assert (verdict.findings, verdict.size, verdict.segments["open"]) == ([], 401, 100)
    assert Checkpoint.objects.count() > 4


@pytest.fixture
def sequencer_process(databases: Databases, settings: Settings) -> SequencerProcess:
    """A sequencer of its own process on this test's clone, with this test's keys and anchor."""
    from config.databases import login_embedded
    from tests.databases import CLUSTER

    name = connections.settings["default"]["NAME"]
    login = login_embedded(CLUSTER, "sequencer", name)
    folder = quote(login["HOST"], safe="")
    address = f"postgresql://sequencer:{quote(login['PASSWORD'])}@{folder}/{name}"
    return SequencerProcess(
        {
            "DATABASE_URL": address,
            "CELERY_BROKER_URL": "redis://localhost",
            "MUNIMENT_SECRET_KEY": "a test's own, which signs nothing that anybody reads, ever",
            "MUNIMENT_HOME": str(settings.MUNIMENT_HOME),
            "MUNIMENT_KEYS": str(settings.MUNIMENT_KEYS),
            "MUNIMENT_ANCHOR": str(settings.MUNIMENT_ANCHOR),
        }
    )


def test_row_that_another_changes_meanwhile_is_recorded_as_it_becomes(
    log: Log, sequence: Callable[[], int]
) -> None:
    with transaction.atomic():
        now = timezone.now()
        subject = Subject(scope=open_scope(Retention.PERSON), registered_at=now)
        subject.save(force_insert=True)
        row = Identifier(subject=subject, kind="name", value=b"first", since=now)
        row.save(force_insert=True)
        segment = Unsealed("house", rows=(subject, row))
        append(kind=THING_TESTED, facts=Tries(tries=1), segments=[segment])

    def change() -> None:
        with transaction.atomic():
            Identifier.objects.update(until=now)
            segment = Unsealed("house", rows=(Identifier.objects.get(),))
            append(kind=THING_TESTED, facts=Tries(tries=2), segments=[segment])

    def tell_again() -> None:
        with transaction.atomic():
            segment = Unsealed("house", rows=(Identifier.objects.get(),))
            append(kind=THING_TESTED, facts=Tries(tries=3), segments=[segment])
        connections.close_all()

    with frozen(change, at=COMMIT) as changing, ThreadPoolExecutor(1) as pool:
        telling = pool.submit(tell_again)
        until_blocked()
        os.kill(changing, SIGCONT)
        telling.result()
    sequence()
    assert verify_log(log).findings == []
