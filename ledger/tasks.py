"""What the worker does for the ledger by the clock. Each may be delivered as often as it likes."""

from celery import shared_task

from ledger import idempotency
from ledger.errors import NotYetPublished
from ledger.models import IssuedReport
from ledger.services import epochs, report, shred, watch


@shared_task
def check_logs() -> int:
    """Verify each log that is due, and forget old checks; returns how many were verified."""
    checked = watch.check_due_logs()
    if checked:
        watch.forget_old_checks()
    return checked


@shared_task
def sweep_request_keys() -> int:
    """Forget idempotency keys past their term; returns how many."""
    return idempotency.sweep_expired()


@shared_task
def sweep_orphan_keys() -> int:
    """Destroy data keys whose person never came to be; returns how many."""
    return shred.sweep_orphan_keys()


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
