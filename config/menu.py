"""The menu of the admin: every screen a person may see, by group: people first, technical last."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

START = "Start"
TECHNICAL = "Technical"
_ORDER = (
    *("Consent", "Data sets", "Generation", "Moderation", "People and roles"),
    *("Ledger", TECHNICAL),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return Unfold's sidebar: screens ask for their place by ``menu_group`` and ``menu_icon``."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for app in admin.site.get_app_list(request):
        for model in app["models"]:
            screen = admin.site.get_model_admin(model["model"])
            group = getattr(screen, "menu_group", "") or app["name"]
            groups.setdefault(str(group), []).append(_item(model, screen))
    ordered = sorted(groups, key=lambda group: _ORDER.index(group) if group in _ORDER else -1)
    return [_start(), *(_group(name, groups[name]) for name in ordered)]


def _start() -> dict[str, Any]:
    items = [
        {"title": "Start page", "icon": "home", "link": reverse("admin:index")},
        {"title": "Glossary", "icon": "dictionary", "link": reverse("ledger:glossary")},
    ]
    return {"title": None, "items": items}


def _group(name: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "title": name,
        "separator": True,
        "collapsible": name == TECHNICAL,
        "items": items,
    }


def _item(model: dict[str, Any], screen: admin.ModelAdmin) -> dict[str, Any]:
    icon = getattr(screen, "menu_icon", "table_rows")
    return {"title": model["name"], "icon": icon, "link": model["admin_url"]}
