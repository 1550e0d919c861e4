"""Notices, and the answers that people gave to them."""

from datetime import datetime
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from consent.decision import GrantTerms, Period
from consent.models.choices import code_field, codes_field, one_of, only_codes
from consent.models.subjects import Subject
from consent.uses import Assurance, Medium, Method, Mode, Remedy, Theme, Use
from ledger.fields import DigestField
from ledger.models import Recorded, SealedFile


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


class GrantState(models.TextChoices):
    """An answer stands until it is taken back, replaced, or its term is over."""

    GIVEN = "given"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"


class GrantQuerySet(models.QuerySet["Grant"]):
    """What many grants know."""

    def standing(self) -> "GrantQuerySet":
        """Return the answers that nobody has taken back or replaced."""
        return self.filter(state=GrantState.GIVEN)

    def overdue(self, at: datetime) -> "GrantQuerySet":
        """Return the answers whose term is over and whose state does not say so yet."""
        return self.standing().filter(valid_until__lte=at)


class Grant(Recorded):
    """One answer of one person to one notice. Its terms are frozen; only its state moves.

    Taking back some of the uses replaces the answer by a new one with the rest.
    """

    subject = models.ForeignKey(Subject, models.PROTECT, related_name="grants")
    notice = models.ForeignKey(Notice, models.PROTECT, related_name="grants")
    mode = code_field(Mode)
    uses = codes_field(Use, help_text="What the person allows.")
    refused = codes_field(Use, help_text="What the person says no to.")
    media = codes_field(Medium)
    territories = ArrayField(
        models.CharField(max_length=5), default=list, help_text="ISO 3166 codes, or WORLD."
    )
    barred_themes = codes_field(Theme, help_text="What no picture of the person may be about.")
    assurance = code_field(
        Assurance, help_text="How surely the giver is the person in the pictures."
    )
    method = code_field(Method)
    remedy = code_field(Remedy, help_text="What was promised should the answer be withdrawn.")
    evidence = models.ForeignKey(SealedFile, models.PROTECT, null=True, related_name="+")
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField(null=True, blank=True)
    given_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, editable=False)
    state = models.CharField(
        max_length=10, choices=GrantState, default=GrantState.GIVEN, editable=False
    )
    # DO_NOTHING leaves it to PostgreSQL: a person's answers are deleted together.
    supersedes = models.OneToOneField(
        "self", models.DO_NOTHING, null=True, editable=False, related_name="superseded_by"
    )

    objects = GrantQuerySet.as_manager()

    class Meta:
        verbose_name = "permission"
        ordering = ["-given_at"]
        constraints = [
            only_codes("grant", "uses", Use),
            only_codes("grant", "refused", Use),
            only_codes("grant", "media", Medium),
            only_codes("grant", "barred_themes", Theme),
            one_of("grant", "assurance", Assurance),
            one_of("grant", "method", Method),
            one_of("grant", "remedy", Remedy),
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
                condition=Q(state="given", ended_at__isnull=True)
                | (~Q(state="given") & Q(ended_at__isnull=False, ended_at__gte=F("given_at"))),
                name="grant_ended_when_over",
            ),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from")),
                name="grant_term_runs_forward",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_mode_display()} {str(self.id)[:8]}"

    def scope_ids(self) -> tuple[UUID, ...]:
        return (self.subject.scope_id,)

    def terms(self) -> GrantTerms:
        """Return what decisions need to know of this answer."""
        # An answer whose term ran out was never taken back: its term says when it ended.
        taken_back = None if self.state == GrantState.EXPIRED else self.ended_at
        return GrantTerms(
            id=self.id,
            person=self.subject_id,
            standing=Period(self.given_at, taken_back),
            term=Period(self.valid_from, self.valid_until),
            assurance=Assurance(self.assurance),
            uses=frozenset(map(Use, self.uses)),
            refused=frozenset(map(Use, self.refused)),
            media=frozenset(map(Medium, self.media)),
            territories=frozenset(self.territories),
            barred_themes=frozenset(map(Theme, self.barred_themes)),
        )
