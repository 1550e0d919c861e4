"""``report.json``: the period it speaks of, what it declares of positions, and its figures."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ledger.canonical import JSON, canonical, parse_object
from ledger.errors import CanonicalError
from ledger.note import Checkpoint

from . import bundle
from .bundle import REPORT, Malformed, Place, exact, natural, versioned
from .findings import Code, Findings


@dataclass(frozen=True)
class Period:
    """The leaves [first, end), enclosed by checkpoints of sizes ``opened_by`` and ``closed_by``.

    ``opened_by`` is 0 where no checkpoint came before leaf ``first``, which is then leaf 0. A
    report over single leaves has the empty period of four zeros.
    """

    first: int
    end: int
    opened_by: int
    closed_by: int

    def __contains__(self, index: int) -> bool:
        return self.first <= index < self.end

    @property
    def is_empty(self) -> bool:
        """Return whether the report speaks of single leaves only."""
        return self == NO_PERIOD


NO_PERIOD = Period(0, 0, 0, 0)


@dataclass(frozen=True)
class Report:
    """What the verifier reads of ``report.json``; ``figures`` are checked one by one later."""

    origin: str
    period: Period
    opened: tuple[Place, ...]
    missing: tuple[Place, ...]
    figures: Sequence[JSON]
    content: Mapping[str, JSON]

    @classmethod
    def parse(cls, data: bytes) -> "Report":
        """Read a report. Raises Malformed and CanonicalError."""
        value = versioned(
            parse_object(data),
            content=dict,
            figures=list,
            origin=str,
            period=dict,
            positions=dict,
        )
        period = exact(value["period"], closed_by=int, end=int, first=int, opened_by=int)
        positions = exact(value["positions"], missing=list, opened=list)
        return cls(
            value["origin"],
            Period(**{name: natural(number) for name, number in period.items()}),
            _parse_places(positions["opened"]),
            _parse_places(positions["missing"]),
            value["figures"],
            value["content"],
        )

    def encode(self) -> bytes:
        """Return the bytes of ``report.json``, which ``parse`` reads."""
        period: dict[str, JSON] = dict(vars(self.period))
        return canonical(
            {
                "content": dict(self.content),
                "figures": list(self.figures),
                "origin": self.origin,
                "period": period,
                "positions": {
                    "missing": [[p.index, p.position] for p in self.missing],
                    "opened": [[p.index, p.position] for p in self.opened],
                },
                "v": bundle.VERSION,
            }
        )


def read_report(
    files: Mapping[str, bytes],
    head: Checkpoint | None,
    checkpoints: Collection[int],
    findings: Findings,
) -> Report | None:
    """Read the report and check its period against the checkpoints at hand, given by size."""
    if REPORT not in files:
        return None
    try:
        report = Report.parse(files[REPORT])
    except (CanonicalError, Malformed) as exc:
        findings.add(Code.REPORT_MALFORMED, exc, REPORT)
        return None
    if head is not None:
        if report.origin != head.origin:
            findings.add(Code.REPORT_ORIGIN, f"report is of {report.origin!r}", REPORT)
        _check_period(report.period, head.size, checkpoints, findings)
    return report


def _check_period(
    period: Period, size: int, checkpoints: Collection[int], findings: Findings
) -> None:
    if period.is_empty:
        return
    if not period.first < period.end <= size:
        findings.add(Code.PERIOD_BOUNDS, f"no such period in {size} leaves", REPORT)
        return
    opened, closed = period.opened_by, period.closed_by
    begins = opened in checkpoints if opened else period.first == 0
    if not (begins and closed in checkpoints and opened <= period.first < period.end <= closed):
        detail = f"checkpoints {opened} and {closed} do not enclose the period"
        findings.add(Code.PERIOD_ENCLOSURE, detail, REPORT)


def _parse_places(value: Sequence[JSON]) -> tuple[Place, ...]:
    places: list[tuple[int, int]] = []
    for pair in value:
        if type(pair) is not list or len(pair) != 2:
            raise Malformed("a position is not a pair of numbers")
        place = (natural(pair[0]), natural(pair[1]))
        if places and place <= places[-1]:
            raise Malformed("positions are out of order, or one stands twice")
        places.append(place)
    return tuple(Place(*place) for place in places)
