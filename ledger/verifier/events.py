"""Events that several records tell of: the parts agree, and none that must be here is missing.

A large event is a header, whose fact ``parts`` counts its records, and records of the kind
``<noun>.continued`` with the facts ``header`` (the digest of the header's record), ``part`` (from
2) and ``parts``. They are committed together and placed in the order of their numbers; records of
others may lie between. A bundle holds those parts that lie in its span.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from itertools import accumulate, pairwise

from ledger import strict_base64
from ledger.canonical import JSON, canonical
from ledger.leaf import VERSION, Leaf, parse_at

from .bundle import LEAVES
from .findings import Code, Findings
from .leaves import Leaves

CONTINUED = ".continued"
MAX_SPANS_TOLD = 10
FURTHER = {"header", "part", "parts"}
PREDECESSORS = "predecessors"
# Between two parts lies only what was recorded while they were. One hour for times that are cut to
# it, another for the length of a transaction and for clocks that are set.
SETTLED = timedelta(hours=2)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")

Span = tuple[int, int]


@dataclass(frozen=True)
class Event:
    """An event as the bundle has it: spans of part numbers, first and last, in order.

    ``index`` and ``kind`` are of its first part here. ``missing`` parts must lie among the leaves
    here and do not, ``outside`` are those that may lie where the bundle has no leaves.
    """

    index: int
    kind: str
    parts: int
    here: Sequence[Span]
    missing: Sequence[Span]
    outside: Sequence[Span]

    @property
    def is_whole(self) -> bool:
        """Return whether all parts are here."""
        return not self.missing and not self.outside

    def __str__(self) -> str:
        spans = {"here": self.here, "missing": self.missing, "outside this bundle": self.outside}
        said = [f"{tell(parts)} {where}" for where, parts in spans.items() if parts]
        return f"leaf {self.index}, {self.kind}: of {self.parts} parts {', '.join(said)}"


@dataclass(frozen=True)
class _Part:
    """One record of an event, which is known by the digest of its header's record."""

    leaf: Leaf
    header: str
    number: int
    parts: int

    @property
    def noun(self) -> str:
        return self.leaf.body.kind.partition(".")[0]

    def follows(self, before: "_Part") -> bool:
        """Return whether this can stand behind ``before`` in one event."""
        is_alike = (self.noun, self.parts) == (before.noun, before.parts)
        return is_alike and self.number > before.number

    def __str__(self) -> str:
        return f"part {self.number} of {self.parts} of a {self.noun}"


@dataclass(frozen=True)
class _Around:
    """The leaves around one without a gap: the first, and the least and greatest times they say.

    ``earliest`` is of those up to this leaf, ``latest`` of those from it on.
    """

    first: Leaf
    earliest: str
    latest: str


def check_events(leaves: Leaves, findings: Findings) -> list[Event]:
    """Check the parts of each event against each other; return the events, by their first leaf."""
    told: dict[str, list[_Part]] = {}
    for leaf in leaves.values():
        part = _read(leaf, findings)
        if part is not None:
            told.setdefault(part.header, []).append(part)
    around = _surround(leaves, {part.leaf.index for parts in told.values() for part in parts})
    return [_check(parts, around, findings) for parts in told.values()]


def tell(spans: Sequence[Span]) -> str:
    """Return spans in words: ``1 to 3, 7``; of many the first ones."""
    told = [f"{a} to {b}" if a < b else str(a) for a, b in spans[:MAX_SPANS_TOLD]]
    return ", ".join(told + ["more"] * (len(spans) > MAX_SPANS_TOLD))


def _read(leaf: Leaf, findings: Findings) -> _Part | None:
    """Return what ``leaf`` tells of an event of several records, None when it tells of none."""
    facts, is_further = leaf.body.facts, leaf.body.kind.endswith(CONTINUED)
    # A continuation that names no header is of a kind that knows no parts as these.
    if ("header" if is_further else "parts") not in facts:
        return None
    header = facts["header"] if is_further else _digest(leaf)
    number, parts = facts.get("part") if is_further else 1, facts.get("parts")
    if (
        type(header) is str
        and _DIGEST.match(header)
        and type(number) is int
        and type(parts) is int
        and (2 if is_further else 1) <= number <= parts != 1
        and (not is_further or facts.keys() == FURTHER)
    ):
        return _Part(leaf, header, number, parts)
    _add(Code.PART_MALFORMED, "facts do not say which part of how many this is", leaf, findings)
    return None


def _digest(leaf: Leaf) -> str:
    """Return the digest of the record in ``leaf``, whose one form its parts give again."""
    body = leaf.body
    commitments: list[JSON] = [strict_base64.encode(each) for each in body.commitments]
    record: JSON = {
        "at": body.at,
        "commitments": commitments,
        "facts": dict(body.facts),
        "kind": body.kind,
        "v": VERSION,
    }
    return f"sha256:{sha256(canonical(record)).hexdigest()}"


def _surround(leaves: Leaves, wanted: Collection[int]) -> dict[int, _Around]:
    """Return what lies around the leaves of these indexes."""
    around = {}
    for run in _runs(leaves):
        places = [place for place, leaf in enumerate(run) if leaf.index in wanted]
        if places:
            times = [leaf.body.at for leaf in run]
            earliest = list(accumulate(times, min))
            latest = list(accumulate(reversed(times), max))[::-1]
            for place in places:
                around[run[place].index] = _Around(run[0], earliest[place], latest[place])
    return around


def _runs(leaves: Leaves) -> Iterator[list[Leaf]]:
    """Yield the stretches of leaves without a gap."""
    run: list[Leaf] = []
    for leaf in leaves.values():
        if run and leaf.index != run[-1].index + 1:
            yield run
            run = []
        run.append(leaf)
    yield run


def _check(parts: Sequence[_Part], around: Mapping[int, _Around], findings: Findings) -> Event:
    """Check the parts of one event, one at least, in the order of their leaves."""
    taken = [first := parts[0]]
    for part in parts[1:]:
        if part.follows(taken[-1]):
            taken.append(part)
        else:
            wanted = f"wanted one behind {taken[-1]}, in the event of leaf {first.leaf.index}"
            _add(Code.PART_MISPLACED, f"{part}, {wanted}", part.leaf, findings)
    absent = list(_absent(taken, around))
    event = Event(
        first.leaf.index,
        first.leaf.body.kind,
        first.parts,
        _spans(part.number for part in taken),
        [span for span, is_missing in absent if is_missing],
        [span for span, is_missing in absent if not is_missing],
    )
    if event.missing:
        detail = f"of {event.parts} parts {tell(event.missing)} must lie among these leaves"
        _add(Code.PART_MISSING, detail, first.leaf, findings)
    return event


def _absent(taken: Sequence[_Part], around: Mapping[int, _Around]) -> Iterator[tuple[Span, bool]]:
    """Yield the spans of parts that are not here, and whether they must be."""
    first, last = taken[0], taken[-1]
    if first.number > 1:
        yield (1, first.number - 1), _begins_here(first.leaf, around[first.leaf.index])
    for one, other in pairwise(taken):
        if one.number + 1 < other.number:
            is_gap = around[one.leaf.index].first is not around[other.leaf.index].first
            yield (one.number + 1, other.number - 1), not is_gap
    if last.number < last.parts:
        yield (last.number + 1, last.parts), _ends_here(last.leaf, around[last.leaf.index])


def _begins_here(leaf: Leaf, around: _Around) -> bool:
    """Return whether an event of which ``leaf`` is a part began within the leaves before it."""
    # A log that goes on from another one may begin with the rest of an event.
    is_beginning = around.first.index == 0 and PREDECESSORS not in around.first.body.facts
    return is_beginning or parse_at(leaf.body.at) - parse_at(around.earliest) > SETTLED


def _ends_here(leaf: Leaf, around: _Around) -> bool:
    """Return whether an event of which ``leaf`` is a part ended within the leaves behind it."""
    return parse_at(around.latest) - parse_at(leaf.body.at) > SETTLED


def _spans(numbers: Iterable[int]) -> list[Span]:
    """Return ascending numbers as spans."""
    spans: list[Span] = []
    for number in numbers:
        begin = spans.pop()[0] if spans and spans[-1][1] == number - 1 else number
        spans.append((begin, number))
    return spans


def _add(code: Code, detail: str, leaf: Leaf, findings: Findings) -> None:
    findings.add(code, detail, LEAVES, index=leaf.index, kind=leaf.body.kind)
