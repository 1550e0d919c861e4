"""Reader: is each log sound, when was it last checked, and does its queue move?"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from ledger.binary import sqlstate
from ledger.conditions import Queue
from ledger.grounds import read_grounds
from ledger.models import Log, VerificationRun
from ledger.verifier.verify import OPERATORS_WORD


def max_merge_delay() -> timedelta:
    """Return within which time a record has its place, as this service promises."""
    return timedelta(seconds=settings.MUNIMENT_MAX_MERGE_DELAY)


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
        is_moving = not self.queue.is_stalled(max_merge_delay())
        return bool(self.check and self.check.is_sound) and not self.alarms and is_moving

    @property
    def rests_on(self) -> str:
        """Return what time and completeness of the log as last checked rest on."""
        incarnation = self.log.incarnations.order_by("-ordinal").first()
        if incarnation is None or self.check is None:
            return OPERATORS_WORD
        return read_grounds(incarnation, self.check.size)

    @property
    def alarms(self) -> tuple[str, ...]:
        """Return, in words, what its checks say is wrong; a queue that stalls is a named state."""
        found = []
        if self.check and not self.check.is_sound:
            count = self.check.finding_count
            found.append(f"The last check found {count} thing{'s' * (count != 1)} wrong.")
        if self.check and self.is_stale:
            found.append("No check has come in for too long: is a worker running?")
        return tuple(found)


def read_statuses() -> list[LogStatus]:
    """Return the status of every log, in three queries."""
    checks = VerificationRun.objects.order_by("log", "-ended_at").distinct("log")
    newest = {check.log_id: check for check in checks}
    queues = read_queues()
    now = timezone.now()
    return [
        LogStatus(log, newest.get(log.pk), queues[log.name], now)
        for log in Log.objects.order_by("pk")
    ]


def read_queues() -> dict[str, Queue]:
    """Return what waits in each log, by its name; by the database's clock, as ``queued_at`` is.

    A snapshot that somebody holds open keeps every deleted entry of the queue: each log is read
    from a floor on. That is the last leaf of an offer made so long before the newest one that
    every transaction which drew a smaller id had ended while the sequencer still worked. What
    takes longer than a second all the same has neither count nor age.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, name FROM ledger_log ORDER BY id")
        return {name: _read_queue(log) for log, name in cursor.fetchall()}


def _read_queue(log: int) -> Queue:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_BOUNDS)
            cursor.execute(_FLOOR, [log])
            (floor,) = cursor.fetchone() or (0,)
            cursor.execute(_QUEUE, [floor, log, Queue.COUNTED])
            count, age = cursor.fetchone()
            return Queue(count, age or timedelta())
    except OperationalError as error:
        if sqlstate(error) != _CANCELED:
            raise
        return Queue(None, None)


_CANCELED = "57014"
# As in the sequencer: what lies behind an index must not be read from the beginning.
_BOUNDS = """
    SELECT set_config('statement_timeout', '1s', true), set_config('enable_seqscan', 'off', true),
           set_config('enable_hashjoin', 'off', true)"""
# Two minutes: longer than a transaction of the application may take, with time to spare.
_FLOOR = """
    WITH newest AS (
        SELECT o.incarnation_id, o.minute FROM ledger_incarnation i CROSS JOIN LATERAL (
            SELECT incarnation_id, minute FROM ledger_offer WHERE incarnation_id = i.id
            ORDER BY id DESC LIMIT 1
        ) o WHERE i.log_id = %s ORDER BY i.ordinal DESC LIMIT 1
    ), settled AS (
        SELECT c.incarnation_id, c.size FROM newest n CROSS JOIN LATERAL (
            SELECT checkpoint_id FROM ledger_offer WHERE incarnation_id = n.incarnation_id
            AND minute <= n.minute - interval '2 minutes' ORDER BY minute DESC LIMIT 1
        ) o JOIN ledger_checkpoint c ON c.id = o.checkpoint_id
    )
    SELECT l.record_id FROM ledger_leaf l JOIN settled s
        ON l.incarnation_id = s.incarnation_id AND l.index = s.size - 1"""
_QUEUE = """
    SELECT count(*), clock_timestamp() - min(queued_at) FROM (
        SELECT p.queued_at FROM ledger_pending p JOIN ledger_record r ON r.id = p.record_id
        WHERE p.record_id > %s AND r.log_id = %s ORDER BY p.record_id LIMIT %s
    ) waiting"""
