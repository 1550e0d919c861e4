"""The one authoritative query: sets of ids, kind after kind, in the order in which edges lead."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection

from consent.lineage.graph import Direction, Edge, Givable, Impact, Leaves, Node, Page, by_number
from consent.lineage.registry import EDGES

PAGE = 100
_FIRST = UUID(int=0)

Found = Sequence[tuple[str, str, UUID | None, str | None, UUID | None, int]]


@dataclass(frozen=True)
class _Walk:
    """The SQL of one walk: a set for each kind that can be reached, in order."""

    start: Node
    direction: Direction
    sets: Mapping[str, str]
    ids: Sequence[UUID]

    def statement(self) -> str:
        """Return the statement that gives nodes, edges and counts as rows of one shape."""
        told = [
            *(_tell(kind) for kind in self.sets),
            *(self._join(edge) for edge in EDGES if {edge.source, edge.target} <= set(self.sets)),
            *(self._own(leaves) for leaves in self.hanging() if leaves.owner),
        ]
        sets = ", ".join(self.sets.values())
        return f"WITH RECURSIVE {sets} {' UNION ALL '.join(told)}"

    def hanging(self) -> list[Leaves]:
        """Return what may hang on the trunk that is reached."""
        return [
            leaves
            for leaves in EDGES.leaves
            if leaves.direction is self.direction and leaves.trunk in self.sets
        ]

    def _join(self, edge: Edge) -> str:
        """Tell the edges between trunk nodes, and how many leaves lead to each trunk node."""
        (near, near_end), (far, far_end) = edge.ends(self.direction)
        source, target = _set(edge.source), _set(edge.target)
        joined = (
            f"FROM ({edge.sql()}) e JOIN {source} s ON s.id = e.source"
            f" JOIN {target} t ON t.id = e.target"
        )
        if _is_trunk(near) and _is_trunk(far):
            return (
                f"SELECT 'edge', '{edge.source}', e.source, '{edge.target}', e.target, 1 {joined}"
            )
        if _is_trunk(far):
            return (
                f"SELECT 'under', '{far}', e.{far_end}, '{near}', NULL,"
                f" count(DISTINCT e.{near_end}) {joined} GROUP BY e.{far_end}"
            )
        return "SELECT 'none', '', NULL, NULL, NULL, 0 WHERE FALSE"

    def _own(self, leaves: Leaves) -> str:
        if leaves.leaf not in self.sets:
            return "SELECT 'none', '', NULL, NULL, NULL, 0 WHERE FALSE"
        owned = leaves.owner.format(reached=_set(leaves.leaf))
        return (
            f"SELECT 'owned', '{leaves.trunk}', o.id, '{leaves.leaf}', NULL, o.count"  # noqa: S608
            f" FROM ({owned}) o (id, count)"
        )


def find_impact(start: Node) -> Impact:
    """Return everything that was made of ``start``, directly or through other things."""
    return look(start, Direction.DOWNSTREAM)


def find_origins(start: Node) -> Impact:
    """Return everything that ``start`` was made of, directly or through other things."""
    return look(start, Direction.UPSTREAM)


def look(start: Node, direction: Direction) -> Impact:
    """Return what lies downstream or upstream of ``start``: a handful of statements, whatever
    the size of the graph. Raises KeyError for a kind that there is not."""
    walk = _plan(start, direction)
    found = _select(walk.statement(), [walk.ids])
    nodes = {Node(kind, id_) for what, kind, id_, *_ in found if what == "node" and id_}
    counts = {kind: count for what, kind, *_, count in found if what == "count"}
    edges = {
        (Node(kind, one), Node(other or "", two))
        for what, kind, one, other, two, _ in found
        if what == "edge" and one and two
    }
    under = {
        (Node(kind, id_), leaf or ""): count
        for what, kind, id_, leaf, _, count in found
        if what == "under" and id_
    }
    hanging, loose = _hang(walk, nodes, found, counts)
    if start.kind in counts:
        counts[start.kind] -= 1
    counts |= {kind: len([n for n in nodes if n.kind == kind and n != start]) for kind in _trunk()}
    labels = name_nodes({*nodes, start})
    return Impact(
        start=start,
        direction=direction,
        counts={kind: count for kind, count in sorted(counts.items()) if count},
        trunk=tuple(sorted(nodes, key=lambda node: (node.kind, by_number(labels[node]), node.id))),
        edges=tuple(sorted(edges)),
        hanging={**under, **hanging},
        loose=loose,
        labels=labels,
    )


def find_leaves(
    node: Node, leaf: str, direction: Direction, *, after: str | None = None, limit: int = PAGE
) -> Page:
    """Return some leaves of one kind at one node, in a fixed order, those behind ``after``.

    Raises KeyError for leaves that do not hang there, ValueError for an ``after`` that is none.
    """
    first, second = (UUID(part) for part in after.split(".")) if after else (_FIRST, _FIRST)
    said = {"node": node.id, "first": first, "second": second, "limit": limit + 1}
    rows = _select(f"{_page_of(node, leaf, direction)} LIMIT %(limit)s", said)
    shown = rows[:limit]
    is_more = len(rows) > limit
    return Page(
        ids=[id_ for _, id_ in shown],
        after=f"{shown[-1][0]}.{shown[-1][1]}" if is_more else None,
    )


def find_every(impact: Impact, leaf: str) -> Iterator[UUID]:
    """Yield every leaf of one kind in an answer, each once: for exports of a graph in full.

    Memory grows with those that hang on no trunk node or on several, not with the rest.
    """
    walk = _plan(impact.start, impact.direction)
    seen: set[UUID] = set()
    if leaf in walk.sets:
        sets = ", ".join(walk.sets.values())
        rows = _select(f"WITH RECURSIVE {sets} SELECT id FROM {_set(leaf)} ORDER BY id",  # noqa: S608
                       [walk.ids])  # fmt: skip
        seen = {id_ for (id_,) in rows if Node(leaf, id_) != impact.start}
        yield from sorted(seen)
    for leaves in walk.hanging():
        for node in impact.trunk:
            if (leaves.trunk, leaves.leaf) == (node.kind, leaf):
                for id_ in _all_at(node, leaf, impact.direction):
                    if id_ not in seen:
                        yield id_
                    if leaves.all:
                        seen.add(id_)


def _all_at(node: Node, leaf: str, direction: Direction) -> Iterator[UUID]:
    after: str | None = ""
    while after is not None:
        page = find_leaves(node, leaf, direction, after=after or None, limit=10 * PAGE)
        yield from page.ids
        after = page.after


def leaves_of(kind: str, direction: Direction) -> list[str]:
    """Return the kinds of leaves that ``find_leaves`` can list at a node of this kind."""
    hung = {(one.trunk, one.leaf) for one in EDGES.leaves if one.direction is direction}
    hung |= {(near, far) for (near, _), (far, _) in (edge.ends(direction) for edge in EDGES)}
    return sorted(leaf for trunk, leaf in hung if trunk == kind and not _is_trunk(leaf))


def is_used(start: Node) -> bool:
    """Say whether anything at all was made of ``start``: one look into each sort of edges.

    Whoever counts as somebody else was not made into anything by that, but may be in what was
    made of the other.
    """
    steps = [edge for edge in EDGES if edge.source == start.kind]
    same = [edge.sql() for edge in steps if edge.target == start.kind]
    also = "".join(f" UNION SELECT target FROM ({sql}) e WHERE source = %s" for sql in same)  # noqa: S608
    arms = [
        f"EXISTS (SELECT FROM ({edge.sql()}) e JOIN selves ON selves.id = e.source)"
        for edge in steps
        if edge.target != start.kind
    ]
    statement = f"WITH selves (id) AS (SELECT %s::uuid{also}) SELECT {' OR '.join(arms)}"
    return bool(_select(statement, [start.id] * (1 + len(same)))[0][0])


def exists(node: Node) -> bool:
    """Say whether there is such a thing. Raises KeyError for a kind that there is not."""
    table = EDGES.kinds[node.kind].table
    return bool(_select(f"SELECT 1 FROM {table} WHERE id = %s", [node.id]))  # noqa: S608


def in_words(impact: Impact, kinds: Iterable[str] | None = None) -> list[tuple[str, int]]:
    """Return how many there are of each kind, as screens say it, in the order of the edges."""
    ordered = EDGES.order(Direction.DOWNSTREAM) if kinds is None else kinds
    return [
        (EDGES.kinds[kind].many, impact.counts[kind]) for kind in ordered if kind in impact.counts
    ]


def _plan(start: Node, direction: Direction) -> _Walk:
    sets: dict[str, str] = {}
    EDGES.kinds[start.kind]
    for kind in EDGES.order(direction):
        arms = ["SELECT unnest(%s::uuid[])"] if kind == start.kind else []
        circles = []
        for edge in EDGES:
            (near, near_end), (far, far_end) = edge.ends(direction)
            if far != kind or (_is_trunk(near) and not _is_trunk(far)):
                continue  # what hangs on the trunk is counted, not walked through
            if near == kind:
                circles.append(f"SELECT {near_end} AS near, {far_end} AS far FROM ({edge.sql()}) e")  # noqa: S608
            elif near in sets:
                arms.append(
                    f"SELECT e.{far_end} FROM ({edge.sql()}) e"  # noqa: S608
                    f" JOIN {_set(near)} n ON n.id = e.{near_end}"
                )
        if arms:
            # Whoever else the start is, is known: a set that refers to itself would be taken for
            # a large one, and everything after it read in full.
            is_known = kind == start.kind and not _is_trunk(kind)
            sets[kind] = _as_set(kind, arms, [] if is_known else circles)
    return _Walk(start, direction, sets, _find_same(start))


def _find_same(start: Node) -> list[UUID]:
    """Return the ids under which a thing was registered, its own among them."""
    same = [edge.sql() for edge in EDGES if edge.source == edge.target == start.kind]
    if not same or _is_trunk(start.kind):
        return [start.id]
    edges = " UNION ALL ".join(same)
    statement = (
        "WITH RECURSIVE same (id) AS (SELECT %s::uuid UNION"  # noqa: S608
        f" SELECT e.target FROM ({edges}) e JOIN same ON same.id = e.source) SELECT id FROM same"
    )
    return [id_ for (id_,) in _select(statement, [start.id])]


def _as_set(kind: str, arms: Sequence[str], circles: Sequence[str]) -> str:
    # UNION without ALL keeps each id once, and so ends even where there is a circle.
    base = f"SELECT DISTINCT id FROM ({' UNION ALL '.join(arms)}) a (id)"  # noqa: S608
    if not circles:
        return f"{_set(kind)} (id) AS MATERIALIZED ({base})"
    # PostgreSQL lets a set refer to itself only once.
    again = (
        f"SELECT c.far FROM ({' UNION ALL '.join(circles)}) c JOIN {_set(kind)} r ON r.id = c.near"  # noqa: S608
    )
    return f"{_set(kind)} (id) AS ({base} UNION {again})"


def _tell(kind: str) -> str:
    if _is_trunk(kind):
        return f"SELECT 'node', '{kind}', id, NULL::text, NULL::uuid, 1::bigint FROM {_set(kind)}"  # noqa: S608
    return (
        f"SELECT 'count', '{kind}', NULL::uuid, NULL::text, NULL::uuid,"  # noqa: S608
        f" count(DISTINCT {_head(kind)}) FROM {_set(kind)} r"
    )


def _hang(
    walk: _Walk, nodes: Iterable[Node], found: Found, counts: dict[str, int]
) -> tuple[dict[tuple[Node, str], int], dict[str, int]]:
    """Count what hangs on the trunk, add it to ``counts``; return it, and what is loose."""
    hanging: dict[tuple[Node, str], int] = {}
    loose: dict[str, int] = {}
    for leaves in walk.hanging():
        trunk = [node.id for node in nodes if node.kind == leaves.trunk]
        each: dict[UUID, int] = dict(_select(leaves.each, [trunk])) if trunk else {}
        hanging |= {(Node(leaves.trunk, id_), leaves.leaf): int(n) for id_, n in each.items()}
        if leaves.all:
            continue
        apart = sum(
            count
            for what, kind, id_, leaf, _, count in found
            if (what, kind, leaf) == ("owned", leaves.trunk, leaves.leaf) and id_ not in trunk
        )
        if leaves.leaf in counts:
            loose[leaves.leaf] = apart
        counts[leaves.leaf] = int(sum(each.values())) + apart
    counts |= _count_shared(walk, nodes)
    return hanging, {leaf: count for leaf, count in loose.items() if count}


def _count_shared(walk: _Walk, nodes: Iterable[Node]) -> dict[str, int]:
    """Count leaves that may hang on several nodes, each once, and those reached otherwise."""
    shared = [leaves for leaves in walk.hanging() if leaves.all]
    counts = {}
    for leaves in shared:
        trunk = [node.id for node in nodes if node.kind == leaves.trunk]
        sets = f"WITH RECURSIVE {', '.join(walk.sets.values())} " if walk.sets else ""
        direct = (
            f" UNION SELECT {_head(leaves.leaf)} FROM {_set(leaves.leaf)} r"  # noqa: S608
            if leaves.leaf in walk.sets
            else ""
        )
        statement = f"{sets}SELECT count(*) FROM ({leaves.all}{direct}) x"  # noqa: S608
        counts[leaves.leaf] = int(_select(statement, [walk.ids, trunk])[0][0])
    return counts


def name_nodes(nodes: Iterable[Node]) -> dict[Node, str]:
    """Return how things are called; those that there are no more are left out."""
    wanted = list(nodes)
    labels: dict[Node, str] = {}
    for kind in sorted({node.kind for node in wanted}):
        ids = [node.id for node in wanted if node.kind == kind]
        described = EDGES.kinds[kind]
        sql = f"SELECT id, {described.name_sql()} FROM {described.table} WHERE id = ANY(%s)"  # noqa: S608
        labels |= {Node(kind, id_): str(text) for id_, text in _select(sql, [ids])}
    return labels


def find_given(node: Node) -> Givable | None:
    """Return a thing that can be given to somebody; None when there is none, or it is not ready.

    Raises KeyError for a kind that nobody is given.
    """
    kind = EDGES.kinds[node.kind]
    if not kind.given:
        raise KeyError(f"no {kind.one} is given to anybody")
    rows = _select(
        f"SELECT {kind.project}, {kind.model} FROM {kind.table} WHERE id = %s AND {kind.given}",  # noqa: S608
        [node.id],
    )
    return Givable(*rows[0]) if rows else None


def _page_of(node: Node, leaf: str, direction: Direction) -> str:
    for leaves in EDGES.leaves:
        if (leaves.trunk, leaves.leaf, leaves.direction) == (node.kind, leaf, direction):
            return leaves.page
    for edge in EDGES:
        (near, near_end), (far, far_end) = edge.ends(direction)
        if (near, far) == (node.kind, leaf):
            return (
                f"SELECT e.{near_end}, e.{far_end} FROM ({edge.sql()}) e"  # noqa: S608
                f" WHERE e.{near_end} = %(node)s AND e.{far_end} > %(second)s ORDER BY 2"
            )
    raise KeyError(f"no {leaf} hangs on a {node.kind} {direction}")


def _trunk() -> list[str]:
    return [name for name, kind in EDGES.kinds.items() if kind.is_trunk]


def _is_trunk(kind: str) -> bool:
    return EDGES.kinds[kind].is_trunk


def _head(kind: str) -> str:
    return EDGES.kinds[kind].head.format(id="r.id")


def _set(kind: str) -> str:
    return f"reached_{kind}"


def _select(statement: str, said: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, said)
        return list(cursor.fetchall())
