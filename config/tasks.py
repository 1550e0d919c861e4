"""Housekeeping of the queue itself."""

import time
from pathlib import Path

from celery import shared_task
from django.conf import settings

from consent.models import PortalLink

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


@shared_task
def empty_mail() -> int:
    """Delete letters in the folder whose link is spent or over; returns how many."""
    letters = {path.stem: path for path in Path(settings.EMAIL_FILE_PATH).glob("*.eml")}
    live = {str(pk) for pk in PortalLink.objects.values_list("pk", flat=True)}
    over = [path for name, path in letters.items() if name not in live]
    for path in over:
        path.unlink(missing_ok=True)
    return len(over)
