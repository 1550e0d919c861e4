"""Preference signals as they were seen, and what each of them says."""

from uuid import UUID

from django.db import models

from consent.models.choices import codes_field, one_of, only_codes
from consent.models.subjects import Subject
from consent.signals.finding import Signal, Source, Standing
from consent.uses import Use
from ledger.fields import SealedField
from ledger.models import Recorded


class Observation(Recorded):
    """Something that a person's browser said, raw; where and what lie sealed under their key."""

    subject = models.ForeignKey(Subject, models.PROTECT, related_name="observations")
    source = models.CharField(max_length=32, choices=[(one.value, one.value) for one in Source])
    place = SealedField()
    raw = SealedField()
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ["-seen_at"]
        constraints = [one_of("observation", "source", Source)]

    def __str__(self) -> str:
        return f"{self.source} {str(self.id)[:8]}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return (self.subject.scope_id,)


class SignalFinding(Recorded):
    """What one observation says of some uses by one signal."""

    observation = models.ForeignKey(Observation, models.PROTECT, related_name="findings")
    signal = models.CharField(max_length=32, choices=[(one.value, one.value) for one in Signal])
    standing = models.CharField(max_length=32, choices=[(one.value, one.value) for one in Standing])
    code = models.SlugField(max_length=40)
    uses = codes_field(Use)

    class Meta:
        constraints = [
            one_of("signalfinding", "signal", Signal),
            one_of("signalfinding", "standing", Standing),
            only_codes("signalfinding", "uses", Use),
        ]

    def __str__(self) -> str:
        return f"{self.signal} {self.standing}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return self.observation.scope_ids()
