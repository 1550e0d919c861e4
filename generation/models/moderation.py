"""What waits for a person, and what that person decided."""

from datetime import datetime
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import ExpressionWrapper, F, Q
from django.db.models.functions import Now

from consent.models import Account, Project
from generation.models.catalogue import Policy
from generation.models.choices import code_field, only_codes
from generation.models.runs import Output, Run
from generation.states import CaseOutcome, CaseState, CaseTarget, DecisionReason
from ledger.fields import SealedField
from ledger.models import Recorded


class CaseQuerySet(models.QuerySet["Case"]):
    """What many cases know."""

    def weighed(self) -> "CaseQuerySet":
        """Annotate ``weight``: severity × age, in the order of which people take cases."""
        weight: ExpressionWrapper = ExpressionWrapper(
            # Plus one: a case of severity 0 must grow too, or it would wait for ever.
            (Now() - F("opened_at")) * (F("severity") + 1),
            output_field=models.DurationField(),
        )
        return self.annotate(weight=weight)

    def waiting(self) -> "CaseQuerySet":
        """Return open cases, the most pressing first."""
        return self.weighed().filter(state=CaseState.OPEN).order_by(F("weight").desc(), "pk")

    def of_projects(self, projects: models.QuerySet[Project]) -> "CaseQuerySet":
        """Return the cases about runs, and outputs of runs, of these projects."""
        return self.filter(Q(run__project__in=projects) | Q(output__run__project__in=projects))

    def free(self, at: datetime) -> "CaseQuerySet":
        """Return the cases that nobody holds a lease on."""
        return self.filter(Q(leased_until__isnull=True) | Q(leased_until__lte=at))


class Case(Recorded):
    """One run or one output that waits for a person; leased to one at a time."""

    run = models.ForeignKey(Run, models.PROTECT, null=True, related_name="cases")
    output = models.ForeignKey(Output, models.PROTECT, null=True, related_name="cases")
    policy = models.ForeignKey(Policy, models.PROTECT, related_name="cases")
    codes = ArrayField(models.CharField(max_length=80), default=list)
    severity = models.PositiveSmallIntegerField(help_text="0, 2, 4 or 6.")
    state = code_field(CaseState, default=CaseState.OPEN, editable=False)
    leased_to = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    leased_until = models.DateTimeField(null=True)
    opened_at = models.DateTimeField()

    objects = CaseQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at"]
        constraints = [
            only_codes("case", "state", CaseState),
            models.CheckConstraint(
                condition=Q(run__isnull=False, output__isnull=True)
                | Q(run__isnull=True, output__isnull=False),
                name="case_is_about_one_thing",
            ),
            models.UniqueConstraint(
                fields=["run"], condition=Q(state="open"), name="case_open_once_per_run"
            ),
            models.UniqueConstraint(
                fields=["output"], condition=Q(state="open"), name="case_open_once_per_output"
            ),
        ]

    def __str__(self) -> str:
        return f"case {str(self.id)[:8]}"

    @property
    def target(self) -> CaseTarget:
        """Return what kind of thing the case is about."""
        return CaseTarget.OUTPUT if self.run_id is None else CaseTarget.RUN

    @property
    def concerned_run(self) -> Run:
        """Return the run in question, or the run of the output in question."""
        if self.output is not None:
            return self.output.run
        assert self.run is not None
        return self.run

    @property
    def project_id(self) -> UUID:
        """Return the project whose team may see this case."""
        return self.concerned_run.project_id

    def scope_ids(self) -> tuple[UUID, ...]:
        return self.concerned_run.scope_ids()


class Decision(Recorded):
    """What one person decided about one case, by which policy; fixed for good.

    The note is sealed as the run is: it may speak of whoever is in it.
    """

    case = models.OneToOneField(Case, models.PROTECT, related_name="decision")
    decider = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    policy = models.ForeignKey(Policy, models.PROTECT, related_name="decisions")
    outcome = code_field(CaseOutcome)
    reason = code_field(DecisionReason)
    note = SealedField(null=True)
    decided_at = models.DateTimeField()

    class Meta:
        ordering = ["-decided_at"]
        constraints = [
            only_codes("decision", "outcome", CaseOutcome),
            only_codes("decision", "reason", DecisionReason),
        ]

    def __str__(self) -> str:
        return f"{self.get_outcome_display()} ({self.get_reason_display()})"

    @property
    def project_id(self) -> UUID:
        """Return the project whose team may see this decision."""
        return self.case.project_id

    def scope_ids(self) -> tuple[UUID, ...]:
        return self.case.scope_ids()
