"""Privacy requests: what was asked, what is planned, and what was done, step by step."""

from datetime import date, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from consent import profiles
from consent.models.choices import code_field
from consent.models.errands import WorkErrand
from consent.models.people import Account
from consent.models.subjects import Subject
from consent.uses import Assurance, Method
from ledger.fields import DigestField
from ledger.models import Recorded, Scope, SealedFile


class RequestKind(models.TextChoices):
    """What a person asks for: GDPR Art. 15 with 20, or Art. 17."""

    ACCESS = "access"
    ERASURE = "erasure"


class RequestState(models.TextChoices):
    """Where a request stands; see the README for the picture."""

    RECEIVED = "received"
    PLANNED = "planned"
    PLAN_APPROVED = "plan_approved"
    EXECUTING = "executing"
    BLOCKED = "blocked"
    VERIFYING = "verifying"
    CLOSED_FULFILLED = "closed_fulfilled"
    CLOSED_REFUSED = "closed_refused"
    CLOSED_WITHDRAWN = "closed_withdrawn"


CLOSED = frozenset(
    {RequestState.CLOSED_FULFILLED, RequestState.CLOSED_REFUSED, RequestState.CLOSED_WITHDRAWN}
)


class PrivacyRequest(Recorded):
    """One request of one person. What proves the procedure lives in a scope of its own term.

    ``subject`` is emptied when the person is erased; the request stays, and names nobody.
    """

    scope = models.OneToOneField(Scope, models.PROTECT, editable=False, related_name="+")
    subject = models.ForeignKey(Subject, models.PROTECT, null=True, related_name="requests")
    kind = models.CharField(max_length=10, choices=RequestKind)
    state = models.CharField(
        max_length=20, choices=RequestState, default=RequestState.RECEIVED, editable=False
    )
    channel = code_field(Method)
    identity = code_field(Assurance, help_text="How surely the person asking was identified.")
    profile = models.CharField(max_length=40)
    received_at = models.DateTimeField()
    due_at = models.DateTimeField(editable=False)
    extended = models.BooleanField(default=False, editable=False)
    restricted_at = models.DateTimeField(null=True, editable=False)
    closed_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-received_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__startswith="closed_", closed_at__isnull=False)
                | (~Q(state__startswith="closed_") & Q(closed_at__isnull=True)),
                name="request_closed_when_over",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} request {str(self.id)[:8]}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return (self.scope_id,)

    @property
    def last_day(self) -> date:
        """Return the last day on which an answer is in time, on the calendar that counts."""
        zone = ZoneInfo(profiles.load(self.profile).clock.zone)
        return (self.due_at - timedelta(seconds=1)).astimezone(zone).date()

    @property
    def is_closed(self) -> bool:
        """Return whether nothing more is to be done."""
        return self.state in CLOSED


class PlanState(models.TextChoices):
    """A plan is proposed by one person and approved by another; a changed plan is a new one."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    VOID = "void"


class Plan(Recorded):
    """What will be done for a request, fixed by its digest before anybody approves it."""

    request = models.ForeignKey(PrivacyRequest, models.PROTECT, related_name="plans")
    number = models.PositiveIntegerField()
    digest = DigestField(help_text="SHA-256 of the plan in canonical form.")
    state = models.CharField(
        max_length=10, choices=PlanState, default=PlanState.PROPOSED, editable=False
    )
    planned_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    planned_at = models.DateTimeField()
    approved_by = models.ForeignKey(Account, models.PROTECT, null=True, related_name="+")
    approved_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["request", "number"], name="plan_number_once"),
            models.CheckConstraint(
                condition=~Q(approved_by=F("planned_by")), name="plan_approved_by_another"
            ),
            models.CheckConstraint(
                condition=~Q(state="approved")
                | Q(approved_by__isnull=False, approved_at__isnull=False),
                name="plan_approved_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"plan {self.number} of {self.request_id}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return (self.request.scope_id,)


class Action(models.TextChoices):
    """What one step does."""

    COLLECT = "collect", "collect into the package"
    DELETE = "delete", "delete or cut loose rows, with their files"
    DESTROY = "destroy", "destroy segments and keys"


class StepState(models.TextChoices):
    """A step is done once, with the counts to show for it."""

    PENDING = "pending"
    DONE = "done"


class Step(Recorded):
    """One step of a plan: on which holding, how much was there before, and after."""

    plan = models.ForeignKey(Plan, models.PROTECT, related_name="steps")
    ordinal = models.PositiveIntegerField()
    action = models.CharField(max_length=10, choices=Action)
    holding = models.CharField(max_length=50, blank=True)
    planned = models.PositiveIntegerField(help_text="How many were found when planning.")
    before = models.PositiveIntegerField(null=True, help_text="How many when it began.")
    after = models.PositiveIntegerField(null=True, help_text="How many were left.")
    state = models.CharField(
        max_length=10, choices=StepState, default=StepState.PENDING, editable=False
    )
    done_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["ordinal"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "ordinal"], name="step_ordinal_once"),
            models.CheckConstraint(
                condition=Q(state="pending", after__isnull=True, done_at__isnull=True)
                | Q(state="done", before__isnull=False, after__isnull=False, done_at__isnull=False),
                name="step_done_with_counts",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ordinal}. {self.get_action_display()} {self.holding}".rstrip()

    def scope_ids(self) -> tuple[UUID, ...]:
        return (self.plan.request.scope_id,)


class Paper(models.TextChoices):
    """What a request ends in."""

    EXPORT = "export", "export package"
    CERTIFICATE = "certificate", "certificate of erasure"


class Package(Recorded):
    """A finished paper of a request. An export is sealed under the person's key, and goes with
    them; a certificate under the request's, and stays as long as the procedure must be proved."""

    request = models.ForeignKey(PrivacyRequest, models.PROTECT, related_name="packages")
    paper = models.CharField(max_length=12, choices=Paper)
    file = models.ForeignKey(SealedFile, models.PROTECT, related_name="+")
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request", "paper"], name="package_made_once")
        ]

    def __str__(self) -> str:
        return f"{self.get_paper_display()} of {self.request_id}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return self.file.scope_ids()


class Errand(WorkErrand):
    """That a worker should look at a request, and who is at it: a work queue, not on the record."""

    request = models.OneToOneField(
        PrivacyRequest, models.CASCADE, primary_key=True, related_name="errand"
    )
    scopes = ArrayField(
        models.UUIDField(), help_text="The key scopes of the person; they outlive their rows."
    )
    lines = ArrayField(
        models.UUIDField(),
        default=list,
        help_text="Lines of impact cases about whom to tell: nobody finds them afterwards.",
    )

    def __str__(self) -> str:
        return f"errand for {self.request_id}"
