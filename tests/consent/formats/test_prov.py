import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prov.model import ProvDocument

from consent.errors import DescriptionRefused
from consent.formats import prov, prov_writer
from consent.formats.described import Digest, Link, Node, NodeKind, Reading, Ref, Relation
from consent.formats.doubts import DoubtCode
from consent.formats.jsonld import MUNIMENT
from consent.formats.prov import QUALIFIED, XSD
from tests.consent.formats.graphs import graphs
from tests.consent.formats.test_croissant import COFFEE, json_values

Graph = tuple[tuple[Node, ...], tuple[Link, ...]]
PREFIX = {"ex": "https://example.org/"}
GRAPH: dict[str, Any] = {
    "prefix": PREFIX,
    "entity": {"ex:cups": {"prov:label": "Cups", "ex:colour": "red"}, "ex:mugs": {}},
    "activity": {"ex:wash": {"prov:startTime": "2026-11-20T10:00:00Z"}},
    "agent": {"ex:ada": {}},
    "wasDerivedFrom": {"_:1": {"prov:generatedEntity": "ex:cups", "prov:usedEntity": "ex:mugs"}},
    "used": {"_:2": {"prov:activity": "ex:wash", "prov:entity": "ex:mugs"}},
}


def read(**changes: Any) -> Reading:
    return prov.read(json.dumps({**GRAPH, **changes}).encode())


def codes(reading: Reading) -> list[DoubtCode]:
    return [doubt.code for doubt in reading.doubts]


def as_bag(links: Any) -> list[str]:
    return sorted(map(repr, links))


@given(graphs())
def test_what_is_written_reads_back(graph: Graph) -> None:
    nodes, links = graph
    reading = prov.read(prov_writer.write_json(nodes, links))
    assert {node.ref: node for node in reading.description.nodes} == {n.ref: n for n in nodes}
    assert as_bag(reading.description.links) == as_bag(links)
    assert reading.doubts == ()


@given(graphs())
def test_another_library_reads_both_forms_as_the_same_document(graph: Graph) -> None:
    as_json = prov_writer.write_json(*graph).decode()
    as_n = prov_writer.write_n(*graph).decode()
    theirs = ProvDocument.deserialize(content=as_json, format="json")
    assert ProvDocument.deserialize(content=as_n, format="provn") == theirs
    assert len(theirs.records) == len(graph[0]) + len(graph[1])


@given(graphs())
def test_what_another_library_writes_of_it_reads_as_the_same(graph: Graph) -> None:
    theirs = ProvDocument.deserialize(content=prov_writer.write_json(*graph).decode())
    reading = prov.read(str(theirs.serialize()).encode())
    assert {node.ref for node in reading.description.nodes} == {node.ref for node in graph[0]}
    assert len(reading.description.links) == len(graph[1])


def test_names_are_read_as_the_addresses_they_stand_for() -> None:
    description = read().description
    cups = description.nodes[0]
    assert (cups.ref, cups.name) == (Ref("https://example.org/cups"), "Cups")
    assert cups.attributes == {"https://example.org/colour": "red"}
    assert description.links[0] == Link(
        Relation.DERIVED_FROM, cups.ref, Ref("https://example.org/mugs")
    )
    assert description.nodes[2].started == "2026-11-20T10:00:00Z"


def test_a_renaming_and_a_part_are_written_in_words_that_prov_has() -> None:
    links = (
        Link(Relation.RENAMED_FROM, Ref("b"), Ref("a")),
        Link(Relation.PART_OF, Ref("page"), Ref("book")),
    )
    found = prov.read(prov_writer.write_json((), links)).description.links
    assert found == (links[0], Link(Relation.HAD_MEMBER, Ref("book"), Ref("page")))
    theirs = ProvDocument.deserialize(content=prov_writer.write_json((), links).decode())
    assert len(theirs.records) == 6


def test_values_of_every_sort_can_be_written() -> None:
    said = {
        f"{MUNIMENT}a": 'x"\\\n',
        f"{MUNIMENT}b": 7,
        f"{MUNIMENT}f": ["one", "two"],
        f"{MUNIMENT}c": True,
        f"{MUNIMENT}d": {"$": "1.5", "type": f"{XSD}decimal"},
        f"{MUNIMENT}e": {"$": f"{MUNIMENT}x", "type": QUALIFIED},
    }
    node = Node(NodeKind.MODEL, Ref("m"), digest=Digest("sha256", COFFEE), attributes=said)
    theirs = ProvDocument.deserialize(content=prov_writer.write_json([node], ()).decode())
    as_n = prov_writer.write_n([node], ()).decode()
    assert ProvDocument.deserialize(content=as_n, format="provn") == theirs
    assert prov.read(prov_writer.write_json([node], ())).description.nodes == (node,)


def test_names_in_values_are_addresses_that_are_named_anew_when_written() -> None:
    said = {"$": "ex:red", "type": "prov:QUALIFIED_NAME"}
    nodes = read(entity={"ex:cups": {"ex:shade": said}, "ex:mugs": {}}).description.nodes
    assert nodes[0].attributes == {
        "https://example.org/shade": {"$": "https://example.org/red", "type": QUALIFIED}
    }
    written = prov_writer.write_json(nodes, ())
    assert prov.read(written).description.nodes == nodes
    assert len(ProvDocument.deserialize(content=written.decode()).records) == len(nodes)


def test_a_value_that_prov_cannot_say_is_written_as_text() -> None:
    node = Node(NodeKind.ENTITY, Ref("a"), attributes={f"{MUNIMENT}a": {"b": [1]}})
    (again,) = prov.read(prov_writer.write_json([node], ())).description.nodes
    assert again.attributes == {f"{MUNIMENT}a": '{"b": [1]}'}


def test_literals_with_a_type_are_read() -> None:
    said = {"prov:label": {"$": "Cups", "type": "xsd:string"}}
    assert read(entity={"ex:cups": said, "ex:mugs": {}}).description.nodes[0].name == "Cups"


def test_bundles_are_read_with_the_names_of_their_document() -> None:
    inner = {"prefix": {"in": "urn:in:"}, "entity": {"ex:a": {}, "in:b": {}}}
    refs = [node.ref.identifier for node in read(bundle={"ex:one": inner}).description.nodes]
    assert refs[-2:] == ["https://example.org/a", "urn:in:b"]


def test_a_collection_may_name_its_members_at_once() -> None:
    said = {"_:1": {"prov:collection": "ex:cups", "prov:entity": ["ex:mugs", "ex:cups"]}}
    links = read(hadMember=said).description.links
    assert [link.target.identifier for link in links if link.relation is Relation.HAD_MEMBER] == [
        "https://example.org/mugs", "https://example.org/cups"
    ]  # fmt: skip


def test_one_name_may_have_several_records() -> None:
    reading = read(entity={"ex:cups": [{"ex:a": 1}, {"ex:b": 2}], "ex:mugs": {}})
    assert len(reading.description.nodes[0].attributes) == 2
    assert codes(reading) == [DoubtCode.REPEATED]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"entity": {"ex:cups": {}}}, DoubtCode.REFERENCE_UNRESOLVED),
        ({"used": {"_:1": {"prov:activity": "ex:wash"}}}, DoubtCode.REFERENCE_UNRESOLVED),
        ({"entity": {"foo:cups": {}}}, DoubtCode.PREFIX_UNDECLARED),
        (
            {"activity": {"ex:wash": {"prov:endTime": "2026-11-20T10:00"}}},
            DoubtCode.TIME_WITHOUT_ZONE,
        ),
        ({"activity": {"ex:wash": {"prov:endTime": "noon"}}}, DoubtCode.TIME_UNREADABLE),
        ({"mentionOf": {}}, DoubtCode.TERM_UNKNOWN),
        ({"entity": ["ex:cups"]}, DoubtCode.MALFORMED),
        ({"entity": {"ex:cups": 7}}, DoubtCode.MALFORMED),
        ({"used": {"_:1": {"prov:activity": "ex:wash", "prov:entity": 7}}}, DoubtCode.MALFORMED),
        ({"entity": {"ex:cups": {"muniment:digest": "TODO"}}}, DoubtCode.DIGEST_PLACEHOLDER),
    ],
)
def test_each_doubt_is_told(changes: dict[str, Any], code: DoubtCode) -> None:
    assert codes(read()) == []
    assert code in codes(read(**changes))


@pytest.mark.parametrize(
    ("data", "complaint"), [(b"{}", "no part that PROV-JSON knows"), (b"[]", "wanted an object")]
)
def test_what_is_no_document_is_refused(data: bytes, complaint: str) -> None:
    with pytest.raises(DescriptionRefused, match=complaint):
        prov.read(data)


@given(st.dictionaries(st.sampled_from([*GRAPH, "bundle", "hadMember"]), json_values))
def test_no_document_does_more_harm_than_a_refusal(changes: dict[str, Any]) -> None:
    with suppress(DescriptionRefused):
        read(**changes)
