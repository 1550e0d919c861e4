"""Notices, and the answers that people gave to them."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from consent.models.choices import code_field, codes_field, one_of, only_codes
from consent.models.subjects import Subject
from consent.uses import (
    ANY,
    Assurance,
    Basis,
    Capacity,
    Cause,
    Medium,
    Method,
    Mode,
    Remedy,
    Right,
    Theme,
    Use,
)
from ledger.fields import DigestField
from ledger.models import Recorded


class Notice(Recorded):
    """The exact text that people were shown, in one language and version; fixed once published.

    It is public by nature, and its digest stands in the record that published it.
    """

    code = models.SlugField(max_length=50)
    version = models.PositiveIntegerField()
    language = models.CharField(max_length=2)
    title = models.CharField(max_length=200)
    text = models.TextField()
    digest = DigestField()
    published_at = models.DateTimeField()

    class Meta:
        ordering = ["code", "-version", "language"]
        constraints = [
            models.UniqueConstraint(
                fields=["code", "version", "language"], name="notice_version_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.version} ({self.language})"


def anybody() -> list[str]:
    """Return the list that covers everybody, said in so many words."""
    return [ANY]


def _codes(states: Iterable["GrantState"]) -> list[str]:
    return sorted(state.value for state in states)


class GrantState(models.TextChoices):
    """An answer is prepared, asked for, given, and may end in several ways."""

    DRAFT = "draft"
    REQUESTED = "requested"
    DEFERRED = "deferred"
    LAPSED = "lapsed"
    REFUSED = "refused"
    GIVEN = "given"
    SUSPENDED = "suspended"
    RENEWED = "renewed"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"
    EXPIRED = "expired"
    INVALIDATED = "invalidated"
    SUPERSEDED = "superseded"


# Nobody has answered yet: the terms may still change.
OPEN = frozenset({GrantState.DRAFT, GrantState.REQUESTED, GrantState.DEFERRED})
# The person's word counts. A request that was refused is a *no* until it is taken back.
STANDING = frozenset({GrantState.GIVEN, GrantState.SUSPENDED, GrantState.REFUSED})


class GrantQuerySet(models.QuerySet["Grant"]):
    """What many grants know."""

    def standing(self) -> "GrantQuerySet":
        """Return what was said and not taken back; a term ends a yes, never a no."""
        given = self.filter(given_at__isnull=False)
        return given.filter(Q(ended_at=None) | Q(state=GrantState.EXPIRED))

    def overdue(self, at: datetime) -> "GrantQuerySet":
        """Return the answers whose term is over and whose state does not say so yet."""
        in_force = {GrantState.GIVEN, GrantState.SUSPENDED}
        return self.filter(state__in=in_force, valid_until__lte=at)

    def outgrown(self, at: datetime) -> "GrantQuerySet":
        """Return what guardians allowed for people who speak for themselves by now."""
        lasting = Q(valid_until=None) | Q(valid_until__gt=at)
        return self.filter(
            lasting,
            state=GrantState.GIVEN,
            uses__len__gt=0,
            capacity=Capacity.GUARDIAN.value,
            power_until__lte=at,
        )

    def ending(self, after: datetime, until: datetime) -> "GrantQuerySet":
        """Return what is allowed and ends between two moments."""
        return self.filter(
            state=GrantState.GIVEN,
            uses__len__gt=0,
            valid_until__gt=after,
            valid_until__lte=until,
        )

    def unasked(self, cause: Cause) -> "GrantQuerySet":
        """Leave out those that are asked about now, and that were asked about for this cause.

        What is left of an answer is asked for with the whole. A question of a campaign that is
        over stays open, and stands in nobody's way.
        """
        asked = Grant.objects.filter(Q(renews=OuterRef("pk")) | Q(renews=OuterRef("supersedes")))
        is_now = Q(state__in=OPEN) & ~Q(campaign__state="closed")
        asked = asked.filter(is_now | Q(asking__cause=cause.value))
        return self.filter(~Exists(asked))


class Grant(Recorded):
    """One answer of one person to one notice: uses under the same terms.

    The terms are frozen once it is given; from then on only its state moves. Taking back some of
    the uses replaces the answer by a new one with the rest.
    """

    subject = models.ForeignKey(Subject, models.PROTECT, related_name="grants")
    notice = models.ForeignKey(Notice, models.PROTECT, related_name="grants")
    right = code_field(Right, default=Right.LIKENESS.value)
    basis = code_field(Basis, default=Basis.CONSENT.value)
    mode = code_field(Mode)
    uses = codes_field(Use, help_text="What the person allows.")
    refused = codes_field(Use, help_text="What the person says no to.")
    media = codes_field(Medium)
    territories = ArrayField(
        models.CharField(max_length=5), default=list, help_text="ISO 3166 codes, or WORLD."
    )
    recipients = ArrayField(
        models.SlugField(max_length=50),
        default=anybody,
        help_text="Codes of recipients, never a person's name; or ANY.",
    )
    families = ArrayField(
        models.SlugField(max_length=50),
        default=anybody,
        help_text="Codes of model families, or ANY.",
    )
    barred_themes = codes_field(Theme, help_text="What no picture of the person may be about.")
    assurance = code_field(
        Assurance, help_text="How surely the giver is the person in the pictures."
    )
    method = code_field(Method)
    remedy = code_field(Remedy, help_text="What was promised should the answer be withdrawn.")
    capacity = code_field(Capacity, default=Capacity.SELF.value)
    power_until = models.DateTimeField(
        null=True, editable=False, help_text="Until when whoever answered may speak for the person."
    )
    signed_on = models.DateField(
        null=True, editable=False, help_text="The day on the paper, where it was recorded later."
    )
    valid_from = models.DateTimeField(null=True)
    valid_until = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(editable=False)
    given_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    suspended_at = ArrayField(models.DateTimeField(), default=list, editable=False)
    resumed_at = ArrayField(models.DateTimeField(), default=list, editable=False)
    state = models.CharField(
        max_length=11, choices=GrantState, default=GrantState.GIVEN, editable=False
    )
    # DO_NOTHING leaves it to PostgreSQL: a person's answers are deleted together.
    supersedes = models.OneToOneField(
        "self", models.DO_NOTHING, null=True, editable=False, related_name="superseded_by"
    )
    renews = models.ForeignKey(
        "self", models.DO_NOTHING, null=True, editable=False, related_name="renewals"
    )
    campaign = models.ForeignKey(
        "Campaign", models.PROTECT, null=True, editable=False, related_name="requests"
    )

    objects = GrantQuerySet.as_manager()

    class Meta:
        verbose_name = "permission"
        ordering = ["-opened_at"]
        constraints = [
            only_codes("grant", "uses", Use),
            only_codes("grant", "refused", Use),
            only_codes("grant", "media", Medium),
            only_codes("grant", "barred_themes", Theme),
            one_of("grant", "right", Right),
            one_of("grant", "basis", Basis),
            one_of("grant", "assurance", Assurance),
            one_of("grant", "method", Method),
            one_of("grant", "remedy", Remedy),
            one_of("grant", "capacity", Capacity),
            models.CheckConstraint(
                condition=Q(mode=Mode.OPT_IN.value, uses__len__gt=0, refused__len=0)
                | Q(mode=Mode.OPT_OUT.value, uses__len=0, refused__len__gt=0)
                | (Q(mode=Mode.GRANULAR.value) & ~Q(uses__len=0, refused__len=0)),
                name="grant_answers_fit_mode",
            ),
            models.CheckConstraint(
                condition=~Q(uses__overlap=F("refused")), name="grant_answers_agree"
            ),
            models.CheckConstraint(
                condition=Q(state__in=_codes(OPEN), given_at__isnull=True, ended_at__isnull=True)
                | Q(state="lapsed", given_at__isnull=True, ended_at__isnull=False)
                | Q(state__in=_codes(STANDING), given_at__isnull=False, ended_at__isnull=True)
                | (
                    ~Q(state__in=_codes(OPEN | STANDING | {GrantState.LAPSED}))
                    & Q(
                        given_at__isnull=False,
                        ended_at__isnull=False,
                        ended_at__gte=F("given_at"),
                    )
                ),
                name="grant_times_fit_state",
            ),
            models.CheckConstraint(
                condition=Q(given_at__isnull=True) | Q(given_at__gte=F("opened_at")),
                name="grant_given_once_opened",
            ),
            models.CheckConstraint(
                condition=~Q(state="expired")
                | Q(valid_until__isnull=False, ended_at__gte=F("valid_until")),
                name="grant_expired_at_its_end",
            ),
            models.CheckConstraint(
                condition=Q(given_at__isnull=True) | Q(valid_from__isnull=False),
                name="grant_term_known_when_given",
            ),
            models.CheckConstraint(
                condition=Q(state="refused", uses__len=0) | ~Q(state="refused"),
                name="grant_refused_allows_nothing",
            ),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from")),
                name="grant_term_runs_forward",
            ),
            models.UniqueConstraint(
                fields=["renews"],
                condition=Q(state__in=_codes(OPEN)),
                name="grant_asked_anew_once",
            ),
            models.CheckConstraint(
                condition=Q(capacity="self", power_until__isnull=True) | ~Q(capacity="self"),
                name="grant_own_word_has_no_term",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_mode_display()} {str(self.id)[:8]}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return (self.subject.scope_id,)

    @property
    def words(self) -> str:
        """Return what it allows and refuses, as it reads on a line of its own."""
        allows = ", ".join(Use(use).words for use in self.uses) or "nothing"
        refuses = ", ".join(Use(use).words for use in self.refused)
        return f"allows {allows}; refuses {refuses}" if refuses else f"allows {allows}"

    @property
    def is_spoken_for(self) -> bool:
        """Return whether it is known who answered in the person's place."""
        return self.capacity != Capacity.SELF and hasattr(self, "given_by")
