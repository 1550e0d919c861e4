"""Other people's descriptions of data sets: whatever they say is read with doubts, or refused."""

import io
import json
from collections.abc import Callable, Iterator

import pyarrow as pa
from pyarrow import parquet

from consent.errors import DescriptionRefused
from consent.formats import (
    croissant,
    croissant_writer,
    dps,
    openlineage,
    openlineage_writer,
    prov,
    prov_writer,
)
from consent.formats.described import (
    DescribedItem,
    Description,
    Digest,
    Licence,
    Link,
    Node,
    NodeKind,
    Party,
    Reading,
    Ref,
    Relation,
)
from consent.formats.manifest import TableForm, open_manifest
from fuzz.target import Target, expect, require

REFUSALS = (DescriptionRefused,)
AT, PRODUCER = "2026-11-20T10:00:00+00:00", "https://muniment.example/"
LICENCE = Licence("https://spdx.org/licenses/CC-BY-4.0", "CC-BY-4.0")
RUN = Node(NodeKind.RUN, Ref("urn:uuid:01993a2e-7d7b-7cc5-8f5a-2f6a1c1e9d11"), state="COMPLETE")
JOB = Node(NodeKind.JOB, Ref("muniment#train", kind=NodeKind.JOB), name="train")
CUPS = Node(NodeKind.DATASET, Ref("s3://cups#pictures", "3"), name="pictures", state="RENAME")
NODES = (JOB, RUN, CUPS)
LINKS = (
    Link(Relation.PART_OF, RUN.ref, JOB.ref),
    Link(Relation.USED, RUN.ref, CUPS.ref, AT),
    Link(Relation.RENAMED_FROM, CUPS.ref, Ref("s3://cups#mugs"), AT),
)


def check_words(reading: Reading, _: bytes) -> None:
    """Hold every doubt to one printable line, and items to the order of their ordinals."""
    items = list(reading.items)
    expect([item.ordinal for item in items], list(range(1, len(items) + 1)), "ordinals")
    for doubt in [*reading.doubts, *(doubt for item in items for doubt in item.doubts)]:
        require(doubt.sentence.isprintable(), "printable sentence")
        require(len(doubt.sentence) < 300, "short sentence")


def check_croissant(reading: Reading, data: bytes) -> None:
    check_words(reading, data)
    items = tuple(reading.items)
    again = croissant.read(croissant_writer.write(Description(name="again"), items))
    digests = [item.digest for item in items if item.digest]
    expect([item.digest for item in again.items if item.digest], digests, "digests, written again")


def check_prov(reading: Reading, data: bytes) -> None:
    check_words(reading, data)
    told = reading.description
    again = prov.read(prov_writer.write_json(told.nodes, told.links)).description
    refs = {node.ref for node in told.nodes}
    require(refs <= {node.ref for node in again.nodes}, "all nodes, written again")
    expect(len(again.links), len(told.links), "links, written again")
    prov_writer.write_n(told.nodes, told.links)


def read_openlineage(data: bytes) -> Reading:
    for _ in openlineage.split(io.BytesIO(data)):
        pass
    return openlineage.read(data)


def check_openlineage(reading: Reading, data: bytes) -> None:
    check_words(reading, data)
    other = json.dumps(json.loads(data.decode("utf-8-sig")), indent=1)
    expect(openlineage.read(other.encode()).digest, reading.digest, "digest, written otherwise")


def _reader(form: TableForm) -> Callable[[bytes], Reading]:
    def read(data: bytes) -> Reading:
        reading = open_manifest(io.BytesIO(data), form).read()
        # Where a table breaks off, walking it refuses: that is part of reading it.
        for _ in reading.items:
            pass
        return reading

    return read


def _croissants() -> Iterator[bytes]:
    item = DescribedItem(
        1,
        "a.png",
        Digest("sha256", "0123456789abcdeffedcba98765432100123456789abcdef0123456789abcde0"),
        licence=LICENCE,
        legal_basis="licence",
        depicts=("S-1",),
    )
    said = Description(
        name="Cups",
        published="2026-11-20",
        licence=LICENCE,
        creators=(Party("The Cup Society"),),
        rai={"dataBiases": "red ones"},
        links=(Link(Relation.DERIVED_FROM, Ref(), Ref("urn:mugs")),),
    )
    yield croissant_writer.write(said, [item])
    old = {"@context": {"ml": "http://mlcommons.org/schema/"}, "sc:name": "Cups"}
    yield json.dumps({**old, "distribution": [{"@type": "sc:FileObject"}]}).encode()
    yield b'{"@graph":[{"@type":"Dataset","usageInfo":{"permission":[]}}]}'


def _tables() -> Iterator[bytes]:
    yield b'URL,TEXT,sha256,LICENSE\nhttps://a.example/1.png,"A, cup",TODO,CC-BY-4.0\n'
    yield b"a.png;7\r\nb.png;8\r\n"
    yield b"\xef\xbb\xbfurl\n\xff\n"


def _lines() -> Iterator[bytes]:
    yield b'{"url":"a.png","people":["Ada"],"width":7}\n{"url":null,"later":[{}]}\nnonsense\n'


def _parquets() -> Iterator[bytes]:
    table = pa.table({"url": ["a.png", None], "width": [7, None], "people": [["Ada"], None]})
    for how in ({"compression": "none"}, {"compression": "none", "use_dictionary": False}):
        written = io.BytesIO()
        parquet.write_table(table, written, **how)
        yield written.getvalue()


def _provs() -> Iterator[bytes]:
    yield prov_writer.write_json(NODES, [link for link in LINKS if link.target != JOB.ref])
    yield b'{"prefix":{"ex":"urn:ex:"},"entity":{"ex:a":[{},{"prov:label":"A"}]},"bundle":{"b":{}}}'


def _events() -> Iterator[bytes]:
    yield openlineage_writer.write(NODES, LINKS, at=AT, producer=PRODUCER)
    yield openlineage_writer.write([CUPS], (), at=AT, producer=PRODUCER)


def _provenances() -> Iterator[bytes]:
    code = {"code": "pii", "system": "https://dataandtrustalliance.org/DSP/CodeSystem/Regulations"}
    inner = {"source": ["https://mugs.example/"], "origin": "Mug Works"}
    said = {
        "source": {"title": "Cups", "issuer": [{"name": "The Cup Society"}]},
        "provenance": {**inner, "sub-provenance": [inner], "generation-period": {"start": "2024"}},
        "use": {"classification": [code], "consents": [], "license": ["3PL"]},
    }
    yield json.dumps(said).encode()


TARGETS = (
    Target("croissant", croissant.read, check_croissant, REFUSALS, _croissants),
    Target("csv", _reader(TableForm.CSV), check_words, REFUSALS, _tables),
    Target("json-lines", _reader(TableForm.JSON_LINES), check_words, REFUSALS, _lines),
    Target("parquet", _reader(TableForm.PARQUET), check_words, REFUSALS, _parquets),
    Target("prov", prov.read, check_prov, REFUSALS, _provs),
    Target("openlineage", read_openlineage, check_openlineage, REFUSALS, _events),
    Target("dps", dps.read, check_words, REFUSALS, _provenances),
)
