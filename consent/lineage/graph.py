"""What lineage is made of: kinds of things, the edges between them, and what an answer holds.

The *trunk* is few and large: versions, trainings, models; it is listed in full. The *leaves* are
many and small: people, items, runs, outputs; they are counted, and paged on request.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from consent.formats.described import NodeKind

_NODE = re.compile(r"[a-z]+")


class Direction(StrEnum):
    """Which way to look: at what came of a thing, or at what it came of."""

    DOWNSTREAM = "downstream"
    UPSTREAM = "upstream"


@dataclass(frozen=True, order=True)
class Node:
    """One thing in the graph: its kind, such as ``subject`` or ``output``, and its id."""

    kind: str
    id: UUID


@dataclass(frozen=True)
class Kind:
    """One kind of things: its table, how people call one and many, and how a row is named.

    ``label`` is SQL over the table's columns, by default its kind and the start of its id; so are
    ``began``, ``ended``, ``digest`` (bytes) and ``project``, where it has such. ``means`` is what
    it is to outsiders, unless ``is_told`` is false. ``given`` is SQL that holds of a row that can
    be given to somebody, without it none can, and ``model`` gives the model that it is or that
    made it. ``page`` is the name of the admin's address for one row. ``head`` is SQL that gives,
    for ``{id}``, the id as which a thing counts that was found to be another.
    """

    name: str
    table: str
    one: str
    many: str
    page: str
    is_trunk: bool = False
    label: str = ""
    head: str = "{id}"
    means: NodeKind = NodeKind.ENTITY
    began: str = "NULL::timestamptz"
    ended: str = "NULL::timestamptz"
    digest: str = "NULL::bytea"
    project: str = "NULL::uuid"
    given: str = ""
    model: str = "NULL::uuid"
    is_told: bool = True

    def name_sql(self) -> str:
        """Return the SQL that names a row of the table."""
        return self.label or f"'{self.one} ' || left(id::text, 8)"


@dataclass(frozen=True)
class Edge:
    """Where edges of one sort are stored: a table with a column for either end.

    An edge runs from what was used to what was made of it. ``only`` is SQL that rows must meet.
    Both columns want an index. Rows with an empty end, such as those cut loose by an erasure, are
    no edges.
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
            f"SELECT {self.source_column} AS source, {self.target_column} AS target"  # noqa: S608
            f" FROM {self.table} WHERE {self.source_column} IS NOT NULL"
            f" AND {self.target_column} IS NOT NULL AND {self.only}"
        )

    def ends(self, direction: Direction) -> tuple[tuple[str, str], tuple[str, str]]:
        """Return kind and column of the end one comes from, and of the end one goes to."""
        source, target = (self.source, "source"), (self.target, "target")
        return (source, target) if direction is Direction.DOWNSTREAM else (target, source)


@dataclass(frozen=True)
class Leaves:
    """Leaves of one kind that hang on trunk nodes of another, met when looking in ``direction``.

    They are never walked through, since there may be a million. All is SQL, with ``%s`` for an
    array of trunk ids: ``each`` selects trunk id and count. Where one leaf may hang on several
    nodes, ``all`` selects the distinct ids. Where each hangs on one, ``owner`` says on which: it
    selects trunk id and count of the leaves in ``{reached}``. ``page`` selects two sort keys, of
    which the second is the leaf's id, for ``%(node)s`` behind ``%(first)s, %(second)s``.
    """

    trunk: str
    leaf: str
    direction: Direction
    each: str
    page: str
    all: str = ""
    owner: str = ""


class Registry:
    """All kinds, sorts of edges and hanging leaves that the installed apps store."""

    def __init__(self) -> None:
        self.kinds: dict[str, Kind] = {}
        self.leaves: list[Leaves] = []
        self._edges: list[Edge] = []

    def describe(self, kind: Kind) -> Kind:
        """Add ``kind`` and return it. Raises ValueError for a name that is taken."""
        if kind.name in self.kinds:
            raise ValueError(f"kind {kind.name} is described twice")
        self.kinds[kind.name] = kind
        return kind

    def register(self, edge: Edge) -> Edge:
        """Add ``edge`` and return it. Raises ValueError when it is there already."""
        if edge in self._edges:
            raise ValueError(f"edges from {edge.source} to {edge.target} are registered twice")
        self._edges.append(edge)
        return edge

    def hang(self, leaves: Leaves) -> Leaves:
        """Add ``leaves`` and return them."""
        self.leaves.append(leaves)
        return leaves

    def __iter__(self) -> Iterator[Edge]:
        return iter(self._edges)

    def order(self, direction: Direction) -> list[str]:
        """Return the kinds so that each comes behind those that lead to it."""
        before: dict[str, set[str]] = {name: set() for name in self.kinds}
        for edge in self._edges:
            (near, _), (far, _) = edge.ends(direction)
            if near != far:
                before[far].add(near)
        ordered: list[str] = []
        while before:
            free = [name for name, needed in before.items() if needed <= set(ordered)]
            if not free:
                raise ValueError(f"edges run in a circle among {', '.join(sorted(before))}")
            ordered += free
            for name in free:
                del before[name]
        return ordered


@dataclass(frozen=True)
class Impact:
    """What came of a thing, or what it came of: the one answer that all faces show.

    ``counts`` says how many there are of each kind, each once. ``hanging`` says of how many
    leaves of a kind each trunk node knows: items of the person in a version, outputs of a model.
    ``loose`` counts the leaves that hang on no trunk node of this answer.
    """

    start: Node
    direction: Direction
    counts: Mapping[str, int]
    trunk: tuple[Node, ...]
    edges: tuple[tuple[Node, Node], ...]
    hanging: Mapping[tuple[Node, str], int]
    loose: Mapping[str, int]
    labels: Mapping[Node, str] = field(default_factory=dict)

    def of(self, kind: str) -> list[UUID]:
        """Return the trunk nodes of one kind, in the order of their labels."""
        return [node.id for node in self.trunk if node.kind == kind]

    def label(self, node: Node) -> str:
        """Return how a trunk node is called."""
        return self.labels.get(node, str(node.id)[:8])

    def as_json(self) -> dict[str, object]:
        """Return the answer as reports and exports write it, in a fixed order."""
        return {
            "start": {"kind": self.start.kind, "id": str(self.start.id)},
            "direction": self.direction.value,
            "counts": dict(sorted(self.counts.items())),
            "not_under_a_node": dict(sorted(self.loose.items())),
            "nodes": [
                {
                    "kind": node.kind,
                    "id": str(node.id),
                    "label": self.label(node),
                    "counts": _counts_at(self.hanging, node),
                }
                for node in self.trunk
            ],
            "edges": [[_text(source), _text(target)] for source, target in self.edges],
        }


@dataclass(frozen=True)
class Givable:
    """Something that can be given to somebody, with its project and its model, if any."""

    project: UUID | None
    model: UUID | None


@dataclass(frozen=True)
class Page:
    """Some leaves of one node; ``after`` asks for the next ones, None at the end."""

    ids: Sequence[UUID]
    after: str | None


def by_number(label: str) -> list[tuple[int, str]]:
    """Return a sort key by which ``v2`` comes before ``v10``."""
    parts = re.split(r"([0-9]+)", label)
    return [(int(part), "") if n % 2 else (0, part) for n, part in enumerate(parts)]


def _counts_at(hanging: Mapping[tuple[Node, str], int], node: Node) -> dict[str, int]:
    return {leaf: count for (at, leaf), count in sorted(hanging.items()) if at == node}


def _text(node: Node) -> str:
    return f"{node.kind}:{node.id}"
