"""Tokens bound the times that records say, and are not believed for being stored."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from ledger.canonical import JSON
from ledger.models import Incarnation, Log
from ledger.services.timestamps import stamp_newest
from ledger.verification import verify_log
from tests.conftest import ActingAs
from tests.ledger.acts import record, write_past_services
from tests.ledger.authority import Authority, needs_openssl
from tests.ledger.forging import forge
from tests.ledger.outsiders import NOON, ORIGIN, offer_newest

pytestmark = [*needs_openssl, pytest.mark.django_db(transaction=True), pytest.mark.superuser]


@pytest.fixture
def stamp(
    log: Log,
    sequence: Callable[[], int],
    acting_as: ActingAs,
    tmp_path: Path,
    settings: Settings,
) -> Iterator[Callable[[], None]]:
    """``stamp()`` sequences what waits and has the newest checkpoint stamped."""
    folder = tmp_path / "authority"
    folder.mkdir()
    authority = Authority(folder)
    settings.MUNIMENT_TSA_ROOTS = str(folder / "roots.pem")
    (folder / "roots.pem").write_bytes(authority.root.pem)
    minutes = count()

    def run() -> None:
        sequence()
        offer_newest(acting_as, NOON + timedelta(minutes=next(minutes)))
        answer = stamp_newest(Incarnation.objects.get(origin=ORIGIN))
        assert answer is not None
        assert answer.code == "given"

    with authority.serving() as address:
        settings.MUNIMENT_TSA_URL = address
        yield run


def _found(log: Log) -> list[tuple[str, int | None]]:
    return [(one.code, one.index) for one in verify_log(log).findings]


def test_times_that_tokens_bear_out_are_no_finding(log: Log, stamp: Callable[[], None]) -> None:
    for _ in range(3):
        record()
        stamp()
    assert _found(log) == []
    assert verify_log(log, since=2).findings == []


@pytest.mark.parametrize(
    ("kind", "facts", "ago", "code"),
    [
        ("thing.tested", {"tries": 1}, -timedelta(hours=1), "time_ahead"),
        ("thing.tested", {"tries": 1}, timedelta(hours=1), "time_behind"),
        ("thing.tested", {"tries": 1}, timedelta(minutes=1), None),
        ("rows.relinked", {"count": 1, "epoch": 1}, timedelta(minutes=55), None),
        ("rows.relinked", {"count": 1, "epoch": 1}, timedelta(hours=2), "time_behind"),
        ("thing.forgotten", {}, timedelta(minutes=55), None),
    ],
)
def test_time_that_a_token_contradicts_is_named_with_its_place(
    log: Log,
    stamp: Callable[[], None],
    kind: str,
    facts: dict[str, JSON],
    ago: timedelta,
    code: str | None,
) -> None:
    stamp()
    write_past_services(kind, facts, at=timezone.now().replace(second=0, microsecond=0) - ago)
    stamp()
    record()
    stamp()
    assert _found(log) == ([(code, 1)] if code else [])


def test_time_at_the_end_of_the_calendar_ends_no_verification(
    log: Log, stamp: Callable[[], None], sequence: Callable[[], int]
) -> None:
    stamp()
    write_past_services("thing.tested", {"tries": 1}, at=datetime(9999, 12, 31, 23, 59, tzinfo=UTC))
    sequence()
    assert _found(log) == []
    stamp()
    assert _found(log) == [("time_ahead", 1)]


def test_many_false_times_are_named_up_to_a_bound(log: Log, stamp: Callable[[], None]) -> None:
    stamp()
    ahead = timezone.now().replace(second=0, microsecond=0) + timedelta(hours=1)
    for _ in range(53):
        write_past_services("thing.tested", {"tries": 1}, at=ahead)
    stamp()
    findings = verify_log(log).findings
    assert [one.index for one in findings] == [*range(1, 51), None]
    assert findings[-1].message.startswith("more leaves than these")


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        (
            "UPDATE ledger_timestamp SET stamped_at = stamped_at - interval '1 day'",
            "checkpoint of size 1: its token is not believed, and 1 more alike: it states another",
        ),
        (
            "UPDATE ledger_timestamp SET checkpoint_id = (SELECT max(id) FROM ledger_checkpoint)",
            "its token is not believed: it lies with another checkpoint",
        ),
        (
            "UPDATE ledger_timestamp t SET response = (SELECT response FROM ledger_timestamp o "
            "WHERE o.offer_id <> t.offer_id)",
            "and 1 more alike: token does not hold",
        ),
        ("UPDATE ledger_timestamp SET response = '\\x3000'", "answer is no RFC 3161 response"),
    ],
)
def test_token_that_was_exchanged_is_found(
    log: Log, stamp: Callable[[], None], acting_as: ActingAs, statement: str, complaint: str
) -> None:
    stamp()
    record()
    stamp()
    with acting_as("superuser"):
        forge(statement)
    (finding,) = verify_log(log).findings
    assert (finding.code, complaint in finding.message) == ("outsider", True), finding.message


def test_tokens_under_no_pinned_root_are_not_believed(
    log: Log, stamp: Callable[[], None], settings: Settings
) -> None:
    stamp()
    settings.MUNIMENT_TSA_ROOTS = ""
    (finding,) = verify_log(log).findings
    assert finding.message == (
        "checkpoint of size 1: its token is not believed: "
        "the file of the authority's roots cannot be read"
    )
