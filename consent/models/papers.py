"""Papers of an answer: what a person keeps of it, and what proves it to others."""

from uuid import UUID

from django.db import models

from consent.models.consents import Grant
from ledger.models import Recorded, SealedFile


class AnswerPaperKind(models.TextChoices):
    """A receipt is for the person, a bundle for whoever must be shown everything."""

    RECEIPT = "receipt", "receipt"
    BUNDLE = "bundle", "proof of consent"


class AnswerPaper(Recorded):
    """One paper about an answer as it stood at one record; sealed under the person's key."""

    grant = models.ForeignKey(Grant, models.PROTECT, related_name="papers")
    kind = models.CharField(max_length=10, choices=AnswerPaperKind)
    told = models.UUIDField(help_text="The record of the answer that the paper tells of.")
    file = models.ForeignKey(SealedFile, models.PROTECT, related_name="+")
    issued_at = models.DateTimeField()

    class Meta:
        ordering = ["-issued_at"]
        constraints = [
            models.UniqueConstraint(fields=["grant", "kind", "told"], name="answerpaper_once")
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {str(self.grant_id)[:8]}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return self.file.scope_ids()
