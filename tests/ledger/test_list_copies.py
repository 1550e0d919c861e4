"""Copies of shred lists: one text for each list, and nothing else is read."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from pytest_django.fixtures import Settings

from ledger import list_copies
from ledger.errors import JournalBroken
from ledger.keystore.models import ShredList
from ledger.shred_lists import Gone, pack_entries, pack_rows

ROWS = "W1siY29uc2VudF9ncmFudCIsIjciXV0="


def kept() -> ShredList:
    return ShredList(
        id=UUID(int=7),
        secret=bytes(32),
        people=1,
        created_at=datetime(2026, 11, 20, 15, tzinfo=UTC),
        entries=pack_entries([Gone(1, 0, bytes(32))]),
        rows=pack_rows([("consent_grant", "7")]),
    )


def test_copy_survives_its_text() -> None:
    data = list_copies.encode(kept())
    read = list_copies.decode(data, "x.list")
    assert list_copies.encode(read) == data
    assert (read.pk, read.people, read.created_at) == (UUID(int=7), 1, kept().created_at)
    assert ROWS.encode() in data


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"id":"', '"id":"urn:uuid:'),
        ('"id":"00000000-0000-0000-0000-000000000007"', '"id":7'),
        ('"people":1', '"people":"1"'),
        ('"people":1', '"people":-1'),
        ('"people":1', '"people":32768'),
        ('"people":1', '"more":1,"people":1'),
        ("+00:00", ""),
        ("+00:00", "Z"),
        ('"entries":"AAAA', '"entries":"'),
        ('"secret":"A', '"secret":"'),
        (f'"{ROWS}"', '"W1siYSIsN11d"'),
        (f'"{ROWS}"', '"WyJhYiJd"'),
        (f'"{ROWS}"', '""'),
        (f'"{ROWS}"', "[]"),
    ],
)
def test_copy_that_is_written_otherwise_is_refused(old: str, new: str) -> None:
    data = list_copies.encode(kept()).decode()
    assert old in data
    with pytest.raises(JournalBroken, match="the copy of a shred list, x.list, is damaged"):
        list_copies.decode(data.replace(old, new, 1).encode(), "x.list")


def test_file_that_is_called_like_a_copy_and_is_none_is_named(settings: Settings) -> None:
    folder = settings.MUNIMENT_JOURNAL / list_copies.OPEN
    folder.mkdir()
    (folder / "mine.list").touch()
    with pytest.raises(JournalBroken, match=r"a file in open is called \*.list and is no copy"):
        list_copies.find(list_copies.OPEN)
