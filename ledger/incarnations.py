"""Reader: the lives of a log, what this database holds of each, and what its anchor saw.

A log goes on under one origin until a database is restored that does not hold what the anchor
saw. From then on it can only go on as its next incarnation: under a new origin, whose leaf 0
names every earlier one, how much of it is kept, and its last anchored checkpoint.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from django.conf import settings

from ledger.anchor import Anchor
from ledger.errors import AnchorRefused, LogGoesOn, LogRolledBack, LogTampered, NoteError
from ledger.leaf import parse_body
from ledger.models import Incarnation, Leaf
from ledger.note import Checkpoint as TreeHead
from ledger.note import Note
from ledger.record_kinds import LOG_OPENED, LogOpened, Predecessor
from ledger.tree import StoredTree

Anchors = Callable[[str], Anchor]


@dataclass(frozen=True)
class Life:
    """One incarnation: the newest signed tree that is kept of it, and the last anchored one.

    ``is_stored`` tells whether this database knows it at all.
    """

    ordinal: int
    origin: str
    kept: TreeHead | None
    anchored: TreeHead | None
    is_stored: bool


def anchor_of(origin: str) -> Anchor:
    """Return the anchor of one origin, in this installation's folder."""
    return Anchor(settings.MUNIMENT_ANCHOR, origin)


def origin_of(log: str, ordinal: int) -> str:
    """Return the origin of a log's incarnation: its first has the bare name."""
    origin = f"{settings.MUNIMENT_ORIGIN}/{log}"
    return origin if ordinal == 1 else f"{origin}.{ordinal}"


def read_lives(log: str, anchors: Anchors = anchor_of) -> list[Life]:
    """Return all lives of a log, first to last, as database and anchors together know them.

    One that was announced to its anchor alone, and never got a leaf, is none. Raises
    AnchorRefused when an anchor is missing or damaged.
    """
    lives = list(_find_lives(log, anchors))
    while lives and not lives[-1].is_stored and lives[-1].anchored is None:
        lives.pop()
    return lives


def verify_continues(
    incarnation: Incarnation, tree: StoredTree, head: TreeHead, anchor: Anchor
) -> None:
    """Check that the stored tree, which ends at ``head``, continues the anchored one.

    Raises AnchorRefused when the anchor is missing, damaged or an older copy, and LogRolledBack
    when the database is: then the log can only go on as its next incarnation.
    """
    origin = incarnation.origin
    held, published = anchor.checkpoint(), incarnation.published_size()
    if (held.size if held else 0) < published:
        raise AnchorRefused(
            f"{origin}: the anchor holds size {held.size if held else 0}, but size {published} was "
            "published. It seems restored from an older copy; restore the newest copy"
        )
    cure = f"or continue the log under a new origin: manage.py continue_log {incarnation.log.name}"
    if successor := anchor.successor():
        raise LogRolledBack(
            f"{origin} was continued as {successor}, which this database does not hold. Restore "
            f"the newest backup, {cure}"
        )
    if held is None:
        return
    if held.size > head.size:
        raise LogRolledBack(
            f"{origin}: the database ends at size {head.size}, the anchor holds {held.size}. It "
            "seems restored from an older backup; going on would fork a signed log. Restore a "
            f"backup that holds size {held.size} or more, {cure}"
        )
    if tree.root(held.size) != held.root:
        raise LogRolledBack(
            f"{origin}: the database has another root of size {held.size} than the anchor. "
            f"Restore the database that the anchor belongs to, {cure}"
        )


def verify_rolled_back(lives: Sequence[Life]) -> None:
    """Check that a log cannot go on under its newest origin. Raises LogGoesOn, AnchorRefused."""
    if not lives:
        raise LogGoesOn("this log was never opened: run manage.py open_log")
    newest = lives[-1]
    incarnation = Incarnation.objects.filter(origin=newest.origin).first()
    if incarnation is None or newest.kept is None:
        return
    try:
        tree = StoredTree(incarnation)
        verify_continues(incarnation, tree, newest.kept, anchor_of(newest.origin))
    except LogRolledBack:
        return
    raise LogGoesOn(f"{newest.origin} continues its anchor: there is nothing to continue")


def predecessor_of(life: Life) -> Predecessor:
    """Return what leaf 0 of the next incarnation says of ``life``."""
    return Predecessor(
        origin=life.origin,
        size=life.kept.size if life.kept else 0,
        root=_digest(life.kept),
        anchored_size=life.anchored.size if life.anchored else 0,
        anchored_root=_digest(life.anchored),
    )


def read_opening(incarnation: Incarnation) -> LogOpened | None:
    """Return the facts of leaf 0, None while there is none. Raises LeafError, FactsRefused."""
    leaf = Leaf.objects.filter(incarnation=incarnation, index=0).select_related("record").first()
    return parse_opening(leaf.record.body) if leaf else None


def parse_opening(body: bytes) -> LogOpened | None:
    """Return the facts of ``body`` when it opens a log, else None."""
    parsed = parse_body(body)
    if parsed.kind != LOG_OPENED.name:
        return None
    facts = LOG_OPENED.parse_facts(dict(parsed.facts))
    assert isinstance(facts, LogOpened)
    return facts


def read_predecessors(incarnation: Incarnation) -> tuple[Predecessor, ...]:
    """Return what leaf 0 of a continued log says of its earlier origins, first to last."""
    opening = read_opening(incarnation)
    return (opening and opening.predecessors) or ()


def orphaned(predecessor: Predecessor) -> range:
    """Return the indexes whose receipts are orphaned: proved once, and held no more.

    Empty where nothing was lost, and where another history of the same size came in its place.
    """
    return range(predecessor.size, max(predecessor.size, predecessor.anchored_size))


def tell_loss(predecessor: Predecessor) -> str:
    """Say in words what was lost of an earlier origin."""
    kept, last = predecessor.size, predecessor.anchored_size
    lost = orphaned(predecessor)
    if lost:
        places = f"{lost[0]}" if len(lost) == 1 else f"{lost[0]} to {lost[-1]}"
        said = f"{len(lost)} lost, with the receipts for index {places}"
    elif predecessor.root == predecessor.anchored_root:
        said = "nothing lost"
    else:
        said = "another history than its anchor saw"
    return f"{predecessor.origin}: {kept} leaves kept, {last} anchored, {said}"


def _find_lives(log: str, anchors: Anchors) -> Iterator[Life]:
    stored = {one.ordinal: one for one in Incarnation.objects.filter(log__name=log)}
    for ordinal in count(1):
        incarnation = stored.get(ordinal)
        origin = incarnation.origin if incarnation else origin_of(log, ordinal)
        anchor = anchors(origin)
        # A later one is looked for too: the anchor of an earlier may be what is missing.
        if ordinal > max(stored, default=0) and not anchor.exists:
            return
        kept = _read_head(incarnation) if incarnation else None
        yield Life(ordinal, origin, kept, anchor.checkpoint(), incarnation is not None)


def _read_head(incarnation: Incarnation) -> TreeHead | None:
    last = incarnation.checkpoints.order_by("-size").first()
    if last is None:
        return None
    try:
        return TreeHead.parse(Note.parse(last.note).text)
    except NoteError as error:
        raise LogTampered(f"{incarnation.origin}: {last} cannot be read: {error}") from error


def _digest(head: TreeHead | None) -> str | None:
    return f"sha256:{head.root.hex()}" if head and head.size else None
