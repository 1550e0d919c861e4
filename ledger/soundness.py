"""Reader: is each log sound, when was it last checked, and does its queue move?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from ledger.grounds import read_grounds
from ledger.models import Log, VerificationRun
from ledger.verification.completeness import PENDING_AT_MOST
from ledger.verifier.verify import OPERATORS_WORD


@dataclass(frozen=True)
class Queue:
    """Records that wait for their place in a log, and for how long the first one has."""

    count: int
    age: timedelta

    @property
    def is_stalled(self) -> bool:
        """Return whether the first one waits longer than a sequencer may take."""
        return self.age > PENDING_AT_MOST


@dataclass(frozen=True)
class LogStatus:
    """What is known of one log: its last check, its queue, and what a person must hear."""

    log: Log
    check: VerificationRun | None
    queue: Queue
    now: datetime

    @property
    def is_stale(self) -> bool:
        """Return whether checks have stopped coming, or never came."""
        return self.check is None or self.check.is_stale(self.now)

    @property
    def is_sound(self) -> bool:
        """Return whether the last check is fresh and found nothing, and the queue moves."""
        return bool(self.check and self.check.is_sound) and not self.alarms

    @property
    def rests_on(self) -> str:
        """Return what time and completeness of the log as last checked rest on."""
        incarnation = self.log.incarnations.order_by("-ordinal").first()
        if incarnation is None or self.check is None:
            return OPERATORS_WORD
        return read_grounds(incarnation, self.check.size)

    @property
    def alarms(self) -> tuple[str, ...]:
        """Return, in words, what is wrong with this log."""
        found = []
        if self.check and not self.check.is_sound:
            count = self.check.finding_count
            found.append(f"The last check found {count} thing{'s' * (count != 1)} wrong.")
        if self.check and self.is_stale:
            found.append("No check has come in for too long: is a worker running?")
        if self.queue.is_stalled:
            found.append("Records wait too long for their place: is a sequencer running?")
        return tuple(found)


def read_statuses() -> list[LogStatus]:
    """Return the status of every log, in three queries."""
    checks = VerificationRun.objects.order_by("log", "-ended_at").distinct("log")
    newest = {check.log_id: check for check in checks}
    queues = _read_queues()
    empty = Queue(0, timedelta())
    now = timezone.now()
    return [
        LogStatus(log, newest.get(log.pk), queues.get(log.pk, empty), now)
        for log in Log.objects.order_by("pk")
    ]


def _read_queues() -> dict[int, Queue]:
    """Count what waits; by the database's clock, which also wrote ``queued_at``."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.log_id, count(*), clock_timestamp() - min(p.queued_at) "
            "FROM ledger_pending p JOIN ledger_record r ON r.id = p.record_id "
            "GROUP BY r.log_id"
        )
        return {log: Queue(count, age) for log, count, age in cursor.fetchall()}
