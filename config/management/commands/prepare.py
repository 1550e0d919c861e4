"""Make ready what each start of the embedded service needs besides tables, in one process."""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

STEPS = ("open_log", "make_certificates", "record_installation")


class Command(BaseCommand):
    """Safe to repeat: what is there stays. Each step is a command of its own too."""

    help = "Open the log, make missing certificates, and record what this service starts with."

    def handle(self, **options: Any) -> None:
        for step in STEPS:
            call_command(step, stdout=self.stdout, verbosity=options["verbosity"])
