"""Trainings: what a model was trained on, by whom, and what stood against it."""

from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from consent.models import Account, DatasetVersion, Project
from consent.uses import Use
from generation.models.catalogue import ModelVersion
from generation.models.choices import code_field, only_codes
from generation.states import TrainingState
from ledger.fields import DigestField, SealedField
from ledger.models import Recorded

# What a training may be asked for.
TRAINING_USES = (Use.TRAIN, Use.FINE_TUNE)


class TrainingRun(Recorded):
    """One training: asked for, authorised, and what came of it.

    It stays *proposed* while something stands against it: ``people`` whose consent no longer
    stands, or codes of decisions. Two people may then stand for it (``TrainingOverride``).
    """

    project = models.ForeignKey(Project, models.PROTECT, related_name="trainings")
    purpose = models.CharField(
        max_length=20, choices=[(use.value, use.words) for use in TRAINING_USES]
    )
    configuration_digest = DigestField()
    proposed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    state = code_field(TrainingState, default=TrainingState.PROPOSED, editable=False)
    people = models.PositiveIntegerField(editable=False, help_text="Whose consent had ended.")
    items = models.PositiveIntegerField(editable=False, help_text="In which they are shown.")
    codes = ArrayField(models.CharField(max_length=80), default=list, editable=False)
    model = models.OneToOneField(ModelVersion, models.PROTECT, null=True, related_name="training")
    proposed_at = models.DateTimeField()
    authorised_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-proposed_at"]
        constraints = [
            only_codes("trainingrun", "state", TrainingState),
            models.CheckConstraint(
                condition=Q(purpose__in=[use.value for use in TRAINING_USES]),
                name="trainingrun_purpose_known",
            ),
            models.CheckConstraint(
                condition=Q(state="completed", model__isnull=False)
                | (~Q(state="completed") & Q(model__isnull=True)),
                name="trainingrun_completed_with_a_model",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["completed", "failed", "cancelled"], ended_at__isnull=False)
                | Q(state__in=["proposed", "authorised"], ended_at__isnull=True),
                name="trainingrun_ended_when_over",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["proposed", "cancelled"])
                | Q(state__in=["authorised", "completed", "failed"], authorised_at__isnull=False),
                name="trainingrun_authorised_first",
            ),
        ]

    def __str__(self) -> str:
        return f"training {str(self.id)[:8]}"


class TrainingInput(Recorded):
    """One data set version that a training uses."""

    training = models.ForeignKey(TrainingRun, models.PROTECT, related_name="inputs")
    version = models.ForeignKey(DatasetVersion, models.PROTECT, related_name="trainings")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["training", "version"], name="traininginput_once")
        ]

    def __str__(self) -> str:
        return f"{self.version_id} in {self.training_id}"

    @property
    def project_id(self) -> UUID:
        """Return the project whose team may see this."""
        return self.training.project_id


class TrainingOverride(Recorded):
    """That two people stand for a training although consent of some people in it has ended."""

    training = models.OneToOneField(TrainingRun, models.PROTECT, related_name="override")
    reason = SealedField()
    proposed_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    proposed_at = models.DateTimeField()
    approved_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(approved_by=F("proposed_by")), name="override_approved_by_another"
            ),
        ]

    def __str__(self) -> str:
        return f"override of {self.training_id}"

    @property
    def project_id(self) -> UUID:
        """Return the project whose team may see this."""
        return self.training.project_id
