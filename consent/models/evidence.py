"""What shows an answer: signed forms, scans, letters, recordings."""

from uuid import UUID

from django.db import models

from consent.mediatypes import MEDIA_TYPES
from consent.models.choices import code_field, one_of
from consent.models.consents import Grant
from consent.uses import EvidenceKind
from ledger.fields import SealedField
from ledger.models import Recorded, SealedFile

# A chain of answers that took each other's place is no longer than this in any honest history.
MAX_CHAIN = 1000


class EvidenceQuerySet(models.QuerySet["Evidence"]):
    """What many pieces know."""

    def of(self, grant: Grant) -> "EvidenceQuerySet":
        """Return what shows an answer: what came with it, and with those whose place it took."""
        chain, before = [grant.pk], grant.supersedes_id
        while before is not None and len(chain) < MAX_CHAIN:
            chain.append(before)
            rows = Grant.objects.filter(pk=before)
            before = rows.values_list("supersedes_id", flat=True).first()
        return self.filter(grant__in=chain).select_related("file").order_by("added_at", "pk")


class Evidence(Recorded):
    """One piece that shows an answer; more may be added, none is changed or replaced.

    It lies under the keys of everybody who spoke: the erasure of a child ends what a guardian
    signed, and so does the guardian's. ``digest`` is the sealed SHA-256 of the content,
    ``media_type`` what the content was found to be.
    """

    grant = models.ForeignKey(Grant, models.PROTECT, related_name="evidence")
    kind = code_field(EvidenceKind)
    media_type = models.CharField(
        max_length=40, choices=[(one, one) for one in sorted(MEDIA_TYPES)]
    )
    digest = SealedField()
    file = models.ForeignKey(SealedFile, models.PROTECT, related_name="+")
    added_at = models.DateTimeField(editable=False)

    objects = EvidenceQuerySet.as_manager()

    class Meta:
        verbose_name = "piece of evidence"
        verbose_name_plural = "evidence"
        ordering = ["added_at", "pk"]
        constraints = [one_of("evidence", "kind", EvidenceKind)]

    def __str__(self) -> str:
        return f"{self.kind} {str(self.id)[:8]}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return self.file.scope_ids()
