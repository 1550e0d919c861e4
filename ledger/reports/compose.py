"""What a report says: figures, content, and the values that the PDF is drawn from."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.conf import settings

from ledger.canonical import JSON
from ledger.leaf import parse_leaf
from ledger.note import SignatureType, Verifier
from ledger.reports import charts
from ledger.reports.bundle import Evidence, Figure, compose_report
from ledger.reports.figures import FIGURES, PROOFS
from ledger.verifier.report import Period, Report
from ledger.verifier.times import STATED_DELAY
from ledger.verifier.verify import OPERATORS_WORD

ALONE = (
    "The log is signed by its operator alone. Time and completeness therefore rest on the "
    "operator's word only: no witness and no time-stamp authority has seen this log. "
)
WITH_OTHERS = (
    "Others have spoken of this log: it is {grounds}. Who does not know them already should hold "
    "their keys and roots from elsewhere than this report. What came later rests on the "
    "operator's word only. "
)
UNCHANGED = (
    "The records themselves cannot have been changed since they were signed without that being "
    "found."
)
BY_KIND = "Records by kind"
TITLE = "Audit report"
SEALED = (
    "What a record holds back behind a commitment: it can be opened, or destroyed when a person "
    "is erased, and the record still verifies."
)
GLOSSARY = (
    ("record", "What one event says, written once and never changed."),
    ("sealed statement", SEALED),
    ("destroyed", "The statement and its key are gone, with proof that they were destroyed."),
    ("missing", "A statement is gone without such proof. This is an alarm."),
    ("checkpoint", "The signed state of the log at one size."),
)
_TYPES = {SignatureType.ED25519: "Ed25519", SignatureType.MLDSA44: "ML-DSA-44"}


@dataclass(frozen=True)
class Composed:
    """The report for programs, and the values of the one for people."""

    report: Report
    page: Mapping[str, Any]


def compose(
    evidence: Evidence,
    verifiers: Sequence[Verifier],
    at: datetime,
    grounds: str,
    title: str = TITLE,
) -> Composed:
    """Compute all figures over ``evidence`` and lay out what is said; ``at`` is now.

    ``grounds`` is what time and completeness rest on, in the words of a verdict's line 2.
    """
    kinds = Counter(
        parse_leaf(leaf).body.kind
        for index, leaf in evidence.leaves.items()
        if evidence.period.is_empty or index in evidence.period
    )
    by_kind = [
        Figure(f"kind {kind}", kind, {"op": "count", "kind": kind}) for kind in sorted(kinds)
    ]
    content: dict[str, JSON] = {
        "issued_at": at.strftime("%Y-%m-%dT%H:%M:00Z"),
        STATED_DELAY: settings.MUNIMENT_MAX_MERGE_DELAY,
        "organisation": settings.MUNIMENT_ORGANISATION,
        "rests_on": grounds,
        "title": title,
    }
    report = compose_report(evidence, content, [*FIGURES, *by_kind])
    others = ALONE if grounds == OPERATORS_WORD else WITH_OTHERS.format(grounds=grounds)
    return Composed(report, {**_page(report, kinds, verifiers, at), "rests": others + UNCHANGED})


def _page(
    report: Report, kinds: Counter[str], verifiers: Sequence[Verifier], at: datetime
) -> dict[str, Any]:
    values = {figure["name"]: figure["value"] for figure in _figures(report)}
    sections = [_section(title, rows, values) for title, rows in FIGURES.sections(values).items()]
    sections.append(_kinds(kinds))
    return {
        "title": report.content["title"],
        "subtitle": f"{_extent(report.period, kinds)}, issued {at:%-d %B %Y, %H:%M} UTC",
        "organisation": settings.MUNIMENT_ORGANISATION,
        "origin": report.origin,
        "highlights": [
            ["records shown", str(values["records"])],
            ["sealed statements destroyed", str(values["destroyed"])],
            ["missing without cause", str(values["missing"])],
        ],
        "sections": sections,
        "keys": [_key(verifier) for verifier in verifiers],
        "glossary": [list(entry) for entry in GLOSSARY],
        "report": report.encode().decode(),
    }


def _extent(period: Period, kinds: Counter[str]) -> str:
    if period.is_empty:
        return f"{kinds.total()} single records"
    return f"Records {period.first} to {period.end - 1}"


def _section(
    title: str, rows: Sequence[tuple[str, JSON]], values: Mapping[str, JSON]
) -> dict[str, Any]:
    chart, described = None, ""
    if title == PROOFS:
        names = ("opened", "withheld", "destroyed", "padding", "missing")
        shares = [(name, count) for name in names if isinstance(count := values[name], int)]
        chart = charts.stacked_bar(shares)
        described = "Shares: " + ", ".join(f"{count} {name}" for name, count in shares)
    return {
        "title": title,
        "chart": chart,
        "chart_alt": described,
        "rows": [[label, _shown(value)] for label, value in rows],
    }


def _kinds(kinds: Counter[str]) -> dict[str, Any]:
    ordered = kinds.most_common()
    return {
        "title": BY_KIND,
        "chart": charts.bar_chart(ordered[:12]),
        "chart_alt": "Bars: " + ", ".join(f"{count} {kind}" for kind, count in ordered[:12]),
        "rows": [[kind, str(kinds[kind])] for kind in sorted(kinds)],
    }


def _figures(report: Report) -> list[dict[str, Any]]:
    return [figure for figure in report.figures if isinstance(figure, dict)]


def _key(verifier: Verifier) -> list[str]:
    digest = sha256(verifier.vkey.encode()).hexdigest()
    return [_TYPES[verifier.type], f"{verifier.key_id.hex()}  {digest}"]


def _shown(value: JSON) -> str:
    return "none" if value is None else str(value)
