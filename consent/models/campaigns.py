"""Campaigns: people who answered an earlier text are asked what they say to the new one."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from consent.models.choices import code_field, codes_field, one_of, only_codes
from consent.models.consents import Grant, Notice
from consent.models.people import Account
from consent.uses import Silence, Step, Use
from ledger.models import Recorded


class CampaignState(models.TextChoices):
    """A campaign is prepared and looked at, then begun by somebody; it ends by its last day."""

    PREPARED = "prepared"
    RUNNING = "running"
    PAUSED = "paused"
    CLOSING = "closing"
    CLOSED = "closed"
    DROPPED = "dropped"


# People are being asked, or what silence means is being carried out.
UNDER_WAY = frozenset({CampaignState.RUNNING, CampaignState.PAUSED, CampaignState.CLOSING})
_UNDER_WAY = sorted(state.value for state in UNDER_WAY)


class Campaign(Recorded):
    """That everybody with an answer to an earlier version of a notice is asked anew.

    Whom it concerns, how they are asked and what silence means is fixed before it begins; only
    its last day may be moved, until it closes.
    """

    notice = models.ForeignKey(Notice, models.PROTECT, related_name="campaigns")
    code = models.SlugField(max_length=50, editable=False, help_text="That of the notice.")
    uses = codes_field(Use, help_text="Only answers that allow one of these; empty: all.")
    territories = ArrayField(
        models.CharField(max_length=5),
        default=list,
        help_text="Only answers for one of these countries; empty: all.",
    )
    projects = ArrayField(
        models.UUIDField(), default=list, help_text="Only people in their data; empty: all."
    )
    silence = code_field(Silence, help_text="What becomes of the old answer of who says nothing.")
    reminders = models.PositiveSmallIntegerField()
    remind_after_days = models.PositiveSmallIntegerField()
    state = models.CharField(
        max_length=10, choices=CampaignState, default=CampaignState.PREPARED, editable=False
    )
    prepared_by = models.ForeignKey(Account, models.PROTECT, related_name="+")
    prepared_at = models.DateTimeField()
    begun_at = models.DateTimeField(null=True, editable=False)
    closes_at = models.DateTimeField(help_text="Until when an answer is waited for.")
    closing_at = models.DateTimeField(null=True, editable=False)
    closed_at = models.DateTimeField(null=True, editable=False)
    answers = models.PositiveIntegerField(
        null=True, editable=False, help_text="How many answers it began with."
    )

    class Meta:
        ordering = ["-prepared_at"]
        constraints = [
            one_of("campaign", "silence", Silence),
            only_codes("campaign", "uses", Use),
            models.CheckConstraint(
                condition=Q(state__in=["prepared", "dropped"], begun_at=None, answers=None)
                | (
                    ~Q(state__in=["prepared", "dropped"])
                    & Q(begun_at__isnull=False, answers__isnull=False)
                ),
                name="campaign_begun_with_people",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["closing", "closed"], closing_at__isnull=False)
                | (~Q(state__in=["closing", "closed"]) & Q(closing_at=None)),
                name="campaign_closing_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(state="closed", closed_at__isnull=False)
                | (~Q(state="closed") & Q(closed_at=None)),
                name="campaign_closed_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(begun_at=None) | Q(closes_at__gt=F("begun_at")),
                name="campaign_leaves_time",
            ),
            # Nobody is asked twice at a time what they say to the same notice.
            models.UniqueConstraint(
                fields=["code"], condition=Q(state__in=_UNDER_WAY), name="campaign_one_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"campaign {str(self.id)[:8]} about {self.code}"


class CampaignErrand(models.Model):
    """That one old answer is to be asked about, or silence on it to be dealt with: a queue.

    The row goes in the transaction that does it, so that a worker that dies leaves it behind.
    """

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="errands")
    grant = models.ForeignKey(Grant, models.CASCADE, related_name="+")
    step = code_field(Step)
    due_at = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [models.Index(fields=["campaign", "step", "due_at"], name="campaignerrand_due")]
        constraints = [
            one_of("campaignerrand", "step", Step),
            models.UniqueConstraint(fields=["campaign", "grant"], name="campaignerrand_once"),
        ]

    def __str__(self) -> str:
        return f"{self.step} {self.grant_id}"
