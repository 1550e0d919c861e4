"""A worker that is killed at one exact step: another goes on, and nothing is twice."""

import pytest

from consent import services
from consent.models import (
    BroughtScan,
    Evidence,
    Grant,
    OldRelease,
    ReleaseErrand,
    ReleaseImport,
    ScanArchive,
    Subject,
)
from consent.moment import database_now
from consent.services import release_scans, release_taking
from ledger.models import Log, SealedFile
from ledger.verification import verify_log
from tests.consent.releases.material import CLEO, Drawer
from tests.ledger.dying import die

pytestmark = pytest.mark.django_db(transaction=True)
TAKING = "consent.services.release_work:take_some"
RECORDING = "consent.services.release_taking:_record"
GIVING = "consent.services.release_taking:give"
KEEPING = "consent.services.release_scans:_keep_some"
FORGETTING = "consent.services.release_scans:forget_file"
NAMES = ("Ann", "Bea", "Cat", "Dot")


def work(importing: ReleaseImport) -> None:
    """Do what a worker does, in the process that is to be killed."""
    errand = services.lease_releases(importing.pk)
    assert errand is not None
    services.carry_out_releases(errand)


@pytest.fixture(autouse=True)
def one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release_taking, "AT_ONCE", 1)
    monkeypatch.setattr(release_scans, "_UNPACKED_AT_ONCE", 1)


@pytest.mark.parametrize(
    ("at", "when", "time", "taken"),
    [
        (TAKING, "after", 2, 2),
        (GIVING, "after", 3, 2),
        (RECORDING, "before", 2, 1),
        (RECORDING, "after", 4, 3),
    ],
)
def test_a_worker_killed_while_it_takes_in_is_followed_by_another(
    drawer: Drawer, sequence: object, log: Log, at: str, when: str, time: int, taken: int
) -> None:
    lines = [
        CLEO
        | {"name": f"{name} Invented", "email": f"{name}@people.example", "scan": f"{name}.pdf"}
        for name in NAMES
    ]
    importing = drawer.bring(*lines, scans=[line["scan"] for line in lines])
    services.take_releases(actor=drawer.officer, import_id=importing.pk)
    with drawer.acting_as("eraser"):
        die(lambda: work(importing), at=at, when=when, time=time)
    importing.refresh_from_db()
    assert (importing.taken_count, Grant.objects.count()) == (taken, taken)
    assert services.lease_releases(importing.pk) is None
    ReleaseErrand.objects.update(due_at=database_now())
    assert drawer.work(importing).taken_count == len(NAMES)
    counts = [one.objects.count() for one in (Subject, Grant, Evidence, OldRelease)]
    assert counts == [len(NAMES)] * 4
    assert SealedFile.objects.count() == len(NAMES)
    sequence()  # type: ignore[operator]
    assert list(verify_log(log).findings) == []


@pytest.mark.parametrize(
    ("at", "when", "time"),
    [(KEEPING, "before", 3), (KEEPING, "after", 2), (FORGETTING, "before", 1)],
)
def test_a_worker_killed_while_it_unpacks_is_followed_by_another(
    drawer: Drawer, at: str, when: str, time: int
) -> None:
    importing = drawer.bring(CLEO)
    drawer.bring_scans(importing, *(f"{name}.pdf" for name in NAMES))
    with drawer.acting_as("eraser"):
        die(lambda: work(importing), at=at, when=when, time=time)
    ReleaseErrand.objects.update(due_at=database_now())
    drawer.work(importing)
    assert (BroughtScan.objects.count(), ScanArchive.objects.count()) == (len(NAMES), 0)
    assert SealedFile.objects.count() == len(NAMES)
