"""Read PROV-JSON (W3C member submission of 24 April 2013): entities, activities, agents, relations.

Names are kept as the whole addresses that they stand for. What our own writer adds under
``muniment:`` (kind, version, digest, state) is read back; to others it is an attribute as any.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from consent.errors import DescriptionRefused
from consent.formats import statements
from consent.formats.described import Description, Link, Node, NodeKind, Reading, Ref, Relation
from consent.formats.doubts import DoubtCode, Doubts
from consent.formats.jsonld import MUNIMENT, PROV
from consent.formats.strict_json import parse_object

FORM = "prov"
MAX_BYTES = 16 * 2**20
XSD = "http://www.w3.org/2001/XMLSchema#"

# PROV-DM, section 5: of each relation its two ends, and whether it has a time.
ENDS = {
    Relation.USED: ("activity", "entity"),
    Relation.GENERATED_BY: ("entity", "activity"),
    Relation.DERIVED_FROM: ("generatedEntity", "usedEntity"),
    Relation.ATTRIBUTED_TO: ("entity", "agent"),
    Relation.ASSOCIATED_WITH: ("activity", "agent"),
    Relation.ACTED_FOR: ("delegate", "responsible"),
    Relation.INFORMED_BY: ("informed", "informant"),
    Relation.STARTED_BY: ("activity", "trigger"),
    Relation.ENDED_BY: ("activity", "trigger"),
    Relation.INVALIDATED_BY: ("entity", "activity"),
    Relation.INFLUENCED_BY: ("influencee", "influencer"),
    Relation.SPECIALISES: ("specificEntity", "generalEntity"),
    Relation.ALTERNATE_OF: ("alternate1", "alternate2"),
    Relation.HAD_MEMBER: ("collection", "entity"),
}
TIMED = frozenset(
    {
        Relation.USED,
        Relation.GENERATED_BY,
        Relation.STARTED_BY,
        Relation.ENDED_BY,
        Relation.INVALIDATED_BY,
    }
)
CLASSES = {"entity": NodeKind.ENTITY, "activity": NodeKind.ACTIVITY, "agent": NodeKind.AGENT}
CLASS_OF = {
    NodeKind.DATASET: "entity",
    NodeKind.MODEL: "entity",
    NodeKind.FILE: "entity",
    NodeKind.ENTITY: "entity",
    NodeKind.JOB: "activity",
    NodeKind.RUN: "activity",
    NodeKind.ACTIVITY: "activity",
    NodeKind.AGENT: "agent",
}
QUALIFIED = PROV + "QUALIFIED_NAME"
RENAME = MUNIMENT + "Rename"
_KNOWN_SECTIONS = {"prefix", "bundle", *CLASSES, *(relation.value for relation in ENDS)}
_VERSIONS = (MUNIMENT + "version", "https://schema.org/version", "http://schema.org/version")


def read(data: bytes) -> Reading:
    """Read a document. Raises DescriptionRefused for what is no such JSON object at all."""
    document = parse_object(data, longest=MAX_BYTES)
    if not document.keys() & _KNOWN_SECTIONS:
        raise DescriptionRefused("description has no part that PROV-JSON knows")
    doubts = Doubts()
    graph = _Graph(doubts)
    graph.add(document, {"prov": PROV, "xsd": XSD, "muniment": MUNIMENT}, depth=0)
    description = Description(
        nodes=tuple(graph.nodes.values()), links=tuple(graph.links()), unknown=graph.unknown
    )
    digest = hashlib.sha256(data).hexdigest()
    return Reading(FORM, "20130424", digest, description, (), doubts.freeze())


class _Graph:
    """What a document and its bundles say, gathered."""

    def __init__(self, doubts: Doubts) -> None:
        self.nodes: dict[str, Node] = {}
        self.unknown: dict[str, Any] = {}
        self._links: list[tuple[Relation, str, str, str, dict[str, Any]]] = []
        self._doubts = doubts

    def add(self, document: Mapping[str, Any], prefixes: Mapping[str, str], *, depth: int) -> None:
        names = _Names({**prefixes, **_texts(document.get("prefix"))}, self._doubts)
        for section, content in document.items():
            if section == "prefix":
                continue
            if not isinstance(content, dict):
                self._doubts.add(DoubtCode.MALFORMED, section, content)
            elif section == "bundle" and depth == 0:
                for inner in content.values():
                    if isinstance(inner, dict):
                        self.add(inner, names.prefixes, depth=1)
            elif section in CLASSES:
                self._add_nodes(section, content, names)
            elif section in ENDS:
                self._add_links(Relation(section), content, names)
            else:
                self._doubts.add(DoubtCode.TERM_UNKNOWN, section, section)
                self.unknown[section] = content

    def links(self) -> Iterator[Link]:
        """Yield the links; an end that is declared nowhere is a doubt."""
        for relation, source, target, at, attributes in self._links:
            for end in (source, target):
                if end not in self.nodes:
                    self._doubts.add(DoubtCode.REFERENCE_UNRESOLVED, relation, end)
            yield Link(relation, self._ref(source), self._ref(target), at, attributes)

    def _ref(self, name: str) -> Ref:
        return self.nodes[name].ref if name in self.nodes else Ref(name)

    def _add_nodes(self, section: str, content: Mapping[str, Any], names: "_Names") -> None:
        for name, stated in content.items():
            address = names.expand(name, section)
            for said in _records(stated, f"{section} {name}", self._doubts):
                node = _node(section, address, said, names, self._doubts)
                known = self.nodes.setdefault(address, node)
                if known is not node:
                    self._doubts.add(DoubtCode.REPEATED, section, name)
                    more = {**node.attributes, **known.attributes}
                    self.nodes[address] = replace(known, attributes=more)

    def _add_links(self, relation: Relation, content: Mapping[str, Any], names: "_Names") -> None:
        for name, stated in content.items():
            for said in _records(stated, f"{relation} {name}", self._doubts):
                values = {names.expand(key, relation): value for key, value in said.items()}
                at = statements.time(values.pop(PROV + "time", None), relation, self._doubts)
                source, target = (
                    self._end(values.pop(PROV + end, None), relation, names)
                    for end in ENDS[relation]
                )
                kind = relation
                if _qualified(values.get(PROV + "type"), names) == RENAME:
                    kind = Relation.RENAMED_FROM
                    del values[PROV + "type"]
                if not source or not target:
                    # PROV lets some ends be left out: such a statement ties nothing to anything.
                    self._doubts.add(DoubtCode.REFERENCE_UNRESOLVED, relation, name)
                    continue
                # A collection may name all its members at once.
                said = {key: names.value(value, relation) for key, value in values.items()}
                self._links += [(kind, source[0], one, at, said) for one in target]

    def _end(self, value: Any, relation: Relation, names: "_Names") -> list[str]:
        every = value if isinstance(value, list) else [value]
        found = [_qualified_text(one) for one in every if one is not None]
        if any(name is None for name in found):
            self._doubts.add(DoubtCode.MALFORMED, relation, value)
        return [names.expand(name, relation) for name in found if name]


class _Names:
    """Qualified names, and what they stand for (PROV-N, section 3.7.1)."""

    def __init__(self, prefixes: dict[str, str], doubts: Doubts) -> None:
        self.prefixes, self._doubts = prefixes, doubts

    def expand(self, name: str, place: str) -> str:
        prefix, colon, local = name.partition(":")
        if not colon:
            prefix, local = "default", name
        if prefix in self.prefixes:
            return statements.clean(self.prefixes[prefix] + local, place, self._doubts)
        if prefix != "_" and not local.startswith("//") and prefix != "urn" and colon:
            self._doubts.add(DoubtCode.PREFIX_UNDECLARED, place, name)
        return statements.clean(name, place, self._doubts)

    def value(self, stated: Any, place: str) -> Any:
        """Return a value with the names in it as addresses (PROV-JSON, section 2.2)."""
        if isinstance(stated, list):
            return [self.value(one, place) for one in stated]
        if not isinstance(stated, dict) or not isinstance(stated.get("type"), str):
            return stated
        kind = self.expand(stated["type"], place)
        said = stated.get("$")
        if kind == QUALIFIED and isinstance(said, str):
            said = self.expand(said, place)
        return {**stated, "$": said, "type": kind}


def _node(
    section: str, address: str, said: Mapping[str, Any], names: _Names, doubts: Doubts
) -> Node:
    values = {names.expand(key, section): value for key, value in said.items()}

    def take(*keys: str) -> str:
        found = [values.pop(key) for key in keys if key in values]
        value = found[0] if found else None
        if isinstance(value, dict) and "$" in value:
            value = value["$"]
        return statements.text(value, f"{section} {address}"[:60], doubts)

    kind = CLASSES[section]
    stated = _qualified(values.get(PROV + "type"), names)
    if stated.startswith(MUNIMENT) and stated.removeprefix(MUNIMENT) in set(NodeKind):
        kind = NodeKind(stated.removeprefix(MUNIMENT))
        del values[PROV + "type"]
    digest = take(MUNIMENT + "digest")
    return Node(
        kind=kind,
        ref=Ref(take(MUNIMENT + "identifier") or address, take(*_VERSIONS)),
        name=take(PROV + "label"),
        state=take(MUNIMENT + "state"),
        started=statements.time(take(PROV + "startTime", MUNIMENT + "startTime"), address, doubts),
        ended=statements.time(take(PROV + "endTime", MUNIMENT + "endTime"), address, doubts),
        digest=statements.digest(digest, address, doubts) if digest else None,
        attributes={key: names.value(value, section) for key, value in values.items()},
    )


def _records(stated: Any, place: str, doubts: Doubts) -> Iterator[Mapping[str, Any]]:
    for one in stated if isinstance(stated, list) else [stated]:
        if isinstance(one, dict):
            yield one
        else:
            doubts.add(DoubtCode.MALFORMED, place, one)


def _texts(value: Any) -> dict[str, str]:
    pairs = value.items() if isinstance(value, dict) else ()
    return {name: address for name, address in pairs if isinstance(address, str)}


def _qualified_text(value: Any) -> str | None:
    if isinstance(value, dict):
        value = value.get("$")
    return value if isinstance(value, str) else None


def _qualified(value: Any, names: _Names) -> str:
    name = _qualified_text(value)
    return names.expand(name, "type") if name else ""
