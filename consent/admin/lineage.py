"""The page of anything in the graph: what came of it, or what it came of, drawn and in tables."""

from typing import Any
from uuid import UUID

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.safestring import SafeString, mark_safe

from consent import lineage
from consent.impact_report import draw_impact, report_impact
from consent.lineage import Direction, Impact, Node
from consent.lineage.drawing import Shape

LISTED = 50
SVG = "image/svg+xml"


def show_node(screen: ModelAdmin, request: HttpRequest, kind: str, pk: UUID) -> HttpResponse:
    """Show what came of anything, or what it came of."""
    if not request.user.has_perm("consent.view_lineage"):
        raise PermissionDenied
    node = Node(kind, pk)
    if kind not in lineage.EDGES.kinds or not lineage.exists(node):
        raise Http404("there is no such thing")
    is_up = request.GET.get("look") == Direction.UPSTREAM
    direction = Direction.UPSTREAM if is_up else Direction.DOWNSTREAM
    impact = lineage.look(node, direction)
    if request.GET.get("form") == "svg":
        return HttpResponse(draw_impact(impact, is_file=True), content_type=SVG)
    if request.GET.get("form") == "json":
        return JsonResponse(report_impact(impact), json_dumps_params={"indent": 1})
    name = impact.label(node)
    context = {
        **screen.admin_site.each_context(request),
        "title": name,
        "opts": screen.opts,
        "is_up": is_up,
        "counts": lineage.in_words(impact),
        "rows": [_row_of(impact, one) for one in impact.trunk if one != node],
        "pictures": [inline(draw_impact(impact, shape=shape, href=node_url)) for shape in Shape],
        "leaves": _leaves(request, impact),
        "own_page": page_url(node),
    }
    return TemplateResponse(request, "consent/admin/lineage.html", context)


def inline(svg: str) -> SafeString:
    """Let a drawing of ours into a page: every text in it was escaped when it was drawn."""
    return mark_safe(svg)  # noqa: S308


def node_url(node: Node) -> str:
    return reverse("admin:consent_lineage", args=[node.kind, node.id])


def page_url(node: Node) -> str:
    """Return the page of the row behind a node; empty where it has none."""
    page = lineage.EDGES.kinds[node.kind].page
    try:
        return reverse(page, args=[node.id]) if page else ""
    except NoReverseMatch:
        return ""


def _row_of(impact: Impact, node: Node) -> dict[str, Any]:
    hung = [
        (leaf, f"{count:,} {lineage.EDGES.kinds[leaf].many if count != 1 else leaf}")
        for (at, leaf), count in sorted(impact.hanging.items())
        if at == node and count
    ]
    listed = lineage.leaves_of(node.kind, impact.direction)
    return {
        "kind": lineage.EDGES.kinds[node.kind].one,
        "label": impact.label(node),
        "url": page_url(node) or node_url(node),
        "at": f"{node.kind}:{node.id}",
        "hung": [(leaf, words, leaf in listed) for leaf, words in hung],
    }


def _leaves(request: HttpRequest, impact: Impact) -> dict[str, Any] | None:
    """Return a page of the leaves that are asked for: ``?leaf=output&at=model:<id>``."""
    leaf, (kind, _, id_) = request.GET.get("leaf", ""), request.GET.get("at", "").partition(":")
    if not leaf:
        return None
    try:
        page = lineage.find_leaves(
            Node(kind, UUID(id_)), leaf, impact.direction,
            after=request.GET.get("after") or None, limit=LISTED,
        )  # fmt: skip
    except (KeyError, ValueError) as error:
        raise Http404("there are no such leaves") from error
    described = lineage.EDGES.kinds[leaf]
    return {
        "name": described.many,
        "rows": [(one, node_url(Node(leaf, one))) for one in page.ids],
        "after": page.after,
        "leaf": leaf,
        "at": f"{kind}:{id_}",
    }
