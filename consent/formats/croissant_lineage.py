"""Where a Croissant data set comes from: PROV-O terms on the data set, both ways."""

from collections.abc import Iterable
from typing import Any

from consent.formats import statements
from consent.formats.described import Link, Node, NodeKind, Ref, Relation
from consent.formats.doubts import DoubtCode, Doubts
from consent.formats.jsonld import PROV, SCHEMA, Thing

_KINDS = {
    Relation.DERIVED_FROM: NodeKind.DATASET,
    Relation.GENERATED_BY: NodeKind.ACTIVITY,
    Relation.ATTRIBUTED_TO: NodeKind.AGENT,
}
_OTHER_NAMES = {Relation.DERIVED_FROM: (SCHEMA + "isBasedOn",)}


def read_lineage(thing: Thing, doubts: Doubts) -> tuple[tuple[Node, ...], tuple[Link, ...]]:
    """Return what the data set is said to come from, as nodes that are described and links."""
    nodes: dict[Ref, Node] = {}
    links = []
    for relation, kind in _KINDS.items():
        addresses = (PROV + relation, SCHEMA + relation, *_OTHER_NAMES.get(relation, ()))
        for number, raw in enumerate(thing.many(*addresses), 1):
            node = _node(raw, kind, thing, f"{relation} {number}", doubts)
            if node is None:
                continue
            links.append(Link(relation, Ref(), node.ref))
            if isinstance(raw, dict) and raw.keys() != {"@id"}:
                nodes.setdefault(node.ref, node)
    return tuple(nodes.values()), tuple(links)


def write_lineage(nodes: Iterable[Node], links: Iterable[Link]) -> dict[str, Any]:
    """Return the terms from which ``read_lineage`` gives these links and nodes again.

    Links of other nodes than the data set itself have no place in Croissant and are left out.
    """
    described = {node.ref: node for node in nodes}
    written: dict[str, list[Any]] = {}
    for link in links:
        if link.relation in _KINDS and link.source == Ref():
            target = _write_node(link.target, described.get(link.target))
            written.setdefault(f"prov:{link.relation}", []).append(target)
    return dict(written)


def _node(raw: Any, kind: NodeKind, thing: Thing, place: str, doubts: Doubts) -> Node | None:
    if not isinstance(raw, dict):
        identifier = statements.text(raw, place, doubts, longest=2000)
        return Node(kind, Ref(identifier)) if identifier else None
    said = Thing(raw, thing.context, place, doubts)
    name = statements.text(said.get(SCHEMA + "name"), place, doubts, longest=500)
    known_by = raw.get("@id") or said.get(SCHEMA + "url", SCHEMA + "identifier") or name
    identifier = statements.text(known_by, place, doubts, longest=2000)
    if not identifier:
        doubts.add(DoubtCode.IDENTIFIER_MISSING, place)
        return None
    version = statements.text(said.get(SCHEMA + "version"), place, doubts, longest=100)
    digest = said.get(SCHEMA + "sha256")
    return Node(
        kind=kind,
        ref=Ref(identifier, version),
        name=name,
        started=statements.time(said.get(PROV + "startedAtTime"), place, doubts),
        ended=statements.time(said.get(PROV + "endedAtTime"), place, doubts),
        digest=None
        if digest is None
        else statements.digest(
            statements.text(digest, place, doubts), place, doubts, algorithm="sha256"
        ),
        attributes={key: value for key, (_, value) in said.rest().items()},
    )


# Not sc:Dataset: the official validator would take the source for the data set described.
_TYPES = {NodeKind.DATASET: "prov:Entity", NodeKind.ACTIVITY: "prov:Activity"}


def _write_node(ref: Ref, node: Node | None) -> dict[str, Any]:
    written: dict[str, Any] = {"@id": ref.identifier}
    if node is None and not ref.version:
        return written
    node = node or Node(NodeKind.DATASET, ref)
    said = {
        "@type": _TYPES.get(node.kind, "prov:Agent"),
        "name": node.name,
        "version": ref.version,
        "prov:startedAtTime": node.started,
        "prov:endedAtTime": node.ended,
        "sha256": node.digest.value if node.digest else "",
    }
    return written | {key: value for key, value in said.items() if value} | dict(node.attributes)
