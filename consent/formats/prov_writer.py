"""Write a lineage as PROV-JSON and as PROV-N (W3C Recommendation of 30 April 2013)."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from consent.formats.described import Link, Node, NodeKind, Ref, Relation
from consent.formats.jsonld import MUNIMENT, PROV
from consent.formats.prov import CLASS_OF, CLASSES, ENDS, QUALIFIED, RENAME, TIMED, XSD

IDENTIFIERS = "urn:muniment:id:"
_SPLIT = re.compile(r"((?:https?://|urn:)[^\s<>\"]*[/#:])([A-Za-z_][A-Za-z0-9_]*)")
_PLAIN_KINDS = frozenset(CLASSES.values())
# PROV-N, section 3.6: these relations take no attributes.
_BARE = frozenset({Relation.SPECIALISES, Relation.ALTERNATE_OF, Relation.HAD_MEMBER})


def write_json(nodes: Sequence[Node], links: Iterable[Link]) -> bytes:
    """Return a PROV-JSON document from which ``prov.read`` gives these nodes and links again.

    ``wasRenamedFrom`` and ``partOf``, which PROV does not have, become a derivation of our type
    and a membership the other way round. Attributes are keyed by whole addresses. No reference
    may be empty: whoever writes knows what the data set itself is called.
    """
    document = _Document(nodes, links)
    sections: dict[str, Any] = {}
    for name, said, node in document.nodes():
        sections.setdefault(CLASS_OF[node.kind], {})[name] = said
    for number, (relation, ends, said) in enumerate(document.links(), 1):
        keys = (f"prov:{end}" for end in ENDS[relation])
        record = dict(zip(keys, ends, strict=True)) | said
        sections.setdefault(relation.value, {})[f"_:{number}"] = record
    written = {"prefix": document.prefixes(), **sections}
    return (json.dumps(written, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def write_n(nodes: Sequence[Node], links: Iterable[Link]) -> bytes:
    """Return the same document in PROV-N."""
    document = _Document(nodes, links)
    lines = [_node_line(name, said, node) for name, said, node in document.nodes()]
    lines += [_link_line(*link) for link in document.links()]
    prefixes = [f"prefix {name} <{address}>" for name, address in document.prefixes().items()]
    text = ["document", *(f"  {line}" for line in (*prefixes, *lines)), "endDocument"]
    return ("\n".join(text) + "\n").encode()


@dataclass
class _Document:
    """Nodes and links with their qualified names; every end of a link is declared."""

    stated: Sequence[Node]
    tied: Iterable[Link]
    _namespaces: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tied = [_in_prov(link) for link in self.tied]
        self._nodes = {node.ref: node for node in self.stated}
        for link in self.tied:
            for ref, end in zip((link.source, link.target), ENDS[_plain(link)], strict=True):
                self._nodes.setdefault(ref, Node(_kind(end), ref))

    def prefixes(self) -> dict[str, str]:
        """Return the namespaces in use; asked for last, since writing finds them."""
        known = {"muniment": MUNIMENT}
        return known | {prefix: address for address, prefix in self._namespaces.items()}

    def nodes(self) -> Iterator[tuple[str, dict[str, Any], Node]]:
        for ref, node in self._nodes.items():
            said: dict[str, Any] = {}
            name, is_whole = self._name(ref)
            if not is_whole:
                said["muniment:identifier"] = ref.identifier
            if node.kind not in _PLAIN_KINDS:
                said["prov:type"] = {"$": f"muniment:{node.kind}", "type": "prov:QUALIFIED_NAME"}
            # PROV gives times to activities only.
            own = "prov" if CLASS_OF[node.kind] == "activity" else "muniment"
            told = {
                "muniment:version": ref.version,
                "prov:label": node.name,
                "muniment:state": node.state,
                "muniment:digest": node.digest and f"{node.digest.algorithm}:{node.digest.value}",
                f"{own}:startTime": node.started,
                f"{own}:endTime": node.ended,
            }
            said |= {key: value for key, value in told.items() if value}
            yield name, said | self._attributes(node.attributes), node

    def links(self) -> Iterator[tuple[Relation, tuple[str, str], dict[str, Any]]]:
        for link in self.tied:
            said: dict[str, Any] = {}
            if link.at and link.relation in TIMED:
                said["prov:time"] = link.at
            if link.relation is Relation.RENAMED_FROM:
                rename = f"muniment:{RENAME.removeprefix(MUNIMENT)}"
                said["prov:type"] = {"$": rename, "type": "prov:QUALIFIED_NAME"}
            ends = self._name(link.source)[0], self._name(link.target)[0]
            said |= self._attributes(link.attributes)
            yield _plain(link), ends, {} if link.relation in _BARE else said

    def _attributes(self, stated: Any) -> dict[str, Any]:
        return {self._qualify(key): self._value(value) for key, value in stated.items()}

    def _value(self, stated: Any) -> Any:
        """Return a value with addresses in it as names; what PROV cannot say, as JSON text."""
        if isinstance(stated, list):
            return [self._value(one) for one in stated]
        if not isinstance(stated, dict):
            return stated
        said, kind = stated.get("$"), stated.get("type")
        if not isinstance(said, str) or not isinstance(kind, str):
            return json.dumps(stated, ensure_ascii=False)
        said = self._qualify(said) if kind == QUALIFIED else said
        return {**stated, "$": said, "type": self._qualify(kind)}

    def _name(self, ref: Ref) -> tuple[str, bool]:
        """Return a qualified name, and whether it says the identifier as it is."""
        is_ours = ref.identifier.startswith(IDENTIFIERS)
        if not ref.version and not is_ours and _SPLIT.fullmatch(ref.identifier):
            return self._qualify(ref.identifier), True
        version = f"@{_quote(ref.version)}" if ref.version else ""
        return self._prefixed(IDENTIFIERS, _quote(ref.identifier) + version), False

    def _qualify(self, address: str) -> str:
        found = _SPLIT.fullmatch(address)
        if found is None:
            return self._prefixed(IDENTIFIERS, _quote(address))
        return self._prefixed(found[1], found[2])

    def _prefixed(self, namespace: str, local: str) -> str:
        fixed = {PROV: "prov", XSD: "xsd", MUNIMENT: "muniment"}
        prefix = fixed.get(namespace) or self._namespaces.setdefault(
            namespace, f"ns{len(self._namespaces) + 1}"
        )
        return f"{prefix}:{local}"


def _quote(identifier: str) -> str:
    # Of what quote leaves, PROV-N bars the hyphen at the begin and the full stop at the end.
    return quote(identifier, safe="").replace("-", "%2D").replace(".", "%2E")


def _in_prov(link: Link) -> Link:
    if link.relation is not Relation.PART_OF:
        return link
    return Link(Relation.HAD_MEMBER, link.target, link.source, link.at, link.attributes)


def _plain(link: Link) -> Relation:
    is_rename = link.relation is Relation.RENAMED_FROM
    return Relation.DERIVED_FROM if is_rename else link.relation


def _kind(end: str) -> NodeKind:
    if end in {"activity", "informed", "informant"}:
        return NodeKind.ACTIVITY
    return NodeKind.AGENT if end in {"agent", "delegate", "responsible"} else NodeKind.ENTITY


def _node_line(name: str, said: dict[str, Any], node: Node) -> str:
    section = CLASS_OF[node.kind]
    assert section in CLASSES
    times = ""
    if section == "activity":
        started, ended = (said.pop(f"prov:{end}Time", "-") for end in ("start", "end"))
        times = f", {started}, {ended}"
    return f"{section}({name}{times}{_brackets(said)})"


def _link_line(relation: Relation, ends: tuple[str, str], said: dict[str, Any]) -> str:
    at = said.pop("prov:time", "-")
    more = {
        Relation.USED: f", {at}",
        Relation.GENERATED_BY: f", {at}",
        Relation.INVALIDATED_BY: f", {at}",
        Relation.STARTED_BY: f", -, {at}",
        Relation.ENDED_BY: f", -, {at}",
        Relation.DERIVED_FROM: ", -, -, -",
        Relation.ASSOCIATED_WITH: ", -",
        Relation.ACTED_FOR: ", -",
    }.get(relation, "")
    return f"{relation}({ends[0]}, {ends[1]}{more}{_brackets(said)})"


def _brackets(said: dict[str, Any]) -> str:
    every = ((key, value if isinstance(value, list) else [value]) for key, value in said.items())
    pairs = [f"{key}={_literal(value)}" for key, values in every for value in values]
    return f", [{', '.join(pairs)}]" if pairs else ""


def _literal(value: Any) -> str:
    if isinstance(value, dict) and value.get("type") == "prov:QUALIFIED_NAME":
        return f"'{value.get('$')}'"
    kind = ""
    if isinstance(value, dict):
        kind = f" %% {value['type']}" if isinstance(value.get("type"), str) else ""
        value = value.get("$", "")
    elif isinstance(value, bool):
        value, kind = str(value).lower(), " %% xsd:boolean"
    elif isinstance(value, int):
        return str(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"{kind}'
