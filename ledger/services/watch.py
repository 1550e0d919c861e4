"""Watch: verify the logs again and again, and keep what was found for the start page."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from ledger import turns
from ledger.models import Log, VerificationRun
from ledger.services.installation import record_verification
from ledger.verification import LogVerdict, verify_log

KEPT_RUNS = 300
KEPT_DAYS = 30
KEPT_FINDINGS = 100


def check_due_logs() -> int:
    """Verify each log whose last check is long enough ago; return how many were verified.

    Safe to call at any time and from several workers: a log that is being checked is left out.
    """
    return sum(_check_if_due(log) for log in Log.objects.order_by("pk"))


def check_log(log: Log, progress: Callable[[int], None] = lambda _: None) -> LogVerdict:
    """Verify ``log`` now; where this database role may, keep what was found."""
    started_at = timezone.now()
    verdict = verify_log(log, progress)
    if _may_keep():
        keep_verdict(log, verdict, started_at)
    return verdict


def keep_verdict(log: Log, verdict: LogVerdict, started_at: datetime) -> VerificationRun:
    """Store one verdict. Needs the privilege to insert checks; forgets none."""
    findings = [
        {"aspect": one.aspect, "code": one.code, "index": one.index, "message": one.message}
        for one in verdict.findings[:KEPT_FINDINGS]
    ]
    return VerificationRun.objects.create(
        log=log,
        started_at=started_at,
        ended_at=timezone.now(),
        size=verdict.size,
        rows=verdict.rows,
        is_sound=verdict.is_sound,
        is_openness_checked=verdict.is_openness_checked,
        segments=json.dumps(verdict.segments, sort_keys=True),
        days=json.dumps(_recent_days(verdict), sort_keys=True),
        findings=json.dumps(findings),
        finding_count=len(verdict.findings),
    )


def forget_old_checks() -> int:
    """Delete all but the newest checks of each log; return how many. Needs the role eraser."""
    forgotten = 0
    for log in Log.objects.all():
        kept = log.checks.order_by("-ended_at").values("pk")[:KEPT_RUNS]
        with transaction.atomic():
            deleted, _ = log.checks.exclude(pk__in=kept).delete()
        forgotten += deleted
    return forgotten


def _check_if_due(log: Log) -> bool:
    with _held(log) as is_ours:
        if not is_ours or not _is_due(log):
            return False
        record_verification(log, check_log(log))
    return True


def _is_due(log: Log) -> bool:
    last = log.checks.order_by("-ended_at").first()
    return last is None or timezone.now() >= last.ended_at + last.pause


@contextmanager
def _held(log: Log) -> Iterator[bool]:
    """Try to be the only one who checks ``log``; a killed worker's lock ends with its session."""
    place = [turns.CHECKING, log.pk]
    with connection.cursor() as cursor:
        # Of the session, since verification needs a transaction of its own.
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", place)
        (is_ours,) = cursor.fetchone()
    try:
        yield bool(is_ours)
    finally:
        if is_ours:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", place)


def _may_keep() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege(%s, 'INSERT')", [VerificationRun._meta.db_table])
        (may,) = cursor.fetchone()
    return bool(may)


def _recent_days(verdict: LogVerdict) -> dict[str, dict[str, int]]:
    since = (timezone.now() - timedelta(days=KEPT_DAYS)).date().isoformat()
    days: dict[str, dict[str, int]] = {}
    for (day, family), count in verdict.days.items():
        if day > since:
            days.setdefault(day, {})[family] = count
    return days
