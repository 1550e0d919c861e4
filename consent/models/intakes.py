"""What came in from elsewhere: where from, the unchanged bytes, and what of it waits for repair."""

from uuid import UUID, uuid4

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from consent.formats.described import NodeKind, Relation
from consent.models.choices import code_field, one_of
from consent.models.datasets import DatasetVersion
from consent.models.errands import WorkErrand
from consent.models.people import Project
from consent.uses import Form, Provenance
from ledger.fields import DigestField, SealedField
from ledger.models import Recorded, SealedFile


class Source(Recorded):
    """A place that items come from: an archive, a photographer's folder, a site.

    ``address`` may name somebody and lies sealed under the house's key.
    """

    project = models.ForeignKey(Project, models.PROTECT, related_name="sources")
    code = models.SlugField(
        max_length=50, help_text="Letters, digits, hyphens; never a person's name."
    )
    provenance = code_field(Provenance)
    address = SealedField(blank=True)
    opened_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "code"], name="source_code_once"),
            one_of("source", "provenance", Provenance),
        ]

    def __str__(self) -> str:
        return self.code


class IntakeState(models.TextChoices):
    """How far reading has come."""

    RECEIVED = "received", "waiting to be read"
    READING = "reading", "being read"
    READ = "read", "read to the end"
    UNREADABLE = "unreadable", "cannot be read"


class Intake(Recorded):
    """One statement from outside, its bytes kept as they came, and what became of its items.

    The bytes may name anyone in it: once read they lie under the keys of all those people
    together (``named``), so that the first erasure ends them; until then, and where nobody is
    named, under the house's. ``remarks`` is JSON: what is doubtful in the whole, how columns were
    read, and why nothing could be read. ``read_to`` is the last ordinal that was judged.
    """

    project = models.ForeignKey(Project, models.PROTECT, related_name="intakes")
    version = models.ForeignKey(
        DatasetVersion, models.PROTECT, related_name="intakes", null=True, blank=True
    )
    source = models.ForeignKey(
        Source, models.PROTECT, related_name="intakes", null=True, blank=True
    )
    form = code_field(Form)
    fingerprint = DigestField(help_text="Blind index of the bytes and of what they came for.")
    file = models.ForeignKey(SealedFile, models.PROTECT, related_name="+", null=True, blank=True)
    scopes = ArrayField(models.UUIDField())
    named = ArrayField(
        models.UUIDField(), default=list, help_text="The scopes of everybody named so far."
    )
    remarks = SealedField()
    state = models.CharField(max_length=10, choices=IntakeState, default=IntakeState.RECEIVED)
    read_to = models.PositiveIntegerField(default=0)
    item_count = models.PositiveIntegerField(default=0, help_text="Let in.")
    house_count = models.PositiveIntegerField(default=0, help_text="Items with nobody in them.")
    dropped_count = models.PositiveIntegerField(default=0, help_text="Turned away for good.")
    received_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "import"
        ordering = ["-received_at", "pk"]
        indexes = [GinIndex(fields=["named"], name="intake_named")]
        constraints = [
            # What could not be read may be brought again.
            models.UniqueConstraint(
                fields=["project", "fingerprint"],
                name="intake_once",
                condition=~models.Q(state=IntakeState.UNREADABLE),
            ),
            one_of("intake", "form", Form),
        ]

    def __str__(self) -> str:
        return f"{self.form} {str(self.id)[:8]}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return tuple(self.scopes)


class Reading(WorkErrand):
    """That a worker should read an import, and who is at it: a work queue, not on the record."""

    intake = models.OneToOneField(Intake, models.CASCADE, primary_key=True, related_name="reading")

    def __str__(self) -> str:
        return f"reading of {self.intake_id}"


class Quarantined(models.Model):
    """One item that was not let in, with all that stands against it: a list to work off.

    It leaves when it is repaired or dropped; those acts are on the record, and the import counts
    them. ``stated`` is what the description says of it, sealed under the keys of the people that
    it names, or the house's where none is known.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    intake = models.ForeignKey(Intake, models.PROTECT, related_name="quarantined", db_index=False)
    ordinal = models.PositiveIntegerField(help_text="Place in the description, from 1.")
    reasons = ArrayField(models.CharField(max_length=40))
    stated = SealedField()
    scopes = ArrayField(models.UUIDField())

    class Meta:
        verbose_name = "quarantined item"
        ordering = ["intake", "ordinal"]
        indexes = [GinIndex(fields=["scopes"], name="quarantined_scopes")]
        constraints = [
            models.UniqueConstraint(fields=["intake", "ordinal"], name="quarantined_once")
        ]

    def __str__(self) -> str:
        return f"{self.ordinal}: {', '.join(self.reasons)}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return tuple(self.scopes)


class Entity(Recorded):
    """Something in a lineage that others told us of: a data set elsewhere, a job, a run, a model.

    Known again by ``index``, a blind index of what it is called and of the version named; what it
    is called, ``name``, lies sealed under the house's key. ``version`` ties it to one of ours.
    """

    project = models.ForeignKey(Project, models.PROTECT, related_name="entities")
    kind = models.CharField(max_length=20, choices=[(one.value, one.value) for one in NodeKind])
    index = DigestField()
    name = SealedField()
    version = models.ForeignKey(
        DatasetVersion, models.PROTECT, related_name="entities", null=True, blank=True
    )

    class Meta:
        verbose_name_plural = "entities"
        constraints = [
            models.UniqueConstraint(fields=["project", "index"], name="entity_once"),
            one_of("entity", "kind", NodeKind),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {str(self.id)[:8]}"


class Tie(Recorded):
    """How two entities are tied, as an import says; ``later`` came of ``earlier``."""

    intake = models.ForeignKey(Intake, models.PROTECT, related_name="ties")
    relation = models.CharField(max_length=24, choices=[(one.value, one.value) for one in Relation])
    earlier = models.ForeignKey(Entity, models.PROTECT, related_name="later_ties")
    later = models.ForeignKey(Entity, models.PROTECT, related_name="earlier_ties")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["intake", "relation", "earlier", "later"], name="tie_once"
            ),
            one_of("tie", "relation", Relation),
        ]

    def __str__(self) -> str:
        return f"{self.earlier_id} {self.relation} {self.later_id}"
