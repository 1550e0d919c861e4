"""Reader: record bodies, wherever they lie.

A record whose body is empty in the database lies in the archive, in the entry bundle of its
leaf's tile.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache

from django.core.files.storage import Storage, storages

from ledger.archive import store
from ledger.errors import CopyBroken, LeafError
from ledger.leaf import body_in
from ledger.merkle import TILE_WIDTH
from ledger.models import Incarnation, Leaf, Record
from ledger.tlogtiles import TilePath


def read_body(record: Record) -> bytes:
    """Return what ``record`` says. Raises CopyBroken when the archive cannot give it."""
    if record.body:
        return record.body
    leaf = Leaf.objects.select_related("incarnation__log").get(record=record)
    return read_archived(leaf.incarnation, leaf.index)


def read_archived(incarnation: Incarnation, index: int) -> bytes:
    """Return the body of a leaf that lies in the archive. Raises CopyBroken."""
    tile, item = divmod(index, TILE_WIDTH)
    path = store.tile_path(incarnation, TilePath(None, tile))
    return _read_bundle(storages[store.ALIAS], path)[item]


def fill(incarnation: Incarnation, rows: Iterable[tuple[int, bytes]]) -> Iterator[bytes]:
    """Yield each body, from the archive where it is empty. Raises CopyBroken."""
    for index, body in rows:
        yield body or read_archived(incarnation, index)


def read_bundle(incarnation: Incarnation, tile: int) -> list[bytes]:
    """Return the 256 bodies of a tile as the archive has them now. Raises CopyBroken."""
    return _parse(store.tile_path(incarnation, TilePath(None, tile)))


@lru_cache(maxsize=16)  # written once; neighbours are asked for together
def _read_bundle(storage: Storage, path: str) -> list[bytes]:  # noqa: ARG001
    return _parse(path)


def _parse(path: str) -> list[bytes]:
    try:
        return [body_in(leaf) for leaf in store.get_entries(path)]
    except LeafError as error:
        raise CopyBroken(f"{path} in the archive: {error}") from error
