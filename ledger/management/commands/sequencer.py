"""Run a sequencer until it is told to stop."""

import signal
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand

from ledger.sequencer import run


class Command(BaseCommand):
    """Any number may run: one leads, the others stand by. Needs MUNIMENT_ROLE=sequencer."""

    help = "Give pending records their places, sign checkpoints, anchor and publish them."

    def handle(self, **options: Any) -> None:  # noqa: ARG002
        stop = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        run(stop)
