"""What we say of a frozen version to outsiders, in the one form that all our writers take.

Nobody is named: people are counted, unless whoever asks may see them.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from uuid import UUID

from django.conf import settings
from django.db.models import Count

from consent import lineage
from consent.formats import openlineage_writer
from consent.formats.croissant_writer import ItemSet
from consent.formats.described import (
    DescribedItem,
    Description,
    Digest,
    Licence,
    Link,
    Node,
    NodeKind,
    Party,
    Ref,
    Relation,
    Usage,
    UsageKind,
)
from consent.formats.jsonld import MUNIMENT
from consent.formats.openlineage_facets import identifier
from consent.lineage import Lineage, address
from consent.members import Member
from consent.models import DatasetVersion, Intake
from consent.signals.weighing import without_import
from consent.uses import Provenance, Use

PRODUCER = "urn:muniment"
NAMESPACE = "muniment"
_UNKNOWN_PERSON = "?"
UNVETTED = "Nobody vetted it before it was frozen; somebody answers for that."


def trace(version: DatasetVersion, projects: Collection[UUID]) -> Lineage:
    """Return where a version comes from and what came of it, its imports and sources included."""
    told = lineage.tell(lineage.Node("version", version.pk), projects)
    nodes, links = list(told.nodes), list(told.links)
    own = Ref(address("version", version.pk))
    sources: dict[Ref, Node] = {}
    for intake in _intakes(version):
        at = Ref(address("intake", intake.pk))
        began, ended = intake.received_at.isoformat(), intake.read_at
        nodes.append(
            Node(NodeKind.ACTIVITY, at, f"import of {intake.form}", "", began,
                 ended.isoformat() if ended else "",
                 attributes={f"{MUNIMENT}items": intake.item_count})
        )  # fmt: skip
        links.append(Link(Relation.GENERATED_BY, own, at))
        if intake.source:
            ref = Ref(address("source", intake.source.pk))
            sources[ref] = Node(NodeKind.ENTITY, ref, intake.source.code)
            links.append(Link(Relation.USED, at, ref))
    looked = {f"{MUNIMENT}vetted": bool(version.vetted)}
    nodes = [replace(one, attributes=looked) if one.ref == own else one for one in nodes]
    return Lineage((*nodes, *sources.values()), tuple(links))


def describe(version: DatasetVersion, traced: Lineage) -> Description:
    """Return what is said of a frozen version as a whole."""
    assert version.digest is not None
    assert version.frozen_at is not None
    own = address("version", version.pk)
    digest = f"sha256:{version.digest.hex()}"
    return Description(
        name=version.dataset.code,
        version=f"{version.number}.0.0",
        identifier=own,
        about=f"{version.member_count} items, frozen; digest {digest}"
        + ("" if version.vetted else f". {UNVETTED}"),
        url=own,
        published=version.frozen_at.isoformat(),
        licence=licence_of(version),
        creators=(Party(settings.MUNIMENT_ORGANISATION, kind="Organization"),),
        usage=(Usage(UsageKind.TEXT, _uses(version)),),
        rai=_responsibly(version),
        nodes=tuple(node for node in traced.nodes if node.ref != Ref(own)),
        links=tuple(_of_itself(link, Ref(own)) for link in traced.links),
        further={"citeAs": f"{settings.MUNIMENT_ORGANISATION}: {version}, {digest}"},
        unknown={"muniment:digest": digest, "muniment:items": version.member_count},
    )


def licence_of(version: DatasetVersion) -> Licence:
    """Return the licences of the items that are there, as one SPDX expression."""
    stated = version.items.filter(aside="").order_by().values_list("licence", flat=True).distinct()
    expression = " AND ".join(sorted(stated))
    return Licence(expression, expression if len(stated) == 1 else "")


def item_sets(version: DatasetVersion) -> list[ItemSet]:
    """Return how many items of each media type there are, for who may not see them."""
    counted = version.items.filter(aside="").order_by().values_list("media_type")
    return [ItemSet(kind, items) for kind, items in sorted(counted.annotate(Count("pk")))]


def describe_item(ordinal: int, member: Member, handles: Mapping[UUID, str]) -> DescribedItem:
    """Return one item as it is told of; whoever has no handle here is somebody unnamed."""
    algorithm, is_other, value = member.digest.partition(":")
    digest = Digest(algorithm, value) if is_other else Digest("sha256", member.digest)
    return DescribedItem(
        ordinal=ordinal,
        location=member.location,
        digest=digest if member.digest else None,
        perceptual_hash=member.perceptual_hash,
        width=member.width or None,
        height=member.height or None,
        media_type=member.media_type,
        licence=Licence(member.licence, member.licence),
        legal_basis=member.legal_basis.value,
        depicts=tuple(sorted(handles.get(one, _UNKNOWN_PERSON) for one in member.depicts)),
        # By which of our imports it first came is for the house alone.
        signals=without_import(member.signals),
        flags=member.flags,
    )


def write_events(version: DatasetVersion, traced: Lineage) -> Iterator[bytes]:
    """Yield OpenLineage events, one a line: the version, its freezing, each training on it."""
    assert version.frozen_at is not None
    nodes = {node.ref: node for node in traced.nodes}
    own = Ref(address("version", version.pk))
    at = version.frozen_at.isoformat()
    yield _event([_dataset(nodes[own], "CREATE")], [], at)
    origins = [one.target for one in traced.links if _is(one, Relation.DERIVED_FROM, own)]
    yield _run(nodes, version.pk, "freeze", at, ends=(origins, [own]), state="COMPLETE")
    for node in traced.nodes:
        if node.kind is not NodeKind.RUN or not node.started:
            continue
        used = [one.target for one in traced.links if _is(one, Relation.USED, node.ref)]
        made = [
            one.source
            for one in traced.links
            if one.relation is Relation.GENERATED_BY and one.target == node.ref
        ]
        state = "COMPLETE" if made else "ABORT" if node.ended else "START"
        run = UUID(node.ref.identifier.rpartition(":")[2])
        ends = (used, made)
        yield _run(nodes, run, "train", node.ended or node.started, ends=ends, state=state)


def _run(
    nodes: Mapping[Ref, Node],
    run: UUID,
    job: str,
    at: str,
    *,
    ends: tuple[Iterable[Ref], Iterable[Ref]],
    state: str,
) -> bytes:
    run_node = Node(NodeKind.RUN, Ref(f"urn:uuid:{run}"), state=state)
    job_node = Node(NodeKind.JOB, Ref(identifier(NAMESPACE, job), kind=NodeKind.JOB), job)
    used, made = ([_dataset(nodes[ref]) for ref in refs] for refs in ends)
    links = [
        Link(Relation.PART_OF, run_node.ref, job_node.ref),
        *(Link(Relation.USED, run_node.ref, one.ref, at) for one in used),
        *(Link(Relation.GENERATED_BY, one.ref, run_node.ref, at) for one in made),
    ]
    return _event([run_node, job_node, *used, *made], links, at)


def _event(nodes: list[Node], links: list[Link], at: str) -> bytes:
    return openlineage_writer.write(nodes, links, at=at, producer=PRODUCER) + b"\n"


def _dataset(node: Node, state: str = "") -> Node:
    """Return a node as OpenLineage names it: in our namespace, by address and digest."""
    version = f"sha256:{node.digest.value}" if node.digest else ""
    ref = Ref(identifier(NAMESPACE, node.ref.identifier), version)
    kind = NodeKind.MODEL if node.kind is NodeKind.MODEL else NodeKind.DATASET
    return Node(kind, ref, node.ref.identifier, state)


def _is(link: Link, relation: Relation, source: Ref) -> bool:
    return link.relation is relation and link.source == source


def _of_itself(link: Link, own: Ref) -> Link:
    # Croissant calls the data set that it describes by no name.
    return Link(link.relation, Ref(), link.target) if link.source == own else link


def _uses(version: DatasetVersion) -> str:
    return f"Consent was asked for: {', '.join(Use(use).words for use in version.uses)}."


def _responsibly(version: DatasetVersion) -> dict[str, object]:
    """Return the properties of Croissant RAI 1.0 that we can answer for."""
    shown = version.member_count - version.house_count
    kinds = Counter(
        Provenance(intake.source.provenance).words for intake in _intakes(version) if intake.source
    )
    said: dict[str, object] = {
        "dataUseCases": [Use(use).words for use in version.uses],
        "personalSensitiveInformation": f"{shown} of {version.member_count} items show people; "
        f"what they allowed was checked by the rules {version.profile} when it was frozen.",
    }
    if not version.vetted:
        said["dataLimitations"] = UNVETTED
    if kinds:
        said["dataCollection"] = f"Where it is from: {', '.join(sorted(kinds))}."
    return said


def _intakes(version: DatasetVersion) -> list[Intake]:
    brought = version.intakes.filter(item_count__gt=0)
    return list(brought.select_related("source").order_by("received_at", "pk"))
