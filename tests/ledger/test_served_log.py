"""The log over HTTP, as a stranger with its address and verifier key sees it."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from consent.roles import RoleCode
from ledger.merkle import leaf_hash, tree_root
from ledger.models import Anchored, Checkpoint, Incarnation, Log, Tile
from ledger.note import Checkpoint as TreeHead
from ledger.note import SignatureType, Signer, sign_note
from ledger.offers import make_offer
from ledger.sequencer import Sequencer
from ledger.signing import read_signers, read_verifiers
from ledger.tlogtiles import TilePath
from ledger.tree import StoredTree
from tests.consent.factories import open_house
from tests.ledger.acts import record
from tests.ledger.forging import forge
from tests.ledger.tlog_client import Key, Monitor, Tree, tile_path, tiles_of, unpack

pytestmark = pytest.mark.django_db(transaction=True)
ORIGIN = "log.example/default"
PREFIX = "/log/default"
FIRST_MINUTE = datetime(2026, 11, 20, 15, tzinfo=UTC)


@pytest.fixture(autouse=True)
def public(settings: Any) -> Any:
    settings.MUNIMENT_PUBLIC_LOG = "entries"
    return settings


@pytest.fixture
def grow(log: Log, sequence: Callable[[], int], acting_as: Any) -> Callable[[int], None]:
    """``grow(n)`` shows one checkpoint at size n, each a minute after the one before."""
    minutes = (FIRST_MINUTE + timedelta(minutes=passed) for passed in count())

    def to(size: int) -> None:
        missing = size - _published()
        with transaction.atomic():
            for number in range(missing - (0 if _published() else 1)):
                record(tries=number)
        sequence()
        assert _published() == size
        with acting_as("sequencer"):
            assert make_offer(Incarnation.objects.get(), read_signers(ORIGIN), next(minutes))

    return to


def _published() -> int:
    incarnation = Incarnation.objects.first()
    return incarnation.published_size() if incarnation else 0


def _show(incarnation: Incarnation, size: int) -> None:
    """Show a checkpoint that no tree stands behind."""
    head = TreeHead(incarnation.origin, size, bytes(32))
    signer = Signer.from_seed(incarnation.origin, SignatureType.ED25519, bytes(32))
    note = str(sign_note(head.text, [signer]))
    row = Checkpoint.objects.create(incarnation=incarnation, size=size, note=note)
    Anchored.objects.create(checkpoint=row)
    assert make_offer(incarnation, [signer], FIRST_MINUTE + timedelta(days=1))


def _get(path: str, **headers: str) -> Any:
    client = Client(raise_request_exception=False)
    return client.get(f"{PREFIX}/{path}", headers=headers)


def _fetch(path: str) -> bytes:
    answer = _get(path)
    assert answer.status_code == 200, path
    return bytes(answer.content)


def _key(number: int = 0) -> Key:
    return Key.read(read_verifiers(ORIGIN)[number].vkey)


@pytest.mark.parametrize("number", [0, 1], ids=["Ed25519", "ML-DSA-44"])
def test_stranger_follows_and_verifies_the_whole_log(
    grow: Callable[[int], None], number: int
) -> None:
    monitor = Monitor(_fetch, _key(number))
    for size in (1, 2, 255, 256, 257, 300, 513):
        grow(size)
        assert monitor.follow() == size
    assert monitor.follow() == 513
    assert b'"kind":"log.opened"' in monitor.entries[0]


def test_every_published_size_keeps_its_partial_tiles(grow: Callable[[int], None]) -> None:
    sizes = (1, 3, 200, 256, 260)
    for size in sizes:
        grow(size)
    entries = unpack(_fetch("tile/entries/000"), 256) + unpack(_fetch("tile/entries/001.p/4"), 4)
    tree = Tree([leaf_hash(entry) for entry in entries])
    for size in sizes:
        for index, width in tiles_of(size):
            begin = index * 256
            hashes = b"".join(tree.hashes[begin : begin + width])
            assert _fetch(tile_path("0", index, width)) == hashes
            assert (
                unpack(_fetch(tile_path("entries", index, width)), width)
                == (entries[begin : begin + width])
            )
    assert _fetch("tile/1/000.p/1") == tree.mth(0, 256)


def test_nothing_empty_unpublished_or_misspelled_is_served(grow: Callable[[int], None]) -> None:
    grow(257)
    record()
    absent: tuple[str, ...]
    absent = ("0/001", "0/001.p/2", "0/002", "0/002.p/1", "1/000", "1/000.p/2", "1/001.p/1")
    absent += ("2/000", "2/000.p/1", "63/000.p/1", "entries/001", "entries/001.p/2")
    malformed: tuple[str, ...]
    malformed = ("0/000.p/0", "0/000.p/256", "0/000.p/01", "0/0", "0/0000", "0/x000/000", "00/000")
    malformed += ("64/000", "-1/000", "0/000.p/", "0/001.p/1/", "entries", "0/x1/000", "0/000/001")
    malformed += ("0/x999/x999/x999/x999/x999/x999/999", "0/" + "x999/" * 12 + "999", "data/000")
    malformed += ("0/000.p/\u0661", "0/\uff10\uff10\uff10", "0/000%0a", "0/000.P/1", "0/X001/000")
    for path in absent + malformed:
        answer = _get(f"tile/{path}")
        assert (answer.status_code, answer["Cache-Control"]) == (404, "no-store"), path
    assert _get("tile/0/001.p/1").status_code == 200


def test_leaves_after_the_shown_checkpoint_are_not_read_before_the_minute_turns(
    grow: Callable[[int], None], sequence: Callable[[], int]
) -> None:
    grow(2)
    record()
    sequence()
    assert _published() == 3
    assert _fetch("checkpoint").startswith(b"log.example/default\n2\n")
    assert _get("tile/0/000.p/3").status_code == 404
    grow(4)
    assert _get("tile/0/000.p/3").status_code == 200


def test_log_that_shows_no_checkpoint_yet_has_nothing(
    log: Log, sequence: Callable[[], int]
) -> None:
    assert _get("checkpoint").json()["type"] == "UnknownLog"
    sequence()
    for path in ("checkpoint", "tile/0/000.p/1", "tile/entries/000.p/1"):
        answer = _get(path)
        assert (answer.status_code, answer.json()["type"]) == (404, "UnknownTile")


def test_checkpoint_before_its_anchor_covers_nothing_yet(
    grow: Callable[[int], None], log: Log, acting_as: Any
) -> None:
    grow(2)
    record()
    with acting_as("sequencer"), transaction.atomic():
        sequencer = Sequencer(log)
        assert sequencer._take_lead()
        assert sequencer._sequence()
    assert Checkpoint.objects.filter(size=3).exists()
    assert _fetch("checkpoint").startswith(b"log.example/default\n2\n")
    assert _get("tile/0/000.p/3").status_code == 404
    assert _get("tile/entries/000.p/3").status_code == 404
    assert _get("tile/0/000.p/2").status_code == 200


@pytest.mark.parametrize(
    ("path", "media_type", "cache"),
    [
        ("checkpoint", "text/plain; charset=utf-8", "public, max-age=1"),
        ("tile/0/000.p/2", "application/octet-stream", "public, max-age=31536000, immutable"),
        ("tile/entries/000.p/2", "application/octet-stream", "public, max-age=31536000, immutable"),
    ],
)
def test_answers_say_what_they_are_and_how_long_they_keep(
    grow: Callable[[int], None], path: str, media_type: str, cache: str
) -> None:
    grow(2)
    answer = _get(path, accept="text/html", cookie="muniment_session=somebody")
    assert (answer.status_code, answer["Content-Type"]) == (200, media_type)
    assert (answer["Cache-Control"], "Vary" in answer) == (cache, False)
    head = Client().head(f"{PREFIX}/{path}")
    assert (head.content, head["Content-Length"]) == (b"", str(len(answer.content)))
    assert head["ETag"] == answer["ETag"]
    again = _get(path, **{"if-none-match": answer["ETag"]})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", answer["ETag"])
    assert again["Cache-Control"] == cache
    assert _get(path, **{"if-none-match": '"another"'}).status_code == 200
    assert Client().post(f"{PREFIX}/{path}").status_code == 405


def test_new_checkpoint_has_a_new_tag(grow: Callable[[int], None]) -> None:
    grow(1)
    before = _get("checkpoint")["ETag"]
    grow(2)
    answer = _get("checkpoint", **{"if-none-match": before})
    assert (answer.status_code, answer["ETag"] == before) == (200, False)


@pytest.mark.parametrize(
    ("setting", "readable"),
    [
        ("off", set()),
        ("tiles", {"checkpoint", "tile/0/000.p/2"}),
        ("entries", {"checkpoint", "tile/0/000.p/2", "tile/entries/000.p/2"}),
    ],
)
def test_anybody_reads_what_the_setting_opens(
    grow: Callable[[int], None], public: Any, setting: str, readable: set[str]
) -> None:
    grow(2)
    public.MUNIMENT_PUBLIC_LOG = setting
    for path in ("checkpoint", "tile/0/000.p/2", "tile/entries/000.p/2"):
        answer = _get(path)
        assert answer.status_code == (200 if path in readable else 401), path
        if path not in readable:
            assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("role", "status"), [(RoleCode.AUDITOR, 200), (RoleCode.OFFICER, 403), (RoleCode.MANAGER, 403)]
)
def test_closed_log_is_read_by_auditors_alone(
    grow: Callable[[int], None], public: Any, role: RoleCode, status: int
) -> None:
    grow(2)
    account = open_house().account("Una", role)
    public.MUNIMENT_PUBLIC_LOG = "off"
    client = Client()
    client.force_login(account)
    for path in ("checkpoint", "tile/0/000.p/2", "tile/entries/000.p/2"):
        answer = client.get(f"{PREFIX}/{path}")
        assert answer.status_code == status
        if status == 200:
            assert answer["Cache-Control"].startswith("private, ")


def test_monitor_is_not_held_up_by_a_limit_for_the_anonymous(grow: Callable[[int], None]) -> None:
    grow(1)
    assert {_get("checkpoint").status_code for _ in range(65)} == {200}


def test_each_life_of_a_log_has_an_address_of_its_own(
    grow: Callable[[int], None], log: Log, acting_as: Any
) -> None:
    grow(2)
    with acting_as("superuser"):
        later = Incarnation.objects.create(log=log, ordinal=2, origin=f"{ORIGIN}.2")
        _show(later, 1)
    client = Client()
    answer = client.get("/log/default.2/checkpoint")
    assert answer.content.startswith(b"log.example/default.2\n1\n")
    assert _fetch("checkpoint").startswith(b"log.example/default\n2\n")
    for name in ("default.3", "default.1", "default.02", "default.", "default.x", "other"):
        assert client.get(f"/log/{name}/checkpoint").status_code == 404, name


def test_high_tiles_are_read_from_the_roots_below(
    grow: Callable[[int], None], log: Log, acting_as: Any
) -> None:
    grow(1)
    roots = [leaf_hash(b"%d" % number) for number in range(256)]
    with acting_as("superuser"):
        incarnation = Incarnation.objects.get()
        _show(incarnation, 70_000)
        hashes, root = b"".join(roots), tree_root(roots)
        Tile.objects.create(incarnation=incarnation, level=1, index=0, hashes=hashes, root=root)
    assert _fetch("tile/2/000.p/1") == root
    assert _fetch("tile/1/000") == hashes
    assert _get("tile/2/000.p/2").status_code == 404
    assert _get("tile/1/001.p/17").status_code == 500  # its tiles below are not there


def test_tile_that_lost_its_leaves_is_refused_not_shortened(
    grow: Callable[[int], None], acting_as: Any
) -> None:
    grow(5)
    with acting_as("superuser"):
        forge("DELETE FROM ledger_leaf WHERE index = 4")
    assert _get("tile/entries/000.p/5").status_code == 500
    assert _get("tile/0/000.p/5").status_code == 500
    assert len(unpack(_fetch("tile/entries/000.p/4"), 4)) == 4


def test_changed_record_is_found_by_a_stranger(grow: Callable[[int], None], acting_as: Any) -> None:
    grow(4)
    with acting_as("superuser"):
        forge(
            "UPDATE ledger_record SET body = replace(encode(body, 'escape'), ':1}', ':9}')::bytea"
        )
    with pytest.raises(AssertionError, match="do not give the signed root"):
        Monitor(_fetch, _key()).follow()


def test_widths_of_partial_tiles_are_those_of_the_specification() -> None:
    assert {
        (level, index, width)
        for level in range(4)
        for index, width in tiles_of(70_000 >> 8 * level)
        if width < 256
    } == {(0, 273, 112), (1, 1, 17), (2, 0, 1)}
    for path, size in (("0/273.p/112", 70_000), ("1/001.p/17", 69_888), ("2/000.p/1", 65_536)):
        assert TilePath.parse(path).is_within(size)
        assert not TilePath.parse(path).is_within(size - 1)


def test_served_hashes_are_the_stored_trees(grow: Callable[[int], None]) -> None:
    grow(300)
    tree = StoredTree(Incarnation.objects.get())
    root_line = re.search(rb"\n300\n(.+)\n\n", _fetch("checkpoint"))
    assert root_line
    hashes = _fetch("tile/0/000") + _fetch("tile/0/001.p/44")
    assert len(hashes) == 300 * 32
    assert tree.root(300) == tree_root([hashes[at : at + 32] for at in range(0, 9600, 32)])
