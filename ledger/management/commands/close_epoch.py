"""Close the epoch of destructions now, instead of at five people or thirty days."""

from typing import Any

from django.core.management.base import BaseCommand

from ledger.services import close_epoch


class Command(BaseCommand):
    """Needs MUNIMENT_ROLE=eraser. An epoch of few people says more of each: the command warns."""

    help = "Record everything destroyed since the last epoch, and prove each piece of it gone."

    def handle(self, **options: Any) -> None:  # noqa: ARG002
        closed = close_epoch()
        if closed is None:
            self.stdout.write("nothing was destroyed since the last epoch")
            return
        self.stdout.write(
            f"epoch {closed.number}: {closed.count} sealed statements of {closed.people} people"
        )
