"""What only the running service reads: batches of events, and copies of shred lists."""

from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from uuid import UUID

from fuzz.target import Target, expect
from ledger import list_copies
from ledger.batchviews import LinesParser, read_events
from ledger.canonical import canonical
from ledger.errors import JournalBroken, LineRefused
from ledger.keystore.models import ShredList
from ledger.services.reporting import Event
from ledger.shred_lists import Gone, pack_entries, pack_rows, unpack_entries, unpack_rows


def read_batch(data: bytes) -> list[Event]:
    return list(read_events(LinesParser().parse(BytesIO(data))))


def check_batch(events: list[Event], data: bytes) -> None:
    expect(len(events), len(BytesIO(data).readlines()), "events, one a line")
    for event in events:
        # What was let in has a canonical form, and is written as a record.
        canonical(dict(event.payload))
        canonical(event.kind.check(event.facts))


def read_list(data: bytes) -> ShredList:
    return list_copies.decode(data, "fuzzed")


def check_list(kept: ShredList, data: bytes) -> None:
    expect(list_copies.encode(kept), data, "copy of a list")
    expect(pack_entries(unpack_entries(kept.entries)), kept.entries, "entries")
    expect(pack_rows(unpack_rows(kept.rows)), kept.rows, "rows")


def _batches() -> Iterator[bytes]:
    event = b'{"kind":"event.reported","facts":{"topic":"%b","count":3},"payload":{"a":["b"]}}\n'
    for topic in (b"training", b"none"):
        yield event % topic
    yield (event % b"training") * 3
    yield b'{"kind":"log.opened","facts":{}}'
    yield b'{"facts":{},"facts":{},"kind":"x"}\n'
    yield b'{"kind":"event.reported","facts":{"count":1.5}}\n\n[]\n'


def _copies() -> Iterator[bytes]:
    gone = [Gone(number, 1, bytes([number]) * 32) for number in range(3)]
    for count in range(4):
        kept = ShredList(
            id=UUID(int=count),
            secret=bytes(32),
            people=count,
            created_at=datetime(2026, 11, 20, 15, count, tzinfo=UTC),
            entries=pack_entries(gone[:count]),
            rows=pack_rows([("consent_grant", "7")] * (count % 2)),
        )
        yield list_copies.encode(kept)


TARGETS = (
    Target("batch", read_batch, check_batch, (LineRefused,), _batches),
    Target("list-copy", read_list, check_list, (JournalBroken,), _copies),
)
