import json
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest

from ledger import leaf, merkle, strict_base64
from ledger.canonical import canonical
from ledger.errors import CanonicalError, LeafError, RecordTooLarge

from .vectors import load

EXAMPLE = load("worked-example.json")
AT = datetime(2026, 11, 20, 15, 4, tzinfo=UTC)
COMMITMENTS = [bytes([number]) * 32 for number in range(4)]


def good(**changes: Any) -> dict[str, Any]:
    texts = [strict_base64.encode(value) for value in COMMITMENTS]
    body = {"at": "2026-11-20T15:04:00Z", "commitments": texts, "facts": {}, "kind": "run.failed"}
    return {**body, "v": 1, **changes}


def good_leaf(**changes: Any) -> bytes:
    return json.dumps(
        {"index": 1, "prev": "ab" * 32, "record": good(), **changes}, separators=(",", ":")
    ).encode()


@pytest.mark.parametrize("stated", EXAMPLE["leaves"], ids=lambda stated: stated["hash"][:8])
def test_leaves_of_the_worked_example_are_written_and_read(stated: dict[str, Any]) -> None:
    data = stated["leaf"].encode()
    parsed = leaf.parse_leaf(data)
    assert (len(data), parsed.hash.hex()) == (stated["size"], stated["hash"])
    body = leaf.body_bytes(
        at=leaf.parse_at(parsed.body.at),
        commitments=parsed.body.commitments,
        facts=parsed.body.facts,
        kind=parsed.body.kind,
    )
    assert leaf.leaf_bytes(parsed.index, parsed.prev, body) == data
    assert leaf.parse_body(body) == parsed.body


def test_leaves_of_the_worked_example_form_a_chain_with_its_root() -> None:
    leaves = [leaf.parse_leaf(stated["leaf"].encode()) for stated in EXAMPLE["leaves"]]
    for before, after in pairwise(leaves):
        leaf.verify_link(before, after)
    root = merkle.tree_root([each.hash for each in leaves])
    assert strict_base64.encode(root) == EXAMPLE["checkpoint"]["root"]


def test_time_is_written_in_utc_whatever_its_zone() -> None:
    assert leaf.format_at(AT.astimezone(timezone(timedelta(hours=5)))) == "2026-11-20T15:04:00Z"


@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00Z", "0999-12-31T23:59:00Z", "9999-12-31T23:59:00Z"]
)
def test_time_that_is_read_is_written_the_same(text: str) -> None:
    assert leaf.format_at(leaf.parse_at(text)) == text


@pytest.mark.parametrize("text", ["0000-01-01T00:00:00Z", "2026-11-19T24:00:00Z"])
def test_second_text_of_a_time_is_refused(text: str) -> None:
    with pytest.raises(LeafError, match="not a time in UTC"):
        leaf.parse_at(text)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"at": datetime(2026, 11, 20, 15, 4)}, "time has no zone"),
        ({"at": AT + timedelta(seconds=1)}, "cut to the minute"),
        ({"kind": "run"}, "noun.past_participle"),
        ({"commitments": COMMITMENTS[:3]}, "shows 3 commitments, wanted 0 or a power of two"),
        ({"commitments": COMMITMENTS[1::-1]}, "not in order"),
        ({"commitments": [COMMITMENTS[0]] * 2}, "one stands twice"),
        ({"commitments": [bytes(31)]}, "has not 32 bytes"),
    ],
)
def test_body_that_no_reader_would_take_is_not_written(
    changes: dict[str, Any], complaint: str
) -> None:
    parts: dict[str, Any] = {"at": AT, "commitments": [], "facts": {}, "kind": "run.failed"}
    with pytest.raises(LeafError, match=complaint):
        leaf.body_bytes(**{**parts, **changes})


def test_facts_outside_the_subset_are_not_written() -> None:
    with pytest.raises(CanonicalError, match="float"):
        leaf.body_bytes(at=AT, commitments=[], facts={"a": 0.5}, kind="a.b")  # type: ignore[dict-item]


def test_record_of_65000_bytes_fits_and_no_larger_one() -> None:
    empty = len(leaf.body_bytes(at=AT, commitments=[], facts={"a": ""}, kind="a.b"))
    facts = {"a": "x" * (leaf.MAX_BODY_SIZE - empty)}
    body = leaf.body_bytes(at=AT, commitments=[], facts=facts, kind="a.b")
    assert leaf.parse_body(body).facts == facts
    assert len(leaf.leaf_bytes(2**53 - 1, bytes(32), body)) <= leaf.MAX_LEAF_SIZE
    with pytest.raises(RecordTooLarge, match="65001 bytes, at most 65000"):
        leaf.body_bytes(at=AT, commitments=[], facts={"a": facts["a"] + "x"}, kind="a.b")
    with pytest.raises(RecordTooLarge, match="65001 bytes, at most 65000"):
        leaf.parse_body(body + b" ")


def test_record_of_more_than_256_segments_is_too_large() -> None:
    commitments = [number.to_bytes(32, "big") for number in range(512)]
    with pytest.raises(RecordTooLarge, match="512 segments, at most 256"):
        leaf.body_bytes(at=AT, commitments=commitments, facts={}, kind="a.b")


B64 = strict_base64.encode(bytes(32))


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (good(v=2), "record is of version 2, this software reads 1"),
        (good(v=2, more={}), "record is of version 2, this software reads 1"),
        (good(v=True), "record's version is not an integer"),
        (good(extra=1), "record has not exactly the keys"),
        (good(at=1), "at, kind and facts are not"),
        (good(facts=[]), "at, kind and facts are not"),
        (good(kind=None), "at, kind and facts are not"),
        (good(kind="Run.failed"), "noun.past_participle"),
        (good(at="2026-11-20T15:04:07Z"), "cut to the minute"),
        (good(at="2026-13-20T15:04:00Z"), "cut to the minute"),
        (good(at="2026-11-20T15:04:00+00:00"), "cut to the minute"),
        (good(at="٢٠٢٦-11-20T15:04:00Z"), "cut to the minute"),
        (good(commitments={}), "commitments are not a list"),
        (good(commitments=[1]), "commitment is not padded base64"),
        (good(commitments=[B64[:-2] + "B="]), "commitment is not padded base64"),
        (good(commitments=["AAAA"]), "commitment has not 32 bytes"),
        (good(commitments=[B64, B64]), "one stands twice"),
        (good(commitments=good()["commitments"][:3]), "shows 3 commitments"),
    ],
)
def test_malformed_body_is_refused(body: dict[str, Any], complaint: str) -> None:
    with pytest.raises(LeafError, match=complaint):
        leaf.parse_body(canonical(body))


def test_body_in_another_spelling_is_refused() -> None:
    with pytest.raises(LeafError, match="not in canonical form"):
        leaf.parse_body(canonical(good()) + b"\n")


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (good_leaf(index=-1), "index is not a number from 0"),
        (good_leaf(index=True), "index is not a number from 0"),
        (good_leaf(prev="AB" * 32), "prev is not 64 hexadecimal digits"),
        (good_leaf(prev="ab" * 31), "prev is not 64 hexadecimal digits"),
        (good_leaf(prev=None), "prev is not 64 hexadecimal digits"),
        (good_leaf(record=[]), "record is not an object"),
        (good_leaf(index=0), "leaf 0 names a leaf before it"),
        (good_leaf(zeta=1), "leaf has not exactly the keys"),
        (b"[]", "wanted an object"),
        (b" " * 65_536, "leaf has 65536 bytes"),
    ],
)
def test_malformed_leaf_is_refused(data: bytes, complaint: str) -> None:
    with pytest.raises(LeafError, match=complaint):
        leaf.parse_leaf(data)


def test_good_leaf_of_these_tests_is_good() -> None:
    assert leaf.parse_leaf(good_leaf()).body.commitments == tuple(COMMITMENTS)


def test_leaf_that_cannot_be_is_not_written() -> None:
    with pytest.raises(LeafError, match="leaf -1 with"):
        leaf.leaf_bytes(-1, bytes(32), b"{}")
    with pytest.raises(LeafError, match="hash of 31 bytes"):
        leaf.leaf_bytes(0, bytes(31), b"{}")


def test_broken_link_names_the_leaf() -> None:
    one, two, three = (leaf.parse_leaf(each["leaf"].encode()) for each in EXAMPLE["leaves"][:3])
    with pytest.raises(LeafError, match="leaf 2 stands behind leaf 0"):
        leaf.verify_link(one, three)
    forged = leaf.Leaf(1, bytes(32), two.body, two.hash)
    with pytest.raises(LeafError, match="leaf 1 does not name leaf 0"):
        leaf.verify_link(one, forged)
