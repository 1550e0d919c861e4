"""The lineage of one thing in the words of outsiders: nodes and links, named by our addresses.

``urn:muniment:<kind>:<id>`` stays the same for ever, so that what goes out and comes in again is
known as the same thing.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from consent.formats.described import Digest, Link, NodeKind, Ref, Relation
from consent.formats.described import Node as Told
from consent.lineage.graph import Direction, Node
from consent.lineage.reading import look
from consent.lineage.registry import EDGES

OURS = "urn:muniment:"
ACTS = frozenset({NodeKind.RUN, NodeKind.ACTIVITY})


@dataclass(frozen=True)
class Lineage:
    """Nodes and links as exports write them."""

    nodes: tuple[Told, ...]
    links: tuple[Link, ...]


def address(kind: str, id_: UUID) -> str:
    """Return what we call one of our own things to outsiders."""
    return f"{OURS}{kind}:{id_}"


def tell(start: Node, projects: Collection[UUID]) -> Lineage:
    """Return what ``start`` came of and what came of it: data sets, versions, trainings, models.

    Of what belongs to none of ``projects`` only the address is told. Raises KeyError for a kind
    that there is not.
    """
    seen: dict[Node, None] = {}
    edges: dict[tuple[Node, Node], None] = {}
    for direction in (Direction.UPSTREAM, Direction.DOWNSTREAM):
        impact = look(start, direction)
        # To whom else it was given is nobody else's business.
        seen |= dict.fromkeys(one for one in [start, *impact.trunk] if _is_told(one))
        edges |= dict.fromkeys(edge for edge in impact.edges if all(map(_is_told, edge)))
    told = dict(_describe(seen, projects))
    ordered = sorted(told, key=lambda node: (node.kind, node.id))
    return Lineage(tuple(told[node] for node in ordered), tuple(map(_link, sorted(edges))))


def _is_told(node: Node) -> bool:
    return EDGES.kinds[node.kind].is_told


def _describe(nodes: Collection[Node], projects: Collection[UUID]) -> Iterator[tuple[Node, Told]]:
    for kind in sorted({node.kind for node in nodes}):
        known = EDGES.kinds[kind]
        columns = f"id, {known.name_sql()}, {known.began}, {known.ended}"
        columns += f", {known.digest}, {known.project}"
        ids = [node.id for node in nodes if node.kind == kind]
        with connection.cursor() as cursor:
            # Constants of the code, never of a request.
            cursor.execute(f"SELECT {columns} FROM {known.table} WHERE id = ANY(%s)", [ids])  # noqa: S608
            rows = cursor.fetchall()
        for id_, name, began, ended, digest, project in rows:
            node, ref = Node(kind, id_), Ref(address(kind, id_))
            if project is not None and project not in projects:
                yield node, Told(known.means, ref)
            else:
                root = Digest("sha256", bytes(digest).hex()) if digest else None
                times = _time(began), _time(ended)
                yield node, Told(known.means, ref, str(name), "", *times, root)


def _link(edge: tuple[Node, Node]) -> Link:
    """Return an edge, which runs from what was used to what was made of it, in PROV's words."""
    earlier, later = edge
    refs = Ref(address(later.kind, later.id)), Ref(address(earlier.kind, earlier.id))
    if later.kind == "dataset":
        return Link(Relation.SPECIALISES, refs[1], refs[0])
    if EDGES.kinds[later.kind].means in ACTS:
        return Link(Relation.USED, *refs)
    if EDGES.kinds[earlier.kind].means in ACTS:
        return Link(Relation.GENERATED_BY, *refs)
    return Link(Relation.DERIVED_FROM, *refs)


def _time(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""
