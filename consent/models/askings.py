"""Whom a letter is to be sent to about what they are asked: a queue, not on the record."""

from django.db import models

from consent.models.consents import Grant


class AskingErrand(models.Model):
    """That somebody is to be written to about a request, and reminded until they answer.

    It goes with the request: once that is answered, or the last reminder was sent. Each letter is
    on the record.
    """

    grant = models.OneToOneField(Grant, models.CASCADE, primary_key=True, related_name="asking")
    due_at = models.DateTimeField(db_index=True)
    attempts = models.PositiveIntegerField(default=0, help_text="Since the last letter was sent.")
    sent = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"asking of {self.grant_id}"
