import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from ledger.anchor import Anchor
from ledger.errors import AnchorRefused
from ledger.models import Log
from ledger.note import Checkpoint
from ledger.verification import verify_log
from tests.ledger.acts import record

ORIGIN = "log.example/default"


@pytest.fixture
def anchor(tmp_path: Path) -> Anchor:
    return Anchor(tmp_path / "anchor", ORIGIN)


def note(size: int, root: bytes = b"r", origin: str = ORIGIN) -> str:
    text = Checkpoint(origin, size, root * 32).text
    return f"{text}\n— {origin} {'A' * 96}\n"


def test_opened_anchor_names_origin_and_keys_and_holds_no_size(anchor: Anchor) -> None:
    anchor.open(("01020304",))
    assert anchor.path.read_text() == f"{ORIGIN}\n0\n01020304\n"
    assert (anchor.checkpoint(), anchor.size()) == (None, 0)


def test_opening_again_changes_nothing(anchor: Anchor) -> None:
    anchor.open(())
    anchor.advance(note(3))
    anchor.open(())
    assert anchor.size() == 3


def test_anchor_that_was_never_opened_is_a_loss(anchor: Anchor) -> None:
    with pytest.raises(AnchorRefused, match="is missing: restore log.example_default.checkpoint"):
        anchor.advance(note(1))


def test_anchor_only_grows(anchor: Anchor) -> None:
    anchor.open(())
    for size in (1, 5, 3, 5, 2):
        anchor.advance(note(size))
    assert anchor.size() == 5


def test_another_root_of_the_same_size_is_refused(anchor: Anchor) -> None:
    anchor.open(())
    anchor.advance(note(5))
    with pytest.raises(AnchorRefused, match="holds another root of size 5"):
        anchor.advance(note(5, root=b"x"))
    assert anchor.checkpoint() == Checkpoint(ORIGIN, 5, b"r" * 32)


def test_closed_anchor_takes_no_further_checkpoint_and_has_one_successor(anchor: Anchor) -> None:
    anchor.open(())
    anchor.advance(note(5))
    last = anchor.checkpoint()
    assert anchor.successor() is None
    with pytest.raises(AnchorRefused, match="has moved to size 5 since it was read"):
        anchor.close(None, f"{ORIGIN}.2")
    for _ in range(2):
        anchor.close(last, f"{ORIGIN}.2")
    assert anchor.successor() == f"{ORIGIN}.2"
    with pytest.raises(AnchorRefused, match=f"was continued as {ORIGIN}.2 already"):
        anchor.close(last, f"{ORIGIN}.3")
    for size in (5, 6):
        with pytest.raises(AnchorRefused, match="and takes no further checkpoint"):
            anchor.advance(note(size))
    assert anchor.checkpoint() == last


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "cannot be read"),
        (b"\xff\xfe", "is no text"),
        (note(5).encode()[:40], "cannot be read"),
        (note(5, origin="log.example/other").encode(), "names log.example/other, wanted"),
        (f"{ORIGIN}\n0\nno key id\n".encode(), "cannot be read"),
        (f"{ORIGIN}\n0\n01020304".encode(), "cannot be read"),
        (note(0).encode() + b"\n", "cannot be read"),
        (note(5).replace("\n", "\r\n").encode(), "cannot be read"),
    ],
)
def test_damaged_or_foreign_anchor_is_refused(
    anchor: Anchor, content: bytes, complaint: str
) -> None:
    anchor.open(())
    anchor.path.write_bytes(content)
    with pytest.raises(AnchorRefused, match=complaint):
        anchor.size()
    with pytest.raises(AnchorRefused, match=complaint):
        anchor.advance(note(9))
    assert anchor.path.read_bytes() == content


def test_successor_that_is_no_text_is_refused(anchor: Anchor) -> None:
    anchor.open(())
    anchor.close(None, f"{ORIGIN}.2")
    anchor.path.with_suffix(".continued").write_bytes(b"\xff\xfe")
    with pytest.raises(AnchorRefused, match="is no text"):
        anchor.successor()


def test_step_that_many_take_at_once_leaves_the_largest(anchor: Anchor) -> None:
    anchor.open(())
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(anchor.advance, map(note, range(1, 65))))
    assert anchor.size() == 64


def test_step_on_a_full_disk_leaves_the_anchor_whole(
    anchor: Anchor, monkeypatch: pytest.MonkeyPatch
) -> None:
    anchor.open(())
    anchor.advance(note(1))
    monkeypatch.setattr(os, "fsync", _full)
    with pytest.raises(OSError, match="No space left"):
        anchor.advance(note(2))
    assert anchor.size() == 1


@pytest.mark.django_db(transaction=True)
def test_anchor_restored_from_an_older_copy_is_refused_and_reported(
    log: Log, sequence: Callable[[], int], settings: Settings
) -> None:
    sequence()
    anchor = Anchor(settings.MUNIMENT_ANCHOR, ORIGIN)
    older = anchor.path.read_text()
    record(tries=1)
    sequence()
    anchor.path.write_text(older)
    record(tries=2)
    with pytest.raises(AnchorRefused, match="holds size 1, but size 2 was published"):
        sequence()
    assert [finding.code for finding in verify_log(log).findings] == ["anchor_behind"]
    anchor.path.unlink()
    anchor.open(())
    with pytest.raises(AnchorRefused, match="holds size 0, but size 2 was published"):
        sequence()


def _full(_descriptor: int) -> None:
    raise OSError(28, "No space left on device")
