"""When the logs were last checked, and what was found: no part of the ledger, kept for a while."""

import json
from collections import Counter
from datetime import timedelta
from typing import Any

from django.db import models

from ledger.models.log import Log

# How long after a check the next one is due; a check that takes long must not fill the day.
SHORTEST_PAUSE = timedelta(minutes=5)
PAUSE_PER_DURATION = 4
# After how many missed turns a check counts as outdated.
TURNS_UNTIL_STALE = 3


class VerificationRun(models.Model):
    """One verification of one log: when, how far it read, what it counted and what it found.

    The JSON texts hold counts and places, nothing personal. Whether an old run may still be
    relied upon is ``is_stale``'s to say.
    """

    log = models.ForeignKey(Log, models.PROTECT, related_name="checks")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    size = models.BigIntegerField("records checked")
    rows = models.BigIntegerField("rows joined")
    is_sound = models.BooleanField("sound")
    is_openness_checked = models.BooleanField("sealed parts checked")
    segments = models.TextField(help_text="JSON: how many segments are open, destroyed, …")
    days = models.TextField(help_text="JSON: records of each of the last days, by family.")
    findings = models.TextField(help_text="JSON: the first findings, each with its place.")
    finding_count = models.PositiveIntegerField("findings in all")

    class Meta:
        verbose_name = "check"
        indexes = [models.Index(fields=["log", "-ended_at"], name="check_newest")]

    def __str__(self) -> str:
        return f"check of {self.started_at:%Y-%m-%d %H:%M} UTC"

    @property
    def pause(self) -> timedelta:
        """Return how long to wait before the next check."""
        return max(SHORTEST_PAUSE, PAUSE_PER_DURATION * (self.ended_at - self.started_at))

    def is_stale(self, now: Any) -> bool:
        """Return whether checks have stopped coming."""
        return bool(now - self.ended_at > TURNS_UNTIL_STALE * self.pause)

    def read_segments(self) -> Counter[str]:
        """Return how many segments are in each state."""
        return Counter(json.loads(self.segments))

    def read_days(self) -> dict[str, dict[str, int]]:
        """Return counts of records by day (``2026-11-20``) and family."""
        days: dict[str, dict[str, int]] = json.loads(self.days)
        return days

    def read_findings(self) -> list[dict[str, Any]]:
        """Return the stored findings: aspect, code, index and message of each."""
        findings: list[dict[str, Any]] = json.loads(self.findings)
        return findings
