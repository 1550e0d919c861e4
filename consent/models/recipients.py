"""To whom something was given: recipients, and each delivery to them."""

from uuid import UUID

from django.db import models
from django.db.models import Q

from consent.models.choices import code_field, one_of
from consent.models.people import Account, Project
from consent.uses import Handover
from ledger.fields import SealedField
from ledger.models import HOUSE_SCOPE, Recorded


class Recipient(Recorded):
    """An organisation to which data sets, models or pictures are given (GDPR Art. 4(9)).

    ``code`` is the one that answers name recipients by; ``details``, who they are and where they
    can be told, lie sealed under the house's key.
    """

    code = models.SlugField(
        max_length=50,
        unique=True,
        help_text="Letters, digits, hyphens; never a person's name.",
    )
    details = SealedField(blank=True)
    named_at = models.DateTimeField()

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code

    def scope_ids(self) -> tuple[UUID, ...]:
        return (HOUSE_SCOPE,)


class Given(models.TextChoices):
    """What can be given to somebody."""

    VERSION = "version", "data set version"
    MODEL = "model"
    OUTPUT = "output", "picture"


class Delivery(Recorded):
    """That something was handed over, to whom, how and when.

    Without ``recipient`` it was for our own use. ``node`` is an id, not a key: models and outputs
    are another app's. So is ``model``: the model itself, or the one that made the picture. Both
    are emptied when the output is erased with its people: that something was given stands, and
    leads to nobody.
    """

    recipient = models.ForeignKey(
        Recipient, models.PROTECT, null=True, blank=True, related_name="deliveries"
    )
    project = models.ForeignKey(Project, models.PROTECT, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=10, choices=Given)
    node = models.UUIDField(null=True)
    model = models.UUIDField(null=True, editable=False)
    how = code_field(Handover)
    handed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    delivered_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ["-delivered_at", "pk"]
        indexes = [
            models.Index(fields=["node"], name="delivery_node"),
            # Few are of versions, where a million may be of pictures.
            models.Index(
                fields=["node", "recipient"],
                condition=Q(kind="version"),
                name="delivery_versions",
            ),
            # Who received something of a model, read from one of them to the next.
            models.Index(
                fields=["model", "recipient"],
                condition=Q(model__isnull=False),
                name="delivery_receivers",
            ),
        ]
        constraints = [
            one_of("delivery", "how", Handover),
            models.CheckConstraint(
                condition=Q(recipient__isnull=False) | Q(how=Handover.EXPORT.value),
                name="delivery_to_somebody",
            ),
            models.CheckConstraint(
                condition=Q(kind="version", model__isnull=True)
                | Q(kind="model", model__isnull=False, model=models.F("node"))
                | Q(kind="output", model__isnull=False, node__isnull=False)
                | Q(kind="output", model__isnull=True, node__isnull=True),
                name="delivery_of_its_model",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {str(self.node or 'erased')[:8]}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return (HOUSE_SCOPE,)
