from typing import Any

import pytest

from ledger.leaf import parse_leaf
from ledger.verifier.bundle import Malformed, Place
from ledger.verifier.figures import Ground, evaluate
from ledger.verifier.positions import Positions, Status
from ledger.verifier.report import NO_PERIOD, Period
from tests.ledger.bundles import case
from tests.ledger.forgeries import MALFORMED_QUERIES

LOG = case().log
LEAVES = {index: parse_leaf(data) for index, data in enumerate(LOG.leaves)}
SHOWN = {Place(4, 0): Status.OPENED, Place(4, 3): Status.PADDING, Place(3, 0): Status.DESTROYED}
GROUND = Ground(Period(2, 9, 2, 9), Positions(LEAVES, SHOWN))
ALL = Ground(NO_PERIOD, Positions(LEAVES, SHOWN))


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ({"op": "count"}, 7),
        ({"op": "count", "kind": "run.authorised"}, 2),
        ({"op": "count", "kind": "never.seen"}, 0),
        ({"op": "count", "facts": {"outcome": "refused"}}, 1),
        ({"op": "count", "facts": {"images": 2}}, 1),
        ({"op": "count", "facts": {"images": True}}, 0),
        ({"op": "count", "facts": {"outcome": "refused", "images": 2}}, 0),
        ({"op": "count", "has": {"uses": "train"}}, 2),
        ({"op": "count", "has": {"uses": "depict"}}, 1),
        ({"op": "count", "has": {"outcome": "allowed"}}, 0),
        ({"op": "count", "range": [3, 6]}, 3),
        ({"op": "count", "range": [0, 99]}, 7),
        ({"op": "sum", "fact": "images"}, 3),
        ({"op": "sum", "fact": "outcome"}, 0),
        ({"op": "sum", "fact": "images", "range": [7, 8]}, 1),
        ({"op": "first"}, 2),
        ({"op": "last"}, 8),
        ({"op": "first", "kind": "never.seen"}, None),
        ({"op": "last", "kind": "never.seen"}, None),
        ({"op": "earliest"}, "2026-11-20T14:08:00Z"),
        ({"op": "latest"}, "2026-11-20T15:07:00Z"),
        ({"op": "latest", "kind": "never.seen"}, None),
        ({"op": "out_of_order"}, 1),
        ({"op": "positions", "status": "all"}, 10),
        ({"op": "positions", "status": "opened"}, 1),
        ({"op": "positions", "status": "withheld"}, 7),
        ({"op": "positions", "status": "destroyed", "kind": "grant.given"}, 1),
        ({"op": "positions", "status": "missing"}, 0),
    ],
)
def test_query_gives_its_value_over_the_period(query: dict[str, Any], value: Any) -> None:
    assert evaluate(query, GROUND) == value


def test_without_a_period_all_leaves_count() -> None:
    assert evaluate({"op": "count"}, ALL) == len(LEAVES)


@pytest.mark.parametrize("name", MALFORMED_QUERIES)
def test_query_outside_the_language_is_refused(name: str) -> None:
    with pytest.raises(Malformed, match=r"query|integer from 0"):
        evaluate(MALFORMED_QUERIES[name], GROUND)
