"""Housekeeping of the queue itself."""

import time
from pathlib import Path

from celery import shared_task
from django.conf import settings

_KEPT_SECONDS = 60


@shared_task
def empty_done_messages() -> int:
    """Delete messages that the filesystem transport has handed out; returns how many."""
    before = time.time() - _KEPT_SECONDS
    done: Path = settings.CELERY_FOLDER / "done"
    outdated = [path for path in done.glob("*.msg") if path.stat().st_mtime < before]
    for path in outdated:
        path.unlink(missing_ok=True)
    return len(outdated)
