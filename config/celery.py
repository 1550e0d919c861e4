"""The queue: ``celery --app config.celery worker`` and ``… beat``.

An app adds work to the clock by a module ``schedule`` with SCHEDULE, a dictionary in Celery's
own form: ``{"ledger.sweep": {"task": "ledger.tasks.sweep", "schedule": 60.0}}``.
"""

import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

OUR_APPS = ("config", "ledger", "consent", "generation")


def _folders(home: Path) -> dict[str, Any]:
    """Make the folders of the filesystem transport and return its options."""
    names = ("queue", "done", "control")
    folders = {name: home / name for name in names}
    for folder in folders.values():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {
        "data_folder_in": str(folders["queue"]),
        "data_folder_out": str(folders["queue"]),
        # Otherwise each message passes through the machine's temporary folder.
        "store_processed": True,
        "processed_folder": str(folders["done"]),
        "control_folder": str(folders["control"]),
        "polling_interval": 0.02,
    }


def _schedule() -> dict[str, Any]:
    entries: dict[str, Any] = {}
    for name in OUR_APPS:
        if find_spec(f"{name}.schedule"):
            entries |= import_module(f"{name}.schedule").SCHEDULE
    return entries


app = Celery("muniment")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@app.on_configure.connect
def _configure(sender: Celery, **_: Any) -> None:
    from django.conf import settings

    if settings.CELERY_BROKER_URL.startswith("filesystem:"):
        sender.conf.broker_transport = "config.filesystem:Transport"
        sender.conf.broker_transport_options = _folders(settings.CELERY_FOLDER)
    sender.conf.beat_schedule = _schedule()
