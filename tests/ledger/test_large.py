"""One event with more people than a record has segments for."""

import hashlib
import resource
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from uuid import UUID

import pytest
from django.db import connections, transaction

from ledger import vault
from ledger.canonical import JSON, parse_object
from ledger.errors import FactsRefused, OffTheRecord, RecordTooLarge, ScopeGone
from ledger.kinds import Continued, Kind, KindRegistry
from ledger.leaf import parse_body
from ledger.models import HOUSE_SCOPE, Leaf, Log, Pending, Record, Retention, Segment
from ledger.services import append_large, close_epoch, destroy_scopes, open_scopes
from ledger.verification import LogVerdict, verify_log
from tests.conftest import ActingAs
from tests.ledger.acts import (
    CROWD_GATHERED,
    THING_TESTED,
    Crowd,
    Tries,
    about,
    write_past_services,
)
from tests.ledger.forging import forge

pytestmark = pytest.mark.django_db(transaction=True)

Sequence = Callable[[], int]
GATHERED, CONTINUED = CROWD_GATHERED.name, "crowd.continued"


def _gather(*people: UUID) -> Record:
    with transaction.atomic():
        return append_large(
            kind=CROWD_GATHERED,
            facts=Crowd(people=len(people)),
            segments=[about(whose, place=str(place)) for place, whose in enumerate(people)],
        )


def _people(count: int) -> list[UUID]:
    with transaction.atomic():
        return [scope.pk for scope in open_scopes(Retention.PERSON, count)]


def _bodies() -> list[bytes]:
    placed = Leaf.objects.order_by("index").values_list("record__body", flat=True)
    return [raw for raw in placed if parse_body(raw).kind in {GATHERED, CONTINUED}]


def _findings(verdict: LogVerdict) -> list[tuple[str, str]]:
    return [(finding.code, finding.message) for finding in verdict.findings]


@pytest.mark.parametrize("people", [0, 1, 256])
def test_event_that_fits_is_one_record(log: Log, sequence: Sequence, people: int) -> None:
    _gather(*[HOUSE_SCOPE] * people)
    sequence()
    (body,) = map(parse_body, _bodies())
    assert (body.facts, len(body.commitments)) == ({"people": people}, people)
    assert verify_log(log).findings == []


def test_event_of_600_people_is_three_records_that_name_the_first(
    log: Log, sequence: Sequence
) -> None:
    header = _gather(*_people(600))
    sequence()
    first = _bodies()[0]
    digest = f"sha256:{hashlib.sha256(first).hexdigest()}"
    assert first == bytes(header.body)
    said = [(body.kind, body.facts, len(body.commitments)) for body in map(parse_body, _bodies())]
    assert said == [
        (GATHERED, {"people": 600, "parts": 3}, 256),
        (CONTINUED, {"header": digest, "part": 2, "parts": 3}, 256),
        (CONTINUED, {"header": digest, "part": 3, "parts": 3}, 128),
    ]
    verdict = verify_log(log)
    assert (verdict.findings, dict(verdict.segments)) == ([], {"open": 600, "padding": 40})


def test_place_of_a_person_among_the_parts_is_random(log: Log, sequence: Sequence) -> None:
    people = _people(300)
    in_header = []
    for _ in range(2):
        header = _gather(*people)
        own = Segment.objects.filter(record_id=header.pk).values_list("scopes", flat=True)
        in_header.append({scopes[0] for scopes in own})
    # Of C(300, 256) choices the same one twice, or the first ones, would be no accident.
    assert in_header[0] != in_header[1]
    assert set(people[:256]) not in in_header


def test_parts_of_two_events_at_once_are_told_apart(log: Log, sequence: Sequence) -> None:
    crowds = [_people(600) for _ in range(2)]

    def gather(crowd: list[UUID]) -> None:
        _gather(*crowd)
        connections.close_all()

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(gather, crowds))
    sequence()
    verdict = verify_log(log)
    assert (verdict.findings, verdict.segments["open"]) == ([], 1_200)


def test_events_over_the_same_people_at_once_wait_and_do_not_deadlock(
    log: Log, acting_as: ActingAs
) -> None:
    crowd = _people(600)

    def gather(people: list[UUID]) -> None:
        _gather(*people)
        connections.close_all()

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(gather, [crowd, crowd[::-1], crowd]))
    assert Pending.objects.count() >= 9


def test_refused_event_leaves_nothing(log: Log) -> None:
    before = Record.objects.count(), Segment.objects.count()
    with pytest.raises(ScopeGone, match="gone or being destroyed"):
        _gather(*_people(300), UUID(int=1))
    assert (Record.objects.count(), Segment.objects.count()) == before


def test_large_event_outside_a_transaction_is_refused(log: Log) -> None:
    with pytest.raises(OffTheRecord, match=r"crowd\.gathered was appended outside"):
        append_large(kind=CROWD_GATHERED, facts=Crowd(people=0), segments=[])


def test_caller_does_not_say_the_parts(log: Log) -> None:
    with pytest.raises(FactsRefused, match="say their parts"), transaction.atomic():
        append_large(kind=CROWD_GATHERED, facts=Crowd(people=1, parts=2), segments=[])


def test_kind_that_cannot_be_divided_is_refused(log: Log) -> None:
    from ledger.services import append

    with pytest.raises(RecordTooLarge, match="257 segments"), transaction.atomic():
        append(kind=THING_TESTED, facts=Tries(tries=1), segments=[about(HOUSE_SCOPE)] * 257)


def test_kinds_of_one_noun_share_what_continues_them() -> None:
    kinds = KindRegistry()
    kinds.register(Kind("crowd.gathered", Crowd))
    kinds.register(Kind("crowd.dispersed", Crowd))
    assert [kind.name for kind in kinds] == [CONTINUED, "crowd.dispersed", GATHERED]
    assert kinds.get(CONTINUED).facts is Continued


def test_divisible_kind_is_never_open_and_its_continuation_is_its_own() -> None:
    with pytest.raises(ValueError, match=r"crowd\.told is open: a program could claim parts"):
        KindRegistry().register(Kind("crowd.told", Crowd, is_open=True))
    kinds = KindRegistry()
    kinds.register(Kind(CONTINUED, Tries))
    with pytest.raises(ValueError, match=r"crowd\.continued is declared otherwise"):
        kinds.register(Kind("crowd.gathered", Crowd))


# What verification finds --------------------------------------------------------------------------


def _queued(part: int) -> str:
    """SQL for the id of the record in the queue that is this part of the one event."""
    said = f'"part":{part},'.encode().hex()
    return f"(SELECT id FROM ledger_record WHERE position('\\x{said}'::bytea IN body) > 0)"


def _drop(part: int) -> tuple[str, str]:
    return (
        f"DELETE FROM ledger_pending WHERE record_id = {_queued(part)}",
        f"DELETE FROM ledger_record WHERE id = {_queued(part)}",
    )


@pytest.fixture
def superuser(acting_as: ActingAs) -> Callable[..., None]:
    def play(*statements: str) -> None:
        with acting_as("superuser"):
            forge(*statements)

    return play


@pytest.fixture
def five(log: Log, sequence: Sequence) -> Record:
    """An event of five parts in the queue; the log is open."""
    sequence()
    return _gather(*[HOUSE_SCOPE] * 1_100)


@pytest.mark.superuser
@pytest.mark.parametrize(
    ("lost", "complaint"),
    [
        ([5], "parts_missing: the event of leaf 1 has 5 parts, those from 5 on are missing"),
        ([4, 5], "parts_missing: the event of leaf 1 has 5 parts, those from 4 on are missing"),
        ([2], "part_misplaced: leaf 2 is part 3 of 5 of a crowd, wanted 2 of 5 of the crowd"),
        ([2, 3, 4, 5], "parts_missing: the event of leaf 1 has 5 parts, those from 2 on"),
    ],
)
def test_part_lost_before_it_got_its_place_is_found(
    log: Log,
    sequence: Sequence,
    five: Record,
    superuser: Callable[..., None],
    lost: list[int],
    complaint: str,
) -> None:
    superuser(*(statement for part in lost for statement in _drop(part)))
    sequence()
    (finding,) = verify_log(log).findings
    assert f"{finding.code}: {finding.message}".startswith(complaint)


@pytest.mark.superuser
def test_lost_header_is_found_by_the_parts_it_leaves(
    log: Log, sequence: Sequence, five: Record, superuser: Callable[..., None]
) -> None:
    superuser(
        f"DELETE FROM ledger_pending WHERE record_id = {five.pk}",
        f"DELETE FROM ledger_record WHERE id = {five.pk}",
    )
    sequence()
    assert _findings(verify_log(log))[:1] == [
        ("part_stray", "leaf 1 continues an event that did not begin, or is whole already")
    ]


def test_parts_that_wait_for_their_places_are_not_missing(
    log: Log, sequence: Sequence, five: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.sequencer.BATCH_RECORDS", 2)
    sequence()
    assert Pending.objects.count() == 3
    assert verify_log(log).findings == []


def test_verification_from_the_middle_of_an_event_judges_no_earlier_one(
    log: Log, sequence: Sequence, five: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.sequencer.BATCH_RECORDS", 2)
    for _ in range(3):
        sequence()
    assert verify_log(log, since=3).findings == []


@pytest.mark.parametrize(
    ("facts", "code", "complaint"),
    [
        ({"part": 2, "parts": 2, "header": "sha256:" + "0" * 64}, "part_stray", "did not begin"),
        ({"part": "two"}, "part_malformed", "leaf 1: facts of crowd.continued are refused: header"),
        ({"part": 1, "parts": 2, "header": "sha256:" + "0" * 64}, "part_malformed", "part: great"),
    ],
)
def test_part_that_no_event_wants_is_found(
    log: Log, sequence: Sequence, facts: dict[str, JSON], code: str, complaint: str
) -> None:
    sequence()
    write_past_services(CONTINUED, facts)
    sequence()
    (finding,) = verify_log(log).findings
    assert (finding.code, finding.index, complaint in finding.message) == (code, 1, True)


def test_part_told_twice_is_found(log: Log, sequence: Sequence) -> None:
    sequence()
    header = _gather(*[HOUSE_SCOPE] * 300)
    digest = f"sha256:{hashlib.sha256(header.body).hexdigest()}"
    write_past_services(CONTINUED, {"header": digest, "part": 2, "parts": 2})
    sequence()
    assert [(one.code, one.index) for one in verify_log(log).findings] == [("part_stray", 3)]


def test_event_that_begins_twice_and_goes_on_once_is_found(log: Log, sequence: Sequence) -> None:
    sequence()
    for _ in range(2):
        write_past_services(GATHERED, {"people": 1, "parts": 2})
    sequence()
    found = [(one.code, one.index) for one in verify_log(log).findings]
    assert found == [("parts_missing", 1), ("parts_missing", 2)]


# A hundred thousand -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "count",
    [2_000, pytest.param(100_000, marks=pytest.mark.robustness)],
)
def test_one_of_an_event_of_many_is_erased_and_all_others_open(
    log: Log, sequence: Sequence, acting_as: ActingAs, count: int
) -> None:
    clock = _Clock()
    people = _people(count)
    clock.lap("scopes and keys made")
    _gather(*people)
    clock.lap("recorded")
    sequence()
    clock.lap("sequenced")
    before = verify_log(log)
    clock.lap("verified")
    assert (before.findings, before.segments["open"]) == ([], count)
    with acting_as("eraser"):
        destroy_scopes([people[count // 2]])
        close_epoch()
    clock.lap("one erased")
    sequence()
    after = verify_log(log)
    clock.lap("verified")
    assert (after.findings, after.segments["open"]) == ([], count - 1)
    assert after.segments["destroyed (epoch 1)"] == 1
    _assert_others_open(people, gone=people[count // 2])


def _assert_others_open(people: list[UUID], *, gone: UUID) -> None:
    for whose in (people[0], people[-1]):
        (segment,) = Segment.objects.filter(scopes=[whose])
        kept = segment.record
        kind = str(parse_object(kept.body)["kind"])
        keys = vault.keys(segment.scopes)
        opening = keys.open_segment(
            segment.scopes, kept.uuid, segment.position, kind, segment.ciphertext
        )
        assert opening.payload["place"] == str(people.index(whose))
    assert not Segment.objects.filter(scopes__contains=[gone]).exists()
    with pytest.raises(ScopeGone, match="data keys are gone"):
        vault.keys([gone])


class _Clock:
    """Prints how long each step took and how much memory the process has had at most."""

    def __init__(self) -> None:
        self._since = monotonic()

    def lap(self, step: str) -> None:
        now = monotonic()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        sys.stdout.write(f"{step}: {now - self._since:.1f} s, {peak} MiB at most\n")
        self._since = now
