"""Lineages made at random, in which nothing is doubtful."""

from hypothesis import strategies as st

from consent.formats.described import Link, Node, NodeKind, Ref, Relation
from consent.formats.prov import CLASS_OF, CLASSES, ENDS, TIMED
from consent.formats.prov_writer import _kind
from tests.consent.formats.material import addresses, moments, names, sha256s, versions, words

ACTIVITIES = frozenset(kind for kind, section in CLASS_OF.items() if section == "activity")


@st.composite
def nodes(draw: st.DrawFn, kind: NodeKind) -> Node:
    is_activity = kind in ACTIVITIES
    identifier = draw(addresses | names | words | st.sampled_from(["run-1", "a.b.", "-", "a@1"]))
    return Node(
        kind=kind,
        ref=Ref(f"{identifier}/{kind}", draw(st.just("") | versions | words)),
        name=draw(st.just("") | words),
        state=draw(st.sampled_from(["", "COMPLETE"])),
        started=draw(moments) if is_activity else "",
        ended=draw(moments) if is_activity else "",
        digest=draw(st.none() | sha256s),
        attributes=draw(st.dictionaries(addresses, words, max_size=2)),
    )


@st.composite
def graphs(draw: st.DrawFn) -> tuple[tuple[Node, ...], tuple[Link, ...]]:
    """Draw some nodes of each kind and links between them."""
    there: dict[Ref, Node] = {}
    for kind in NodeKind:
        node = draw(nodes(kind))
        there[node.ref] = node
    found = tuple(there.values())
    links = []
    for relation in draw(st.lists(st.sampled_from(list(ENDS)), max_size=8)):
        source, target = (draw(st.sampled_from(_fit(found, end))) for end in ENDS[relation])
        at = draw(moments) if relation in TIMED else ""
        links.append(Link(relation, source.ref, target.ref, at))
    return found, tuple(links)


def _fit(there: tuple[Node, ...], end: str) -> list[Node]:
    wanted = CLASS_OF[_kind(end)]
    return [node for node in there if CLASS_OF[node.kind] == wanted]


assert {relation for relation in Relation if relation not in ENDS} == {
    Relation.PART_OF,
    Relation.RENAMED_FROM,
}
assert set(CLASSES) == set(CLASS_OF.values())
