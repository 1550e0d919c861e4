import io
import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openlineage.client import facet_v2
from openlineage.client.event_v2 import (
    DatasetEvent,
    InputDataset,
    Job,
    JobEvent,
    OutputDataset,
    Run,
    RunEvent,
    RunState,
    StaticDataset,
)
from openlineage.client.serde import Serde

from consent.errors import DescriptionRefused
from consent.formats import openlineage, openlineage_writer
from consent.formats.described import Link, Node, NodeKind, Reading, Ref, Relation
from consent.formats.doubts import DoubtCode
from consent.formats.openlineage_facets import LIFECYCLE, identifier, split_identifier
from tests.consent.formats.material import moments, names, versions, words
from tests.consent.formats.test_croissant import json_values

AT = "2026-11-20T10:00:00+00:00"
PRODUCER = "https://muniment.example/"
RUN_ID = "01993a2e-7d7b-7cc5-8f5a-2f6a1c1e9d11"
JOB = Ref("muniment#train", kind=NodeKind.JOB)
Said = tuple[tuple[Node, ...], tuple[Link, ...]]


def version(of: str) -> dict[str, Any]:
    return {"version": facet_v2.dataset_version_dataset.DatasetVersionDatasetFacet(of)}


def training(**changes: Any) -> RunEvent:
    said: dict[str, Any] = {
        "eventType": RunState.COMPLETE,
        "eventTime": AT,
        "producer": PRODUCER,
        "run": Run(RUN_ID),
        "job": Job("muniment", "train"),
        "inputs": [InputDataset("s3://cups", "pictures", facets=version("3"))],
        "outputs": [OutputDataset("models", "painter", facets=version("1"))],
    }
    return RunEvent(**{**said, **changes})


def read(event: Any) -> Reading:
    return openlineage.read(Serde.to_json(event).encode())


def raw(**changes: Any) -> Reading:
    said = {**json.loads(Serde.to_json(training())), **changes}
    kept = {key: value for key, value in said.items() if value is not None}
    return openlineage.read(json.dumps(kept).encode())


def dataset_with(**facets: Any) -> Reading:
    said = {"namespace": "s3://cups", "name": "pictures", "facets": facets}
    return raw(inputs=[said])


def codes(reading: Reading) -> list[DoubtCode]:
    return [doubt.code for doubt in reading.doubts]


def links(reading: Reading, relation: Relation) -> list[tuple[Ref, Ref]]:
    every = reading.description.links
    return [(link.source, link.target) for link in every if link.relation is relation]


def test_what_the_client_sends_is_read_with_the_version_that_it_names() -> None:
    reading = read(training())
    run = Ref(f"urn:uuid:{RUN_ID}")
    assert links(reading, Relation.USED) == [(run, Ref("s3://cups#pictures", "3"))]
    assert links(reading, Relation.GENERATED_BY) == [(Ref("models#painter", "1"), run)]
    assert links(reading, Relation.PART_OF) == [(run, JOB)]
    assert (reading.form_version, reading.doubts) == ("2-0-2", ())
    states = [node.state for node in reading.description.nodes if node.kind is NodeKind.RUN]
    assert states == ["COMPLETE"]


def test_events_about_jobs_and_data_sets_are_read() -> None:
    job = JobEvent(
        eventTime=AT,
        producer=PRODUCER,
        job=Job("muniment", "train"),
        inputs=[InputDataset("s3://cups", "pictures")],
    )
    assert links(read(job), Relation.USED) == [(JOB, Ref("s3://cups#pictures"))]
    said = DatasetEvent(eventTime=AT, producer=PRODUCER, dataset=StaticDataset("models", "painter"))
    assert [node.ref for node in read(said).description.nodes] == [Ref("models#painter")]


def test_an_event_is_known_again_however_it_is_written() -> None:
    written = Serde.to_json(training())
    other = json.dumps(json.loads(written), indent=3)
    assert openlineage.read(written.encode()).digest == openlineage.read(other.encode()).digest
    assert read(training(eventTime="2026-11-20T10:00:01+00:00")).digest != read(training()).digest


def test_what_becomes_of_a_data_set_is_its_state_and_its_old_name_a_link() -> None:
    lifecycle = facet_v2.lifecycle_state_change_dataset
    change = lifecycle.LifecycleStateChangeDatasetFacet(
        lifecycle.LifecycleStateChange.RENAME,
        previousIdentifier=lifecycle.PreviousIdentifier("mugs", "s3://cups"),
    )
    cups = OutputDataset("s3://cups", "pictures", facets={"lifecycleStateChange": change})
    reading = read(training(outputs=[cups], inputs=[]))
    assert links(reading, Relation.RENAMED_FROM) == [
        (Ref("s3://cups#pictures"), Ref("s3://cups#mugs"))
    ]
    assert reading.description.nodes[-1].state == "RENAME"


def test_column_lineage_ties_to_the_version_that_is_read() -> None:
    column = facet_v2.column_lineage_dataset
    masked = column.Transformation(type="DIRECT", masking=True)
    source = column.InputField("s3://cups", "pictures", "face", transformations=[masked])
    facet = column.ColumnLineageDatasetFacet(fields={"blurred": column.Fields([source])})
    painter = OutputDataset("models", "painter", facets={"columnLineage": facet})
    reading = read(training(outputs=[painter]))
    assert links(reading, Relation.DERIVED_FROM) == [
        (Ref("models#painter"), Ref("s3://cups#pictures", "3"))
    ]
    assert {"masking": True} in [link.attributes for link in reading.description.links]


def test_lineage_facets_of_data_sets_and_jobs_are_read() -> None:
    lineage = facet_v2.lineage
    source = lineage.LineageDatasetInput("s3://cups", "pictures", "DATASET")
    own = lineage.LineageDatasetFacet(inputs=[source])
    painter = OutputDataset("models", "painter", facets={"lineage": own, **version("1")})
    wanted = [(Ref("models#painter", "1"), Ref("s3://cups#pictures", "3"))]
    assert links(read(training(outputs=[painter])), Relation.DERIVED_FROM) == wanted
    entry = lineage.LineageDatasetEntry("models", "painter", "DATASET", inputs=[source])
    job = Job("muniment", "train", facets={"lineage": lineage.LineageJobFacet([entry])})
    assert links(read(training(job=job)), Relation.DERIVED_FROM) == wanted


def test_owners_symlinks_tags_types_and_subsets_are_read_or_kept() -> None:
    owner = facet_v2.ownership_dataset.Owner("team:cups", "MAINTAINER")
    link = facet_v2.symlinks_dataset.Identifier("hive", "cups", "TABLE")
    tag = facet_v2.tags_dataset.TagsDatasetFacetFields("pii", "true")
    facets = {
        "ownership": facet_v2.ownership_dataset.OwnershipDatasetFacet([owner]),
        "symlinks": facet_v2.symlinks_dataset.SymlinksDatasetFacet([link]),
        "tags": facet_v2.tags_dataset.TagsDatasetFacet([tag]),
        "datasetType": facet_v2.dataset_type_dataset.DatasetTypeDatasetFacet("MODEL"),
    }
    subset = facet_v2.base_subset_dataset.InputSubsetInputDatasetFacet(
        facet_v2.base_subset_dataset.PartitionSubsetCondition([])
    )
    base = InputDataset("models", "base", facets=facets, inputFacets={"subset": subset})
    reading = read(training(inputs=[base]))
    model = next(node for node in reading.description.nodes if node.kind is NodeKind.MODEL)
    assert model.ref == Ref("models#base")
    assert model.attributes["facets"]["tags"]["tags"][0]["key"] == "pii"
    assert "subset" in model.attributes["inputFacets"]
    assert links(reading, Relation.ATTRIBUTED_TO) == [(model.ref, Ref("team:cups", kind="agent"))]
    assert links(reading, Relation.ALTERNATE_OF) == [(model.ref, Ref("hive#cups"))]
    assert reading.doubts == ()


def test_a_parent_run_is_a_link() -> None:
    parent = facet_v2.parent_run
    facet = parent.ParentRunFacet(
        run=parent.Run("01993a2e-7d7b-7cc5-8f5a-2f6a1c1e9d12"), job=parent.Job("muniment", "all")
    )
    reading = read(training(run=Run(RUN_ID, facets={"parent": facet})))
    assert len(links(reading, Relation.PART_OF)) == 2


def test_a_deleted_facet_says_nothing() -> None:
    said = {"_producer": PRODUCER, "_deleted": True, "datasetVersion": "7"}
    reading = dataset_with(version=said)
    assert links(reading, Relation.USED)[0][1] == Ref("s3://cups#pictures")


def test_an_unknown_facet_is_kept_as_it_is() -> None:
    said = {"_producer": PRODUCER, "shade": "red"}
    reading = dataset_with(shades=said)
    assert codes(reading) == [DoubtCode.TERM_UNKNOWN]
    cups = next(n for n in reading.description.nodes if n.ref == Ref("s3://cups#pictures"))
    assert cups.attributes == {"facets": {"shades": said}}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"eventTime": "2026-11-20T10:00:00"}, DoubtCode.TIME_WITHOUT_ZONE),
        ({"eventTime": "noon"}, DoubtCode.TIME_UNREADABLE),
        ({"eventTime": None}, DoubtCode.TIME_UNREADABLE),
        ({"eventType": "DONE"}, DoubtCode.STATE_UNKNOWN),
        ({"eventType": None}, DoubtCode.STATE_UNKNOWN),
        ({"run": {"runId": "run 7"}}, DoubtCode.RUN_ID_MALFORMED),
        ({"run": 7}, DoubtCode.MALFORMED),
        ({"job": {"name": "train"}}, DoubtCode.IDENTIFIER_MISSING),
        ({"inputs": [{"namespace": "s3://cups"}]}, DoubtCode.IDENTIFIER_MISSING),
        ({"inputs": [7]}, DoubtCode.MALFORMED),
        ({"inputs": {}}, DoubtCode.MALFORMED),
        ({"producer": None}, DoubtCode.PRODUCER_MISSING),
        ({"schemaURL": None}, DoubtCode.VERSION_MISSING),
        ({"schemaURL": "https://openlineage.io/spec/9-0-0/"}, DoubtCode.VERSION_UNKNOWN),
        ({"mood": "good"}, DoubtCode.TERM_UNKNOWN),
    ],
)  # fmt: skip
def test_each_doubt_is_told(changes: dict[str, Any], code: DoubtCode) -> None:
    assert codes(raw()) == []
    assert code in codes(raw(**changes))


@pytest.mark.parametrize(
    ("facets", "code"),
    [
        ({"tags": {"tags": []}}, DoubtCode.PRODUCER_MISSING),
        ({"tags": 7}, DoubtCode.MALFORMED),
        ({"columnLineage": {"fields": {"a": {"inputFields": [7]}}}}, DoubtCode.MALFORMED),
        ({"lifecycleStateChange": {"lifecycleStateChange": "EAT"}}, DoubtCode.STATE_UNKNOWN),
        ({"lineage": {"inputs": [7]}}, DoubtCode.MALFORMED),
    ],
)
def test_each_doubt_of_a_facet_is_told(facets: dict[str, Any], code: DoubtCode) -> None:
    assert code in codes(dataset_with(**facets))


def test_a_data_set_that_is_read_and_written_is_one_node() -> None:
    both = {"namespace": "s3://cups", "name": "pictures"}
    reading = raw(inputs=[both], outputs=[{**both, "facets": {"schema": {"_producer": PRODUCER}}}])
    cups = [n for n in reading.description.nodes if n.ref == Ref("s3://cups#pictures")]
    assert [node.attributes.keys() for node in cups] == [{"facets"}]
    assert codes(raw(inputs=[{**both, "facets": 7}])) == [DoubtCode.MALFORMED]


def test_a_job_may_tell_of_other_jobs_too() -> None:
    entries = [{"type": "JOB"}, {"type": "DATASET"}, 7]
    said = {"lineage": {"_producer": PRODUCER, "entries": entries}}
    job = {"namespace": "muniment", "name": "train", "facets": said}
    assert codes(raw(job=job)) == [DoubtCode.IDENTIFIER_MISSING]


def test_a_job_or_owner_called_like_a_data_set_is_another_thing() -> None:
    owners = [{"name": "models#painter", "type": "team"}]
    owned = {"ownership": {"_producer": PRODUCER, "owners": owners}}
    painter = {"namespace": "models", "name": "painter", "facets": owned}
    reading = raw(job={"namespace": "models", "name": "painter"}, inputs=[], outputs=[painter])
    named = [node for node in reading.description.nodes if node.kind is not NodeKind.RUN]
    assert sorted(node.kind for node in named) == ["agent", "dataset", "job"]
    assert {node.ref.identifier for node in named} == {"models#painter"}
    assert len({node.ref for node in named}) == 3


def parts(data: bytes) -> list[bytes]:
    return list(openlineage.split(io.BytesIO(data)))


def test_a_file_may_hold_many_events() -> None:
    one = Serde.to_json(training())
    for many in (f"[{one},{one}]", f"{one}\n\n{one}\n", f"[\n{one},\n{one}\n]"):
        assert len({openlineage.read(part).digest for part in parts(many.encode())}) == 1
        assert len(parts(many.encode())) == 2
    pretty = json.dumps(json.loads(one), indent=2).encode()
    assert [parts(pretty), parts(one.encode())] == [[pretty], [one.encode()]]
    assert parts(f"nonsense\n{one}".encode()) == [b"nonsense", one.encode()]
    assert parts(b"[7,{}]") == [b"7", b"{}"]
    with pytest.raises(DescriptionRefused, match="no JSON"):
        parts(b"nonsense")


def test_the_lines_of_a_file_are_read_one_by_one() -> None:
    one = Serde.to_json(training()).encode() + b"\n"
    many = io.BytesIO(one * 1000)
    assert next(openlineage.split(many)) == one
    assert many.tell() == len(one)


def test_a_line_without_end_is_cut_off_and_those_behind_it_are_read() -> None:
    one = Serde.to_json(training()).encode() + b"\n"
    found = parts(one + b'{"a":"' + b"a" * (3 * openlineage.MAX_BYTES) + b'"}\n' + one)
    assert [found[0], found[2], len(found)] == [one, one, 3]
    with pytest.raises(DescriptionRefused, match="at most"):
        openlineage.read(found[1])
    with pytest.raises(DescriptionRefused, match="at most"):
        parts(b"[" + b" " * openlineage.MAX_BYTES + b"]")


@pytest.mark.parametrize(
    ("data", "complaint"),
    [(b"[]", "event is a list"), (b"{}", "about no run, job or data set"), (b"{", "no JSON")],
)
def test_what_is_no_event_is_refused(data: bytes, complaint: str) -> None:
    with pytest.raises(DescriptionRefused, match=complaint):
        openlineage.read(data)


@st.composite
def told(draw: st.DrawFn, at: str) -> Said:
    """Draw a run with its job, and data sets and models that it used or made."""
    name = draw(names)
    called = identifier(draw(words | st.just("a#b%")), name)
    job = Node(NodeKind.JOB, Ref(called, kind=NodeKind.JOB), name=name)
    run_id = f"urn:uuid:{draw(st.uuids())}"
    run = Node(NodeKind.RUN, Ref(run_id), state=draw(st.sampled_from(sorted(openlineage.STATES))))
    nodes, links = [job, run], [Link(Relation.PART_OF, run.ref, job.ref)]
    for number in range(draw(st.integers(0, 4))):
        name = f"{draw(words)}{number}"
        ref = Ref(identifier(draw(words), name), draw(st.just("") | versions))
        kind = draw(st.sampled_from([NodeKind.DATASET, NodeKind.MODEL]))
        state = draw(st.sampled_from(["", *sorted(LIFECYCLE)]))
        kept = {"facets": {"shade": {"_producer": PRODUCER, "is": draw(words)}}}
        nodes.append(
            Node(kind, ref, name=name, state=state, attributes=draw(st.sampled_from([{}, kept])))
        )
        relation = draw(st.sampled_from([Relation.USED, Relation.GENERATED_BY]))
        ends = (run.ref, ref) if relation is Relation.USED else (ref, run.ref)
        links.append(Link(relation, *ends, at=at))
        if state == "RENAME":
            links.append(Link(Relation.RENAMED_FROM, ref, Ref(identifier("old", name)), at=at))
    return tuple(nodes), tuple(links)


@given(moments.flatmap(lambda at: st.tuples(st.just(at), told(at))))
def test_what_is_written_reads_back(drawn: tuple[str, Said]) -> None:
    at, (nodes, tied) = drawn
    reading = openlineage.read(openlineage_writer.write(nodes, tied, at=at, producer=PRODUCER))
    assert {node.ref: node for node in reading.description.nodes} == {n.ref: n for n in nodes}
    assert sorted(map(repr, reading.description.links)) == sorted(map(repr, tied))
    assert set(codes(reading)) <= {DoubtCode.TERM_UNKNOWN}


@given(moments.flatmap(lambda at: st.tuples(st.just(at), told(at))))
def test_what_is_written_the_client_would_have_written_too(drawn: tuple[str, Said]) -> None:
    at, (nodes, tied) = drawn
    said = json.loads(openlineage_writer.write(nodes, tied, at=at, producer=PRODUCER))
    theirs = RunEvent(
        eventType=RunState(said["eventType"]),
        eventTime=said["eventTime"],
        producer=said["producer"],
        run=Run(**said["run"]),
        job=Job(**said["job"]),
        inputs=[InputDataset(**one) for one in said["inputs"]],
        outputs=[OutputDataset(**one) for one in said["outputs"]],
    )
    written = json.loads(Serde.to_json(theirs))
    assert {**written, **said} == written | {"schemaURL": said["schemaURL"]}
    for one in said["inputs"] + said["outputs"]:
        if "version" in one["facets"]:
            facet = one["facets"]["version"]
            known = facet_v2.dataset_version_dataset.DatasetVersionDatasetFacet(
                facet["datasetVersion"]
            )
            assert facet["_schemaURL"] == known._schemaURL


def test_jobs_and_data_sets_are_written_as_events_of_their_own() -> None:
    job = Node(NodeKind.JOB, JOB, name="train")
    model = Node(NodeKind.MODEL, Ref("models#painter", "1"), name="painter")
    made = Link(Relation.GENERATED_BY, model.ref, job.ref, AT)
    for nodes, tied, kind in (((job, model), (made,), "Job"), ((model,), (), "Dataset")):
        written = openlineage_writer.write(nodes, tied, at=AT, producer=PRODUCER)
        assert json.loads(written)["schemaURL"].endswith(f"/{kind}Event")
        reading = openlineage.read(written)
        assert (reading.description.nodes, reading.description.links) == (nodes, tied)


@given(words, words)
def test_identifiers_split_into_what_they_were_made_of(namespace: str, name: str) -> None:
    for first in (namespace, f"#{namespace}%23"):
        for second in (name, f"a#{name}"):
            assert split_identifier(identifier(first, second)) == (first, second)


@given(
    st.dictionaries(
        st.sampled_from(["run", "job", "inputs", "outputs", "eventTime", "dataset"]), json_values
    )
)
def test_no_event_does_more_harm_than_a_refusal(changes: dict[str, Any]) -> None:
    with suppress(DescriptionRefused):
        raw(**changes)


@given(
    json_values,
    st.sampled_from(
        ["version", "columnLineage", "lineage", "ownership", "symlinks", "lifecycleStateChange"]
    ),
)
def test_no_facet_does_more_harm_than_a_doubt(facet: Any, name: str) -> None:
    dataset_with(**{name: facet})
    dataset_with(
        **{name: {"fields": facet, "inputs": facet, "owners": facet, "identifiers": facet}}
    )


def test_the_time_of_an_event_is_that_of_its_links() -> None:
    reading = read(training(eventTime=datetime(2026, 1, 1, tzinfo=UTC).isoformat()))
    used = [link.at for link in reading.description.links if link.relation is Relation.USED]
    assert used == ["2026-01-01T00:00:00+00:00"]
