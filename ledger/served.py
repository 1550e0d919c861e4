"""Reader: the log as strangers read it, tile by tile (C2SP tlog-tiles).

Only what the shown checkpoint covers is given: nobody ever holds a hash that the anchor does
not, or learns from a tile's growth when within its minute a record came. A tile of one width is
the same bytes for ever.
"""

from ledger.errors import LogTampered, NotYetPublished, UnknownLog, UnknownTile
from ledger.models import Incarnation
from ledger.publication import Publication, shown_checkpoint
from ledger.tlogtiles import TilePath, pack_entries
from ledger.tree import StoredTree


def get_incarnation(log: str, ordinal: int) -> Incarnation:
    """Return one life of a log. Raises UnknownLog."""
    incarnation = Incarnation.objects.filter(log__name=log, ordinal=ordinal).first()
    if incarnation is None:
        raise UnknownLog("no log has that name, or it was not continued so often")
    return incarnation


def read_checkpoint(incarnation: Incarnation) -> str:
    """Return the newest checkpoint that strangers may see, with its cosignatures.

    Raises UnknownTile before the first one.
    """
    return str(_shown(incarnation).note)


def read_tile(incarnation: Incarnation, path: TilePath) -> bytes:
    """Return the bytes of a tile or an entry bundle.

    Partial ones stay readable once the full one exists: whoever follows an older checkpoint
    needs them. Raises UnknownTile for what the shown checkpoint does not cover.
    """
    if not path.is_within(_shown(incarnation).checkpoint.size):
        raise UnknownTile("the published tree has no such tile yet")
    tree = StoredTree(incarnation)
    if path.level is None:
        items = list(tree.leaves(path.begin, path.end))
    else:
        items = list(tree.tile(path.level, path.index)[: path.width])
    if len(items) != path.width:
        raise LogTampered(f"{incarnation.origin}: {path} has only {len(items)} of its items")
    return pack_entries(items) if path.level is None else b"".join(items)


def _shown(incarnation: Incarnation) -> Publication:
    try:
        return shown_checkpoint(incarnation)
    except NotYetPublished as exc:
        # As with files that are not written yet: whoever polls a young log expects nothing else.
        raise UnknownTile(str(exc)) from exc
