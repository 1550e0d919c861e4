"""The things and ties of a lineage that others tell of, kept beside our own.

A thing is known again by what it is called and by the version that is named, never by the newest:
a run stays tied to the version that its event speaks of. Where it is called by one of our own
addresses (``urn:muniment:version:<id>``) it is tied to that version, in its own project only.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import UUID

from consent.formats.described import Link, Node, NodeKind, Reading, Ref, Relation
from consent.models import DatasetVersion, Entity, Intake, Project, Tie
from ledger import vault
from ledger.models import HOUSE_SCOPE, Recorded
from ledger.services import Unsealed

OURS = "urn:muniment:version:"
# Relations whose source was there first; of the others it is the target.
_SOURCE_FIRST = frozenset({Relation.HAD_MEMBER})
# Said of the same thing: nothing came of anything.
_SIDEWAYS = frozenset({Relation.ALTERNATE_OF, Relation.SPECIALISES})
# Rows that one segment speaks of.
_TOGETHER = 200


def keep_lineage(intake: Intake, reading: Reading) -> tuple[list[Entity], list[Tie]]:
    """Store the things and ties of a reading; return those that are new, for the record.

    Waits for others that tell of things in the same project.
    """
    said = reading.description
    if said.nodes or said.links:
        Project.objects.select_for_update(no_key=True).get(pk=intake.project_id)
    nodes = {node.ref: node for node in said.nodes}
    for link in said.links:
        for ref in (link.source, link.target):
            # The empty reference is the data set that the description is of.
            own = Node(NodeKind.DATASET, ref, said.name) if ref == Ref() else None
            nodes.setdefault(ref, own or Node(NodeKind.ENTITY, ref))
    known, fresh = _find_entities(intake, nodes)
    ties = [tie for link in said.links if (tie := _tie(intake, known, link))]
    unique = {(tie.relation, tie.earlier_id, tie.later_id): tie for tie in ties}
    Tie.objects.bulk_create(unique.values())
    return fresh, list(unique.values())


def segments_of(rows: Sequence[Recorded]) -> Iterator[Unsealed]:
    """Return the segments that tell of ``rows``, all of the house's."""
    for start in range(0, len(rows), _TOGETHER):
        yield Unsealed("lineage", (HOUSE_SCOPE,), {}, tuple(rows[start : start + _TOGETHER]))


def _find_entities(
    intake: Intake, nodes: Mapping[Ref, Node]
) -> tuple[dict[Ref, Entity], list[Entity]]:
    indexes = {ref: _index(intake, ref) for ref in nodes}
    rows = Entity.objects.filter(project=intake.project, index__in=indexes.values())
    by_index = {entity.index: entity for entity in rows}
    versions = _find_versions(intake.project, nodes)
    keys = vault.keys([HOUSE_SCOPE])
    fresh = []
    for ref, node in nodes.items():
        if indexes[ref] in by_index:
            continue
        entity = Entity(project=intake.project, kind=node.kind.value, index=indexes[ref])
        entity.version = versions.get(ref) or (intake.version if ref == Ref() else None)
        called = node.name or ref.identifier
        name = f"{called} ({ref.version})" if ref.version else called
        entity.name = keys.seal(entity, "name", name.encode())
        by_index[entity.index] = entity
        fresh.append(entity)
    Entity.objects.bulk_create(fresh)
    return {ref: by_index[index] for ref, index in indexes.items()}, fresh


def _index(intake: Intake, ref: Ref) -> bytes:
    # What a description says of itself without a name is its own thing and nobody else's.
    own = f"\0{intake.pk}" if ref == Ref() else ""
    kind = f"\0{ref.kind}" if ref.kind else ""
    return vault.blind_index("entity", f"{ref.identifier}\0{ref.version}{kind}{own}")


def _find_versions(project: Project, refs: Iterable[Ref]) -> dict[Ref, DatasetVersion]:
    plain = (ref for ref in refs if not ref.kind)
    ours = {ref: named for ref in plain if (named := _version_named(ref.identifier))}
    rows = DatasetVersion.objects.filter(pk__in=ours.values(), dataset__project=project)
    found = {version.pk: version for version in rows}
    return {ref: found[pk] for ref, pk in ours.items() if pk in found}


def _version_named(identifier: str) -> UUID | None:
    # OpenLineage puts a namespace before the name.
    _, ours, pk = identifier.rpartition(OURS)
    try:
        return UUID(pk) if ours else None
    except ValueError:
        return None


def _tie(intake: Intake, known: Mapping[Ref, Entity], link: Link) -> Tie | None:
    if link.relation in _SIDEWAYS or link.source == link.target:
        return None
    ends: Sequence[Ref] = (link.target, link.source)
    if link.relation in _SOURCE_FIRST:
        ends = (link.source, link.target)
    earlier, later = (known[ref] for ref in ends)
    return Tie(intake=intake, relation=link.relation.value, earlier=earlier, later=later)
