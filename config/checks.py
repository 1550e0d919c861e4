"""System checks: what is wrong with an installation, said before it serves anybody."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution
from django.db import connections


@register()
def check_clock(**_: Any) -> list[CheckMessage]:
    if settings.TIME_ZONE == "UTC" and settings.USE_TZ:
        return []
    return [Error("times are not kept in UTC", hint="leave TIME_ZONE and USE_TZ", id="config.E001")]


@register()
def check_queue(**_: Any) -> list[CheckMessage]:
    if settings.MUNIMENT_EMBEDDED or not settings.CELERY_BROKER_URL.startswith("filesystem"):
        return []
    hint = "set CELERY_BROKER_URL to RabbitMQ or Redis"
    return [Error("the queue is a folder on this machine", hint=hint, id="config.E002")]


@register()
def check_post(**_: Any) -> list[CheckMessage]:
    if settings.MUNIMENT_EMBEDDED or settings.EMAIL_HOST:
        return []
    hint = "set MUNIMENT_MAIL_URL to smtp://user:password@host, or people cannot sign in"
    told = "letters to people are files on this machine"
    return [Caution(told, hint=hint, id="config.W001")]


@register(Tags.database)
def check_role(*, databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Refuse a login that triggers and privileges would not bind."""
    return [message for alias in databases or () for message in _check_login(alias)]


def _check_login(alias: str) -> list[CheckMessage]:
    with connections[alias].cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper OR rolreplication OR rolbypassrls, rolname,"
            " current_setting('TimeZone') FROM pg_roles WHERE rolname = session_user"
        )
        powerful, role, zone = cursor.fetchone()
    found: list[CheckMessage] = []
    if powerful:
        found.append(
            Error(
                f"database {alias} is used as {role}, whom no trigger binds",
                hint=f"log in as the role of this process: {settings.MUNIMENT_ROLE}",
                id="config.E003",
            )
        )
    if zone != "UTC":
        found.append(Error(f"database {alias} speaks {zone}, not UTC", id="config.E004"))
    return found
