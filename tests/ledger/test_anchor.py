import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from ledger.anchor import PATIENCE_SECONDS, Anchor
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


MOMENTS = ["mkdir", "glob", "open", "read_bytes", "exists", "replace", "unlink"]


@pytest.mark.parametrize(("mine", "others"), [(3, 5), (5, 3), (5, 5)])
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("call", [1, 2, 3])
def test_writer_that_another_overtakes_at_any_moment_never_takes_the_anchor_back(
    anchor: Anchor,
    monkeypatch: pytest.MonkeyPatch,
    moment: str,
    call: int,
    mine: int,
    others: int,
) -> None:
    anchor.open(())
    monkeypatch.setattr("ledger.anchor.PATIENCE_SECONDS", 0.01)
    real, calls = getattr(Path, moment), count(1)

    def overtaken(path: Path, *args: Any, **options: Any) -> Any:
        if next(calls) == call:
            anchor.advance(note(others))
            assert anchor.size() >= others
        return real(path, *args, **options)

    monkeypatch.setattr(Path, moment, overtaken)
    anchor.advance(note(mine))
    was_overtaken = next(calls) > call
    assert anchor.size() == (max(mine, others) if was_overtaken else mine)
    assert list(anchor.folder.iterdir()) == [anchor.path]


def test_writer_that_froze_or_died_before_the_rename_is_waited_for_once(
    anchor: Anchor, monkeypatch: pytest.MonkeyPatch
) -> None:
    anchor.open(())
    left = anchor.path.with_name(f"{anchor.path.name}.0123456789abcdef.ticket")
    left.write_text(note(2))
    began = time.monotonic()
    anchor.advance(note(3))
    waited = time.monotonic() - began
    assert not left.exists()
    assert PATIENCE_SECONDS <= waited < PATIENCE_SECONDS + 5
    monkeypatch.setattr("ledger.anchor.PATIENCE_SECONDS", 60)
    anchor.advance(note(4))
    assert anchor.size() == 4


def test_writer_that_is_overtaken_again_and_again_gives_up(
    anchor: Anchor, monkeypatch: pytest.MonkeyPatch
) -> None:
    anchor.open(())
    real = Path.replace

    def lost(path: Path, target: Path) -> Path:
        path.unlink()
        return real(path, target)

    monkeypatch.setattr(Path, "replace", lost)
    with pytest.raises(AnchorRefused, match="is written by others all the time"):
        anchor.advance(note(1))
    assert anchor.size() == 0


def test_anchors_of_two_origins_do_not_void_each_other(anchor: Anchor) -> None:
    other = Anchor(anchor.folder, f"{ORIGIN}.2")
    anchor.open(())
    other.open(())
    ticket = other.path.with_name(f"{other.path.name}.0123456789abcdef.ticket")
    ticket.write_text("")
    anchor.advance(note(1))
    assert ticket.exists()


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
