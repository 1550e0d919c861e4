"""What each database role may do with tables that packages bring: ours say it in migrations."""

from typing import Any

from django.db import connections

_ALL_ROLES = ("app", "eraser", "sequencer", "auditor")
_READ, _WORK, _FULL = "SELECT", "SELECT, INSERT, UPDATE", "SELECT, INSERT, UPDATE, DELETE"

# table → role → privileges. Django's admin log is missing on purpose: nobody may write it.
GRANTS: dict[str, dict[str, str]] = {
    "django_migrations": {
        **dict.fromkeys(_ALL_ROLES, _READ),
        **dict.fromkeys(("sealer", "destroyer"), _READ),
    },
    "django_content_type": dict.fromkeys(_ALL_ROLES, _READ),
    "auth_permission": dict.fromkeys(_ALL_ROLES, _READ),
    "auth_group": dict.fromkeys(_ALL_ROLES, _READ),
    "auth_group_permissions": dict.fromkeys(_ALL_ROLES, _READ),
    "django_session": dict.fromkeys(("app", "eraser"), _FULL),
    "oauth2_provider_application": {"app": _WORK, "eraser": _FULL, "auditor": _READ},
    "oauth2_provider_accesstoken": dict.fromkeys(("app", "eraser"), _FULL),
    "oauth2_provider_refreshtoken": {"app": _READ, "eraser": f"{_READ}, DELETE"},
    "oauth2_provider_grant": {"app": _READ, "eraser": f"{_READ}, DELETE"},
    "oauth2_provider_idtoken": {"app": _READ, "eraser": f"{_READ}, DELETE"},
    "oauth2_provider_devicegrant": {"app": _READ, "eraser": f"{_READ}, DELETE"},
}
_ROLES_OF = {"default": frozenset(_ALL_ROLES), "keystore": frozenset({"sealer", "destroyer"})}


def grant_third_party(using: str, **_: Any) -> None:
    """Grant what GRANTS says for the tables of one database; after migrations, safe to repeat."""
    connection = connections[using]
    present = frozenset(connection.introspection.table_names())
    with connection.cursor() as cursor:
        for table in sorted(present & GRANTS.keys()):
            for role in sorted(GRANTS[table].keys() & _ROLES_OF[using]):
                cursor.execute(f"GRANT {GRANTS[table][role]} ON {table} TO {role}")
