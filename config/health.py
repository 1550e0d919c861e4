"""Is it alive, is it ready, how does it do: ``/healthz``, ``/readyz``, ``/metrics``."""

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

from django.conf import settings
from django.core.signals import got_request_exception
from django.db import DatabaseError, connections
from django.db.migrations.executor import MigrationExecutor
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.module_loading import import_string
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from config import metrics as measures
from ledger import failures
from ledger.circumstances import read_circumstances, read_conditions
from ledger.conditions import Condition
from ledger.routers import KEYSTORE

# Migrations only go forward under a running process: what was complete once stays so.
_migrated: set[str] = set()


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    return HttpResponse("alive\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Answer 200, or 503 with the reasons; no reason names a person, an address or a password.

    ``conditions`` are the named states that hold, also those that let the service be ready.
    """
    conditions = read_conditions()
    reasons = [reason for check in _checks() for reason in check()]
    reasons += [each.state.meaning for each in conditions if each.state.stops]
    answer = {
        "ready": not reasons,
        "reasons": reasons,
        "conditions": [_tell(each) for each in conditions],
        "maximum_merge_delay_seconds": settings.MUNIMENT_MAX_MERGE_DELAY,
    }
    return JsonResponse(answer, status=503 if reasons else 200)


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    measures.take(read_circumstances())
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def _tell(condition: Condition) -> dict[str, Any]:
    """Say a state to strangers: where and how much stays with those who may look."""
    state = condition.state
    return {
        "name": condition.name,
        "meaning": state.meaning,
        "cure": state.cure,
        "stops": state.stops,
    }


@receiver(got_request_exception)
def _note_failure(**_: Any) -> None:
    """Remember what the write of a page or an API view has met."""
    if error := sys.exception():
        failures.note(error)


def silent_databases() -> Iterator[str]:
    """Name each database that does not answer."""
    for alias in settings.DATABASES:
        try:
            with connections[alias].cursor() as cursor:
                cursor.execute("SELECT 1")
        except DatabaseError:
            connections[alias].close()
            yield f"database {alias} does not answer"


def missing_migrations() -> Iterator[str]:
    """Name each database whose tables are older than this code."""
    for alias in set(settings.DATABASES) - _migrated:
        try:
            count = _count_missing(alias)
        except DatabaseError:
            yield f"the migrations of database {alias} cannot be read"
        else:
            if count:
                yield f"database {alias} lacks {count} migrations: run manage.py migrate_all"
            else:
                _migrated.add(alias)


def _count_missing(alias: str) -> int:
    executor = MigrationExecutor(connections[alias])
    leaves = executor.loader.graph.leaf_nodes(KEYSTORE if alias == KEYSTORE else None)
    return len(executor.migration_plan(leaves))


@cache
def _checks() -> tuple[Callable[[], Iterable[str]], ...]:
    return tuple(import_string(path) for path in settings.MUNIMENT_READINESS)
