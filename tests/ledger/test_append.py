from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from ledger import vault
from ledger.commitment import Opening
from ledger.errors import (
    FactsRefused,
    OffTheRecord,
    RecordTooLarge,
    ScopeGone,
    SealBroken,
    UnknownLog,
)
from ledger.kinds import NoFacts
from ledger.leaf import parse_at, parse_body
from ledger.models import HOUSE_SCOPE, Log, Pending, Record, Scope, Segment
from ledger.services import Unsealed, append
from tests.ledger.acts import THING_TESTED, Tries, about, person, record

pytestmark = pytest.mark.django_db(transaction=True)


def test_record_and_queue_commit_with_the_callers_transaction(log: Log) -> None:
    written = record(tries=3)
    body = parse_body(Record.objects.get(pk=written.pk).body)
    assert (body.kind, body.facts, body.commitments) == ("thing.tested", {"tries": 3}, ())
    assert Pending.objects.filter(pk=written.pk).exists()


def test_nothing_is_left_when_the_callers_transaction_rolls_back(log: Log) -> None:
    before = Record.objects.count()
    with pytest.raises(RuntimeError, match="changed my mind"), transaction.atomic():
        append(kind=THING_TESTED, facts=Tries(tries=1), segments=[about(HOUSE_SCOPE)])
        raise RuntimeError("changed my mind")
    assert (Record.objects.count(), Segment.objects.count()) == (before, 0)


def test_append_outside_a_transaction_is_refused(log: Log) -> None:
    with pytest.raises(OffTheRecord, match=r"thing\.tested was appended outside a transaction"):
        append(kind=THING_TESTED, facts=Tries(tries=1))


def test_facts_of_another_kind_are_refused(log: Log) -> None:
    with pytest.raises(FactsRefused, match="are NoFacts, wanted Tries"), transaction.atomic():
        append(kind=THING_TESTED, facts=NoFacts())


def test_time_is_cut_in_the_chain_and_exact_in_the_segment(log: Log) -> None:
    written = record(about(person(), colour="red"))
    at = parse_at(parse_body(written.body).at)
    assert (at.second, timezone.now() - at < timedelta(minutes=2)) == (0, True)
    (segment,) = Segment.objects.filter(record=written)
    opened = _open(segment, written)
    assert str(opened.payload["at"])[:16] == parse_body(written.body).at[:16]
    assert opened.payload["colour"] == "red"


def test_segments_are_padded_and_lie_in_the_order_of_their_commitments(log: Log) -> None:
    written = record(about(person(), n="1"), about(person(), n="2"), about(person(), n="3"))
    commitments = parse_body(written.body).commitments
    segments = Segment.objects.filter(record=written).order_by("position")
    opened = [_open(segment, written) for segment in segments]
    assert (
        tuple(opening.commitment for opening in opened) == commitments == tuple(sorted(commitments))
    )
    assert sorted(opening.role for opening in opened) == [
        "padding",
        "subject",
        "subject",
        "subject",
    ]
    (padding,) = [s for s, o in zip(segments, opened, strict=True) if o.role == "padding"]
    assert padding.scopes == [HOUSE_SCOPE]


def test_shared_segment_opens_only_with_the_keys_of_all(log: Log) -> None:
    one, other = person(), person()
    written = record(about(one, other, said="together"))
    segment = Segment.objects.get(record=written)
    assert _open(segment, written).payload["said"] == "together"
    with pytest.raises(ScopeGone, match="gone or being destroyed"):
        vault.keys([one]).open_segment(
            segment.scopes, written.uuid, 0, "thing.tested", segment.ciphertext
        )


def test_segment_moved_to_another_record_does_not_open(log: Log) -> None:
    whose = person()
    written, other = record(about(whose)), record(about(whose))
    segment = Segment.objects.get(record=written)
    with pytest.raises(SealBroken, match="does not belong where it lies"):
        _open(segment, other)


def test_scope_that_is_being_destroyed_takes_no_more_segments(log: Log, acting_as) -> None:  # type: ignore[no-untyped-def]
    whose = person()
    with acting_as("eraser"):
        Scope.objects.filter(pk=whose).update(state="destroying")
    with pytest.raises(ScopeGone, match="gone or being destroyed"):
        record(about(whose))


def test_unknown_log_is_refused(log: Log) -> None:
    with pytest.raises(UnknownLog, match="no log has that name"):
        record(log="elsewhere")


def test_too_many_segments_are_refused(log: Log) -> None:
    with pytest.raises(RecordTooLarge, match=r"256"):
        record(*(Unsealed("subject", (HOUSE_SCOPE,), {"n": str(n)}) for n in range(257)))


def _open(segment: Segment, record: Record) -> Opening:
    return vault.keys(segment.scopes).open_segment(
        segment.scopes, record.uuid, segment.position, "thing.tested", segment.ciphertext
    )
