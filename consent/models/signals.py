"""Preference signals as they were seen, and what each of them says."""

from datetime import datetime
from uuid import UUID

from django.db import models

from consent.models import intakes
from consent.models.choices import codes_field, one_of, only_codes
from consent.models.subjects import Subject
from consent.signals.finding import Reach, Signal, Source, Standing
from consent.uses import Use
from ledger.fields import DigestField, SealedField
from ledger.models import HOUSE_SCOPE, Recorded, SealedFile

# A person's browser is no place that items come from.
AT_SOURCES = [one for one in Source if one is not Source.REQUEST_HEADERS]


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


class SourceObservation(Recorded):
    """Something that was seen at a source: raw, as seen, with its time; what it says follows.

    ``said`` is JSON: where it was seen, for which address and all below it speaks (empty: its
    kind says), and the media type. ``index`` is a blind index of the host, or the one address, that
    it speaks for; ``place`` of where it was seen, ``content`` of what. ``confirmed_at`` is when it
    was last seen there again, just so. The house's, not a person's.
    """

    origin = models.ForeignKey(intakes.Source, models.PROTECT, related_name="observations")
    source = models.CharField(
        max_length=32,
        choices=[(one.value, one.value) for one in AT_SOURCES],
        help_text="In what it was seen.",
    )
    reach = models.CharField(max_length=12, choices=[(one.value, one.value) for one in Reach])
    said = SealedField()
    file = models.ForeignKey(SealedFile, models.PROTECT, related_name="+", null=True, blank=True)
    index = DigestField()
    place = DigestField()
    content = DigestField()
    seen_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)
    recorded_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = "observation at a source"
        ordering = ["-seen_at", "pk"]
        indexes = [
            models.Index(fields=["index", "seen_at"], name="sourceobservation_index"),
            models.Index(fields=["origin", "-seen_at"], name="sourceobservation_origin"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["origin", "place", "content", "seen_at"], name="sourceobservation_once"
            ),
            models.CheckConstraint(
                condition=models.Q(file=None) | models.Q(reach=Reach.FOUND),
                name="sourceobservation_found_with_bytes",
            ),
            models.CheckConstraint(
                condition=models.Q(confirmed_at=None)
                | models.Q(confirmed_at__gt=models.F("seen_at")),
                name="sourceobservation_confirmed_later",
            ),
            one_of("sourceobservation", "source", AT_SOURCES),
            one_of("sourceobservation", "reach", Reach),
        ]

    def __str__(self) -> str:
        return f"{self.source} {str(self.id)[:8]}"

    @property
    def last_seen_at(self) -> datetime:
        """Return when it was seen just so for the last time."""
        return self.confirmed_at or self.seen_at

    @property
    def project_id(self) -> UUID:
        """Return the project whose team may see this."""
        return self.origin.project_id

    def scope_ids(self) -> tuple[UUID, ...]:
        return (HOUSE_SCOPE,)
