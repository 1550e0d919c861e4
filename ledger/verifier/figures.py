"""Figures: numbers in a report, each with the query over the leaves that gives it.

The query language is as small as it can be; README.md beside this file lists it. The issuer
computes values with ``evaluate`` too, and ``verify.html`` has an implementation of its own.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.canonical import JSON
from ledger.leaf import Leaf

from .bundle import LEAVES, REPORT, Malformed, natural
from .findings import Code, Findings
from .positions import Positions, Status
from .report import Period, Report

MAX_FIGURES = 500
# Figures times bytes of the leaves they are computed from: what a bundle may make us do.
MAX_WORK = 1 << 32

FILTERS = frozenset({"facts", "has", "kind", "range"})
ARGUMENTS = {"sum": {"fact"}, "positions": {"status"}}


@dataclass(frozen=True)
class Query:
    """One parsed query: what to compute, from which leaves."""

    op: str
    kind: str | None
    facts: Mapping[str, JSON]
    has: Mapping[str, JSON]
    bounds: tuple[int, int] | None
    fact: str = ""
    status: str = ""

    @classmethod
    def parse(cls, value: JSON) -> "Query":
        """Read a query. Raises Malformed."""
        if (
            type(value) is not dict
            or type(op := value.get("op")) is not str
            or op not in OPERATIONS
        ):
            raise Malformed(f"op of a query is none of {', '.join(OPERATIONS)}")
        wanted = ARGUMENTS.get(op, set())
        if not {"op", *wanted} <= value.keys() <= {"op", *wanted, *FILTERS}:
            raise Malformed(f"query {op} has a key too few or too many")
        texts = {key: value[key] for key in (*wanted, "kind") if key in value}
        if any(type(text) is not str for text in texts.values()):
            raise Malformed("kind, fact and status of a query are texts")
        if texts.get("status", "all") not in STATUSES:
            raise Malformed(f"status of a query is none of {', '.join(STATUSES)}")
        return cls(
            op,
            value.get("kind"),  # type: ignore[arg-type]
            _scalars(value.get("facts", {})),
            _scalars(value.get("has", {})),
            _bounds(value["range"]) if "range" in value else None,
            value.get("fact", ""),  # type: ignore[arg-type]
            value.get("status", ""),  # type: ignore[arg-type]
        )

    def matches(self, leaf: Leaf) -> bool:
        """Return whether ``leaf``, of the right kind already, passes the other filters."""
        if self.bounds and not self.bounds[0] <= leaf.index < self.bounds[1]:
            return False
        facts = leaf.body.facts
        if not all(_same(facts.get(name), value) for name, value in self.facts.items()):
            return False
        return all(_holds(facts.get(name), member) for name, member in self.has.items())


class Ground:
    """The leaves that figures speak of: the period's, or all where there is no period."""

    def __init__(self, period: Period, positions: Positions) -> None:
        leaves = positions.leaves.values()
        self.leaves = [leaf for leaf in leaves if period.is_empty or leaf.index in period]
        self.positions = positions
        self._by_kind: dict[str, list[Leaf]] = defaultdict(list)
        for leaf in self.leaves:
            self._by_kind[leaf.body.kind].append(leaf)

    def select(self, query: Query) -> Iterable[Leaf]:
        """Return the leaves that pass the query's filters, by index."""
        leaves = self.leaves if query.kind is None else self._by_kind.get(query.kind, [])
        return (leaf for leaf in leaves if query.matches(leaf))


def evaluate(query: JSON, ground: Ground) -> JSON:
    """Return the value of a query: an integer, a time as text, or None. Raises Malformed."""
    parsed = Query.parse(query)
    return OPERATIONS[parsed.op](parsed, list(ground.select(parsed)), ground.positions)


def check_figures(
    files: Mapping[str, bytes], report: Report | None, positions: Positions, findings: Findings
) -> int:
    """Recompute each figure of the report; return how many agree."""
    if report is None:
        return 0
    count, size = len(report.figures), len(files.get(LEAVES, b""))
    if count > MAX_FIGURES or count * size > MAX_WORK:
        detail = f"{count} figures over {size} bytes are not recomputed"
        findings.add(Code.FIGURE_TOO_MANY, detail, REPORT)
        return 0
    ground = Ground(report.period, positions)
    return sum(
        _agrees(number, figure, ground, findings)
        for number, figure in enumerate(report.figures, start=1)
    )


def _agrees(number: int, figure: JSON, ground: Ground, findings: Findings) -> bool:
    try:
        if type(figure) is not dict or figure.keys() != {"label", "name", "query", "value"}:
            raise Malformed("a figure has label, name, query and value")
        if type(figure["label"]) is not str or type(figure["name"]) is not str:
            raise Malformed("label and name of a figure are texts")
        value = evaluate(figure["query"], ground)
    except Malformed as exc:
        findings.add(Code.FIGURE_MALFORMED, exc, REPORT, line=number)
        return False
    if not _same(value, figure["value"]):
        detail = f"{figure['name']} says {_show(figure['value'])}, the leaves give {value}"
        findings.add(Code.FIGURE_DIFFERS, detail, REPORT, line=number)
        return False
    return True


def _sum(query: Query, leaves: Sequence[Leaf], _: Positions) -> JSON:
    values = (leaf.body.facts.get(query.fact) for leaf in leaves)
    return sum(value for value in values if type(value) is int)


def _positions(query: Query, leaves: Sequence[Leaf], positions: Positions) -> JSON:
    total = sum(len(leaf.body.commitments) for leaf in leaves)
    shown = [positions.issued_by_leaf.get(leaf.index, NOTHING) for leaf in leaves]
    if query.status == "all":
        return total
    if query.status == Status.WITHHELD:
        return total - sum(counts.total() for counts in shown)
    return sum(counts[Status(query.status)] for counts in shown)


def _out_of_order(_: Query, leaves: Sequence[Leaf], __: Positions) -> JSON:
    """Count the leaves whose hour lies before that of an earlier leaf: late or back-dated.

    By the hour, since times are cut to the minute or to the hour, as their kind wants it.
    """
    count, latest = 0, ""
    for leaf in leaves:
        hour = leaf.body.at[:13]
        count += hour < latest
        latest = max(latest, hour)
    return count


Operation = Callable[[Query, Sequence[Leaf], Positions], JSON]
OPERATIONS: dict[str, Operation] = {
    "count": lambda _, leaves, __: len(leaves),
    "earliest": lambda _, leaves, __: min((leaf.body.at for leaf in leaves), default=None),
    "first": lambda _, leaves, __: leaves[0].index if leaves else None,
    "last": lambda _, leaves, __: leaves[-1].index if leaves else None,
    "latest": lambda _, leaves, __: max((leaf.body.at for leaf in leaves), default=None),
    "out_of_order": _out_of_order,
    "positions": _positions,
    "sum": _sum,
}
STATUSES = ("all", *Status)
NOTHING: Counter[Status] = Counter()


def _scalars(value: JSON) -> Mapping[str, JSON]:
    if type(value) is not dict or any(type(v) not in (str, int, bool) for v in value.values()):
        raise Malformed("facts and has of a query are objects of texts, numbers, true and false")
    return value


def _bounds(value: JSON) -> tuple[int, int]:
    if type(value) is not list or len(value) != 2:
        raise Malformed("range of a query is a pair of numbers")
    return natural(value[0]), natural(value[1])


def _holds(value: JSON, member: JSON) -> bool:
    return type(value) is list and any(_same(each, member) for each in value)


def _same(one: JSON, other: JSON) -> bool:
    # True equals 1 in Python, but not in JSON.
    return type(one) is type(other) and one == other


def _show(value: Any) -> str:
    return str(value)[:80]
