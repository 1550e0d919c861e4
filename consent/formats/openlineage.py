"""Read OpenLineage events (spec 2-0-2): run, job and data set events, with their facets.

A data set is named by ``namespace#name`` and by the version that the event names for it, so that
a run is tied to the version that it read and not to the newest. Jobs and owners may be called as
data sets are, and are other things. The digest of an event is that
of its sorted JSON: sent twice, however written, it is known again.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import IO, Any
from uuid import UUID

from consent.errors import DescriptionRefused
from consent.formats import statements
from consent.formats.described import Description, Link, Node, NodeKind, Reading, Ref, Relation
from consent.formats.doubts import DoubtCode, Doubts
from consent.formats.openlineage_facets import Facets, named, read_sources, split_identifier
from consent.formats.strict_json import parse

FORM = "openlineage"
MAX_BYTES = 4 * 2**20
STATES = frozenset({"START", "RUNNING", "COMPLETE", "ABORT", "FAIL", "OTHER"})
SCHEMA_URL = re.compile(
    r"https://openlineage\.io/spec/(?P<version>\d+-\d+-\d+)/OpenLineage\.json"
    r"(?:#/(?:\$defs|definitions)/(?:Run|Job|Dataset)Event)?"
)
VERSIONS = frozenset({"1-0-0", "1-0-1", "1-0-2", "1-0-5", "2-0-0", "2-0-1", "2-0-2"})
_KEYS = {"eventType", "eventTime", "run", "job", "dataset", "inputs", "outputs"}
_KEYS |= {"producer", "schemaURL"}


def read(data: bytes) -> Reading:
    """Read one event. Raises DescriptionRefused for what is no event at all."""
    event = parse(data, longest=MAX_BYTES)
    if not isinstance(event, dict):
        raise DescriptionRefused(f"event is a {type(event).__name__}, wanted an object")
    return _read(event)


def split(content: IO[bytes]) -> Iterator[bytes]:
    """Yield the events of a file as bytes of their own: one object, a list, or one on each line.

    Lines are read one by one, so that their number does not matter; one longer than MAX_BYTES is
    yielded cut off, for ``read`` to refuse. Raises DescriptionRefused for a file with no JSON in
    it, and for an object or list of more than MAX_BYTES.
    """
    lines = _lines(content)
    first = next(lines, b"")
    if _is_object(first):
        yield first
        yield from lines
        return
    data = first + content.read(MAX_BYTES + 1 - len(first))
    try:
        document = parse(data, longest=MAX_BYTES)
    except DescriptionRefused:
        rest = [line for line in data.splitlines() if line.strip()]
        if len(rest) < 2 or len(data) > MAX_BYTES:
            raise
        yield from rest
        return
    if isinstance(document, list):
        yield from (json.dumps(event, ensure_ascii=False).encode() for event in document)
    else:
        yield data


def _lines(content: IO[bytes]) -> Iterator[bytes]:
    while line := content.readline(MAX_BYTES + 1):
        if line.strip():
            yield line
        while line and not line.endswith(b"\n"):
            line = content.readline(MAX_BYTES)


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(parse(line, longest=MAX_BYTES), dict)
    except DescriptionRefused:
        return False


def _read(event: Mapping[str, Any]) -> Reading:
    if not event.keys() & {"run", "job", "dataset"}:
        raise DescriptionRefused("event is about no run, job or data set")
    doubts = Doubts()
    version = _version(event, doubts)
    at = statements.time(event.get("eventTime"), "eventTime", doubts)
    if not at:
        doubts.add(DoubtCode.TIME_UNREADABLE, "eventTime", event.get("eventTime"))
    if not statements.text(event.get("producer"), "producer", doubts):
        doubts.add(DoubtCode.PRODUCER_MISSING, "producer")
    unknown = {key: value for key, value in event.items() if key not in _KEYS}
    for key in unknown:
        doubts.add(DoubtCode.TERM_UNKNOWN, "", key)
    graph = _Graph(at, doubts)
    graph.add(event)
    description = Description(
        published=at,
        nodes=tuple(graph.nodes.values()),
        links=tuple(graph.links.values()),
        unknown=unknown,
    )
    return Reading(FORM, version, event_digest(event), description, (), doubts.freeze())


def event_digest(event: Mapping[str, Any]) -> str:
    """Return the SHA-256 in hex of the event's JSON with sorted keys and no blanks."""
    canonical = json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _version(event: Mapping[str, Any], doubts: Doubts) -> str:
    stated = statements.text(event.get("schemaURL"), "schemaURL", doubts, longest=500)
    found = SCHEMA_URL.fullmatch(stated)
    if not stated:
        doubts.add(DoubtCode.VERSION_MISSING, "schemaURL", "2-0-2")
    elif found is None or found["version"] not in VERSIONS:
        doubts.add(DoubtCode.VERSION_UNKNOWN, "schemaURL", stated)
    return found["version"] if found else ""


@dataclass
class _Graph:
    """What one event says, gathered."""

    at: str
    doubts: Doubts
    nodes: dict[Ref, Node] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    _told_by_job: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)

    def add(self, event: Mapping[str, Any]) -> None:
        """Gather what ``event`` says."""
        job = self._job(event.get("job")) if "job" in event else None
        run = self._run(event, job) if "run" in event else None
        inputs = self._datasets(event, "inputs")
        outputs = self._datasets(event, "outputs")
        if "dataset" in event:
            self._dataset(event["dataset"], "dataset")
        # Only now it is known which versions the event names.
        for target, source, said in self._told_by_job:
            self._derive(self._known(target), source, said)
        actor = run or job
        if actor is None:
            return
        for ref in inputs:
            self._link(Relation.USED, actor, ref)
        for ref in outputs:
            self._link(Relation.GENERATED_BY, ref, actor)

    def _link(
        self, relation: Relation, source: Ref, target: Ref, *, at: str | None = None, **said: Any
    ) -> None:
        timed = self.at if at is None else at
        link = Link(relation, source, target, timed, said)
        self.links.setdefault(f"{relation} {source} {target}", link)

    def _job(self, stated: Any) -> Ref | None:
        identifier = named(stated, "job", self.doubts)
        if not identifier:
            return None
        facets = Facets(stated.get("facets"), "job", self.doubts)
        ref = Ref(identifier, kind=NodeKind.JOB)
        self.nodes[ref] = Node(
            NodeKind.JOB,
            ref,
            name=split_identifier(identifier)[1],
            attributes=facets.kept("facets"),
        )
        self._told_by_job = list(facets.job_sources())
        self._owners(ref, facets)
        return ref

    def _run(self, event: Mapping[str, Any], job: Ref | None) -> Ref | None:
        stated = event["run"]
        if not isinstance(stated, dict):
            self.doubts.add(DoubtCode.MALFORMED, "run", stated)
            return None
        ref = self._run_ref(stated.get("runId"), "run")
        state = statements.text(event.get("eventType"), "eventType", self.doubts, longest=50)
        if state.upper() not in STATES:
            self.doubts.add(DoubtCode.STATE_UNKNOWN, "eventType", state)
        facets = Facets(stated.get("facets"), "run", self.doubts)
        if ref is None:
            return None
        kept = facets.kept("facets")
        self.nodes[ref] = Node(NodeKind.RUN, ref, state=state.upper(), attributes=kept)
        if job:
            self._link(Relation.PART_OF, ref, job, at="")
        parent = facets.get("parent").get("run")
        if isinstance(parent, dict) and (of := self._run_ref(parent.get("runId"), "parent")):
            self._link(Relation.PART_OF, ref, of, at="")
        return ref

    def _run_ref(self, stated: Any, place: str) -> Ref | None:
        text = statements.text(stated, place, self.doubts, longest=200)
        try:
            return Ref(f"urn:uuid:{UUID(text)}")
        except ValueError:
            self.doubts.add(DoubtCode.RUN_ID_MALFORMED, place, text)
        return Ref(text, kind=NodeKind.RUN) if text else None

    def _datasets(self, event: Mapping[str, Any], key: str) -> list[Ref]:
        stated = event.get(key)
        if stated is None:
            return []
        if not isinstance(stated, list):
            self.doubts.add(DoubtCode.MALFORMED, key, stated)
            return []
        found = (self._dataset(one, f"{key} {n}") for n, one in enumerate(stated, 1))
        return [ref for ref in found if ref]

    def _dataset(self, stated: Any, place: str) -> Ref | None:
        identifier = named(stated, place, self.doubts)
        if not identifier:
            return None
        facets = Facets(stated.get("facets"), place, self.doubts)
        use = Facets(stated.get("inputFacets"), place, self.doubts).kept("inputFacets")
        use |= Facets(stated.get("outputFacets"), place, self.doubts).kept("outputFacets")
        ref = Ref(identifier, facets.text("version", "datasetVersion"))
        is_model = facets.text("datasetType", "datasetType").upper() == "MODEL"
        node = Node(
            NodeKind.MODEL if is_model else NodeKind.DATASET,
            ref,
            name=split_identifier(identifier)[1],
            state=facets.state(),
            attributes=facets.kept("facets") | use,
        )
        known = self.nodes.setdefault(ref, node)
        if known is not node:
            # One data set may be read and written by the same run.
            self.nodes[ref] = replace(known, attributes={**node.attributes, **known.attributes})
        self._sources(ref, facets)
        self._owners(ref, facets)
        return ref

    def _sources(self, ref: Ref, facets: Facets) -> None:
        if before := facets.renamed_from():
            self._link(Relation.RENAMED_FROM, ref, Ref(before))
        for other in facets.symlinks():
            self._link(Relation.ALTERNATE_OF, ref, Ref(other), at="")
        for name in ("columnLineage", "lineage"):
            for source, said in read_sources(facets.get(name), facets.place, self.doubts):
                self._derive(ref, source, said)

    def _derive(self, ref: Ref, source: str, said: dict[str, Any]) -> None:
        self._link(Relation.DERIVED_FROM, ref, self._known(source), **said)

    def _owners(self, ref: Ref, facets: Facets) -> None:
        for owner, kind in facets.owners():
            agent = Ref(owner, kind=NodeKind.AGENT)
            self.nodes.setdefault(agent, Node(NodeKind.AGENT, agent, name=owner))
            self._link(Relation.ATTRIBUTED_TO, ref, agent, at="", kind=kind)

    def _known(self, identifier: str) -> Ref:
        """Return the version of a data set that the event names, where it names one."""
        there = [ref for ref in self.nodes if (ref.identifier, ref.kind) == (identifier, "")]
        return there[0] if len(there) == 1 else Ref(identifier)
