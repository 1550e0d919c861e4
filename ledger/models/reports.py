"""Reports that were asked for, and what became of them."""

from django.db import models

from ledger.models.log import Incarnation
from ledger.models.recorded import Recorded


class ReportState(models.TextChoices):
    """The way of a report; one that is issued is never changed."""

    ORDERED = "ordered"
    ISSUED = "issued"


class IssuedReport(Recorded):
    """A report over the leaves [first, end) of one incarnation of the default log.

    Its bundle is a sealed file under this row's own id, there once the record ``report.issued``
    is published. Who ordered it stands in the records, not here.
    """

    state = models.CharField(max_length=8, choices=ReportState, default=ReportState.ORDERED)
    incarnation = models.ForeignKey(Incarnation, models.PROTECT, related_name="+")
    first = models.BigIntegerField(help_text="First record of the period, by its place.")
    end = models.BigIntegerField(help_text="Place behind the last record of the period.")
    manifest = models.CharField(max_length=71, blank=True, help_text="Digest, sha256:…")
    ordered_at = models.DateTimeField()

    class Meta:
        verbose_name = "report"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(end__gt=models.F("first")), name="report_period_not_empty"
            )
        ]

    def __str__(self) -> str:
        return f"report on records {self.first} to {self.end - 1}"
