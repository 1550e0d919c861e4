"""Whom a letter is to be sent to about what they are asked: a queue, not on the record."""

from django.db import models

from consent.models.consents import Grant
from consent.models.errands import WorkErrand


class AskingErrand(WorkErrand):
    """That somebody is to be written to about a request, and reminded until they answer.

    It goes with the request: once that is answered, or the last reminder was sent. Each letter is
    on the record.
    """

    grant = models.OneToOneField(Grant, models.CASCADE, primary_key=True, related_name="asking")
    sent = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"asking of {self.grant_id}"
