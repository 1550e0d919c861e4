"""Tiles that were edited where the right edge does not see it: the sequencer signs no further."""

from collections.abc import Callable
from hashlib import sha256
from math import ceil

import pytest
from django.db import transaction

from ledger.errors import LogTampered
from ledger.merkle import TILE_WIDTH, tile_root
from ledger.models import Checkpoint, Incarnation, Leaf, Log, Tile
from ledger.sequencer import Sequencer
from ledger.services import Draft, append_many
from ledger.tree import TILES_A_STEP, TileRound
from tests.conftest import ActingAs
from tests.ledger.acts import THING_TESTED, Tries, record
from tests.ledger.forging import forge

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.superuser]

HASHES = "UPDATE ledger_tile SET hashes = overlay(hashes placing '\\x00' from {}) WHERE {}"
ROOT = "UPDATE ledger_tile SET root = sha256(root) WHERE {}"
GONE = "DELETE FROM ledger_tile WHERE {}"


@pytest.fixture
def long_log(log: Log, sequence: Callable[[], int]) -> Log:
    """A log of 768 leaves: three full tiles, and nothing behind them."""
    with transaction.atomic():
        append_many([Draft(THING_TESTED, Tries(tries=tries)) for tries in range(767)])
    assert sequence() == 768
    return log


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (HASHES.format(33, "index = 0"), "tile 0/0 does not give its root"),
        (HASHES.format(8192, "index = 1"), "tile 0/1 does not give its root"),
        # The newest hash of all: the next leaf would name it as the one before.
        (HASHES.format(8192, "index = 2"), "tile 0/2 does not give its root"),
        (ROOT.format("index = 1"), "the tree does not give the root"),
        (GONE.format("index = 0"), "the tree holds fewer|does not give the root|is missing"),
    ],
)
def test_sequencer_signs_nothing_over_an_edited_tile(
    long_log: Log, sequence: Callable[[], int], acting_as: ActingAs, edit: str, complaint: str
) -> None:
    with acting_as("superuser"):
        forge(edit)
    record()
    for _ in range(2):
        with pytest.raises(LogTampered, match=complaint):
            sequence()
    assert (Leaf.objects.count(), Checkpoint.objects.count()) == (768, 1)


def test_sequencer_that_was_at_work_meets_the_edit_before_it_signs_again(
    long_log: Log, acting_as: ActingAs
) -> None:
    with acting_as("sequencer"):
        at_work = Sequencer(long_log)
        at_work.step()
    with acting_as("superuser"):
        forge(HASHES.format(1, "index = 0"))
    record()
    with acting_as("sequencer"), pytest.raises(LogTampered, match="tile 0/0"):
        at_work.step()


# Trees of many tiles, without their leaves -------------------------------------------------------

FULL = 300
SIZE = FULL * TILE_WIDTH + 7


@pytest.fixture
def tiled(log: Log, sequence: Callable[[], int], acting_as: ActingAs) -> Incarnation:
    """The stored tiles of 76,807 leaves: 300 of level 0, and one above them."""
    sequence()
    incarnation = Incarnation.objects.get()
    tiles = [_tile(incarnation, 0, index, _hashes(index)) for index in range(FULL)]
    above = _tile(incarnation, 1, 0, [tile.root for tile in tiles[:TILE_WIDTH]])
    with acting_as("sequencer"):
        Tile.objects.bulk_create([*tiles, above])
    return incarnation


def _hashes(index: int) -> list[bytes]:
    return [sha256(b"%d %d" % (index, item)).digest() for item in range(TILE_WIDTH)]


def _tile(incarnation: Incarnation, level: int, index: int, hashes: list[bytes]) -> Tile:
    root = tile_root(hashes)
    return Tile(
        incarnation=incarnation, level=level, index=index, hashes=b"".join(hashes), root=root
    )


ROUND = ceil((FULL + 1) / TILES_A_STEP)


def test_round_over_what_nobody_touched_finds_nothing(tiled: Incarnation) -> None:
    tiles = TileRound()
    for size in (0, 255, SIZE, SIZE, 256, *[SIZE] * 2 * ROUND):
        tiles.step(tiled, size)


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (HASHES.format(99, "(level, index) = (0, 130)"), "tile 0/130 does not give its root"),
        (HASHES.format(99, "(level, index) = (1, 0)"), "tile 1/0 does not give its root"),
        (ROOT.format("(level, index) = (0, 299)"), "tile 0/299 does not give its root"),
        (ROOT.format("(level, index) = (1, 0)"), "tile 1/0 does not give its root"),
        (GONE.format("(level, index) = (0, 200)"), "tile 0/200 is missing"),
        (GONE.format("(level, index) = (1, 0)"), "tile 1/0 is missing"),
    ],
)
def test_every_tile_has_its_turn_within_a_round(
    tiled: Incarnation, acting_as: ActingAs, edit: str, complaint: str
) -> None:
    tiles = TileRound()
    tiles.step(tiled, SIZE)
    with acting_as("superuser"):
        forge(edit)
    with pytest.raises(LogTampered, match=complaint):
        for _ in range(ROUND):
            tiles.step(tiled, SIZE)
    with pytest.raises(LogTampered, match=complaint):
        tiles.step(tiled, SIZE)


def test_tile_that_was_made_anew_with_its_root_is_not_the_one_above_it(
    tiled: Incarnation, acting_as: ActingAs
) -> None:
    other = _hashes(FULL)
    with acting_as("superuser"):
        forge()
        Tile.objects.filter(level=0, index=200).update(
            hashes=b"".join(other), root=tile_root(other)
        )
    tiles = TileRound()
    with pytest.raises(LogTampered, match="tile 0/200 is not the one that 1/0 holds"):
        for _ in range(ROUND):
            tiles.step(tiled, SIZE)
