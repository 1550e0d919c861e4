"""Read a copy back from the archive: nothing that the database still has is believed of it."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import zip_longest

from ledger.archive import store, table
from ledger.archive.copying import read_rows
from ledger.archive.manifest import Manifest, TreeCopy, folder_of
from ledger.errors import CopyBroken, LeafError, NoteError, ProofError
from ledger.leaf import FIRST_PREV, body_in, parse_leaf
from ledger.merkle import (
    HASH_SIZE,
    TILE_WIDTH,
    leaf_hash,
    subtree_root,
    tile_root,
    verify_consistency,
)
from ledger.models import Archive, Partition
from ledger.note import Checkpoint as TreeHead
from ledger.note import Note
from ledger.signing import read_verifiers
from ledger.tlogtiles import TilePath
from ledger.tree import split_hashes

Progress = Callable[[int], None]


def read_manifest(archive: Archive) -> Manifest:
    """Return the manifest of a copy. Raises CopyBroken when it is not the one on record."""
    path = f"{folder_of(archive.partition_id)}/manifest.json"
    manifest = Manifest.parse(store.get(path))
    if manifest.digest != archive.manifest:
        raise CopyBroken(f"{path} in the archive is not the manifest that is on record")
    return manifest


def check(manifest: Manifest, progress: Progress = lambda _: None) -> None:
    """Check every byte of a copy, up to the signed checkpoint. Raises CopyBroken.

    From the leaves upward, all from the archive: each names the one before, gives its hash in
    the tile, and the tiles give the root that leads to the checkpoint. The table says the same.
    """
    copies = {tree.origin: _Files(tree) for tree in manifest.trees}
    for files in copies.values():
        _check_tree(files, progress)
    count = 0
    for row in table.read(f"{folder_of(manifest.first)}/records.parquet", manifest.table):
        count += 1
        found = copies.get(row.origin or "")
        if found and row.index is not None and found.holds(row.index):
            found.check_body(row.index, row.body)
        progress(1)
    if count != manifest.records:
        raise CopyBroken(f"the table of {folder_of(manifest.first)} has {count} records")


def check_against_database(manifest: Manifest, partition: Partition) -> None:
    """Compare the copy's table with the database, row by row. Raises CopyBroken."""
    rows = table.read(f"{folder_of(manifest.first)}/records.parquet", manifest.table)
    for copied, stored in zip_longest(rows, read_rows(partition)):
        if copied != stored:
            which = (stored or copied).record_id
            raise CopyBroken(f"record {which} differs between the archive and the database")


def _check_tree(files: "_Files", progress: Progress) -> None:
    tree = files.tree
    prev = files.tile(0, tree.begin // TILE_WIDTH - 1)[-1] if tree.begin else FIRST_PREV
    for number in range(tree.begin // TILE_WIDTH, tree.size // TILE_WIDTH):
        hashes = []
        for index, leaf in enumerate(files.entries(number), number * TILE_WIDTH):
            prev = _check_leaf(tree.path, leaf, index, prev)
            hashes.append(prev)
        if hashes != files.tile(0, number):
            raise CopyBroken(f"{tree.path}: tile 0/{number} is not that of its entries")
        progress(TILE_WIDTH)
    _check_root(files)


def _check_leaf(path: str, leaf: bytes, index: int, prev: bytes) -> bytes:
    try:
        parsed = parse_leaf(leaf)
    except LeafError as error:
        raise CopyBroken(f"{path}: entry {index} is no leaf: {error}") from error
    if (parsed.index, parsed.prev) != (index, prev):
        raise CopyBroken(f"{path}: entry {index} does not follow the one before")
    return leaf_hash(leaf)


def _check_root(files: "_Files") -> None:
    tree = files.tree
    try:
        head = TreeHead.parse(Note.parse(tree.checkpoint).text)
        Note.parse(tree.checkpoint).verify(read_verifiers(tree.origin))
        root = subtree_root(0, tree.size, files.tile)
        verify_consistency(tree.size, head.size, list(tree.consistency), root, head.root)
    except (NoteError, ProofError, IndexError) as error:
        raise CopyBroken(f"{tree.path}: the copy does not lead to its checkpoint") from error
    if head.origin != tree.origin or root != tree.root:
        raise CopyBroken(f"{tree.path}: the copy does not give the root of its manifest")


class _Files:
    """The tiles of one log as the archive has them; those above that are not full are made."""

    def __init__(self, tree: TreeCopy) -> None:
        self.tree = tree
        # Rows come in the order of ids, and so nearly in that of places.
        self._bodies = lru_cache(maxsize=4)(self._read_bodies)

    def holds(self, index: int) -> bool:
        return self.tree.begin <= index < self.tree.size

    def check_body(self, index: int, body: bytes) -> None:
        number, item = divmod(index, TILE_WIDTH)
        if self._bodies(number)[item] != body:
            raise CopyBroken(f"{self.tree.path}: the table differs from entry {index}")

    def entries(self, number: int) -> list[bytes]:
        return store.get_entries(f"{self.tree.path}/tile/{TilePath(None, number)}")

    def _read_bodies(self, number: int) -> list[bytes]:
        return [body_in(leaf) for leaf in self.entries(number)]

    def tile(self, level: int, number: int) -> Sequence[bytes]:
        below = self.tree.size // TILE_WIDTH**level
        if (number + 1) * TILE_WIDTH > below:
            lower = range(number * TILE_WIDTH, below)
            return [tile_root(self.tile(level - 1, one)) for one in lower]
        path = f"{self.tree.path}/tile/{TilePath(level, number)}"
        content = store.get(path)
        if len(content) != TILE_WIDTH * HASH_SIZE:
            raise CopyBroken(f"{path} in the archive has {len(content)} bytes")
        return split_hashes(content)
