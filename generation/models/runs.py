"""Runs, whom they depict, and what came of them."""

from datetime import datetime
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

from consent.models import Account, Project, Subject
from generation.marking.intake import ImageFormat
from generation.models.catalogue import ModelVersion, Policy
from generation.models.choices import code_field, only_codes
from generation.states import FailureReason, OutputState, RunOutcome, RunState
from ledger.fields import DigestField, SealedField
from ledger.models import Recorded, SealedFile

_ANSWERS = {
    RunState.HELD: RunOutcome.HELD,
    RunState.REFUSED: RunOutcome.REFUSED,
}


class Run(Recorded):
    """One question *may I?*, its answer, and how the run ended.

    Sealed under the keys of all people depicted together, so that the first erasure ends it;
    with nobody in it, under the client's own.
    """

    project = models.ForeignKey(Project, models.PROTECT, related_name="runs")
    model = models.ForeignKey(ModelVersion, models.PROTECT, related_name="runs")
    policy = models.ForeignKey(Policy, models.PROTECT, related_name="runs")
    client = models.ForeignKey(Account, models.PROTECT, null=True, related_name="runs")
    instance = models.UUIDField(help_text="One process of the client; it numbers its runs.")
    sequence = models.PositiveBigIntegerField(help_text="From 1 per instance; a gap is a question.")
    scopes = ArrayField(models.UUIDField())
    prompt = SealedField()
    parameters = SealedField()
    reasons = SealedField(help_text="Why it was answered so: a list of code and detail.")
    details = SealedField(null=True, help_text="Seeds, steps, environment, as handed in.")
    codes = ArrayField(models.CharField(max_length=80), help_text="The codes among the reasons.")
    state = code_field(RunState, editable=False)
    failure = code_field(FailureReason, null=True, editable=False)
    requested_at = models.DateTimeField()
    authorised_until = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-requested_at"]
        indexes = [GinIndex(fields=["scopes"], name="run_scopes")]
        constraints = [
            models.UniqueConstraint(fields=["instance", "sequence"], name="run_sequence_once"),
            only_codes("run", "state", RunState),
            models.CheckConstraint(
                condition=Q(state__in=["refused", "held"], authorised_until__isnull=True)
                | Q(state__in=["allowed", "completed", "failed"], authorised_until__isnull=False),
                name="run_authorised_when_allowed",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["completed", "failed"], ended_at__isnull=False)
                | (~Q(state__in=["completed", "failed"]) & Q(ended_at__isnull=True)),
                name="run_ended_when_over",
            ),
            models.CheckConstraint(
                condition=Q(state="failed", failure__isnull=False)
                | (~Q(state="failed") & Q(failure__isnull=True)),
                name="run_failed_for_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"run {str(self.id)[:8]}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return tuple(self.scopes)

    @property
    def outcome(self) -> RunOutcome:
        """Return the answer as it stands now."""
        return _ANSWERS.get(RunState(self.state), RunOutcome.ALLOWED)


class RunDepiction(Recorded):
    """That one person is depicted by a run.

    ``run`` is emptied when the run ended with the erasure of somebody else in it: that this
    person was depicted once still stands, and leads nowhere.
    """

    run = models.ForeignKey(Run, models.PROTECT, null=True, related_name="depictions")
    subject = models.ForeignKey(Subject, models.PROTECT, related_name="run_depictions")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "subject"], name="run_depiction_once")
        ]

    def __str__(self) -> str:
        return f"{self.subject_id} in {self.run_id}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return (self.subject.scope_id,)


class Output(Recorded):
    """One image of a run, from what was handed in to what may leave.

    Digests, manifest id and signals are sealed as the run is: a digest of a picture of a person
    is about that person. The blind indexes find an image again; they mean nothing without the
    index key, and go with the row.
    """

    run = models.ForeignKey(Run, models.PROTECT, related_name="outputs")
    place = models.PositiveSmallIntegerField(help_text="Among the images of the run, from 0.")
    state = code_field(OutputState, default=OutputState.RECEIVED, editable=False)
    format = code_field(ImageFormat)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    received = models.ForeignKey(SealedFile, models.PROTECT, related_name="+")
    marked = models.ForeignKey(SealedFile, models.PROTECT, null=True, related_name="+")
    policy = models.ForeignKey(
        Policy, models.PROTECT, null=True, related_name="outputs", help_text="Screened by it."
    )
    codes = ArrayField(models.CharField(max_length=80), default=list, help_text="Rules matched.")
    signals = SealedField(null=True)
    presigned_digest = SealedField(null=True)
    pixel_digest = SealedField(null=True)
    delivered_digest = SealedField(null=True)
    manifest_id = SealedField(null=True)
    presigned_index = DigestField(null=True, db_index=True)
    delivered_index = DigestField(null=True, db_index=True)
    manifest_index = DigestField(null=True, db_index=True)
    received_at = models.DateTimeField()
    released_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-received_at", "place"]
        constraints = [
            models.UniqueConstraint(fields=["run", "place"], name="output_place_once"),
            only_codes("output", "state", OutputState),
            models.CheckConstraint(
                condition=Q(state="released", released_at__isnull=False, marked__isnull=False)
                | (~Q(state="released") & Q(released_at__isnull=True, marked__isnull=True)),
                name="output_marked_bytes_when_released",
            ),
        ]

    def __str__(self) -> str:
        return f"output {str(self.id)[:8]}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return self.run.scope_ids()

    @property
    def project_id(self) -> UUID:
        """Return the project whose team may see this output."""
        return self.run.project_id

    @property
    def media_type(self) -> str:
        """Return the media type of the image."""
        return ImageFormat(self.format).media_type


class JobQuerySet(models.QuerySet["Job"]):
    """What many jobs know."""

    def due(self, at: datetime) -> "JobQuerySet":
        """Return the jobs that somebody should look at, oldest first."""
        return self.filter(due_at__lte=at).order_by("due_at")


class Job(models.Model):
    """When to look at an output again: a work queue, no part of the record.

    ``due_at`` is lease and schedule in one: who takes the job moves it into the future, who ends
    it empties it, and what a killed worker held comes due by itself.
    """

    output = models.OneToOneField(Output, models.CASCADE, primary_key=True, related_name="job")
    due_at = models.DateTimeField(null=True, db_index=True)
    attempts = models.PositiveIntegerField(default=0)

    objects = JobQuerySet.as_manager()

    def __str__(self) -> str:
        return f"job of {self.output_id}"


class Tally(models.Model):
    """How many runs and outputs a model gained or lost: the sum over its rows is how many it has.

    Triggers add a row with each statement, so that no two runs wait for one counter; a task
    folds the rows of a model into one now and then. Not on the record: it can be counted again.
    """

    model = models.ForeignKey(ModelVersion, models.CASCADE, db_index=False, related_name="tallies")
    runs = models.BigIntegerField(default=0)
    outputs = models.BigIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["model"], include=["runs", "outputs"], name="tally_counts")]

    def __str__(self) -> str:
        return f"{self.runs:+} runs, {self.outputs:+} outputs of {self.model_id}"
