"""That somebody was shown a notice: apart from what they answered, if they did."""

from uuid import UUID

from django.db import models
from django.db.models import F, Q

from consent.models.choices import code_field, one_of
from consent.models.consents import Notice
from consent.models.subjects import Subject
from consent.uses import Capacity, Method
from ledger.models import Recorded


class Serving(Recorded):
    """A notice, in the one language it has, reached a person or somebody who speaks for them."""

    subject = models.ForeignKey(Subject, models.PROTECT, related_name="servings")
    notice = models.ForeignKey(Notice, models.PROTECT, related_name="servings")
    channel = code_field(Method)
    capacity = code_field(
        Capacity, default=Capacity.SELF.value, help_text="As whom they got it: self or speaker."
    )
    served_at = models.DateTimeField()
    recorded_at = models.DateTimeField(editable=False)

    class Meta:
        verbose_name = "notice served"
        verbose_name_plural = "notices served"
        ordering = ["-served_at"]
        constraints = [
            one_of("serving", "channel", Method),
            one_of("serving", "capacity", Capacity),
            models.CheckConstraint(
                condition=Q(served_at__lte=F("recorded_at")), name="serving_recorded_afterwards"
            ),
        ]

    def __str__(self) -> str:
        return f"serving {str(self.id)[:8]}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return (self.subject.scope_id,)
