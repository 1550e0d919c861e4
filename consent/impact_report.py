"""Reader: an impact case, or any answer of lineage, as a report and as a picture."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from consent.lineage import EDGES, Direction, Impact, Node, find_impact, name_nodes
from consent.lineage.drawing import Shape, draw
from consent.lineage.graph import Kind, by_number
from consent.models import ImpactCase
from consent.uses import ImpactCause

SCHEMA = "urn:muniment:impact:1"
_NOBODY = UUID(int=0)
# What a picture leaves out: a data set is only the name over its versions.
_NOT_DRAWN = frozenset({"dataset"})


def kinds_drawn(impact: Impact) -> list[Kind]:
    """Return the kinds in the order in which pictures show them, from left to right."""
    ordered = EDGES.order(Direction.DOWNSTREAM)
    left_out = _NOT_DRAWN - {impact.start.kind}
    return [EDGES.kinds[name] for name in ordered if name not in left_out]


def draw_impact(
    impact: Impact,
    *,
    name: str = "",
    shape: Shape = Shape.WIDE,
    href: Callable[[Node], str] = lambda _: "",
    is_file: bool = False,
) -> str:
    """Return the SVG of an answer; its start is named by kind and id unless ``name`` is given."""
    called = name or impact.label(impact.start)
    return draw(impact, kinds_drawn(impact), name=called, shape=shape, href=href, is_file=is_file)


def draw_case(
    case: ImpactCase,
    *,
    shape: Shape = Shape.WIDE,
    href: Callable[[Node], str] = lambda _: "",
    is_file: bool = True,
) -> str:
    """Return the SVG of what a case concerns: from its person while there is one."""
    name = case.subject.handle if case.subject else "an erased person"
    return draw_impact(find_case_impact(case), name=name, shape=shape, href=href, is_file=is_file)


def find_case_impact(case: ImpactCase) -> Impact:
    """Return what a case concerns now, or, of an erased person, what it was when assessed."""
    if case.subject is not None:
        return find_impact(Node("subject", case.subject.pk))
    nodes = [Node(line.kind, line.node) for line in case.lines.all()]
    labels = name_nodes(nodes)
    counts = {
        "item": case.found_items,
        "version": case.found_versions,
        "model": case.found_models,
        "run": case.found_runs,
        "output": case.found_outputs,
        "recipient": case.found_recipients,
    }
    return Impact(
        start=Node("subject", _NOBODY),
        direction=Direction.DOWNSTREAM,
        counts={kind: count for kind, count in counts.items() if count},
        trunk=tuple(
            sorted(nodes, key=lambda node: (node.kind, by_number(labels.get(node, "")), node.id))
        ),
        edges=(),
        hanging={},
        loose={},
        labels=labels,
    )


def report_impact(impact: Impact) -> dict[str, Any]:
    """Return an answer as a JSON report."""
    return {"schema": SCHEMA, "impact": impact.as_json()}


def report_case(case: ImpactCase) -> dict[str, Any]:
    """Return a case with its lines and what it concerns as a JSON report; nothing sealed in it."""
    impact = find_case_impact(case)
    lines = list(case.lines.all())
    return {
        **report_impact(impact),
        "case": {
            "id": str(case.pk),
            "cause": case.cause,
            "cause_in_words": ImpactCause(case.cause).words,
            "state": case.state,
            "opened_at": _time(case.opened_at),
            "due_at": _time(case.due_at),
            "assessed_at": _time(case.assessed_at),
            "done_at": _time(case.done_at),
            "person_erased": case.subject is None,
            "record": str(case.record),
        },
        "decisions": [
            {
                "about": {"kind": line.kind, "id": str(line.node)},
                "label": impact.label(Node(line.kind, line.node)),
                "state": line.state,
                "decision": line.decision,
                "due_at": _time(line.due_at),
                "decided_at": _time(line.decided_at),
                "done_at": _time(line.done_at),
                "told_by": line.channel,
                "record": str(line.record),
            }
            for line in lines
        ],
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
