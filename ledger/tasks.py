"""What the worker does for the ledger by the clock. Each may be delivered as often as it likes."""

from celery import Task, shared_task
from django.conf import settings

from ledger import idempotency
from ledger.errors import NotYetPublished
from ledger.models import Incarnation, IssuedReport
from ledger.proofs import current_incarnations
from ledger.services import (
    epochs,
    files,
    installation,
    replay,
    report,
    shred,
    timestamps,
    watch,
    witnesses,
)


@shared_task
def check_logs() -> int:
    """Verify each log that is due, and forget old checks; returns how many were verified."""
    checked = watch.check_due_logs()
    if checked:
        watch.forget_old_checks()
    return checked


@shared_task
def record_installation() -> int:
    """Put on record what is new about code, tables, settings and controls; returns how many."""
    return installation.record_installation()


@shared_task
def sweep_request_keys() -> int:
    """Forget idempotency keys past their term; returns how many."""
    return idempotency.sweep_expired()


@shared_task
def sweep_orphan_keys() -> int:
    """Destroy data keys whose person never came to be; returns how many."""
    return shred.sweep_orphan_keys()


@shared_task
def sweep_files() -> int:
    """Delete stored bytes that were rolled back or cut off; returns how many."""
    return files.sweep_files()


@shared_task
def replay_journal() -> int:
    """Destroy again what a database restored under the service brought back; returns how many."""
    return replay.replay_journal().repeated if replay.count_survivors() else 0


@shared_task
def close_due_epoch() -> bool:
    """Close the epoch at five people or thirty days; returns whether it closed."""
    return epochs.close_due_epoch()


@shared_task(autoretry_for=(NotYetPublished,), retry_backoff=True, max_retries=5)
def issue_report(report_id: str) -> None:
    """Issue an ordered report, however often this is delivered."""
    report.issue_report(IssuedReport.objects.get(pk=report_id))


@shared_task
def sweep_reports() -> None:
    """Send again what was ordered and whose message or worker was lost."""
    for report_id in report.find_unfinished():
        issue_report.delay(str(report_id))


@shared_task
def ask_outsiders() -> None:
    """Let witnesses and time-stamp authority see the newest checkpoint of each log."""
    for incarnation in current_incarnations():
        _send(ask_witnesses, incarnation)
        if settings.MUNIMENT_TSA_URL:
            _send(stamp_checkpoint, incarnation)


@shared_task
def ask_witnesses(incarnation_id: int) -> int:
    """Ask every witness that has not signed the newest checkpoint; returns how many."""
    return len(witnesses.ask_witnesses(Incarnation.objects.get(pk=incarnation_id)))


@shared_task
def stamp_checkpoint(incarnation_id: int) -> None:
    """Obtain one RFC 3161 token for the newest checkpoint, however often this is delivered."""
    timestamps.stamp_newest(Incarnation.objects.get(pk=incarnation_id))


def _send(task: Task, incarnation: Incarnation) -> None:
    # The sequencer signs what is offered as the minute turns: a moment later it is there.
    task.apply_async((incarnation.pk,), countdown=2, expires=50)
