"""The authority is asked by the clock, again and again while it is away, and never believed."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from ledger import tasks
from ledger.models import AnswerCode, Incarnation, LastAnswer, Log, TimeStamp
from ledger.note import Note
from ledger.outside import FAILURES_UNTIL_CURE, examine_authority
from ledger.services.timestamps import stamp_newest
from ledger.timestamps import build_query, verify_response
from tests.conftest import ActingAs
from tests.ledger.acts import record
from tests.ledger.authority import STAMPING, Authority, certify, needs_openssl
from tests.ledger.outsiders import NOON, ORIGIN, Answer, offer_newest

pytestmark = [*needs_openssl, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def offered(log: Log, sequence: Callable[[], int], acting_as: ActingAs) -> Incarnation:
    record()
    sequence()
    offer_newest(acting_as)
    return Incarnation.objects.get(origin=ORIGIN)


@pytest.fixture
def authority(tmp_path: Path, settings: Settings) -> Iterator[Authority]:
    folder = tmp_path / "authority"
    folder.mkdir()
    authority = Authority(folder)
    roots = folder / "roots.pem"
    roots.write_bytes(authority.root.pem)
    settings.MUNIMENT_TSA_ROOTS = str(roots)
    with authority.serving() as address:
        settings.MUNIMENT_TSA_URL = address
        yield authority


def _code(incarnation: Incarnation) -> str:
    answer = stamp_newest(incarnation)
    assert answer is not None
    return answer.code


def test_newest_checkpoint_is_stamped_once(offered: Incarnation, authority: Authority) -> None:
    assert _code(offered) == AnswerCode.GIVEN
    assert stamp_newest(offered) is None
    kept = TimeStamp.objects.get()
    stamp = verify_response(kept.response, Note.parse(kept.offer.note).text, authority.roots)
    assert (stamp.time, authority.asked) == (kept.stamped_at, 1)


def test_nothing_is_asked_before_the_first_offer_or_without_an_authority(
    log: Log,
    sequence: Callable[[], int],
    acting_as: ActingAs,
    authority: Authority,
    settings: Settings,
) -> None:
    sequence()
    incarnation = Incarnation.objects.get()
    assert stamp_newest(incarnation) is None
    offer_newest(acting_as)
    settings.MUNIMENT_TSA_URL = ""
    assert stamp_newest(incarnation) is None
    assert authority.asked == 0


def test_authority_that_comes_back_stamps_what_is_newest_then(
    offered: Incarnation,
    authority: Authority,
    settings: Settings,
    sequence: Callable[[], int],
    acting_as: ActingAs,
) -> None:
    away = settings.MUNIMENT_TSA_URL
    settings.MUNIMENT_TSA_URL = "http://127.0.0.1:9"
    for _ in range(FAILURES_UNTIL_CURE):
        assert _code(offered) == AnswerCode.UNREACHABLE
    ((said, cure),) = examine_authority()
    assert said.endswith(f"cannot be reached, {FAILURES_UNTIL_CURE} times in a row")
    assert cure == "look at its address, and at the way there"
    record()
    sequence()
    offer_newest(acting_as, NOON + timedelta(minutes=1))
    settings.MUNIMENT_TSA_URL = away
    assert _code(offered) == AnswerCode.GIVEN
    assert TimeStamp.objects.get().checkpoint.size == 3
    ((_, cure),) = examine_authority()
    assert cure == ""


def _stale(authority: Authority, query: bytes) -> Answer:
    old = build_query("another text\n")
    return 200, "application/timestamp-reply", authority.reply(old.data)


def _injected(authority: Authority, query: bytes) -> Answer:
    signer = certify("signer", authority.between, purposes=STAMPING)
    authority.equip(signer, authority.between, certify("stranger"))
    return 200, "application/timestamp-reply", authority.reply(query)


def _foreign(authority: Authority, query: bytes) -> Answer:
    folder = authority.folder / "foreign"
    folder.mkdir(exist_ok=True)
    return 200, "application/timestamp-reply", Authority(folder).reply(query)


BAD: list[tuple[str, Callable[[Authority, bytes], Answer], AnswerCode]] = [
    ("500", lambda _a, _q: (500, "text/plain", b""), AnswerCode.REFUSED),
    ("redirect", lambda _a, _q: (302, "text/plain", b""), AnswerCode.REFUSED),
    ("garbage", lambda _a, _q: (200, "text/html", b"<html>"), AnswerCode.MALFORMED),
    ("endless", lambda _a, _q: (200, "text/html", b"0" * 10**6), AnswerCode.MALFORMED),
    ("rejection", lambda a, _q: (200, "x/y", a.reply(b"junk")), AnswerCode.REFUSED),
    ("stale", _stale, AnswerCode.FALSE),
    ("injected", _injected, AnswerCode.FALSE),
    ("foreign", _foreign, AnswerCode.FALSE),
]


@pytest.mark.parametrize(("lie", "code"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_bad_answer_is_kept_as_words_and_nothing_else(
    offered: Incarnation,
    authority: Authority,
    lie: Callable[[Authority, bytes], Answer],
    code: AnswerCode,
) -> None:
    authority.lie = lambda query: lie(authority, query)
    assert _code(offered) == code
    assert not TimeStamp.objects.exists()
    assert LastAnswer.objects.get().failures == 1


def test_token_of_another_time_is_not_believed(
    offered: Incarnation, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: real() + timedelta(hours=1))
    assert _code(offered) == AnswerCode.FALSE


def test_authority_without_readable_roots_is_not_asked(
    offered: Incarnation, authority: Authority, settings: Settings
) -> None:
    settings.MUNIMENT_TSA_ROOTS = str(authority.folder / "nowhere.pem")
    assert _code(offered) == AnswerCode.UNUSABLE
    ((said, cure),) = examine_authority()
    assert said.endswith("cannot be asked: its settings are wrong")
    assert cure == "mend its address, key or roots"
    assert authority.asked == 0


def test_doctor_says_that_no_authority_is_set(log: Log) -> None:
    assert list(examine_authority()) == [
        ("no time-stamp authority is set: time rests on the operator's word", "")
    ]


def test_of_two_deliveries_the_first_token_is_kept(
    offered: Incarnation, authority: Authority
) -> None:
    tasks.stamp_checkpoint(offered.pk)
    first = TimeStamp.objects.get().response
    tasks.stamp_checkpoint(offered.pk)
    assert TimeStamp.objects.get().response == first
