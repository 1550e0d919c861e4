"""Counts of what is served, by route and status, and the named states as they are scraped.

No path, query or client is a label.
"""

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from prometheus_client import Counter, Gauge, Histogram

from ledger.conditions import Circumstances, Name, find_conditions

REQUESTS = Counter("muniment_requests_total", "Answers given", ["method", "route", "status"])
SECONDS = Histogram("muniment_request_seconds", "Time to an answer", ["route"])
CONDITION = Gauge("muniment_condition", "1 while a named state holds", ["name"])
MERGE_DELAY = Gauge("muniment_maximum_merge_delay_seconds", "What the service promises")
WAITING = Gauge("muniment_waiting_records", "Records without a place, 10000 at most", ["log"])
WAIT = Gauge("muniment_oldest_waiting_seconds", "How long the first of them waits", ["log"])
TRANSACTION = Gauge("muniment_oldest_transaction_seconds", "Age of the one open longest")
ROOM = Gauge("muniment_free_bytes", "Room on this machine", ["place"])
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Measured:
    """Count and time every request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.monotonic()
        response = self.get_response(request)
        # Only names that we gave: a stranger's method or path must not make a new series.
        route = request.resolver_match.route if request.resolver_match else "none"
        method = request.method if request.method in _METHODS else "other"
        REQUESTS.labels(method, route, response.status_code).inc()
        SECONDS.labels(route).observe(time.monotonic() - started)
        return response


def take(found: Circumstances) -> None:
    """Set the gauges; what could not be measured is not among them."""
    holds = {condition.name for condition in find_conditions(found)}
    for name in Name:
        CONDITION.labels(name).set(name in holds)
    MERGE_DELAY.set(found.max_merge_delay.total_seconds())
    for gauge in (WAITING, WAIT, ROOM):
        gauge.clear()
    for log, queue in found.queues.items():
        if queue.count is not None and queue.age is not None:
            WAITING.labels(log).set(queue.count)
            WAIT.labels(log).set(queue.age.total_seconds())
    for place, free in found.rooms.items():
        ROOM.labels(place).set(free)
    TRANSACTION.set(found.oldest[1].total_seconds() if found.oldest else 0)
