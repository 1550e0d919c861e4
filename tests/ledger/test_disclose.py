from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from django.db import connections, transaction

from ledger import vault
from ledger.commitment import Opening
from ledger.errors import ScopeGone
from ledger.leaf import parse_body
from ledger.models import Log, Record, Segment
from ledger.record_kinds import DisclosureReason
from ledger.services import Disclosure, destroy_scopes, disclose
from tests.conftest import ActingAs
from tests.ledger.acts import person

pytestmark = pytest.mark.django_db(transaction=True)

CASEWORK = DisclosureReason.CASEWORK


class Table:
    """What a row says of its table."""

    db_table = "test_card"


class Card:
    """A row with one sealed column and one that is empty, of one person or of several."""

    _meta = Table()

    def __init__(self, pk: int, *people: UUID) -> None:
        self.pk, self.people = UUID(int=pk), people
        self.name: bytes = b""
        self.note: bytes = b""
        self.name = vault.keys(people).seal(self, "name", b"Ada Invented %d" % pk)

    def scope_ids(self) -> tuple[UUID, ...]:
        return self.people


def read(reader: UUID, *cards: Card) -> dict[UUID, dict[str, bytes]]:
    wanted = [Disclosure(card, ("name", "note")) for card in cards]  # type: ignore[arg-type]
    return disclose(reader=reader, reason=CASEWORK, wanted=wanted)


def test_page_of_fifty_is_one_record_with_a_segment_for_each_person(log: Log) -> None:
    reader = person()
    cards = [Card(number, person()) for number in range(50)]
    opened = read(reader, *cards)
    assert opened[cards[7].pk] == {"name": b"Ada Invented 7"}
    written = _beside_the_opening(log)
    body = parse_body(written.body)
    assert (body.kind, body.facts) == ("values.disclosed", {"reason": "casework", "count": 50})
    roles = [opening.role for opening in _openings(written)]
    assert [roles.count(role) for role in ("reader", "subject", "padding")] == [1, 50, 13]


def test_reader_learns_of_count_and_persons_of_their_own_row(log: Log) -> None:
    reader, one, other = person(), person(), person()
    read(reader, Card(1, one), Card(2, one), Card(3, other))
    said = {
        (opening.role, str(opening.payload.get("read", opening.payload.get("count"))))
        for opening in _openings(_beside_the_opening(log))
        if opening.role != "padding"
    }
    rows = [
        f"{{'columns': ['name', 'note'], 'id': '{UUID(int=n)}', 'table': 'test_card'}}"
        for n in (1, 2, 3)
    ]
    assert said == {
        ("reader", "3"),
        ("subject", f"[{rows[0]}, {rows[1]}]"),
        ("subject", f"[{rows[2]}]"),
    }


def test_access_record_is_committed_before_the_answer(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    card, seen = Card(1, person()), []
    real = vault.Keys.open

    def watch(*args: object) -> bytes:
        seen.append(_seen_by_others())
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(vault.Keys, "open", watch)
    read(person(), card)
    assert seen == [2]


def test_nothing_is_opened_when_the_record_cannot_be_written(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = Card(1, person())
    monkeypatch.setattr(vault.Keys, "open", lambda *_: pytest.fail("opened off the record"))
    with pytest.raises(ScopeGone):
        read(UUID(int=9), card)
    assert Record.objects.count() == 1


@pytest.mark.parametrize("erased", [False, True])
def test_disclosure_inside_a_transaction_is_refused(
    log: Log, acting_as: ActingAs, erased: bool
) -> None:
    reader, whose = person(), person()
    card = Card(1, whose)
    if erased:
        with acting_as("eraser"):
            destroy_scopes([whose])
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        read(reader, card)


def test_erased_person_is_left_out_and_nobody_is_told_of(log: Log, acting_as: ActingAs) -> None:
    reader, gone, stays = person(), person(), person()
    cards = [Card(1, gone), Card(2, stays), Card(3, gone, stays)]
    with acting_as("eraser"):
        destroy_scopes([gone])
    assert list(read(reader, *cards)) == [cards[1].pk]
    count = Record.objects.count()
    assert read(reader, cards[0]) == {}
    assert Record.objects.count() == count


def test_person_erased_between_record_and_answer_is_left_out(
    log: Log, acting_as: ActingAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, whose = person(), person()
    card = Card(1, whose)
    real, calls = vault.keys_there, []

    def erase_between(scopes: set[UUID]) -> vault.Keys:
        calls.append(scopes)
        if len(calls) == 2:
            with acting_as("eraser"):
                destroy_scopes([whose])
        return real(scopes)

    monkeypatch.setattr(vault, "keys_there", erase_between)
    assert read(reader, card) == {}


def _beside_the_opening(log: Log) -> Record:
    """Return the one record that is not the log's own first."""
    _, written = Record.objects.filter(log=log).order_by("pk")
    return written


def _openings(record: Record) -> list[Opening]:
    segments = Segment.objects.filter(record=record).order_by("position")
    return [
        vault.keys(segment.scopes).open_segment(
            segment.scopes, record.uuid, segment.position, "values.disclosed", segment.ciphertext
        )
        for segment in segments
    ]


def _seen_by_others() -> int:
    """Count the records that another session sees."""

    def count() -> int:
        try:
            return Record.objects.count()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(count).result()
