"""Impact cases: what was made already when an answer ended, and what is decided about each."""

from datetime import datetime
from uuid import UUID

from django.db import models
from django.db.models import Q

from consent.models.choices import code_field, one_of
from consent.models.people import Account
from consent.models.subjects import Subject
from consent.uses import ImpactCause, Measure, Method
from ledger.fields import SealedField
from ledger.models import Recorded, Scope


class ImpactState(models.TextChoices):
    """A case is opened at once, assessed by a worker, decided by people, and done."""

    OPEN = "open"
    ASSESSED = "assessed"
    DECIDED = "decided"
    DONE = "done"


class ImpactCaseQuerySet(models.QuerySet["ImpactCase"]):
    """What many cases know."""

    def unfinished(self) -> "ImpactCaseQuerySet":
        """Return the cases with something left to do."""
        return self.exclude(state=ImpactState.DONE)

    def overdue(self, at: datetime) -> "ImpactCaseQuerySet":
        """Return the unfinished cases whose day is past."""
        return self.unfinished().filter(due_at__lte=at)


class ImpactCase(Recorded):
    """That a person's answer ended when something had been made of them already.

    The row is the queue of record: while it is *open*, a worker is wanted to find what is
    concerned. It has a key scope of its own, as a privacy request has, since it must be shown
    later what was decided. ``subject`` is emptied when the person is erased: counts and
    decisions stand, and name nobody.
    """

    scope = models.OneToOneField(Scope, models.PROTECT, editable=False, related_name="+")
    subject = models.ForeignKey(Subject, models.PROTECT, null=True, related_name="impact_cases")
    cause = code_field(ImpactCause)
    state = models.CharField(
        max_length=10, choices=ImpactState, default=ImpactState.OPEN, editable=False
    )
    found_items = models.PositiveIntegerField(null=True, editable=False)
    found_versions = models.PositiveIntegerField(null=True, editable=False)
    found_models = models.PositiveIntegerField(null=True, editable=False)
    found_runs = models.PositiveIntegerField(null=True, editable=False)
    found_outputs = models.PositiveIntegerField(null=True, editable=False)
    found_recipients = models.PositiveIntegerField(null=True, editable=False)
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField()
    assessed_at = models.DateTimeField(null=True, editable=False)
    done_at = models.DateTimeField(null=True, editable=False)

    objects = ImpactCaseQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at"]
        constraints = [
            one_of("impactcase", "cause", ImpactCause),
            # A second answer that ends before the worker came is covered by the same case.
            models.UniqueConstraint(
                fields=["subject"], condition=Q(state="open"), name="impactcase_one_open"
            ),
            models.CheckConstraint(
                condition=Q(state="open", assessed_at__isnull=True)
                | (~Q(state="open") & Q(assessed_at__isnull=False, found_items__isnull=False)),
                name="impactcase_assessed_with_counts",
            ),
            models.CheckConstraint(
                condition=Q(state="done", done_at__isnull=False)
                | (~Q(state="done") & Q(done_at__isnull=True)),
                name="impactcase_done_when_over",
            ),
        ]

    def __str__(self) -> str:
        return f"impact case {str(self.id)[:8]}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return (self.scope_id,)


# What can be decided about a recipient.
TO_TELL = frozenset({Measure.TELL, Measure.KEEP})


class LineState(models.TextChoices):
    """What is affected waits for a decision, and a decision for its completion."""

    OPEN = "open"
    DECIDED = "decided"
    DONE = "done"


class Affected(models.TextChoices):
    """What a line of a case may be about: the kinds of nodes that are decided one by one."""

    VERSION = "version"
    MODEL = "model"
    RECIPIENT = "recipient"


class ImpactDecision(Recorded):
    """One version, model or recipient that a case affects, and what is decided about it.

    ``node`` is an id, not a key: models are another app's. Reason and evidence are sealed under
    the case's scope. A recipient is told, ``channel`` says how and ``done_at`` when, or left out
    with a reason (GDPR Art. 19).
    """

    case = models.ForeignKey(ImpactCase, models.PROTECT, related_name="lines")
    kind = models.CharField(max_length=10, choices=Affected)
    node = models.UUIDField()
    state = models.CharField(
        max_length=10, choices=LineState, default=LineState.OPEN, editable=False
    )
    owner = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    due_at = models.DateTimeField()
    decision = code_field(Measure, null=True, editable=False)
    reason = SealedField(null=True)
    decided_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True, editable=False)
    evidence = SealedField(null=True)
    channel = code_field(Method, null=True, editable=False)
    done_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["kind", "node"]
        indexes = [models.Index(fields=["node"], name="impactdecision_node")]
        constraints = [
            one_of("impactdecision", "decision", Measure),
            models.UniqueConstraint(fields=["case", "kind", "node"], name="impactdecision_once"),
            models.CheckConstraint(
                condition=Q(decision__isnull=True)
                | Q(kind="recipient", decision__in=sorted(measure.value for measure in TO_TELL))
                | (~Q(kind="recipient") & ~Q(decision=Measure.TELL.value)),
                name="impactdecision_fits_its_kind",
            ),
            models.CheckConstraint(
                condition=Q(state="done", decision=Measure.TELL.value, channel__isnull=False)
                | (~Q(state="done", decision=Measure.TELL.value) & Q(channel__isnull=True)),
                name="impactdecision_told_by_a_channel",
            ),
            models.CheckConstraint(
                condition=Q(state="open", decision__isnull=True, decided_at__isnull=True)
                | (
                    ~Q(state="open")
                    & Q(decision__isnull=False, reason__isnull=False, decided_at__isnull=False)
                ),
                name="impactdecision_decided_with_reason",
            ),
            models.CheckConstraint(
                condition=Q(state="done", evidence__isnull=False, done_at__isnull=False)
                | (~Q(state="done") & Q(evidence__isnull=True, done_at__isnull=True)),
                name="impactdecision_done_with_evidence",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {str(self.node)[:8]}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return (self.case.scope_id,)
