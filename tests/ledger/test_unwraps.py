"""Whose keys were opened stands outside both databases."""

import json
from pathlib import Path

import pytest

from ledger import vault
from ledger.keystore.unwraps import handle_of
from ledger.models import Log
from tests.ledger.acts import person

pytestmark = pytest.mark.django_db(transaction=True)


def lines(home: Path) -> list[dict[str, object]]:
    files = sorted((home / "journal").glob("unwraps/*"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def test_each_fetch_is_one_line_that_names_the_scopes_by_their_handles(
    log: Log, home: Path
) -> None:
    one, other = person(), person()
    known = len(lines(home))
    vault.keys([one, other])
    vault.keys([one])
    said = [line["scopes"] for line in lines(home)[known:]]
    assert said == [sorted([handle_of(one), handle_of(other)]), [handle_of(one)]]


def test_log_of_unwraps_holds_no_scope_and_is_for_its_owner_only(log: Log, home: Path) -> None:
    scope = person()
    vault.keys([scope])
    (file,) = (home / "journal" / "unwraps").iterdir()
    text = file.read_text()
    assert scope.hex not in text
    assert str(scope) not in text
    assert file.stat().st_mode & 0o777 == 0o600


def test_nothing_is_unwrapped_when_its_line_cannot_be_written(log: Log, home: Path) -> None:
    scope = person()
    (home / "journal" / "unwraps").write_text("in the way")
    with pytest.raises(FileExistsError):
        vault.keys([scope])


def test_line_goes_where_the_log_lies_although_its_file_was_moved(log: Log, home: Path) -> None:
    scope = person()
    vault.keys([scope])
    (file,) = (home / "journal" / "unwraps").iterdir()
    file.rename(home / "rotated")
    vault.keys([scope])
    assert len(lines(home)) == 1
    file.unlink()
    vault.keys([scope])
    assert len(lines(home)) == 1
