"""Reader: what came of a person, a grant or a data set, and what stands behind an image.

One recursive query answers both directions for admin, API, exports and erasure alike. Each app
registers the edges it stores; an edge runs from what was used to what was made of it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

_NODE = re.compile(r"[a-z]+")


@dataclass(frozen=True, order=True)
class Node:
    """One thing in the graph: its kind, such as ``subject`` or ``output``, and its id."""

    kind: str
    id: UUID


@dataclass(frozen=True)
class Edge:
    """Where edges of one sort are stored: a table with a column for either end.

    ``only`` is SQL that rows must meet. Both columns want an index. Rows with an empty end, such
    as those cut loose by an erasure, are no edges.
    """

    source: str
    target: str
    table: str
    source_column: str
    target_column: str
    only: str = "TRUE"

    def __post_init__(self) -> None:
        if not (_NODE.fullmatch(self.source) and _NODE.fullmatch(self.target)):
            raise ValueError(f"edge runs from {self.source!r} to {self.target!r}, wanted kinds")

    def sql(self) -> str:
        """Return the SELECT that gives the edges of this sort."""
        # Constants of the code, never of a request.
        return (
            f"SELECT '{self.source}' AS source_kind, {self.source_column} AS source,"  # noqa: S608
            f" '{self.target}' AS target_kind, {self.target_column} AS target"
            f" FROM {self.table} WHERE {self.source_column} IS NOT NULL"
            f" AND {self.target_column} IS NOT NULL AND {self.only}"
        )


class EdgeRegistry:
    """All sorts of edges that the installed apps store."""

    def __init__(self) -> None:
        self._edges: list[Edge] = []

    def register(self, edge: Edge) -> Edge:
        """Add ``edge`` and return it. Raises ValueError when it is there already."""
        if edge in self._edges:
            raise ValueError(f"edges from {edge.source} to {edge.target} are registered twice")
        self._edges.append(edge)
        return edge

    def __iter__(self) -> Iterator[Edge]:
        return iter(self._edges)


EDGES = EdgeRegistry()

EDGES.register(Edge("grant", "subject", "consent_grant", "id", "subject_id"))
EDGES.register(Edge("subject", "item", "consent_depiction", "subject_id", "item_id"))
EDGES.register(Edge("item", "version", "consent_item", "id", "version_id"))
EDGES.register(Edge("version", "dataset", "consent_datasetversion", "id", "dataset_id"))


def find_impact(start: Node) -> list[Node]:
    """Return everything that was made of ``start``, directly or through other things, sorted."""
    return _walk(start, near="source", far="target")


def find_origins(start: Node) -> list[Node]:
    """Return everything that ``start`` was made of, directly or through other things, sorted."""
    return _walk(start, near="target", far="source")


def by_kind(nodes: Sequence[Node]) -> dict[str, list[UUID]]:
    """Group nodes by kind, in the order of their first appearance."""
    groups: dict[str, list[UUID]] = {}
    for node in nodes:
        groups.setdefault(node.kind, []).append(node.id)
    return groups


def _walk(start: Node, *, near: str, far: str) -> list[Node]:
    edges = " UNION ALL ".join(edge.sql() for edge in EDGES)
    # UNION without ALL keeps each node once, and so ends even where there is a circle.
    query = f"""
        WITH RECURSIVE reached (kind, id) AS (
            SELECT %s::text, %s::uuid
            UNION
            SELECT edge.{far}_kind, edge.{far} FROM reached
            JOIN ({edges}) AS edge
                ON edge.{near}_kind = reached.kind AND edge.{near} = reached.id
        ) SELECT kind, id FROM reached WHERE (kind, id) <> (%s::text, %s::uuid)
        ORDER BY kind, id"""  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(query, [start.kind, start.id, start.kind, start.id])
        return [Node(kind, id_) for kind, id_ in cursor.fetchall()]
