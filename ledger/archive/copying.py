"""Copy the records of one closed partition into the archive."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db import connection

from ledger import binary
from ledger.archive import store, table
from ledger.archive.manifest import Manifest, TreeCopy, folder_of
from ledger.archive.table import Row
from ledger.errors import LogTampered
from ledger.leaf import parse_body
from ledger.merkle import TILE_WIDTH, leaf_hash
from ledger.models import ArchivedTree, Incarnation, Partition
from ledger.proofs import published_checkpoint
from ledger.tlogtiles import TilePath, pack_entries
from ledger.tree import StoredTree

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Part:
    """The leaves [begin, size) of one incarnation that a copy adds to the archive."""

    incarnation: Incarnation
    begin: int
    size: int


def plan(partition: Partition) -> list[Part]:
    """Return what is to be copied of each log: whole tiles that are published, without gaps.

    Leaves of the partition that lie in no full tile yet stay in the database.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT incarnation_id, max(index) FROM ledger_leaf "
            "WHERE record_id >= %s AND record_id < %s GROUP BY 1 ORDER BY 1",
            [partition.first, partition.end],
        )
        newest = dict(cursor.fetchall())
    parts = []
    for incarnation in Incarnation.objects.filter(pk__in=newest).select_related("log"):
        begin = archived_size(incarnation)
        full = incarnation.published_size() // TILE_WIDTH
        size = min(newest[incarnation.pk] // TILE_WIDTH + 1, full) * TILE_WIDTH
        if size > begin:
            parts.append(Part(incarnation, begin, size))
    return parts


def archived_size(incarnation: Incarnation) -> int:
    """Return how many leaves of ``incarnation`` lie in the archive, from 0 on."""
    trees = ArchivedTree.objects.filter(incarnation=incarnation)
    return max(trees.values_list("size", flat=True), default=0)


def copy(partition: Partition, parts: list[Part], progress: Progress) -> Manifest:
    """Write tiles, entry bundles, table and manifest; ``progress`` hears of leaves and rows.

    Safe to repeat: tiles that lie there already must be the same. Raises CopyBroken, and
    LogTampered when the database contradicts itself.
    """
    trees = tuple(_copy_tree(part, progress) for part in parts)
    folder = folder_of(partition.first)
    count, digest = table.write(f"{folder}/records.parquet", read_rows(partition, progress))
    manifest = Manifest(partition.first, partition.end, count, digest, trees)
    store.replace(f"{folder}/manifest.json", manifest.text())
    return manifest


def read_rows(partition: Partition, progress: Progress = lambda _: None) -> Iterator[Row]:
    """Yield the records of a partition in the order of their ids. Needs a transaction."""
    query = (
        "SELECT r.id, r.uuid, i.origin, l.index, r.body FROM ledger_record r "
        "LEFT JOIN ledger_leaf l ON l.record_id = r.id "
        "LEFT JOIN ledger_incarnation i ON i.id = l.incarnation_id "
        "WHERE r.id >= %s AND r.id < %s ORDER BY r.id"
    )
    for pk, uuid, origin, index, body in binary.stream(query, [partition.first, partition.end]):
        parsed = parse_body(body)
        yield Row(pk, uuid, origin, index, parsed.at, parsed.kind, body)
        progress(1)


def _copy_tree(part: Part, progress: Progress) -> TreeCopy:
    incarnation, tree = part.incarnation, StoredTree(part.incarnation)
    for number in range(part.begin // TILE_WIDTH, part.size // TILE_WIDTH):
        _copy_tile(incarnation, number)
        progress(TILE_WIDTH)
    _copy_upper_tiles(part)
    checkpoint = published_checkpoint(incarnation)
    return TreeCopy(
        origin=incarnation.origin,
        path=store.prefix_of(incarnation),
        begin=part.begin,
        size=part.size,
        root=tree.root(part.size),
        checkpoint=checkpoint.note,
        consistency=tuple(tree.consistency_path(part.size, checkpoint.size)),
    )


def _copy_tile(incarnation: Incarnation, number: int) -> None:
    tree = StoredTree(incarnation)  # it keeps what it reads
    leaves = list(tree.leaves(number * TILE_WIDTH, (number + 1) * TILE_WIDTH))
    hashes = tree.tile(0, number)
    if [leaf_hash(leaf) for leaf in leaves] != list(hashes):
        raise LogTampered(f"{incarnation.origin}: the records of tile 0/{number} do not give it")
    store.put(store.tile_path(incarnation, TilePath(None, number)), pack_entries(leaves))
    store.put(store.tile_path(incarnation, TilePath(0, number)), b"".join(hashes))


def _copy_upper_tiles(part: Part) -> None:
    """Write the tiles above that are full within the copy."""
    level, begin, end = 1, part.begin // TILE_WIDTH**2, part.size // TILE_WIDTH**2
    while end:
        for number in range(begin, end):
            hashes = b"".join(StoredTree(part.incarnation).tile(level, number))
            store.put(store.tile_path(part.incarnation, TilePath(level, number)), hashes)
        level, begin, end = level + 1, begin // TILE_WIDTH, end // TILE_WIDTH
